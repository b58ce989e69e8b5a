"""What a node can be asked about the network around it, each with a time to wait for answers."""

from __future__ import annotations

import asyncio
from itertools import count

from p2pchat.core import limits
from p2pchat.core.attendance import Attendance
from p2pchat.core.engine import Core
from p2pchat.core.events import AskMap, AskPath, AskWho, AskWhoHas
from p2pchat.core.notices import NetworkMap, Path, Reach
from p2pchat.core.values import EnvelopeId, PeerId
from p2pchat.shell import Shell

NOBODY = Reach((), (), 0)


class Questions:
    """Asks through the core, and waits until the answers are here or their time is over."""

    def __init__(self, core: Core, shell: Shell) -> None:
        self._core = core
        self._shell = shell
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)

    async def map(self) -> NetworkMap:
        """Return who is connected to whom within three hops, after MAP_ANSWER_S at the latest."""
        self._shell.handle(AskMap())
        found, is_done = self._core.map(self._loop.time())
        while not is_done:
            await self._shell.until_change()
            found, is_done = self._core.map(self._loop.time())
        return found

    @property
    def who_wait_s(self) -> float:
        """How long nobody would answer `who`, because everybody has just done so; else 0."""
        return self._core.who_wait_s(self._loop.time())

    async def who(self) -> Attendance:
        """Return who says that he is here, after WHO_ANSWER_S at the latest.

        While `who_wait_s` is above 0 nobody is asked: it is what was answered last.
        """
        self._shell.handle(AskWho())
        found, is_done = self._core.who(self._loop.time())
        while not is_done:
            await self._shell.until_change()
            found, is_done = self._core.who(self._loop.time())
        return found

    async def path(self, target: PeerId | EnvelopeId) -> Path:
        """Return the way to a peer or of an envelope, after PATH_ANSWER_S at the latest."""
        number = next(self._numbers)
        self._shell.handle(AskPath(number, target))
        while (found := self._core.path(number, self._loop.time())) is None:
            await self._shell.until_change()
        return found

    async def who_has(self, timeout_s: float = limits.SEEN_ANSWER_S) -> Reach | None:
        """Ask everybody whether they have the last own message; None without one."""
        self._shell.handle(AskWhoHas(None))
        if self._core.seen(None, self._loop.time()) is None:
            return None
        return await self.reach(None, None, timeout_s)

    async def reach(self, number: int | None, wanted: int | None, timeout_s: float) -> Reach:
        """Wait until so many people, or all who are known, have an own message."""
        found = self._reach_now(number)
        try:
            async with asyncio.timeout(timeout_s):
                while found.waiting if wanted is None else len(found.has) < wanted:
                    await self._shell.until_change()
                    found = self._reach_now(number)
        except TimeoutError:
            return self._reach_now(number)
        return found

    def _reach_now(self, number: int | None) -> Reach:
        seen = self._core.seen(number, self._loop.time())
        if seen is None:
            return NOBODY
        has = tuple(self._core.name_of(peer) for peer in seen.acknowledged)
        waiting = tuple(self._core.name_of(peer) for peer in seen.waiting)
        return Reach(has, waiting, seen.estimate)

"""Honest people in one open room: alice - victim - bob - carol, in a chain, so that everything
between alice and the others goes through the victim, and bob relays what it lets through.

Further ones, who only listen, are the branches of a tree that grows out of bob and carol."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import linux
from tests.benchmarks.hosts import NotMeasured
from tests.live import Live

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NICKS: Final = ("alice", "victim", "bob", "carol")
SPEAKERS: Final = ("alice", "bob", "carol")
SAID_PER_S: Final = 6.0
"""Of all speakers together: each stays below what an author paces himself at, 4 a second."""

READY_S: Final = 60.0
LATE_S: Final = 30.0
"""A message that has not come by then is lost."""

SAMPLE_S: Final = 0.2
MEBIBYTE: Final = 1024 * 1024


@dataclass
class Talk:
    """What honest people said in some time, and when it was read."""

    readers: int = len(NICKS) - 1
    """Of each message."""
    said_at: dict[str, float] = field(default_factory=dict)
    read_at: dict[tuple[str, str], float] = field(default_factory=dict)
    """By text and reader."""

    @property
    def owed(self) -> int:
        return len(self.said_at) * self.readers

    @property
    def delivered_percent(self) -> float:
        return 100 * len(self.read_at) / self.owed if self.owed else 0.0

    def delay_ms(self, share: float) -> float:
        """Return the delay that so many of all deliveries kept to; one that is lost has none."""
        delays = sorted(at - self.said_at[text] for (text, _), at in self.read_at.items())
        place = math.ceil(share * self.owed) - 1
        return 1000 * delays[place] if place < len(delays) else math.inf


class Village:
    """Four programs in a chain, and who listens behind it."""

    def __init__(self, folder: Path, tasks: asyncio.TaskGroup, listeners: int = 0) -> None:
        self.nicks = (*NICKS, *(f"n{number:02}" for number in range(listeners)))
        self.room = f"attack-{secrets.token_hex(4)}"
        self.people: dict[str, Live] = {}
        self.talk = self.new_talk()
        self.dropped_at: dict[str, float] = {}
        """When the victim lost a stranger, by nick."""
        self.strangers: dict[str, Counter[str]] = {nick: Counter() for nick in self.nicks}
        """Of each reader, messages read by the nick of a stranger who said them."""
        self.highest_rss_mib = 0.0
        self._folder = folder
        self._tasks = tasks
        self._turn = cycle(SPEAKERS)
        self._arrived = asyncio.Event()

    async def start(self, files: int | None) -> None:
        """Start all of them; the victim may open so many files."""
        limit = ("sh", "-c", f'ulimit -n {files}; exec "$@"', "sh")
        for nick in self.nicks:
            home = self._folder / nick
            home.mkdir()
            flags = ("--manual", "--ephemeral", "--host", "127.0.0.1", "-p", "0", "-r", self.room,
                     "--log-file", str(home / "log.txt"))  # fmt: skip
            wrapper = limit if files and nick == "victim" else ()
            self.people[nick] = live = await Live.start(nick, home, *flags, wrapper=wrapper)
            self._tasks.create_task(live.follow(self._told))
            await live.until(lambda live=live: bool(live.id), READY_S)  # type: ignore[misc]
        for place in range(1, len(self.nicks)):
            before = place - 1 if place < len(NICKS) else place // 2
            await self._join(self.people[self.nicks[before]], self.people[self.nicks[place]])

    async def _join(self, one: Live, other: Live) -> None:
        other.connect(one.port)
        await other.until(lambda: one.id in other.neighbours, READY_S)
        await one.until(lambda: other.id in one.neighbours, READY_S)

    def new_talk(self) -> Talk:
        """Return an account of talk that everybody here is to hear."""
        return Talk(readers=len(self.nicks) - 1)

    @property
    def victim(self) -> Live:
        return self.people["victim"]

    # --- Talking -------------------------------------------------------------------------------

    async def speak(self) -> None:
        """Have one after the other say something, until cancelled."""
        while True:
            author = next(self._turn)
            text = f"{author} {secrets.token_hex(6)}"
            self.talk.said_at[text] = time.monotonic()
            self.people[author].send(text)
            await asyncio.sleep(1 / SAID_PER_S)

    async def hear_all(self) -> None:
        """Wait until everything said was read by everybody, or is late."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATE_S):
                while len(self.talk.read_at) < self.talk.owed:
                    self._arrived.clear()
                    await self._arrived.wait()

    def _told(self, live: Live, told: dict[str, Any], at: float) -> None:
        match told:
            case {"type": "message", "from": {"nick": str(nick)}, "text": str(text)}:
                if text in self.talk.said_at:
                    self.talk.read_at.setdefault((text, live.nick), at)
                    self._arrived.set()
                elif nick not in self.nicks:
                    self.strangers[live.nick][nick] += 1
            case {"type": "disconnected", "peer": {"nick": str(nick)}} if live is self.victim:
                self.dropped_at.setdefault(nick, at)

    # --- What it costs -------------------------------------------------------------------------

    async def watch(self) -> None:
        """Keep the highest memory of the victim, until cancelled."""
        while True:
            with contextlib.suppress(NotMeasured):
                rss_mib = linux.resident_bytes(self.victim.pid) / MEBIBYTE
                self.highest_rss_mib = max(self.highest_rss_mib, rss_mib)
            await asyncio.sleep(SAMPLE_S)

    def rss_mib(self) -> float:
        """Return the victim's memory."""
        return linux.resident_bytes(self.victim.pid) / MEBIBYTE

    def cpu_s(self, nick: str) -> float:
        """Return what somebody's program has used of a core since its start."""
        return linux.cpu_s(self.people[nick].pid)

    def files(self) -> int:
        """Return how many files the victim has open."""
        return len(list(Path(f"/proc/{self.victim.pid}/fd").iterdir()))

    def log_lines(self) -> int:
        """Count the lines of the victim's log."""
        return (self._folder / "victim" / "log.txt").read_bytes().count(b"\n")

    @property
    def complaints(self) -> list[str]:
        return [f"{live.nick}: {line}" for live in self.people.values() for line in live.complaints]


@contextlib.asynccontextmanager
async def village(
    folder: Path, files: int | None = None, listeners: int = 0
) -> AsyncIterator[Village]:
    """Start one, and end all of it."""
    async with asyncio.TaskGroup() as tasks:
        made = Village(folder, tasks, listeners)
        try:
            await made.start(files)
            yield made
        finally:
            for live in made.people.values():
                live.kill()

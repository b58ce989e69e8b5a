"""Nodes that join by themselves, or are dialled again, in this process."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.notices import Connected, Disconnected, Received
from tests.deadline import DEADLINE_S
from tests.effort import EFFORT
from tests.lag import Lag, lag_of_loop
from tests.nodes import address_of, connections_of, node, until

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat import Node
    from p2pchat.core import limits
from p2pchat.core.notices import Notice

TOGETHER = 10
"""Rounds that run at once: each takes 2 s, most of which it waits for the second connection."""


class Diary:
    """All that a node has told; notices have one reader."""

    def __init__(self, of: Node, tasks: asyncio.TaskGroup) -> None:
        self.notices: list[Notice] = []
        self._of = of
        tasks.create_task(self._read())

    async def _read(self) -> None:
        async for notice in self._of.notices():
            self.notices.append(notice)

    @property
    def heard(self) -> list[str]:
        return [notice.message.text for notice in self.notices if isinstance(notice, Received)]

    def count(self, kind: type[Notice]) -> int:
        return sum(isinstance(notice, kind) for notice in self.notices)


async def cross(folder: Path, chance: random.Random, lag: Lag) -> None:
    """Have two new nodes, of whom either may have the lower id, dial each other at a moment."""
    manual = chance.random() < 0.5
    async with (
        asyncio.TaskGroup() as tasks,
        node("ann", manual=manual, run_folder=folder / "ann") as ann,
        node("bob", manual=manual, run_folder=folder / "bob") as bob,
    ):
        diaries = [Diary(one, tasks) for one in (ann, bob)]

        async def dial(one: Node, other: Node, after_s: float) -> None:
            await asyncio.sleep(after_s)  # the race is what is tested
            await one.connect(address_of(other))
            assert one.neighbour_count == 1
            for number in range(3):
                one.announce(f"{one.nick} {number}")
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as dials:
            dials.create_task(dial(ann, bob, chance.uniform(0, 0.05)))
            dials.create_task(dial(bob, ann, chance.uniform(0, 0.05)))

        await until(lambda: all(len(diary.heard) >= 3 for diary in diaries))
        await until(lambda: len(connections_of(ann)) == len(connections_of(bob)) == 1)
        for diary, other in zip(diaries, ("bob", "ann"), strict=True):
            assert diary.heard == [f"{other} {number}" for number in range(3)]
            opened, lost = diary.count(Connected), diary.count(Disconnected)
            assert opened - lost == 1
            # In a loop so late that one is drained before the other is known, that is told too.
            assert (opened, lost) == (1, 0) or lag.longest_s > limits.DRAIN_S / 2


@pytest.mark.threat(25)
@pytest.mark.timeout(1_800)
async def test_dials_that_cross_at_any_moment_leave_one_connection_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIAL_TIMEOUT_S", DEADLINE_S)  # twenty nodes share this loop
    chance = random.Random(EFFORT.crossing_dials)
    for first in range(0, EFFORT.crossing_dials, TOGETHER):
        async with (
            asyncio.timeout(DEADLINE_S),
            lag_of_loop() as lag,
            asyncio.TaskGroup() as rounds,
        ):
            for number in range(first, first + TOGETHER):
                folder = tmp_path / str(number)
                folder.mkdir(mode=0o700)
                rounds.create_task(cross(folder, random.Random(chance.random()), lag))


async def hang_up_on_everybody(rude: Node) -> None:
    async for notice in rude.notices():
        if isinstance(notice, Connected):
            for connection in connections_of(rude):
                connection.abort("as if it had crashed")


async def test_who_opens_and_hangs_up_at_once_is_not_dialled_in_a_tight_loop() -> None:
    """The user typed that address, so it is dialled again; but not hundreds of times a second."""
    async with node("ann") as ann, node("eve") as eve, asyncio.TaskGroup() as tasks:
        hanging_up = tasks.create_task(hang_up_on_everybody(eve))
        diary = Diary(ann, tasks)

        await ann.connect(address_of(eve))
        with suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await until(lambda: diary.count(Connected) > 3)

        assert 1 <= diary.count(Connected) <= 3
        hanging_up.cancel()
        await ann.leave()

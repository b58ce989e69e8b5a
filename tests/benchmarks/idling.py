"""Measures of a program that nobody uses: it has neighbours, and all of them are silent."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from tests.benchmarks import linux
from tests.benchmarks.flood import MEBIBYTE
from tests.benchmarks.joining import crowd
from tests.benchmarks.system import HOST
from tests.e2e.network_namespace import network_namespace, why_not

NEIGHBOURS: Final = 5
SETTLE_S: Final = 40.0
"""Longer than those stay who have no place in anybody's view."""


@dataclass(frozen=True)
class Way:
    """How the watched program runs, and the others with it."""

    is_manual: bool = False
    is_at_terminal: bool = False


WAYS: Final = {
    "line mode": Way(),
    "line mode --manual": Way(is_manual=True),
    "terminal": Way(is_at_terminal=True),
}
"""By the name in the table."""


async def idle(way: Way, idle_s: float) -> dict[str, float]:
    """Watch one program with 5 neighbours, where that can be in a network of their own.

    Otherwise what others of this machine advertise would wake them.
    """
    with nullcontext(()) if why_not() else network_namespace() as inside:
        async with crowd(inside) as people:
            flags: tuple[str, ...] = ("--manual",) if way.is_manual else ()
            for _number in range(NEIGHBOURS):
                await people.start(*flags)
            await people.until(people.are_ready)
            if way.is_manual:
                flags += tuple(f"--connect={HOST}:{one.port}" for one in people.joiners)
            start = people.start_at_terminal if way.is_at_terminal else people.start_mute
            pid = await start(*flags)
            wanted = 1 if way.is_manual else NEIGHBOURS
            await people.until(lambda: all(len(j.neighbours) == wanted for j in people.joiners))
            await asyncio.sleep(SETTLE_S)
            return await watched(pid, idle_s)


async def watched(pid: int, idle_s: float) -> dict[str, float]:
    """Say what a process does while nobody wants anything of it, and how large it is."""
    wakes, busy_s = linux.wake_ups(pid), linux.cpu_s(pid)
    await asyncio.sleep(idle_s)
    wakes, busy_s = linux.wake_ups(pid) - wakes, linux.cpu_s(pid) - busy_s
    return {
        "wakes_per_s": wakes / idle_s,
        "core_percent": 100 * busy_s / idle_s,
        "mb": linux.resident_bytes(pid) / MEBIBYTE,
    }

"""When the core gets its Tick."""

from __future__ import annotations

import asyncio
import math

import pytest

from p2pchat.core import limits
from p2pchat.tick_timer import TickTimer
from tests.deadline import DEADLINE_S


class Wishes:
    """Stands in for the core."""

    def __init__(self) -> None:
        self.deadline: float | None = None

    def next_deadline(self) -> float | None:
        return self.deadline


async def rings(timer: TickTimer) -> bool:
    """Tell whether it rings within some turns of the loop."""
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(timer.wait())
        for _ in range(3):
            await asyncio.sleep(0)
        has_rung = waiting.done()
        waiting.cancel()
    return has_rung


async def test_it_rings_at_once_for_what_is_due_and_once_only() -> None:
    wishes = Wishes()
    timer = TickTimer(wishes.next_deadline)

    for wishes.deadline in (-math.inf, asyncio.get_running_loop().time()):
        timer.ask()
        assert await rings(timer)
        assert not await rings(timer)


async def test_it_rings_when_it_is_time() -> None:
    wishes = Wishes()
    timer = TickTimer(wishes.next_deadline)
    wishes.deadline = asyncio.get_running_loop().time() + 0.01

    timer.ask()
    async with asyncio.timeout(DEADLINE_S):
        await timer.wait()

    assert asyncio.get_running_loop().time() >= wishes.deadline - 0.001


async def test_it_is_set_anew_only_for_what_is_earlier_or_much_later() -> None:
    wishes = Wishes()
    timer = TickTimer(wishes.next_deadline)
    start = asyncio.get_running_loop().time() + 1000.0
    set_to = []

    for after_s in (0.0, limits.TIMER_SLACK_S, -1.0, -1.0, limits.TIMER_SLACK_S):
        wishes.deadline = start + after_s
        timer.ask()
        assert timer._timer is not None
        set_to.append(timer._timer.when() - start)
    timer.stop()

    assert set_to == pytest.approx([0.0, 0.0, -1.0, -1.0, limits.TIMER_SLACK_S], abs=1e-6)


async def test_it_is_silent_once_stopped() -> None:
    wishes = Wishes()
    timer = TickTimer(wishes.next_deadline)
    wishes.deadline = asyncio.get_running_loop().time() + 0.001

    timer.ask()
    timer.stop()

    assert timer._timer is None
    assert not await rings(timer)

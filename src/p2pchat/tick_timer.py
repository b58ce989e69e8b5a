"""When the core wants its next Tick, on the clock of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from p2pchat.core import limits


class TickTimer:
    """Set by what the core answers whenever it is asked; one task waits for it."""

    def __init__(self, next_deadline: Callable[[], float | None]) -> None:
        """Begin without a wish.

        Args:
            next_deadline: When the core wants a Tick; None for never.
        """
        self._next_deadline = next_deadline
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_due = asyncio.Event()
        # Not a method, because it is called for each message that is announced.
        self.ring = self._is_due.set
        """A Tick is wanted now."""

    def ask(self) -> None:
        """Ask the core anew, because something was handled."""
        deadline = self._next_deadline()
        if deadline is None:
            return
        if deadline <= self._loop.time():
            self.ring()
        elif self._timer is None or not self._is_early_enough(self._timer, deadline):
            self.stop()
            self._timer = self._loop.call_at(deadline, self._on_time)

    async def wait(self) -> None:
        """Wait until a Tick is wanted."""
        await self._is_due.wait()
        self._is_due.clear()

    def stop(self) -> None:
        """Let nothing ring any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @staticmethod
    def _is_early_enough(timer: asyncio.TimerHandle, deadline: float) -> bool:
        return 0 <= deadline - timer.when() <= limits.TIMER_SLACK_S

    def _on_time(self) -> None:
        self._timer = None
        self.ring()

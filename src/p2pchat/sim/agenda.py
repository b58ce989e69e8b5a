"""What will happen on the virtual clock, in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[..., None]


class Agenda:
    """A clock that jumps from one thing to the next; equal times keep their order."""

    def __init__(self) -> None:
        self.now = 0.0
        """Virtual seconds since the beginning."""
        self._order = 0
        self._under_way = 0
        self._ahead: list[tuple[float, int, bool, Action, tuple[object, ...]]] = []

    def at(self, moment: float, action: Action, *arguments: object) -> None:
        """Do something that is under way from now on, such as the arrival of a frame."""
        self._order += 1
        self._under_way += 1
        heapq.heappush(self._ahead, (moment, self._order, False, action, arguments))

    def timer_at(self, moment: float, action: Action, *arguments: object) -> None:
        """Do something that nobody waits for, such as looking whether a neighbour is silent."""
        self._order += 1
        heapq.heappush(self._ahead, (moment, self._order, True, action, arguments))

    def run(self, until: float) -> None:
        """Do everything up to that time and stop the clock there."""
        ahead = self._ahead
        while ahead and ahead[0][0] <= until:
            self._step()
        self.now = until

    def run_until_quiet(self) -> None:
        """Do everything until nothing is ahead but timers."""
        while self._under_way:
            self._step()

    def _step(self) -> None:
        self.now, _, is_timer, action, arguments = heapq.heappop(self._ahead)
        if not is_timer:
            self._under_way -= 1
        action(*arguments)

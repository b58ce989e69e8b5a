"""When to do again what is done again and again: best when the node is awake anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


class Recurrence:
    """Names a stretch of time for each turn, at whose end it is done whatever the node does.

    Done as soon as the node is awake in it, most turns need no wake-up of their own. The beginning
    of the stretch is drawn, or nodes that started together would stay in step for ever. It lies so
    that a node which is awake now and then keeps to `every_s` in the mean: between 1 - spread / 2
    and 1 of it; the end is at most 1 + spread of it.
    """

    def __init__(self, every_s: float, spread: float, rng: Random) -> None:
        """Begin without a turn to come.

        Args:
            every_s: Between two turns, in seconds ...
            spread: ... more or less by this share.
            rng: Every chance comes from it.
        """
        self._every_s, self._spread, self._rng = every_s, spread, rng
        self._opens_at: float | None = None
        self._closes_at: float | None = None

    def next_deadline(self) -> float | None:
        """When to ask `take`, if it was not asked before; None for never."""
        return self._closes_at

    @property
    def is_planned(self) -> bool:
        """Whether there is a turn to come."""
        return self._opens_at is not None

    def is_due(self, now: float) -> bool:
        """Whether its turn has come."""
        return self._opens_at is not None and now >= self._opens_at

    def take(self, now: float) -> bool:
        """Tell whether its turn has come; then the next one is planned."""
        if not self.is_due(now):
            return False
        self._plan(now)
        return True

    def begin(self, now: float) -> None:
        """Plan the first turn, unless one is planned already."""
        if not self.is_planned:
            self._plan(now)

    def set(self, deadline: float) -> None:
        """Have the next turn at that time, neither sooner nor later."""
        self._opens_at = self._closes_at = deadline

    def end(self) -> None:
        """Have no further turn."""
        self._opens_at = self._closes_at = None

    def _plan(self, now: float) -> None:
        self._opens_at = now + self._every_s * self._rng.uniform(1 - self._spread / 2, 1)
        self._closes_at = self._opens_at + self._every_s * self._spread

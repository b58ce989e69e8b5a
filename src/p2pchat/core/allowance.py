"""Meters something against a rate with a burst."""

from __future__ import annotations


class Allowance:
    """A bucket that holds `burst` and regains `per_s` each second."""

    __slots__ = ("_at", "_burst", "_level", "_per_s")

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._level = burst
        self._at: float | None = None

    def level(self, now: float) -> float:
        """Return how much may be spent; negative after `charge` took more than there was."""
        if self._at is not None and now > self._at:
            self._level = min(self._burst, self._level + (now - self._at) * self._per_s)
        self._at = now
        return self._level

    def spend(self, amount: float, now: float) -> bool:
        """Take that much, or return False and take nothing."""
        if self.level(now) < amount:
            return False
        self._level -= amount
        return True

    def spend_up_to(self, amount: int, now: float) -> int:
        """Take as many of so many as there are; return how many."""
        granted = max(0, min(amount, int(self.level(now))))
        self._level -= granted
        return granted

    def charge(self, amount: float, now: float) -> None:
        """Take that much, even where it is not there."""
        self.level(now)
        self._level -= amount

    def has_at(self, amount: float, now: float) -> float:
        """Return when that much will be there, if nothing is spent meanwhile."""
        lack = min(amount, self._burst) - self.level(now)
        return now if lack <= 0 else now + lack / self._per_s

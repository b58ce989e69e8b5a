"""A set of whole numbers, kept as a bounded list of intervals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from p2pchat.core import limits

Span = tuple[int, int]
"""From the first number on, up to but without the second."""


class Intervals:
    """A set of whole numbers in at most `limit` intervals.

    When a further interval would be needed, the lowest hole is closed: its numbers count as
    members from then on. For numbers received that is the safe side, because what is taken for
    a member is never taken twice; what it costs is the oldest hole, which is the one least
    likely to be filled.
    """

    __slots__ = ("_bounds", "_limit")

    def __init__(self, limit: int = limits.INTERVALS_LIMIT) -> None:
        # First, stop, first, stop …, strictly rising: a number is a member when an odd count
        # of bounds lies at or below it. Bisection by that parity is all that there is.
        self._bounds: list[int] = []
        self._limit = limit

    def __len__(self) -> int:
        """Count the intervals, not the numbers."""
        return len(self._bounds) // 2

    def __iter__(self) -> Iterator[Span]:
        bounds = self._bounds
        return zip(bounds[::2], bounds[1::2], strict=True)

    def __contains__(self, number: int) -> bool:
        return bisect_right(self._bounds, number) % 2 == 1

    def __repr__(self) -> str:
        return f"Intervals({list(self)})"

    @property
    def lowest(self) -> int | None:
        """The smallest member; None when empty."""
        return self._bounds[0] if self._bounds else None

    @property
    def stop(self) -> int | None:
        """One more than the largest member; None when empty."""
        return self._bounds[-1] if self._bounds else None

    def add(self, start: int, stop: int) -> None:
        """Make the numbers from `start` up to but without `stop` members."""
        bounds = self._bounds
        if start >= stop:
            return
        if bounds and bounds[-1] == start:
            bounds[-1] = stop  # the common case: the next number of a chain without holes
            return
        low = bisect_left(bounds, start)
        high = bisect_right(bounds, stop)
        bounds[low:high] = [start] * (low % 2 == 0) + [stop] * (high % 2 == 0)
        if len(bounds) > 2 * self._limit:
            del bounds[1:3]

    def merge(self, other: Intervals) -> None:
        """Make all members of the other set members of this one."""
        for start, stop in other:
            self.add(start, stop)

    def overlaps(self, start: int, stop: int) -> bool:
        """Tell whether any number of that span is a member."""
        if start >= stop:
            return False
        above = bisect_right(self._bounds, start)
        return above % 2 == 1 or (above < len(self._bounds) and self._bounds[above] < stop)

    def missing(self, start: int, stop: int) -> list[Span]:
        """Return the parts of that span that are no members, lowest first."""
        if start >= stop:
            return []
        low = bisect_right(self._bounds, start)
        high = bisect_left(self._bounds, stop)
        edges = [start, *self._bounds[low:high], stop]
        # Edges lie where membership changes, so parts alternate, beginning with that of `start`.
        parts = list(pairwise(edges))[low % 2 :: 2]
        return [(first, last) for first, last in parts if first < last]

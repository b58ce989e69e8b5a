"""A bounded map of the numbers that are looked for, with who may have them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from enum import IntEnum

from p2pchat.core import limits
from p2pchat.core.intervals import Span
from p2pchat.core.series import Series
from p2pchat.core.values import ConnectionId


class Why(IntEnum):
    """Why a neighbour is asked; what says more about it has the higher value."""

    NEIGHBOUR = 1
    """It is a neighbour, and others did not have it."""
    HEARD = 2
    """It brought a later message of that author, or announced one."""
    OFFERED = 3
    """It says that it has it."""
    OPENING = 4
    """It says so in the comparison right after the connection opened."""

    @property
    def is_promise(self) -> bool:
        """Whether the neighbour itself said that it has it."""
        return self >= Why.OFFERED


class Want:
    """A span of numbers that is looked for."""

    __slots__ = (
        "asked",
        "failed",
        "gone",
        "is_gap",
        "ready_at",
        "series",
        "sources",
        "start",
        "stop",
    )

    def __init__(self, series: Series, start: int, stop: int, ready_at: float) -> None:
        self.series = series
        self.start = start
        self.stop = stop
        self.sources: dict[ConnectionId, Why] = {}
        self.failed: dict[ConnectionId, None] = {}
        """Sources that were asked in vain."""
        self.gone: dict[ConnectionId, None] = {}
        """Sources that had it once."""
        self.asked: ConnectionId | None = None
        self.ready_at = ready_at
        self.is_gap = False
        """Whether a later message proves that it exists, so that anybody may be asked."""

    @property
    def span(self) -> Span:
        """Its numbers."""
        return (self.start, self.stop)

    def split(self, at: int) -> Want:
        """Cut the part from that number on off, and return it."""
        rest = Want(self.series, at, self.stop, self.ready_at)
        rest.sources, rest.failed = dict(self.sources), dict(self.failed)
        rest.gone, rest.asked, rest.is_gap = dict(self.gone), self.asked, self.is_gap
        self.stop = at
        return rest


def _start(want: Want) -> int:
    return want.start


class Wants:
    """Disjoint wants, by series and by whom they may come from.

    Bounded in all, for each source and for each series; what does not fit is left out, and a
    later comparison names it again.
    """

    def __init__(self) -> None:
        self._by_series: dict[Series, list[Want]] = {}
        self._by_source: dict[ConnectionId, dict[Want, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, series: object) -> bool:
        return series in self._by_series

    def __iter__(self) -> Iterator[Want]:
        for wants in self._by_series.values():
            yield from wants

    def of_source(self, source: ConnectionId) -> list[Want]:
        """Return what that neighbour may have, in the order in which it became known."""
        return list(self._by_source.get(source, ()))

    def of_series(self, series: Series) -> list[Want]:
        """Return what is looked for of that series, lowest first."""
        return list(self._by_series.get(series, ()))

    def count_of(self, source: ConnectionId) -> int:
        """Count what that neighbour may have."""
        return len(self._by_source.get(source, ()))

    def add(
        self, series: Series, span: Span, source: ConnectionId, why: Why, ready_at: float
    ) -> list[Want]:
        """Look for those numbers, also at that neighbour; return the wants they became."""
        start, stop = span
        if start >= stop or self.count_of(source) >= limits.WANTS_PER_CONNECTION:
            return []
        self._cut(series, start)
        self._cut(series, stop)
        touched: list[Want] = []
        at = start
        for want in list(self._by_series.get(series, ())):
            if want.stop <= start:
                continue
            if want.start >= stop:
                break
            if at < want.start:
                touched += self._make(series, at, want.start, ready_at)
            touched.append(want)
            at = want.stop
        if at < stop:
            touched += self._make(series, at, stop, ready_at)
        for want in touched:
            self._attach(want, source, why)
        return touched

    def remove(self, series: Series, span: Span) -> list[Want]:
        """Look for those numbers no more; return what was looked for of them."""
        start, stop = span
        wants = self._by_series.get(series)
        if not wants or wants[-1].stop <= start or wants[0].start >= stop:
            return []
        self._cut(series, start, must=True)
        self._cut(series, stop, must=True)
        removed = [want for want in wants if want.start < stop and start < want.stop]
        for want in removed:
            self.drop(want)
        while len(wants) > limits.WANTS_PER_SERIES:
            self.drop(wants[0])
        return removed

    def drop(self, want: Want) -> None:
        """Look for it no more."""
        wants = self._by_series[want.series]
        wants.remove(want)
        if not wants:
            del self._by_series[want.series]
        for source in want.sources:
            self._by_source[source].pop(want, None)
            if not self._by_source[source]:
                del self._by_source[source]
        self._count -= 1

    def attach(self, want: Want, source: ConnectionId) -> None:
        """Let a further neighbour be asked for it."""
        self._attach(want, source, Why.NEIGHBOUR)

    def detach(self, source: ConnectionId) -> list[Want]:
        """Forget a neighbour; return the wants that it was a source of."""
        orphans = list(self._by_source.pop(source, ()))
        for want in orphans:
            want.sources.pop(source, None)
            want.failed.pop(source, None)
            want.gone.pop(source, None)
            if want.asked == source:
                want.asked = None
        return orphans

    def _attach(self, want: Want, source: ConnectionId, why: Why) -> None:
        want.sources[source] = max(why, want.sources.get(source, why))
        if why.is_promise and want.asked != source:
            want.failed.pop(source, None)  # it says so anew
        self._by_source.setdefault(source, {})[want] = None

    def _make(self, series: Series, start: int, stop: int, ready_at: float) -> list[Want]:
        if self._count >= limits.WANTS_LIMIT:
            return []
        wants = self._by_series.setdefault(series, [])
        if len(wants) >= limits.WANTS_PER_SERIES:
            return []
        want = Want(series, start, stop, ready_at)
        insort(wants, want, key=_start)
        self._count += 1
        return [want]

    def _cut(self, series: Series, at: int, *, must: bool = False) -> None:
        """Let no want go across that number, if the bounds allow a further one."""
        wants = self._by_series.get(series, [])
        for index, want in enumerate(wants):
            if want.start < at < want.stop:
                is_full = self._count >= limits.WANTS_LIMIT or len(wants) >= limits.WANTS_PER_SERIES
                if is_full and not must:
                    return
                rest = want.split(at)
                wants.insert(index + 1, rest)
                self._count += 1
                for source in rest.sources:
                    self._by_source[source][rest] = None
                return

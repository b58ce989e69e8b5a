"""Remembers which numbers of which author were received."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.intervals import Intervals, Span
from p2pchat.core.series import Series


class Verdict(Enum):
    """What becomes of a valid envelope of a kept kind."""

    NEW = "taken: store, show, pass on"
    COPY = "its numbers were received before"
    CONFLICT = "its author signed another envelope for the same number"
    MUTED = "its author is not heard for having done so"
    TOO_MANY_AUTHORS = "authors appear faster than an open room allows"
    TOO_FAST = "its author wrote too many in that minute"


class _Numbers:
    """What is known of one series."""

    __slots__ = ("heard_at", "refused", "taken")

    def __init__(self, now: float) -> None:
        self.taken = Intervals()
        self.refused: Intervals | None = None
        self.heard_at = now


class Received:
    """Numbers received of each series: what makes a message be taken once, and holes visible.

    A series lives for RECEIVED_LIFE_S after its last envelope; when the table is full, the one
    that was silent for longest goes. In a metered (open) room authors are let in at a rate that
    does not fill the table within that time, so nobody can push a living author out.

    Refused numbers are those that were not taken for a limit: they are not asked for again.
    """

    def __init__(
        self, *, is_metered: bool = True, limit_series: int = limits.RECEIVED_LIMIT_SERIES
    ) -> None:
        self._series: OrderedDict[Series, _Numbers] = OrderedDict()  # longest silent first
        self._limit_series = limit_series
        self._newcomers = (
            Allowance(limits.NEW_AUTHORS_BURST, limits.NEW_AUTHORS_PER_S) if is_metered else None
        )

    def __len__(self) -> int:
        return len(self._series)

    def __contains__(self, series: Series) -> bool:
        return series in self._series

    def has(self, series: Series, number: int) -> bool:
        """Tell whether that number was taken."""
        known = self._series.get(series)
        return known is not None and number in known.taken

    def judge(self, series: Series, start: int, stop: int, now: float) -> Verdict:
        """Tell whether those numbers may be taken: NEW, COPY or TOO_MANY_AUTHORS."""
        known = self._series.get(series)
        if known is not None:
            return Verdict.COPY if known.taken.overlaps(start, stop) else Verdict.NEW
        return Verdict.NEW if self.may_meet(series, now) else Verdict.TOO_MANY_AUTHORS

    def may_meet(self, series: Series, now: float, *, kept: float = 0.0) -> bool:
        """Tell whether anything of that series may be taken, for it is known or there is room.

        Args:
            series: Known or not.
            now: Monotonic seconds.
            kept: Share of the room for newcomers that is to stay for others.
        """
        if self._newcomers is None or series in self._series:
            return True
        return self._newcomers.level(now) >= 1 + kept * limits.NEW_AUTHORS_BURST

    def take(self, series: Series, start: int, stop: int, now: float) -> Span | None:
        """Remember those numbers; return the hole that they jumped over, if any.

        A number below all others is no hole: an author's numbering begins where it was first
        heard, or lower where older ones arrive afterwards.
        """
        known = self._series.get(series)
        if known is None:
            known = self._meet(series, now)
        else:
            known.heard_at = now
            self._series.move_to_end(series)
        top = known.taken.stop
        known.taken.add(start, stop)
        return (top, start) if top is not None and start > top else None

    def refuse(self, series: Series, start: int, stop: int) -> None:
        """Don't ask for those numbers again; nothing to remember for an unknown series."""
        known = self._series.get(series)
        if known is None:
            return
        if known.refused is None:
            known.refused = Intervals()
        known.refused.add(start, stop)

    def lacking(self, series: Series, start: int, stop: int) -> list[Span]:
        """Return the parts of that span that were neither taken nor refused, lowest first."""
        known = self._series.get(series)
        if known is None:
            return [(start, stop)] if start < stop else []
        parts = known.taken.missing(start, stop)
        if known.refused is None:
            return parts
        return [left for part in parts for left in known.refused.missing(*part)]

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        oldest = next(iter(self._series.values()), None)
        return None if oldest is None else oldest.heard_at + limits.RECEIVED_LIFE_S

    def on_time(self, now: float) -> None:
        """Forget the series that were silent for long."""
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            self._series.popitem(last=False)

    def _meet(self, series: Series, now: float) -> _Numbers:
        if self._newcomers is not None:
            self._newcomers.charge(1, now)
        if len(self._series) >= self._limit_series:
            self._series.popitem(last=False)
        known = self._series[series] = _Numbers(now)
        return known

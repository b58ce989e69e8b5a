"""Tells neighbours what came by repair."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from p2pchat.core import limits
from p2pchat.core.entries import entry_of, packed
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Offer
from p2pchat.core.intervals import Intervals, Span
from p2pchat.core.series import Series
from p2pchat.core.values import ConnectionId


class Offers:
    """Gathers numbers that came by repair, to name them to everybody but who brought them.

    Bounded by OFFER_LIMIT_SERIES. Repair takes at most REPAIR_VERIFICATIONS_PER_S envelopes,
    so what came between two offers always fits.
    """

    def __init__(self) -> None:
        self._by_source: dict[ConnectionId, dict[Series, Intervals]] = {}
        self._due_at: float | None = None

    def next_deadline(self) -> float | None:
        """When to call `pump`; None for never."""
        return self._due_at

    def add(self, series: Series, span: Span, source: ConnectionId, now: float) -> None:
        """Offer those numbers soon, but not to the neighbour that they came from."""
        if sum(map(len, self._by_source.values())) >= limits.OFFER_LIMIT_SERIES:
            return
        by_series = self._by_source.setdefault(source, {})
        by_series.setdefault(series, Intervals()).add(*span)
        if self._due_at is None:
            self._due_at = now + limits.OFFER_EVERY_S

    def pump(self, neighbours: Iterable[ConnectionId], now: float) -> list[Effect]:
        """Send what was gathered when it is due."""
        if self._due_at is None or now < self._due_at:
            return []
        everybody = tuple(neighbours)
        effects: list[Effect] = []
        for source, by_series in self._by_source.items():
            to = tuple(connection for connection in everybody if connection != source)
            entries = (entry_of(series, spans) for series, spans in by_series.items())
            if to:
                effects += [Send(to, Offer(piece)) for piece in packed(entries)]
        self._by_source, self._due_at = {}, None
        return list(islice(effects, limits.OFFER_FRAMES))

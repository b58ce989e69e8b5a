"""Decides when an envelope is shown, how it is marked, what is told besides."""

from __future__ import annotations

import math
from collections.abc import Callable, Container

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.alarms import earlier
from p2pchat.core.author_order import AuthorOrder, Missing, Place, Released, Turn
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Deliver
from p2pchat.core.holdings import Holding
from p2pchat.core.intervals import Span
from p2pchat.core.refusals import Muted, Overrun, TooFast
from p2pchat.core.reunion import Reunion, Seam
from p2pchat.core.series import Series
from p2pchat.core.wants import Why

News = Released | Missing | Seam | Muted | TooFast | Overrun
"""What repair has for whoever uses the node, in the order in which to tell it."""


class Recovered(Struct, frozen=True):
    """How an envelope came by repair."""

    why: Why
    opened_ms: int
    """Wall clock when the connection opened that brought it."""
    is_known: bool
    """Whether its author was heard before."""


class Reading:
    """Author's order, backlog and seams: what people read of all that is taken.

    Earlier is what the comparison right after a connection opened brought, if it was written
    before that connection opened; what filled a gap is not, and what flooded here only if it was
    written before this node started. So is what comes after all and belongs before everything
    that was shown of its author, for nobody was told that it was missing. Of what was written
    before this node started and comes by repair, only the last minutes are shown.
    """

    def __init__(self, backlog_ms: int) -> None:
        self._backlog_ms = backlog_ms
        self._started_ms: int | None = None
        self._order = AuthorOrder()
        self._reunion = Reunion()
        self._progress_at = -math.inf
        self._news: list[News] = []  # the caller takes them after each of its calls

    @property
    def holding(self) -> Holding:
        """Bytes that wait for their author's earlier ones."""
        limit = limits.ORDER_LIMIT_TOTAL_BYTES
        return Holding("bytes out of order", self._order.size_bytes, limit)

    def take_news(self) -> list[News]:
        """Remove and return what there is to show or tell."""
        news, self._news = self._news, []
        return news

    def tell(self, news: News) -> None:
        """Add something to be told."""
        self._news.append(news)

    def note_start(self, wall_ms: int) -> None:
        """Say what time it is; the first time counts as the start of this node."""
        if self._started_ms is None:
            self._started_ms = wall_ms

    def line_up(
        self,
        series: Series,
        envelope: Envelope,
        delivery: Deliver | None,
        recovered: Recovered | None,
        now: float,
    ) -> None:
        """Take an envelope for the time when it is its turn."""
        assert self._started_ms is not None, "note_start comes first"
        written_ms = envelope.header.time_ms
        is_shown, is_backlog = True, False
        if recovered is None:
            # Somebody may replay to us what we saw before we were started again.
            is_earlier = written_ms < self._started_ms
        else:
            self._progress_at = now
            is_earlier = is_backlog = (
                recovered.why is Why.OPENING and written_ms < recovered.opened_ms
            )
            is_shown = written_ms >= self._started_ms - self._backlog_ms
        if delivery is not None and is_earlier:
            delivery = replace(delivery, earlier=True)
        self._turn(
            self._order.add(
                series, envelope, delivery, now, is_shown=is_shown, is_backlog=is_backlog
            )
        )

    def note_recovered(
        self, envelope: Envelope, recovered: Recovered, now: float, wall_ms: int
    ) -> None:
        """Count what may belong to a reunion: nothing from before this node started."""
        written_ms = envelope.header.time_ms
        if self._started_ms is None or written_ms <= self._started_ms:
            return
        is_opening = recovered.why is Why.OPENING
        met_ms = recovered.opened_ms if is_opening else wall_ms
        is_old = written_ms <= met_ms - limits.SEAM_OLD_S * 1000
        # An offer passes on what somebody else's reunion brought; an author who is new here
        # was not apart from us.
        is_passed_on = recovered.why is Why.OFFERED and recovered.is_known
        is_sign = is_old and (is_opening or is_passed_on)
        count = envelope.header.count
        self._reunion.note(envelope.author, written_ms, count, now, is_sign=is_sign)

    def note_named(self, now: float) -> None:
        """A neighbour names something that is lacking: there is hope again."""
        self._progress_at = now

    def give_up(self, series: Series, span: Span) -> None:
        """Nobody has those numbers."""
        self._turn(self._order.give_up(series, span))

    def skip(self, series: Series, span: Span) -> None:
        """Those numbers were refused."""
        self._turn(self._order.skip(series, span))

    def next_deadline(self) -> float | None:
        """When to call `on_time`, or earlier; None for never."""
        return earlier(self._order.next_deadline(), self._reunion.next_deadline())

    def on_time(
        self,
        now: float,
        wall_ms: int,
        busy: Container[Series],
        *,
        is_catching_up: bool,
        is_first: Callable[[Series, Envelope], bool],
    ) -> None:
        """Let pass what has waited long enough; tell a seam that is over."""
        self._turn(
            self._order.on_time(
                now, busy, self._progress_at, is_catching_up=is_catching_up, is_first=is_first
            )
        )
        seam = self._reunion.on_time(now, wall_ms)
        if seam is not None:
            self._news.append(seam)

    def _turn(self, turns: list[Turn]) -> None:
        self._news += [_marked(turn) for turn in turns]


def _marked(turn: Turn) -> Turn:
    if isinstance(turn, Missing) or turn.place is not Place.BEFORE or turn.delivery is None:
        return turn
    return replace(turn, delivery=replace(turn.delivery, earlier=True))

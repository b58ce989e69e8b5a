"""Makes everybody receive everything: the parts of repair put together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, assert_never, get_args

from p2pchat.core import limits
from p2pchat.core.alarms import earliest
from p2pchat.core.answers import COST_OF_DIGESTS, COST_OF_OFFER, Answers
from p2pchat.core.comparison import Comparisons
from p2pchat.core.entries import unpacked
from p2pchat.core.events import Close, Closing, Deliver, Effect, Send
from p2pchat.core.frames import Answered, Ask, Digests, Filled, Gone, Offer, Page, PageAsk
from p2pchat.core.gaps import Gaps
from p2pchat.core.holdings import Holding
from p2pchat.core.intervals import Span
from p2pchat.core.judging import Judge
from p2pchat.core.message_store import MessageStore, Stored, minute_of
from p2pchat.core.offers import Offers
from p2pchat.core.reading import News, Reading, Recovered
from p2pchat.core.received import Received, Verdict
from p2pchat.core.recurrence import Recurrence
from p2pchat.core.refusals import Muted, Refusals
from p2pchat.core.series import Series, author_of, series_of
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, PeerId, is_kept
from p2pchat.core.wants import Why
from p2pchat.errors import RepairAbused

if TYPE_CHECKING:
    from random import Random

    from p2pchat.core.envelopes import Envelope, EnvelopeCodec

RepairFrame = Digests | PageAsk | Page | Offer | Ask | Answered | Gone
"""What goes to `on_frame`; a `Filled` goes to `expects`."""

_FORGET_EVERY_S: Final = 60.0

REPAIR_FRAMES: Final = get_args(RepairFrame)


class Repair:
    """Everyone receives everything, once, in its author's order.

                     every valid new envelope, own ones too
                                    │ on_taken
        Judge, Received ◄── once? ──┤            ┌─ turn ──► take_news
        MessageStore ◄── keep it ───┤            │
        Reading ◄── not own ────────┴── wait ────┤
        (AuthorOrder, Reunion)                   └─ gap ──► Missing
        Gaps ── Ask ──► a neighbour's Answers ── Filled …, Gone, Answered ──► expects, take
          ▲
          ├── a hole in the numbers of an author, after GAP_WAIT_S
          ├── Comparisons: Digests ◄─► Digests, PageAsk ──► Page, with each new neighbour,
          │                and with a random one every COMPARE_EVERY_S
          └── Offer: a neighbour's Offers name what came to it by repair

    How two halves of a network that met again exchange what they said apart: the ends of each
    new connection compare, pull what they lack, and *offer* what was new to their other
    neighbours, who pull it in turn. Flooding it on would do the same work D - 1 times over, and
    would run into the rates of live traffic, behind which ten minutes of talk can't pass at
    once; waiting for comparisons would cost half a minute a hop. An offer costs some 60 bytes
    for a run of an author's messages, each envelope crosses into a node once, and every node
    takes at most REPAIR_BYTES_PER_S, so there is no storm: a hop costs OFFER_EVERY_S and a
    round trip, far below the minute that is promised. Only what was new is offered, so it ends.

    The caller verifies. After any call it takes what there is from `take_news`.
    """

    def __init__(
        self,
        me: PeerId,
        epoch: Epoch,
        codec: EnvelopeCodec,
        rng: Random,
        *,
        is_metered: bool = True,
        backlog_minutes: float = limits.BACKLOG_MINUTES,
    ) -> None:
        """Begin with nothing.

        Args:
            me: This node's own id.
            epoch: This start of it.
            codec: Reads headers.
            rng: Chooses whom to compare with, and when.
            is_metered: Whether strangers may come in: limits authors, and what one writes.
            backlog_minutes: How much of what was said before this start is shown; 0 for none.
        """
        self._mine = series_of(me, epoch)
        self._codec = codec
        self._rng = rng
        self._strikes = Strikes()
        self._store = MessageStore()
        self._received = Received(is_metered=is_metered)
        self.refusals = Refusals()
        """Who is not heard, and what was not taken."""
        self._judge = Judge(self._received, self._store, self.refusals, is_metered=is_metered)
        self._gaps = Gaps(self._received, self._strikes)
        self._answers = Answers(self._store, self._received, self._strikes)
        self._comparisons = Comparisons(self._store, self._strikes)
        self._offers = Offers()
        self._reading = Reading(int(backlog_minutes * 60_000))
        self._opened_ms: dict[ConnectionId, int] = {}  # the neighbours, oldest first
        self._filling: tuple[bytes, Why] | None = None
        self._turns = Recurrence(limits.COMPARE_EVERY_S, limits.COMPARE_SPREAD, rng)
        self._forget_at: float | None = None

    def begin(self, wall_ms: int) -> None:
        """Say when this node started, if that is before the first connection or message."""
        self._reading.note_start(wall_ms)

    def take_news(self) -> list[News]:
        """Remove and return what there is to show or tell."""
        return self._reading.take_news()

    def stored(self, name: EnvelopeId) -> Stored | None:
        """Return the kept envelope of that id."""
        return self._store.named(name)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            Holding("bytes kept", self._store.size_bytes, limits.STORE_LIMIT_BYTES),
            Holding("numberings", len(self._received), limits.RECEIVED_LIMIT_SERIES),
            Holding("wants", len(self._gaps), limits.WANTS_LIMIT),
            self._reading.holding,
        )

    # --- Neighbours -----------------------------------------------------------------------------

    def on_open(self, connection: ConnectionId, now: float, wall_ms: int) -> list[Effect]:
        """A connection opened: compare at once; the other side does so too."""
        self._reading.note_start(wall_ms)
        self._opened_ms[connection] = wall_ms
        self._strikes.on_open(connection)
        self._answers.on_open(connection)
        self._gaps.on_open(connection, now)
        self._comparisons.on_open(connection, now)
        self._turns.begin(now)
        opening = self._comparisons.digests(wall_ms, asks=False, is_opening=True)
        return [Send((connection,), opening)]

    def on_closed(self, connection: ConnectionId, now: float) -> None:
        """A connection is gone; what was asked over it is asked elsewhere."""
        if self._opened_ms.pop(connection, None) is None:
            return
        self._answers.on_closed(connection)
        self._gaps.on_closed(connection, now)
        self._comparisons.on_closed(connection)
        self._strikes.on_closed(connection)
        if not self._opened_ms:
            self._turns.end()

    def on_queue(
        self, connection: ConnectionId, now: float, wall_ms: int, *, is_high: bool
    ) -> list[Effect]:
        """A send queue rose or fell; who was behind is brought up to date by a comparison."""
        if connection not in self._opened_ms:
            return []
        effects = self._answers.on_queue(connection, now, is_high=is_high)
        if not is_high:
            effects.append(Send((connection,), self._comparisons.digests(wall_ms, asks=False)))
        return effects

    # --- Envelopes ------------------------------------------------------------------------------

    def expects(self, connection: ConnectionId, frame: Filled, now: float) -> bool:
        """Tell whether that envelope was asked for; only then it is worth verifying.

        Raises:
            FrameMalformed: Its signed bytes are no header.
            RepairAbused: That neighbour keeps on sending what nobody asked for.
        """
        header = self._codec.decode_header(frame.signed)
        why = None
        if is_kept(header.kind):
            series = series_of(PeerId(header.author), Epoch(header.epoch))
            span = (header.first, header.first + header.count)
            why = self._gaps.expect(connection, series, span, len(frame.signed), now)
        self._filling = None if why is None else (frame.id, why)
        if why is None:
            self._strikes.strike(connection, "it sends what nobody asked for", now)
            self._check(connection)
        return why is not None

    def on_taken(
        self,
        envelope: Envelope,
        connection: ConnectionId,
        now: float,
        wall_ms: int,
        *,
        live: bool,
        hops: int = 0,
        delivery: Deliver | None = None,
    ) -> Verdict:
        """Take somebody else's valid envelope of a kept kind that the seen cache did not know.

        Args:
            envelope: Verified.
            connection: Who brought it.
            now: Monotonic seconds.
            wall_ms: Wall clock, milliseconds since 1970.
            live: Whether it flooded here; else it was a `Filled` that `expects` let pass.
            hops: Connections crossed, for who is sent it later.
            delivery: What to show when it is its turn; None when it can't be shown.

        Returns:
            NEW when it has to be passed on; a live one floods, the others are offered.
        """
        self._reading.note_start(wall_ms)
        series, span = series_of(envelope.author, envelope.epoch), envelope.span
        verdict = self._judge.judge(envelope, series, span, now, is_live=live)
        if verdict is Verdict.CONFLICT:
            self._reading.tell(Muted(envelope.author))
        if verdict is not Verdict.NEW:
            return verdict
        recovered = None if live else self._recovered(envelope, series, connection, wall_ms)
        hole = self._keep(envelope, series, hops, now)
        self._gaps.taken(series, span, now, by_repair=not live, source=connection)
        if hole is not None:
            self._gaps.miss(series, hole, connection, now)
        if recovered is not None:
            self._comparisons.on_progress(connection, envelope.header.time_ms, now)
            self._offers.add(series, span, connection, now)
            self._reading.note_recovered(envelope, recovered, now, wall_ms)
        self._reading.line_up(series, envelope, delivery, recovered, now)
        return verdict

    def on_own(self, envelope: Envelope, now: float, wall_ms: int) -> None:
        """Keep an own envelope of a kept kind: its numbers are new, and nobody else has them."""
        self._reading.note_start(wall_ms)
        self._keep(envelope, series_of(envelope.author, envelope.epoch), 0, now)

    def _keep(self, envelope: Envelope, series: Series, hops: int, now: float) -> Span | None:
        """Return the hole that its numbers jumped over, if any."""
        self._store.add(series, Stored.of(envelope, hops))
        if self._forget_at is None:
            self._forget_at = now + _FORGET_EVERY_S
        return self._received.take(series, *envelope.span, now)

    def may_meet(self, envelope: Envelope, kept: float, now: float) -> bool:
        """Tell whether its author is known, or there is room for one more; see `Received`."""
        series = series_of(envelope.author, envelope.epoch)
        return self._received.may_meet(series, now, kept=kept)

    def refuse(self, envelope: Envelope, now: float) -> None:
        """A live envelope, verified, was not taken for its rate: it is not asked for either.

        Of a muted author nothing is asked for that is lacking before it.
        """
        author, header = envelope.author, envelope.header
        self.refusals.count(author, max(1, header.count), now)
        if is_kept(header.kind):
            series, (first, stop) = series_of(author, envelope.epoch), envelope.span
            span = (0 if self.refusals.is_muted(author, now) else first, stop)
            self._received.refuse(series, *span)
            self._gaps.give_up(series, span)
            self._reading.skip(series, span)

    def on_announced(
        self, connection: ConnectionId, series: Series, span: Span, now: float, until: float
    ) -> None:
        """A neighbour announced an envelope; it is asked for here only after that time."""
        if series != self._mine and not self.refusals.is_muted(author_of(series), now):
            self._gaps.miss(series, span, connection, now)
            self._gaps.postpone(series, span, until)

    def _recovered(
        self, envelope: Envelope, series: Series, connection: ConnectionId, wall_ms: int
    ) -> Recovered | None:
        filling, self._filling = self._filling, None
        if filling is None or filling[0] != envelope.id:
            return None
        opened_ms = self._opened_ms.get(connection, wall_ms)
        return Recovered(filling[1], opened_ms, series in self._received)

    # --- Frames ---------------------------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: RepairFrame, now: float, wall_ms: int
    ) -> list[Effect]:
        """React to a neighbour's frame.

        Raises:
            FrameMalformed: It can't be meant so.
            RepairAbused: That neighbour broke too many promises, or asks too much.
        """
        effects = self._react(connection, frame, now, wall_ms)
        self._check(connection)
        return effects + self._pump(now)

    def _react(
        self, connection: ConnectionId, frame: RepairFrame, now: float, wall_ms: int
    ) -> list[Effect]:
        match frame:
            case Digests():
                if self._answers.may(connection, COST_OF_DIGESTS, now):
                    return self._comparisons.on_digests(connection, frame, wall_ms, now)
            case Offer(entries):
                if self._answers.may(connection, COST_OF_OFFER, now):
                    for series, span in unpacked(entries):
                        self._on_claim(connection, series, span, Why.OFFERED, now)
            case Page():
                self._on_page(connection, frame, now)
            case Ask() | PageAsk():
                return self._answers.on_request(connection, frame, now)
            case Answered():
                self._gaps.on_answered(connection, frame, now)
            case Gone(author, epoch, up_to):
                series = series_of(PeerId(author), Epoch(epoch))
                for span in self._gaps.on_gone(connection, series, up_to):
                    self._reading.give_up(series, span)
            case _:
                assert_never(frame)
        return []

    def _on_page(self, connection: ConnectionId, frame: Page, now: float) -> None:
        is_opening = self._comparisons.is_opening(connection)
        why = Why.OPENING if is_opening else Why.OFFERED
        for claim in self._comparisons.on_page(connection, frame, now):
            self._on_claim(connection, claim.series, claim.span, why, now)

    def _on_claim(
        self, connection: ConnectionId, series: Series, span: Span, why: Why, now: float
    ) -> None:
        if series == self._mine or self.refusals.is_muted(author_of(series), now):
            return
        if self._gaps.offer(series, span, connection, why, now):
            self._reading.note_named(now)

    def _check(self, connection: ConnectionId) -> None:
        why = self._strikes.take_out_one(connection)
        if why is not None:
            raise RepairAbused(why)

    # --- Time -----------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; minus infinity for at once, None for never.

        It may be earlier than anything is due, never later.
        """
        if self._strikes.has_any_out:
            return -math.inf
        return earliest(
            self._turns.next_deadline(), self._forget_at, self._gaps.next_deadline(),
            self._comparisons.next_deadline(), self._offers.next_deadline(),
            self._reading.next_deadline(), self.refusals.next_deadline(),
        )  # fmt: skip

    def on_time(self, now: float, wall_ms: int) -> list[Effect]:
        """Do what is due."""
        effects = [*self.compare(now, wall_ms), *self._pump(now)]
        is_catching_up = self._comparisons.has_opened(now, limits.ORDER_WAIT_LONGEST_S)
        self._reading.on_time(
            now, wall_ms, self._gaps, is_catching_up=is_catching_up,
            is_first=lambda series, envelope: self._is_first(series, envelope, now),
        )  # fmt: skip
        for refused in self.refusals.on_time(now):
            self._reading.tell(refused)
        self._forget(now, wall_ms)
        for connection, why in self._strikes.take_out().items():
            effects.append(Close(connection, Closing.AT_ONCE, str(RepairAbused(why))))
        return effects

    def _is_first(self, series: Series, envelope: Envelope, now: float) -> bool:
        """Tell whether nobody is known to have an earlier one, nor may yet name one."""
        header = envelope.header
        return not self._gaps.looks_below(series, header.first) and not (
            self._comparisons.may_name(minute_of(header.time_ms), now)
        )

    def compare(self, now: float, wall_ms: int) -> list[Effect]:
        """Begin a comparison with a random neighbour, if its time has come.

        Shuffles are not begun like this whenever the node is awake: they travel, and begun when
        those of others pass, they would bring a network into step.
        """
        if not self._turns.take(now):
            return []
        partner = self._rng.choice(list(self._opened_ms))
        return [Send((partner,), self._comparisons.digests(wall_ms, asks=True))]

    def _pump(self, now: float) -> list[Effect]:
        return [
            *self._gaps.pump(now),
            *self._comparisons.pump(now, self._gaps.expects_from),
            *self._offers.pump(self._opened_ms, now),
        ]

    def _forget(self, now: float, wall_ms: int) -> None:
        if self._forget_at is None or now < self._forget_at:
            return
        self._store.forget_before(minute_of(wall_ms) - limits.STORE_MINUTES)
        self._received.on_time(now)
        self._forget_at = now + _FORGET_EVERY_S if len(self._received) else None

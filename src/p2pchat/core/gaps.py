"""Asks neighbours for messages that are missing."""

from __future__ import annotations

from collections import deque
from typing import Final

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.entries import entry_of, packed
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Answered, Ask, Entry
from p2pchat.core.intervals import Intervals, Span
from p2pchat.core.received import Received
from p2pchat.core.series import Series
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId
from p2pchat.core.wants import Want, Wants, Why

_LEAST_ENVELOPES: Final = 16
_LEAST_BYTES: Final = 16 * 1024
"""Budget that has to be there for a further request: many tiny ones would cost more."""


class _Request:
    """One Ask, and what has come of it."""

    __slots__ = (
        "asked",
        "bytes_left",
        "delivered",
        "envelopes_left",
        "progress_at",
        "sent_at",
        "token",
    )

    def __init__(self, token: int, envelopes: int, size_bytes: int, now: float) -> None:
        self.token = token
        self.asked: dict[Series, list[tuple[int, int, Why]]] = {}
        self.delivered: dict[Series, Intervals] = {}
        self.envelopes_left = envelopes
        self.bytes_left = size_bytes
        self.sent_at = now
        self.progress_at = now

    def why(self, series: Series, span: Span) -> Why | None:
        """Tell why that was asked for; None when it was not, or came before."""
        start, stop = span
        came = self.delivered.get(series)
        if came is not None and came.overlaps(start, stop):
            return None
        spans = self.asked.get(series, ())
        return max((why for low, high, why in spans if low < stop and start < high), default=None)


class _Asking:
    """What goes on with one neighbour: one request at a time."""

    __slots__ = ("current", "is_late", "next_at", "past")

    def __init__(self, now: float) -> None:
        self.current: _Request | None = None
        self.is_late = False
        self.next_at = now
        self.past: deque[_Request] = deque(maxlen=limits.ASK_MEMORY)

    @property
    def patience_s(self) -> float:
        return limits.ASK_PATIENCE_S if self.is_late else limits.GAP_NEXT_S

    def finish(self) -> None:
        if self.current is not None:
            self.current.envelopes_left = self.current.bytes_left = 0
            self.past.append(self.current)
        self.current, self.is_late = None, False


class Gaps:
    """Finds for each missing number a neighbour that delivers it.

    A number is asked for at one neighbour at a time: first at who brought or announced what
    comes behind it, or says to have it; when that one has nothing, or is silent for
    GAP_NEXT_S, at the next. A gap that a later message proves may be asked of everybody, an
    offered number only of who offered it. When all were asked in vain it is dropped; whoever
    offers it afterwards brings it back.

    Answers are pulled: each neighbour has one request open, limited in envelopes and bytes to
    what the budget of repair allows right now, so that no budget is ever overdrawn by more
    than one envelope a neighbour.
    """

    def __init__(self, received: Received, strikes: Strikes) -> None:
        self._received = received
        self._strikes = strikes
        self._wants = Wants()
        self._neighbours: dict[ConnectionId, _Asking] = {}
        self._bytes = Allowance(limits.REPAIR_BYTES_PER_S, limits.REPAIR_BYTES_PER_S)
        verifications = limits.REPAIR_VERIFICATIONS_PER_S
        self._verifications = Allowance(verifications, verifications)
        self._wake_at: float | None = None
        self._token = 0

    def __len__(self) -> int:
        return len(self._wants)

    def __contains__(self, series: object) -> bool:
        """Tell whether anything of that series is looked for."""
        return series in self._wants

    def looks_below(self, series: Series, number: int) -> bool:
        """Tell whether anything before that number is looked for."""
        lowest = next(iter(self._wants.of_series(series)), None)
        return lowest is not None and lowest.start < number

    def expects_from(self, connection: ConnectionId) -> bool:
        """Tell whether anything is looked for that this neighbour may have."""
        return self._wants.count_of(connection) > 0

    def next_deadline(self) -> float | None:
        """When to call `pump`, or earlier; None for never."""
        return self._wake_at

    # --- Neighbours come and go -----------------------------------------------------------------

    def on_open(self, connection: ConnectionId, now: float) -> None:
        """A neighbour may be asked."""
        self._neighbours[connection] = _Asking(now)

    def on_closed(self, connection: ConnectionId, now: float) -> None:
        """A neighbour is gone; what was asked of it is asked of others."""
        self._neighbours.pop(connection, None)
        for want in self._wants.detach(connection):
            self._go_on(want, now)

    # --- What is missing ------------------------------------------------------------------------

    def miss(self, series: Series, span: Span, connection: ConnectionId, now: float) -> None:
        """A later message came, or was announced: these exist, and that neighbour may know them."""
        why = Why.HEARD
        if connection not in self._neighbours:  # it is being drained: what it knew, others know
            connection, why = next(iter(self._neighbours), connection), Why.NEIGHBOUR
        for part in self._received.lacking(series, *span):
            for want in self._look_for(series, part, connection, why, now + limits.GAP_WAIT_S):
                want.is_gap = True

    def offer(
        self, series: Series, span: Span, connection: ConnectionId, why: Why, ready_at: float
    ) -> bool:
        """A neighbour says to have these; tell whether any of them is lacking."""
        if not self._received.may_meet(series, ready_at):
            return False
        parts = self._received.lacking(series, *span)
        for part in parts:
            self._look_for(series, part, connection, why, ready_at)
        return bool(parts) and connection in self._neighbours

    def postpone(self, series: Series, span: Span, until: float) -> None:
        """Don't ask for these before that time: they are under way by other means."""
        for want in self._wants.of_series(series):
            if want.start < span[1] and span[0] < want.stop:
                want.ready_at = max(want.ready_at, until)

    def give_up(self, series: Series, span: Span) -> None:
        """Look for these no more: they were refused."""
        self._wants.remove(series, span)

    def taken(
        self,
        series: Series,
        span: Span,
        now: float,
        *,
        by_repair: bool,
        source: ConnectionId | None,
    ) -> None:
        """These came: look for them no more, and blame who did not have what it should."""
        for want in self._wants.remove(series, span):
            for failed in want.failed if by_repair else ():
                if failed != source and want.sources.get(failed, Why.NEIGHBOUR) >= Why.HEARD:
                    self._strikes.blame(failed, "it withholds messages", now)

    def _look_for(
        self, series: Series, part: Span, connection: ConnectionId, why: Why, ready_at: float
    ) -> list[Want]:
        if connection not in self._neighbours:
            return []
        wants = self._wants.add(series, part, connection, why, ready_at)
        if wants:
            self._wake(max(ready_at, self._neighbours[connection].next_at))
        return wants

    # --- Answers --------------------------------------------------------------------------------

    def expect(
        self, connection: ConnectionId, series: Series, span: Span, size_bytes: int, now: float
    ) -> Why | None:
        """Charge an envelope that came as an answer; None when nobody asked for it."""
        asking = self._neighbours.get(connection)
        if asking is None:
            return None
        requests = [*asking.past] if asking.current is None else [asking.current, *asking.past]
        for request in requests:
            why = request.why(series, span)
            if why is None:
                continue
            request.delivered.setdefault(series, Intervals()).add(*span)
            request.progress_at = now
            request.envelopes_left = max(0, request.envelopes_left - 1)
            request.bytes_left = max(0, request.bytes_left - size_bytes)
            self._verifications.charge(1, now)
            self._bytes.charge(size_bytes, now)
            return why
        return None

    def on_answered(self, connection: ConnectionId, frame: Answered, now: float) -> None:
        """A neighbour has sent all that it would of one request."""
        asking = self._neighbours.get(connection)
        if asking is None:
            return
        request = asking.current
        if request is None or request.token != frame.token:
            if all(past.token != frame.token for past in asking.past):
                self._strikes.strike(connection, "it answers what nobody asked", now)
            return
        asking.finish()
        self._refuse_untaken(request)
        is_cut_short = not frame.is_complete and bool(request.delivered)
        broke_promise = False
        for want in self._asked_of(connection):
            if is_cut_short:
                want.asked = None
                continue
            broke_promise |= want.sources[connection].is_promise
            self._fail(want, connection, now)
        if broke_promise:
            self._strikes.blame(connection, "it offers what it does not deliver", now)
        if self.expects_from(connection):
            self._wake(max(now, asking.next_at))

    def on_gone(self, connection: ConnectionId, series: Series, up_to: int) -> list[Span]:
        """A neighbour no longer has these; return what therefore is given up."""
        closed: list[Span] = []
        for want in self._asked_of(connection):
            if want.series != series or want.stop > up_to:
                continue
            want.gone[connection] = None
            if len(want.gone) >= min(limits.GONE_WITNESSES, len(self._neighbours)):
                self._wants.drop(want)
                closed.append(want.span)
        return closed

    def _refuse_untaken(self, request: _Request) -> None:
        """What was delivered but not taken is not wanted: too old, or over a limit."""
        for series, came in request.delivered.items():
            for span in came:
                for part in self._received.lacking(series, *span):
                    self._received.refuse(series, *part)
                self._wants.remove(series, span)

    # --- Requests -------------------------------------------------------------------------------

    def pump(self, now: float) -> list[Effect]:
        """Give up on who is silent, and ask whoever is free."""
        if self._wake_at is None or now < self._wake_at:
            return []
        # Whose turn was longest ago goes first, so that a scarce budget goes round.
        turns = sorted(self._neighbours.items(), key=lambda item: (item[1].next_at, item[0]))
        for connection, asking in turns:
            if asking.current is not None:
                self._check_silence(connection, asking, asking.current, now)
        # Only now, because what one was silent about is asked of the next in this very turn.
        self._wake_at = None
        effects: list[Effect] = []
        for connection, asking in turns:
            if asking.current is not None:
                self._wake(asking.current.progress_at + asking.patience_s)
            elif self.expects_from(connection):
                effects += self._ask(connection, asking, now)
        return effects

    def _check_silence(
        self, connection: ConnectionId, asking: _Asking, request: _Request, now: float
    ) -> None:
        if not asking.is_late and now >= request.progress_at + limits.GAP_NEXT_S:
            asking.is_late = True
            for want in self._asked_of(connection):
                self._fail(want, connection, now)
        if now >= request.progress_at + limits.ASK_PATIENCE_S:
            asking.finish()
            # Whatever else it may have makes room: it offers anew when it is there again.
            for want in self._wants.of_source(connection):
                if want.asked is None and connection not in want.failed:
                    self._fail(want, connection, now)
            self._strikes.blame(connection, "it does not answer", now)

    def _ask(self, connection: ConnectionId, asking: _Asking, now: float) -> list[Effect]:
        if now < asking.next_at:
            self._wake(asking.next_at)
            return []
        ready = self._ready_for(connection, now)
        if not ready:
            return []
        envelopes, size_bytes, at = self._budget(now)
        if at > now:
            self._wake(at)
            return []
        self._token = (self._token + 1) % 2**32
        request = asking.current = _Request(self._token, envelopes, size_bytes, now)
        asking.next_at = now + limits.ASK_EVERY_S
        entries = self._name(request, connection, ready)
        self._wake(now + limits.GAP_NEXT_S)
        return [Send((connection,), Ask(request.token, envelopes, size_bytes, entries))]

    def _ready_for(self, connection: ConnectionId, now: float) -> list[Want]:
        ready: list[Want] = []
        for want in self._wants.of_source(connection):
            if want.asked is not None or connection in want.failed:
                continue
            if want.ready_at > now:
                self._wake(want.ready_at)
            else:
                ready.append(want)
        return ready

    def _name(
        self, request: _Request, connection: ConnectionId, ready: list[Want]
    ) -> tuple[Entry, ...]:
        """Put as many wants into a request as one frame holds."""
        chosen: dict[Series, list[Want]] = {}
        for want in ready[: limits.ASK_SPANS]:
            if len(chosen) < limits.LIST_LIMIT or want.series in chosen:
                chosen.setdefault(want.series, []).append(want)
        entries = next(
            packed(
                entry_of(series, sorted(want.span for want in wants))
                for series, wants in chosen.items()
            )
        )
        # Every entry stands for one series, so the frame's are the first ones chosen.
        for wants in list(chosen.values())[: len(entries)]:
            for want in wants:
                want.asked = connection
                asked = (want.start, want.stop, want.sources[connection])
                request.asked.setdefault(want.series, []).append(asked)
        return entries

    def _budget(self, now: float) -> tuple[int, int, float]:
        """Return envelopes and bytes that may be asked for, and when: now, or what to wait for."""
        open_requests = [a.current for a in self._neighbours.values() if a.current is not None]
        kept = sum(request.envelopes_left for request in open_requests)
        kept_bytes = sum(request.bytes_left for request in open_requests)
        envelopes = min(limits.ASK_ENVELOPES, int(self._verifications.level(now)) - kept)
        size_bytes = min(limits.ASK_BYTES, int(self._bytes.level(now)) - kept_bytes)
        if envelopes >= _LEAST_ENVELOPES and size_bytes >= _LEAST_BYTES:
            return envelopes, size_bytes, now
        at = max(
            self._verifications.has_at(_LEAST_ENVELOPES + kept, now),
            self._bytes.has_at(_LEAST_BYTES + kept_bytes, now),
            now + limits.ASK_EVERY_S,  # where requests hold it all, their end comes by itself
        )
        return 0, 0, at

    def _asked_of(self, connection: ConnectionId) -> list[Want]:
        return [want for want in self._wants.of_source(connection) if want.asked == connection]

    def _fail(self, want: Want, connection: ConnectionId, now: float) -> None:
        want.asked = None
        want.failed[connection] = None
        self._go_on(want, now)

    def _go_on(self, want: Want, now: float) -> None:
        """Ask the next one, or give up."""
        if want.asked is not None:
            return
        source = next((s for s in want.sources if s not in want.failed), None)
        if source is None and want.is_gap:
            source = next((n for n in self._neighbours if n not in want.failed), None)
            if source is not None:
                self._wants.attach(want, source)
        if source is None:
            self._wants.drop(want)
            return
        self._wake(max(now, want.ready_at, self._neighbours[source].next_at))

    def _wake(self, at: float) -> None:
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at

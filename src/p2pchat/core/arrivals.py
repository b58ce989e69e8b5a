"""The order of work on arrival: what is cheap comes first, and nobody pays for somebody else."""

from __future__ import annotations

from p2pchat.core.broadcast import Broadcast
from p2pchat.core.envelopes import Envelope
from p2pchat.core.frames import Carry, Filled
from p2pchat.core.lazy_push import LazyPush
from p2pchat.core.rates import Over, Rates
from p2pchat.core.repair import Repair
from p2pchat.core.series import series_of
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId, EnvelopeId, is_kept


class Arrivals:
    """Lets through what is new, valid and within the rates.

    Size, network, seen cache, rate of the connection, rates of author and room, age, signature;
    only then the author is charged. Nothing is held against an author that he did not sign, so
    what is above his rate is verified as well: the rate of the connection bounds that work.

    An envelope that is not let through is either *passed over*, and known as a copy from then on,
    or *lost*, as if it had never come: then it may come by another way, or by repair.
    """

    def __init__(
        self, broadcast: Broadcast, rates: Rates, repair: Repair, lazy_push: LazyPush
    ) -> None:
        self._broadcast = broadcast
        self._rates = rates
        self._repair = repair
        self._lazy_push = lazy_push

    def take_live(
        self, session: Session, frame: Carry, now: float, wall_ms: int
    ) -> Envelope | None:
        """Return the envelope of a Carry that is no copy, if it is taken; remember it then.

        Raises:
            EnvelopeRefused, EnvelopeForged: Whoever sent it did not verify it.
            FrameMalformed: Its signed bytes can't be read.
        """
        connection, size_bytes = session.connection, len(frame.signed)
        if not self._rates.may_look(connection, size_bytes, now):
            self._lose(session, EnvelopeId(frame.id), now)
            return None
        envelope = self._broadcast.open_(frame)
        author = envelope.author
        is_muted = self._repair.refusals.is_muted(author, now)
        is_refused = is_muted or self._rates.is_over(author, size_bytes, now)
        if not is_refused and not self._has_room(envelope, connection, now):
            self._lose(session, envelope.id, now)
            return None
        if not self._broadcast.check(envelope, wall_ms):
            self._pass_over(envelope.id, connection)
            return None
        if is_refused:
            self._pass_over(envelope.id, connection)
            self._hold_against(envelope, connection, now, is_muted=is_muted)
            return None
        self._rates.take(author, size_bytes, envelope.header.time_ms, now)
        self._broadcast.remember(envelope, now)
        return envelope

    def take_filled(
        self, connection: ConnectionId, frame: Filled, now: float, wall_ms: int
    ) -> Envelope | None:
        """Return the envelope of a Filled that was asked for, if it is taken; remember it then.

        Whoever asks has a budget for it, so that neither author nor connection is charged.

        Raises:
            EnvelopeRefused, EnvelopeForged, FrameMalformed: As `take_live`.
        """
        carry = Carry(frame.hops, frame.id, frame.signature, frame.signed)
        envelope = self._broadcast.open_(carry)
        is_muted = self._repair.refusals.is_muted(envelope.author, now)
        if is_muted or not self._broadcast.check(envelope, wall_ms):
            self._pass_over(envelope.id, connection)
            return None
        self._broadcast.remember(envelope, now)
        return envelope

    def _has_room(self, envelope: Envelope, connection: ConnectionId, now: float) -> bool:
        kept = self._rates.to_keep(envelope.author, connection, now)
        if not self._rates.may_take(len(envelope.signed), kept, now):
            return False
        return not is_kept(envelope.header.kind) or self._repair.may_meet(envelope, kept, now)

    def _hold_against(
        self, envelope: Envelope, connection: ConnectionId, now: float, *, is_muted: bool
    ) -> None:
        author, header = envelope.author, envelope.header
        if is_muted:
            self._repair.refuse(envelope, now)
            return
        match self._rates.over(author, len(envelope.signed), header.time_ms, now):
            case Over.LATE if is_kept(header.kind):
                series = series_of(author, envelope.epoch)
                self._repair.on_announced(connection, series, envelope.span, now, now)
            case Over.TOO_FAST:
                self._repair.refuse(envelope, now)
            case Over.LOUD:
                self._repair.refusals.mute_loud(author, now)
                self._repair.refuse(envelope, now)

    def _pass_over(self, name: EnvelopeId, connection: ConnectionId) -> None:
        self._broadcast.pass_over(name)
        self._lazy_push.on_taken(name, connection)

    def _lose(self, session: Session, name: EnvelopeId, now: float) -> None:
        assert session.peer is not None, "only neighbours carry envelopes"
        self._lazy_push.on_lost(name, session.connection)
        self._repair.refusals.count_lost(session.peer, now)

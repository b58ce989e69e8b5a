"""What becomes of an envelope: taken once, handed on, put in order, repaired, acknowledged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.alarms import earliest
from p2pchat.core.announcements import Batch
from p2pchat.core.arrivals import Arrivals
from p2pchat.core.broadcast import Broadcast
from p2pchat.core.contacts import Contacts
from p2pchat.core.envelopes import Envelope, EnvelopeCodec
from p2pchat.core.events import Deliver, Effect, Published, Tell
from p2pchat.core.frames import Acks, Carry, Filled, Graft, IHave, Incoming, Prune
from p2pchat.core.holdings import Holding
from p2pchat.core.lazy_push import LazyPush
from p2pchat.core.neighbours import Neighbours
from p2pchat.core.notices import NickChanged
from p2pchat.core.pace import Pace
from p2pchat.core.people import People
from p2pchat.core.plain_lines import PlainLines
from p2pchat.core.rates import Rates
from p2pchat.core.reach import ACKNOWLEDGE, REACH_QUERY, Reach, Seen
from p2pchat.core.received import Verdict
from p2pchat.core.repair import REPAIR_FRAMES, Repair
from p2pchat.core.series import series_of
from p2pchat.core.session import Session
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.telling import Telling
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, Kind, PeerId, Person, is_kept

if TYPE_CHECKING:
    from random import Random

OnPassing = Callable[[Envelope, ConnectionId, int, float, int], list[Effect]]

OWN_LIMIT: Final = 1_024
"""Own envelopes that can be asked about by the number of a message."""


class Spreading:
    """Composes flooding, lazy push, repair and reach; the engine composes it with the rest.

    Carry ──► Broadcast.take ──► Repair.on_taken ──► LazyPush.route ──► neighbours
    Filled ─► Repair.expects ──►      │                   Reach ──────► the way back
                                      └─ take_news ──► Deliver, gaps, seams
    """

    def __init__(
        self,
        setup: Setup,
        codec: EnvelopeCodec,
        credentials: Credentials,
        rng: Random,
        neighbours: Neighbours,
        people: People,
        plain_lines: PlainLines,
        on_first: Callable[[Envelope, ConnectionId | None, float, int, bool], None],
        contacts: Contacts,
    ) -> None:
        self._setup = setup
        self._codec = codec
        self._rng = rng
        self._neighbours = neighbours
        self._people = people
        self._plain_lines = plain_lines
        self.on_passing: OnPassing = lambda *_: []
        """What else somebody does with a passing envelope that is new here."""
        self._on_first = on_first
        """Is told who brought each envelope first, at which moment; nobody for an own one."""
        self._broadcast = Broadcast(setup, codec, credentials)
        self._repair = Repair(
            setup.me,
            setup.epoch,
            codec,
            rng,
            is_metered=setup.is_metered,
            backlog_minutes=setup.backlog_minutes,
        )
        self._lazy_push = LazyPush(self._broadcast.knows, self._find, setup.lazy_above_bytes)
        self._rates = Rates(is_metered=setup.is_metered)
        self._pace = Pace(is_metered=setup.is_metered)
        self._arrivals = Arrivals(self._broadcast, self._rates, self._repair, self._lazy_push)
        self._reach = Reach(setup.me, credentials, rng)
        self._telling = Telling(people, contacts, plain_lines)
        self._own: OrderedDict[int, EnvelopeId] = OrderedDict()  # by first number

    def begin(self, wall_ms: int) -> None:
        """Say what the wall clock shows; the first time counts as the start of this node."""
        self._repair.begin(wall_ms)

    # --- Neighbours ----------------------------------------------------------------------------

    def on_open(self, connection: ConnectionId, now: float, wall_ms: int) -> list[Effect]:
        """A connection was opened."""
        self._rates.on_open(connection)
        self._lazy_push.on_open(connection)
        self._reach.on_open(connection)
        return self._repair.on_open(connection, now, wall_ms)

    def on_closed(self, connection: ConnectionId, now: float) -> list[Effect]:
        """A connection is drained, left or gone."""
        self._rates.on_closed(connection)
        self._lazy_push.on_closed(connection)
        self._reach.on_closed(connection)
        self._repair.on_closed(connection, now)
        return self._news(now)

    def on_queue(
        self, connection: ConnectionId, now: float, wall_ms: int, *, is_high: bool
    ) -> list[Effect]:
        """A neighbour's send queue rose or fell."""
        self._lazy_push.on_queue(connection, is_high=is_high)
        return self._repair.on_queue(connection, now, wall_ms, is_high=is_high)

    # --- Frames --------------------------------------------------------------------------------

    def on_frame(self, session: Session, frame: Incoming, now: float, wall_ms: int) -> list[Effect]:
        """React to whatever is about envelopes.

        Raises:
            RemoteFault: That neighbour broke the protocol.
        """
        connection = session.connection
        if isinstance(frame, Carry):
            return self._on_carry(session, frame, now, wall_ms)
        if not self._neighbours.is_talking(connection):
            return []  # said on a connection that is being drained
        match frame:
            case IHave():
                self._on_ihave(connection, frame, now)
                return []
            case Graft():
                return self._lazy_push.on_graft(connection, frame, now)
            case Prune():
                self._lazy_push.on_prune(connection)
                return []
            case Acks():
                return self._reach.on_acks(connection, frame, now)
            case Filled():
                return self._on_filled(session, frame, now, wall_ms)
        if isinstance(frame, REPAIR_FRAMES):
            effects = self._repair.on_frame(connection, frame, now, wall_ms)
            return effects + self._news(now)
        return []

    def _on_ihave(self, connection: ConnectionId, frame: IHave, now: float) -> None:
        self._lazy_push.on_ihave(connection, frame, now)
        # A graft brings it sooner than repair would; repair knows where to ask if it does not.
        until = now + limits.GRAFT_AFTER_S + limits.GRAFT_NEXT_S
        for announced in frame.announced:
            if announced.count and EnvelopeId(announced.id) not in self._broadcast.seen:
                series = series_of(PeerId(announced.author), Epoch(announced.epoch))
                span = (announced.first, announced.first + announced.count)
                self._repair.on_announced(connection, series, span, now, until)

    def _on_carry(self, session: Session, frame: Carry, now: float, wall_ms: int) -> list[Effect]:
        name, connection = EnvelopeId(frame.id), session.connection
        if self._broadcast.knows(name):
            if not self._rates.may_copy(connection, now):
                return []
            return self._lazy_push.on_copy(connection, name, len(frame.signed), now)
        envelope = self._arrivals.take_live(session, frame, now, wall_ms)
        if envelope is None:
            return self._news(now)
        return self._spread(session, envelope, frame.hops, now, wall_ms, live=True)

    def _on_filled(self, session: Session, frame: Filled, now: float, wall_ms: int) -> list[Effect]:
        connection = session.connection
        if not self._repair.expects(connection, frame, now) or (
            EnvelopeId(frame.id) in self._broadcast.seen
        ):
            return []
        envelope = self._arrivals.take_filled(connection, frame, now, wall_ms)
        if envelope is None:
            return []
        return self._spread(session, envelope, frame.hops, now, wall_ms, live=False)

    def _spread(
        self,
        session: Session,
        envelope: Envelope,
        hops: int,
        now: float,
        wall_ms: int,
        *,
        live: bool,
    ) -> list[Effect]:
        """Do everything with an envelope that is valid and new here."""
        assert session.peer is not None
        connection = session.connection
        hops = min(hops + 1, limits.HOPS_LIMIT)
        effects: list[Effect] = []
        if is_kept(envelope.header.kind):
            age_s = 0.0 if live else max(0.001, (wall_ms - envelope.header.time_ms) / 1000)
            delivery = self._delivery(envelope, hops, now, age_s, effects)
            verdict = self._repair.on_taken(
                envelope, connection, now, wall_ms, live=live, hops=hops, delivery=delivery
            )
            if verdict is not Verdict.NEW:
                self._lazy_push.on_taken(envelope.id, connection)
                return effects + self._news(now)
        self._on_first(envelope, connection, now, wall_ms, live)
        if live:
            to = self._neighbours.connections(session.peer, envelope.author)
            effects += self._lazy_push.route(envelope, to, connection, hops, now)
        else:
            # What came by repair goes on by offers: see Repair.
            self._lazy_push.on_taken(envelope.id, connection)
        if not is_kept(envelope.header.kind):
            effects += self.on_passing(envelope, connection, hops, now, wall_ms)
        effects += self._acknowledge(envelope, connection, now, wall_ms)
        return effects + self._news(now)

    def _delivery(
        self, envelope: Envelope, hops: int, now: float, age_s: float, effects: list[Effect]
    ) -> Deliver | None:
        texts = self._broadcast.read(envelope)
        if texts is None:
            return None
        person, old = self._people.meet(envelope.author, texts.nick, hops, now, age_s)
        if old is not None:
            effects.append(Tell(NickChanged(person, old)))
        return Deliver(person, envelope, texts.texts, hops)

    # --- Own messages --------------------------------------------------------------------------

    def publish(self, batch: Batch, now: float, wall_ms: int) -> list[Effect]:
        """Make an envelope of own messages and send it to every neighbour."""
        flags = ACKNOWLEDGE if batch.wants_acks else 0
        envelope = self._broadcast.seal(batch, flags, wall_ms, now)
        self._pace.charge(len(envelope.signed), now)
        self._repair.on_own(envelope, now, wall_ms)
        self._on_first(envelope, None, now, wall_ms, True)
        self._own[batch.first] = envelope.id
        if len(self._own) > OWN_LIMIT:
            self._own.popitem(last=False)
        if batch.wants_acks:
            self._reach.expect(envelope.id)
        to = self._neighbours.connections()
        signer = Person(self._setup.me, batch.nick)
        effects: list[Effect] = [Published(signer, envelope, batch.texts, len(to))]
        effects += self._lazy_push.route(envelope, to, None, 0, now)
        if batch.kind in (Kind.GUEST, Kind.BRIDGED):
            return effects  # guests got each other's lines when they were said
        return effects + self._plain_lines.tell(batch.kind, batch.nick, batch.texts, now)

    @property
    def may_publish_at(self) -> float:
        """When own messages may go; minus infinity for at any time."""
        return self._pace.ready_at

    @property
    def has_held(self) -> bool:
        """Whether passing envelopes wait to be sent."""
        return self._pace.held_count > 0

    # --- Reach ---------------------------------------------------------------------------------

    def envelope_with(self, number: int) -> EnvelopeId | None:
        """Return the own envelope that holds the message of that number, if it left lately."""
        for first in reversed(self._own):
            if first <= number:
                return self._own[first]
        return None

    @property
    def last_own(self) -> EnvelopeId | None:
        """The own envelope that left last."""
        return next(reversed(self._own.values()), None)

    def seen_by(self, name: EnvelopeId, now: float) -> Seen:
        """Tell who acknowledged an own envelope, and who of those known has not yet."""
        return self._reach.seen(name, self._people.known(now))

    def ask_who_has(self, name: EnvelopeId, now: float, wall_ms: int) -> list[Effect]:
        """Ask everybody whether they have that own envelope."""
        body = self._codec.encode_query(name)
        nonce = self._rng.randbytes(16)
        query = self._broadcast.seal_passing(REACH_QUERY, body, nonce, wall_ms, now)
        self._reach.ask(query.id, name)
        self._pace.hold(query, None)
        return self._send_held(now)

    def flood(
        self, kind: int, body: bytes, nonce: bytes, avoid: PeerId | None, now: float, wall_ms: int
    ) -> tuple[EnvelopeId, list[Effect]]:
        """Send a passing envelope to everybody, by every neighbour but that one, when it may go."""
        envelope = self._broadcast.seal_passing(kind, body, nonce, wall_ms, now)
        self._on_first(envelope, None, now, wall_ms, True)
        self._pace.hold(envelope, avoid)
        return envelope.id, self._send_held(now)

    def _send_held(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for envelope, avoid in self._pace.release(now):
            to = self._neighbours.connections(*([avoid] if avoid is not None else []))
            effects += self._lazy_push.route(envelope, to, None, 0, now)
        return effects

    def _acknowledge(
        self, envelope: Envelope, connection: ConnectionId, now: float, wall_ms: int
    ) -> list[Effect]:
        if envelope.header.kind == REACH_QUERY:
            about = self._find(self._codec.decode_query(envelope.header.body))
            known = self._people.known_count(now)
            return self._reach.on_query(envelope, about, connection, now, wall_ms, known)
        if not envelope.header.flags & ACKNOWLEDGE:
            return []
        known = self._people.known_count(now)
        return self._reach.on_taken(envelope, connection, now, wall_ms, known)

    def _news(self, now: float) -> list[Effect]:
        return self._telling.effects(self._repair.take_news(), now)

    # --- Time ----------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; minus infinity for at once, None for never."""
        return earliest(
            self._lazy_push.next_deadline(), self._repair.next_deadline(),
            self._reach.next_deadline(), self._pace.next_deadline(),
        )  # fmt: skip

    def forgive(self, late_s: float) -> None:
        """Blame nobody for the time that we ourselves were asleep."""
        self._lazy_push.forgive(late_s)

    def compare(self, now: float, wall_ms: int) -> list[Effect]:
        """Compare with a neighbour what is stored, if its time has come."""
        return self._repair.compare(now, wall_ms)

    def on_time(self, now: float, wall_ms: int) -> list[Effect]:
        """Do what is due."""
        effects = self._send_held(now) + self._lazy_push.on_time(now)
        effects += self._repair.on_time(now, wall_ms)
        effects += self._reach.on_time(now)
        return effects + self._news(now)

    def knows(self, envelope: EnvelopeId) -> bool:
        """Tell whether an envelope was taken, or passed over."""
        return self._broadcast.knows(envelope)

    # --- Facts ---------------------------------------------------------------------------------

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            Holding("seen ids", len(self._broadcast.seen), limits.SEEN_LIMIT_IDS),
            Holding("looked at", self._broadcast.looked_at_count, limits.LOOKED_AT_LIMIT_IDS),
            Holding("held back", self._pace.held_count, limits.HELD_LIMIT_ENVELOPES),
            self._rates.holding(),
            *self._lazy_push.holdings(),
            *self._repair.holdings(),
            *self._reach.holdings(),
        )

    def _find(self, name: EnvelopeId) -> Envelope | None:
        stored = self._repair.stored(name)
        if stored is None:
            return None
        header = self._codec.decode_header(stored.signed)
        return Envelope(name, header, stored.signature, stored.signed)

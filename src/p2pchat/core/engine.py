"""Composes the machines of a node: one event in, effects out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from p2pchat.core import limits
from p2pchat.core.admission import ACCEPTED_LIMIT, is_loopback
from p2pchat.core.alarms import Purpose, earlier
from p2pchat.core.announcements import Announcements
from p2pchat.core.clock_check import ClockCheck
from p2pchat.core.connections import Connections
from p2pchat.core.envelopes import EnvelopeCodec
from p2pchat.core.events import (
    AskWhoHas,
    BytesReceived,
    ClockSet,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    Effect,
    Event,
    FrameReceived,
    HangUp,
    Leave,
    LinesReceived,
    Note,
    QueueFell,
    QueueRose,
    Tell,
    Tick,
    TreatAsGuest,
)
from p2pchat.core.frames import Incoming, Welcome
from p2pchat.core.holdings import Holding
from p2pchat.core.notices import Peers, Trouble
from p2pchat.core.opening import Opening
from p2pchat.core.people import PEOPLE_LIMIT, People
from p2pchat.core.plain_lines import PlainLines
from p2pchat.core.reach import Seen
from p2pchat.core.session import Session, State
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.spreading import Spreading
from p2pchat.core.values import ConnectionId, Kind, MessageId, MessageNames, PeerId, Person
from p2pchat.errors import AnnounceOverflow, EnvelopeForged, RemoteFault

if TYPE_CHECKING:
    from random import Random

_TALKING = frozenset({State.OPEN, State.LEAVING})


class Core:
    """Every decision of a node; no I/O, no clock, no chance of its own."""

    def __init__(
        self, setup: Setup, codec: EnvelopeCodec, credentials: Credentials, rng: Random
    ) -> None:
        """Begin with nobody.

        Args:
            setup: This node's own facts.
            codec: Bytes of envelopes to values and back.
            credentials: Signs and checks.
            rng: Every chance that the node takes comes from it.
        """
        self._setup = setup
        self._me = Person(setup.me, setup.nick)
        self._names = MessageNames(setup.me, setup.epoch)
        self._people = People()
        self._opening = Opening(setup, credentials, self._welcome)
        self._connections = Connections(setup, self._opening, self._people)
        self._announcements = Announcements()
        self._plain_lines = PlainLines(setup.guests, self._announce_guest)
        self._spreading = Spreading(
            setup,
            codec,
            credentials,
            rng,
            self._connections.neighbours,
            self._people,
            self._plain_lines,
        )
        self._behind: set[ConnectionId] = set()
        self._clock_check = ClockCheck()
        self._wall_offset_s = 0.0
        self._is_leaving = False

    # --- What the node's owner asks ------------------------------------------------------------

    @property
    def me(self) -> Person:
        """Key and nick of this node."""
        return self._me

    @property
    def waiting_texts(self) -> int:
        """Own texts that have not been handed to the neighbours yet."""
        return len(self._announcements)

    @property
    def neighbour_count(self) -> int:
        """Peers with an open connection, guests not counted."""
        return len(self._connections.neighbours)

    @property
    def neighbours(self) -> dict[PeerId, ConnectionId]:
        """Which connection counts for each peer that has an open one."""
        return self._connections.neighbours.by_peer()

    @property
    def goodbyes_seen(self) -> int:
        """Neighbours that confirmed to have handled everything up to our goodbye."""
        return self._connections.goodbyes_seen

    def announce(
        self, text: str, kind: Kind = Kind.TEXT, *, wants_acks: bool = False
    ) -> tuple[int, MessageId]:
        """Take a message for everybody; it leaves with the next Tick.

        Returns:
            Its number on this node, and the id by which everybody knows it.

        Raises:
            TextTooLong, AnnounceOverflow: Nothing was taken.
        """
        number = self._announcements.add(kind, self._me.nick, text, wants_acks=wants_acks)
        return number, self._names.name(number)

    def seen(self, number: int | None, now: float) -> Seen | None:
        """Tell who has an own message; None when it has not left, or too long ago.

        Args:
            number: As `announce` returned it; None for the one that left last.
            now: Monotonic seconds.
        """
        spreading = self._spreading
        name = spreading.last_own if number is None else spreading.envelope_with(number)
        return None if name is None else spreading.seen_by(name, now)

    def name_of(self, peer: PeerId) -> Person:
        """Return who that key is, as far as known here."""
        return self._people.person(peer) or self._people.stranger(peer)

    def rename(self, nick: str) -> None:
        """Call this node otherwise; others learn it with its next message."""
        self._me = Person(self._setup.me, nick)

    def peers(self, now: float) -> Peers:
        """Describe neighbours, guests, and who was heard through others."""
        near = frozenset(s.peer for s in self._connections.neighbours if s.peer is not None)
        heard = self._people.heard(now, near | {self._setup.me})
        guests = self._plain_lines.statuses(now)
        return Peers(self._connections.statuses(now) + guests, heard)

    def holdings(self) -> tuple[Holding, ...]:
        """Count everything that strangers can make grow, each with its limit."""
        connections = self._connections
        all_connections = len(connections)
        return (
            Holding("accepted connections", connections.accepted_count, ACCEPTED_LIMIT),
            Holding("neighbours", len(connections.neighbours), all_connections),
            Holding("alarms", len(connections.alarms), all_connections * len(Purpose)),
            Holding("pulses", len(connections.liveness), all_connections),
            Holding("own texts", len(self._announcements), limits.ANNOUNCEMENTS_LIMIT_TEXTS),
            *self._spreading.holdings(),
            Holding("people", len(self._people), PEOPLE_LIMIT),
        )

    # --- Events --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to send a Tick, on the clock of `handle()`.

        Minus infinity for "as soon as you get round to it", None for never. It may be
        earlier than anything is due, never later.
        """
        if self._announcements and not self._is_congested:
            return -math.inf
        return earlier(
            earlier(self._connections.next_deadline(), self._plain_lines.next_deadline()),
            self._spreading.next_deadline(),
        )

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Apply one event and return the effects, in the order to perform.

        Args:
            event: What happened.
            now: Monotonic time in seconds.
        """
        self._forgive_own_lateness(now)
        effects = self._on_event(event, now)
        if self._connections.neighbours.has_changed:
            effects += self._follow_neighbours(now)
        return effects

    def _on_event(self, event: Event, now: float) -> list[Effect]:
        match event:
            case FrameReceived(connection, frame):
                return self._on_frame(connection, frame, now)
            case BytesReceived(connection):
                self._connections.on_bytes(connection, now)
                return []
            case Tick():
                return self._on_tick(now)
            case ConnectionStarted():
                return self._on_started(event, now)
            case ConnectionSecured():
                return self._connections.on_secured(event)
            case LinesReceived(connection, lines):
                return self._on_lines(connection, lines, now)
            case ConnectionEnded():
                return self._on_ended(event, now)
            case QueueRose(connection):
                self._behind.add(connection)
                return self._spreading.on_queue(connection, now, self._wall_ms(now), is_high=True)
            case QueueFell(connection):
                self._behind.discard(connection)
                return self._spreading.on_queue(connection, now, self._wall_ms(now), is_high=False)
            case ClockSet(offset_s):
                self._wall_offset_s = offset_s
                self._spreading.begin(self._wall_ms(now))
                return self._warn_of_clock(now)
            case HangUp(connection):
                goodbye = self._connections.leave(connection, now)
                return goodbye + self._plain_lines.hang_up((connection,))
            case AskWhoHas(number):
                return self._ask_who_has(number, now)
            case Leave():
                self._is_leaving = True
                return self._leave_when_empty(now)
            case _:
                assert_never(event)

    def _on_frame(self, connection: ConnectionId, frame: Incoming, now: float) -> list[Effect]:
        session = self._connections.get(connection)
        if session is None:
            return []  # ended by us while this was under way
        try:
            effects = self._connections.on_frame(session, frame, now)
            if isinstance(frame, Welcome):
                self._clock_check.note(connection, frame.wall_ms, now)
                effects += self._warn_of_clock(now)
            if session.state in _TALKING:
                effects += self._spreading.on_frame(session, frame, now, self._wall_ms(now))
        except RemoteFault as fault:
            return self._on_fault(session, fault, now)
        return effects

    def _on_fault(self, session: Session, fault: RemoteFault, now: float) -> list[Effect]:
        if isinstance(fault, EnvelopeForged):
            self._connections.admission.note_forgery(session.host_ip, now)
        return [
            Note(f"{session.address}: {fault}"),
            *self._connections.end(session.connection, str(fault), now),
        ]

    # --- Own messages --------------------------------------------------------------------------

    @property
    def _is_congested(self) -> bool:
        """Whether the median send queue is high: then own messages wait and gather."""
        return 2 * len(self._behind) >= max(1, len(self._connections.neighbours)) and bool(
            self._behind
        )

    def _publish(self, now: float) -> list[Effect]:
        """Send one envelope of what waits."""
        if self._is_congested:
            return []
        batch = self._announcements.take()
        if batch is None:
            return []
        return self._spreading.publish(batch, now, self._wall_ms(now))

    def _ask_who_has(self, number: int | None, now: float) -> list[Effect]:
        spreading = self._spreading
        name = spreading.last_own if number is None else spreading.envelope_with(number)
        return [] if name is None else spreading.ask_who_has(name, now, self._wall_ms(now))

    def _follow_neighbours(self, now: float) -> list[Effect]:
        """Let everything that spreads envelopes know whom there is to spread them to."""
        came, gone = self._connections.neighbours.take_changes()
        effects: list[Effect] = []
        for connection in gone:
            effects += self._spreading.on_closed(connection, now)
        for connection in came:
            if connection not in gone:
                effects += self._spreading.on_open(connection, now, self._wall_ms(now))
        return effects

    def _announce_guest(self, kind: Kind, text: str) -> None:
        try:
            self.announce(text, kind)
        except AnnounceOverflow:
            return  # a guest's line is worth less than the node that carries it

    # --- Guests --------------------------------------------------------------------------------

    def _on_started(self, event: ConnectionStarted, now: float) -> list[Effect]:
        effects = self._connections.on_started(event, now)
        session = self._connections.get(event.connection)
        if session is None:
            return effects
        if session.address.plain:
            return effects + self._take_guest(session, now)
        if not session.is_dialled and is_loopback(session.host_ip):
            self._connections.alarms.set(
                session.connection, Purpose.GUEST_SILENCE, now + limits.GUEST_SILENCE_S
            )
        return effects

    def _on_lines(
        self, connection: ConnectionId, lines: tuple[str, ...], now: float
    ) -> list[Effect]:
        effects: list[Effect] = []
        session = self._connections.get(connection)
        if session is not None:
            effects += self._take_guest(session, now)
        return effects + self._plain_lines.hear(connection, lines, now)

    def _take_guest(self, session: Session, now: float) -> list[Effect]:
        self._connections.forget(session)
        return self._plain_lines.join(session, now)

    def _on_silence(self, connection: ConnectionId, now: float) -> list[Effect]:
        session = self._connections.get(connection)
        if session is None or session.state is not State.SECURING:
            return []
        if not self._plain_lines.may_join(session):
            return []  # it still has the rest of the opening's time
        return [TreatAsGuest(connection), *self._take_guest(session, now)]

    # --- Time and ends -------------------------------------------------------------------------

    def _on_tick(self, now: float) -> list[Effect]:
        effects = self._publish(now)
        effects += self._spreading.on_time(now, self._wall_ms(now))
        effects += self._plain_lines.on_time(now)
        effects += self._connections.on_time(now)
        for connection, purpose in self._connections.alarms.take_due(now):
            if purpose is Purpose.GUEST_SILENCE:
                effects += self._on_silence(connection, now)
            else:
                effects += self._connections.ring(connection, purpose, now)
        if self._is_leaving:
            effects += self._leave_when_empty(now)
        return effects

    def _leave_when_empty(self, now: float) -> list[Effect]:
        if self._announcements:
            return []
        goodbyes = self._connections.leave_all(now)
        # Who leaves need not be told that everybody is gone.
        quiet = [effect for effect in goodbyes if not isinstance(effect, Tell)]
        return quiet + self._plain_lines.hang_up()

    def _on_ended(self, event: ConnectionEnded, now: float) -> list[Effect]:
        self._behind.discard(event.connection)
        self._clock_check.forget(event.connection)
        if event.connection in self._plain_lines:
            return self._plain_lines.leave(event.connection, event.reason)
        return self._connections.on_ended(event, now)

    def _forgive_own_lateness(self, now: float) -> None:
        deadline = self._connections.next_deadline()
        if deadline is not None and now - deadline > limits.LATE_LOOP_S:
            late_s = now - deadline + limits.LATE_GRACE_S
            self._connections.forgive(late_s)
            self._spreading.forgive(late_s)

    def _warn_of_clock(self, now: float) -> list[Effect]:
        warning = self._clock_check.warning(self._wall_offset_s, now)
        return [] if warning is None else [Tell(Trouble(warning, "bad-input"))]

    def _welcome(self, now: float) -> Welcome:
        addresses = tuple(str(address) for address in self._setup.addresses)
        return Welcome(self._me.nick, self._wall_ms(now), addresses)

    def _wall_ms(self, now: float) -> int:
        return max(0, int((now + self._wall_offset_s) * 1000))

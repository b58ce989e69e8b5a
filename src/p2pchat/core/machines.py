"""The machines of a node, put together, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Protocol

from p2pchat.core import limits
from p2pchat.core.acquaintance import Acquaintance
from p2pchat.core.address_book import AddressBook
from p2pchat.core.admission import ACCEPTED_LIMIT
from p2pchat.core.alarms import Purpose
from p2pchat.core.announcements import Announcements
from p2pchat.core.attendance import Attendance, attendance
from p2pchat.core.clock_check import ClockCheck
from p2pchat.core.connections import Connections
from p2pchat.core.contacts import Contacts
from p2pchat.core.direct import Direct
from p2pchat.core.direct_packets import DirectPackets, Owner
from p2pchat.core.direct_values import SEALING_REQUEST, DirectCodec, Sealer
from p2pchat.core.direct_ways import Ways
from p2pchat.core.envelopes import Envelope, EnvelopeCodec
from p2pchat.core.events import Effect
from p2pchat.core.frames import Welcome
from p2pchat.core.holdings import Holding
from p2pchat.core.invites import InvitePlace
from p2pchat.core.joining import Joining
from p2pchat.core.notices import NetworkMap, Path, Peers, Standing
from p2pchat.core.opening import Opening
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.people import PEOPLE_LIMIT, People
from p2pchat.core.plain_lines import PlainLines
from p2pchat.core.presence import PRESENCE, Presence, PresenceCodec, way_of
from p2pchat.core.reach import Seen
from p2pchat.core.records import RecordCodec
from p2pchat.core.series import series_of
from p2pchat.core.session import Session
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.spreading import Spreading
from p2pchat.core.statuses import neighbour_statuses
from p2pchat.core.survey import Survey, SurveyCodec
from p2pchat.core.values import (
    Address,
    ConnectionId,
    EnvelopeId,
    Epoch,
    Kind,
    MessageId,
    MessageNames,
    PeerId,
    Person,
)
from p2pchat.core.who import WHO_QUERY
from p2pchat.errors import AnnounceOverflow

if TYPE_CHECKING:
    from random import Random


class CoreCodec(EnvelopeCodec, RecordCodec, SurveyCodec, DirectCodec, PresenceCodec, Protocol):
    """Bytes to values and back, for everything that is signed."""


class Machines:
    """Everything that decides in a node; `Core` lets events reach it."""

    def __init__(
        self,
        setup: Setup,
        codec: CoreCodec,
        credentials: Credentials,
        rng: Random,
        book: AddressBook | None = None,
        *,
        sealer: Sealer,
        contacts: Contacts | None = None,
        delivered: Container[tuple[PeerId, DirectId]] = frozenset(),
        waiting: tuple[Waiting, ...] = (),
    ) -> None:
        """Begin with nobody.

        Args:
            setup: This node's own facts.
            codec: Bytes of what is signed to values and back.
            credentials: Signs and checks.
            rng: Every chance that the node takes comes from it.
            book: Whom the node knows from before; None for nobody.
            sealer: Seals messages to one person, and opens those to this node.
            contacts: What is remembered of people; None for nothing.
            delivered: Direct messages that were shown before.
            waiting: Own direct messages that an earlier run could not deliver.
        """
        self._setup = setup
        self._me = Person(setup.me, setup.nick)
        self._names = MessageNames(setup.me, setup.epoch)
        self._people = People()
        self.contacts = Contacts() if contacts is None else contacts
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
            self._note_first,
            self.contacts,
        )
        self._joining = Joining(
            setup,
            codec,
            credentials,
            rng,
            AddressBook(rng) if book is None else book,
            self._people,
            self._connections.leave,
        )
        self._survey = Survey(
            setup, codec, credentials, rng, self._spreading.flood, self.contacts.is_blocked
        )
        self._direct = self._make_direct(codec, credentials, rng, sealer, delivered)
        self._presence = Presence(
            self._people, self._spreading.flood, codec, rng, is_told=setup.tells_presence
        )
        self._left_over = waiting
        self._acquaintance = Acquaintance(self.contacts, self._me)
        self._spreading.on_passing = self._on_passing
        self._behind: set[ConnectionId] = set()
        self._clock_check = ClockCheck()
        self._wall_offset_s = 0.0
        self._has_begun = False
        self._is_leaving = False

    def _make_direct(
        self,
        codec: DirectCodec,
        credentials: Credentials,
        rng: Random,
        sealer: Sealer,
        delivered: Container[tuple[PeerId, DirectId]],
    ) -> Direct:
        setup = self._setup
        packets = DirectPackets(
            Owner(setup.me, setup.epoch, setup.network), codec, credentials, sealer
        )
        ways = Ways(
            self._connections.neighbours,
            self._survey.trails,
            self._spreading.flood,
            packets.request,
        )
        direct = Direct(
            setup.me, packets, ways, rng, self._people, delivered, self.contacts.is_blocked
        )
        direct.rename(setup.nick)
        return direct

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

    def knows(self, envelope: EnvelopeId) -> bool:
        """Tell whether an envelope was taken or refused; one that was lost may come again."""
        return self._spreading.knows(envelope)

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

    def map(self, now: float) -> tuple[NetworkMap, bool]:
        """Return the map as far as it is known, and whether nothing more is waited for."""
        return self._survey.map(now)

    def who_wait_s(self, now: float) -> float:
        """Return how long nobody would answer who is here, for everybody has just done so."""
        return self._survey.who.wait_s(now)

    def who(self, now: float) -> tuple[Attendance, bool]:
        """Return who answered the last `AskWho`, and whether nothing more is waited for."""
        who = self._survey.who
        known = map(self.name_of, self._others_known(now))
        found = attendance(
            who.answered, who.estimate, known, self.neighbours, self.contacts.is_blocked
        )
        return found, who.is_done

    def path(self, number: int, now: float) -> Path | None:
        """Return the answer to an `AskPath`; None while it may still come."""
        return self._survey.path(number, now)

    @property
    def waiting_count(self) -> int:
        """Direct messages that wait for their recipients."""
        return self._direct.outbox.count

    def standing(self, now: float) -> Standing:
        """Tell how this node stands in its network."""
        joining = self._joining
        return Standing(
            joining.reachability.verdict(now),
            joining.reachability.outside(),
            self._clock_check.ahead_s(self._wall_offset_s),
            self.neighbour_count,
            len(joining.book),
            joining.lookout.found,
            joining.lookout.others_rooms,
            self._setup.joins,
            joining.lookout.has_consent,
        )

    def invite_places(self, addresses: tuple[Address, ...]) -> tuple[InvitePlace, ...]:
        """Return where newcomers may dial: us at those addresses, and others of the room."""
        return self._joining.invite_places(addresses)

    def envelope_of(self, author: PeerId, epoch: Epoch, number: int) -> EnvelopeId | None:
        """Return the envelope that holds that message, if it was here lately."""
        return self._survey.arrivals.holding(series_of(author, epoch), number)

    def peers(self, now: float) -> Peers:
        """Describe neighbours, guests, and who was heard through others."""
        near = frozenset(s.peer for s in self._connections.neighbours if s.peer is not None)
        heard = self._people.heard(now, near | {self._setup.me})
        guests = self._plain_lines.statuses(now)
        near_statuses = neighbour_statuses(
            self._connections.neighbours,
            self._people,
            self._connections.liveness,
            self._joining.place_of,
            now,
        )
        known = [status.person.id for status in near_statuses]
        known += [status.person.id for status in heard]
        blocked = frozenset(peer for peer in known if peer and self.contacts.is_blocked(peer))
        return Peers(near_statuses + guests, heard, blocked)

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
            *self._joining.holdings(),
            *self._survey.holdings(),
            *self._direct.holdings(),
            *self.contacts.holdings(),
            Holding("people", len(self._people), PEOPLE_LIMIT),
        )

    def _others_known(self, now: float) -> tuple[PeerId, ...]:
        return tuple(peer for peer in self._people.known(now) if peer != self._setup.me)

    def _rename(self, nick: str, now: float) -> list[Effect]:
        self._me = Person(self._setup.me, nick)
        self._survey.rename(nick)
        self._direct.rename(nick)
        self._acquaintance.rename(nick)
        self._presence.on_renamed(now)
        return []

    # --- What the machines ask of each other ---------------------------------------------------

    def _announce_guest(self, kind: Kind, text: str) -> None:
        try:
            self.announce(text, kind)
        except AnnounceOverflow:
            return  # a guest's line is worth less than the node that carries it

    def _on_passing(
        self, envelope: Envelope, connection: ConnectionId, hops: int, now: float, wall_ms: int
    ) -> list[Effect]:
        if envelope.header.kind == SEALING_REQUEST:
            return self._direct.on_request(envelope, connection, now, wall_ms)
        if envelope.header.kind == PRESENCE:
            via = way_of(envelope.author, connection, self.neighbours)
            by = None if via is None else self.name_of(via)
            return self._presence.on_presence(envelope, by, hops, now)
        if envelope.header.kind == WHO_QUERY:
            return self._survey.who.on_query(envelope, connection, now)
        return []

    def _note_first(
        self,
        envelope: Envelope,
        connection: ConnectionId | None,
        now: float,
        wall_ms: int,
        is_live: bool,
    ) -> None:
        self._survey.note_arrival(envelope, connection, now, wall_ms, is_live=is_live)
        if connection is not None and is_live:
            self._direct.on_heard(envelope.author, now)
        if connection is not None and is_live:
            self._joining.membership.view.note_useful(connection, now)

    def _welcome(self, session: Session, now: float) -> Welcome:
        addresses = tuple(str(address) for address in self._setup.addresses)
        return Welcome(self._me.nick, self._wall_ms(now), addresses, session.host_ip)

    def _wall_ms(self, now: float) -> int:
        return max(0, int((now + self._wall_offset_s) * 1000))

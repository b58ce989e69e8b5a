"""Joining by itself, and staying joined: puts together all that finds and keeps neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, assert_never

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.address_book import AddressBook
from p2pchat.core.alarms import earliest
from p2pchat.core.changes import Arrived, Change, Departed, Drained
from p2pchat.core.events import AddressFound, Advertise, Effect, SaveBook, Search, Tell
from p2pchat.core.holdings import Holding
from p2pchat.core.invites import INVITE_ADDRESSES, InvitePlace
from p2pchat.core.lookout import LOOK_AGAIN_S, Lookout
from p2pchat.core.membership import Membership, Move, Part
from p2pchat.core.mesh_frames import MembershipFrame, ReachabilityAnswer, ReachabilityAsk
from p2pchat.core.news import News
from p2pchat.core.notices import Around, How, Place, Remark
from p2pchat.core.passive_view import Known
from p2pchat.core.people import People
from p2pchat.core.pins import Pins
from p2pchat.core.reachability import Reachability
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import RecordCodec, Scope, offerable, scope_of
from p2pchat.core.remembering import Remembering
from p2pchat.core.session import Session
from p2pchat.core.setup import MEMBERSHIP, Credentials, Setup
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.errors import DialFailed, KeyMismatch

if TYPE_CHECKING:
    from random import Random

_INVITE_OWN: Final = 4
"""Own addresses in an invite; the other places are for others of the room."""

JoiningFrame = MembershipFrame | ReachabilityAsk | ReachabilityAnswer


class Joining:
    """Membership with what is around it: typed connections, discovery, the address book."""

    def __init__(
        self,
        setup: Setup,
        codec: RecordCodec,
        credentials: Credentials,
        rng: Random,
        book: AddressBook,
        people: People,
        part: Callable[[ConnectionId, float], list[Effect]],
    ) -> None:
        """Begin with nobody.

        Args:
            setup: This node's own facts.
            codec: Bytes of records to values and back.
            credentials: Signs and checks.
            rng: Every chance comes from it.
            book: Whom this node knows from before.
            people: What keys call themselves.
            part: Says goodbye on a connection.
        """
        self.book = book
        self._remembering = Remembering(book, setup.me, rng)
        self._setup = setup
        self._part = part
        self._desk = RecordDesk(setup.me, setup.network, codec, credentials)
        self.membership = Membership(
            self._desk, rng, self._remembering.note_record, self._from_book
        )
        self.pins = Pins(rng)
        self.reachability = Reachability(setup.port)
        self.lookout = Lookout(setup.lan, setup.room)
        self._news = News(people)
        self._addresses = setup.addresses
        self._save_at: float | None = None
        self._save_after_s = limits.BOOK_SAVE_FIRST_S
        self._look_at: float | None = None

    # --- Facts --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return earliest(
            self.membership.next_deadline(),
            self.pins.next_deadline(),
            self.lookout.next_deadline(),
            None if self._save_at is None else self._save_at + self._leeway_s,
            self._look_at,
        )

    @property
    def _leeway_s(self) -> float:
        return limits.BOOK_SAVE_LEEWAY * self._save_after_s

    def place_of(self, peer: PeerId | None) -> tuple[Place, How | None]:
        """Tell what a neighbour is here for, and how he came."""
        link = self.membership.view.get(peer) if peer is not None else None
        if link is None:
            return Place.BESIDE, None
        if link.is_pinned:
            return Place.PINNED, link.how
        return Place.VIEW if link.is_in_view else Place.BESIDE, link.how

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (*self.membership.holdings(), *self.book.holdings())

    # --- Beginning and end --------------------------------------------------------------------

    def begin(self, now: float, wall_ms: int) -> list[Effect]:
        """Start to look for others, where that is wanted."""
        self._remembering.wall_ms = wall_ms
        self._desk.set_addresses(self._addresses, is_diallable=True)
        if not self._setup.joins:
            return []
        self._remembering.begin(self.membership.view, now)
        self.membership.begin(now, wall_ms)
        self._look_at = now + LOOK_AGAIN_S
        moves: list[Move] = [Search()]
        for known in self._from_book(limits.PASSIVE_LIMIT // 2):
            moves += self.membership.learn(known, now)
        if self.lookout.has_consent:
            moves.append(Advertise())
        return self._effects(moves, now)

    def end(self, now: float) -> list[Effect]:
        """We leave: keep for next time whom we know, and tell of nobody any more."""
        self._news.end()
        self._remembering.note_view(self.membership.view, now)
        return [SaveBook()] if self._setup.joins else []

    # --- Neighbours ---------------------------------------------------------------------------

    def on_changes(self, changes: Iterable[Change], now: float, wall_ms: int) -> list[Effect]:
        """Follow who is a neighbour."""
        self._remembering.wall_ms = wall_ms
        effects: list[Effect] = []
        for change in changes:
            match change:
                case Arrived(session, is_new):
                    effects += self._on_arrived(session, now, is_new=is_new)
                case Drained(session):
                    effects += self._on_drained(session, now)
                case Departed():
                    effects += self._on_departed(change, now)
                case _:
                    assert_never(change)
        return effects

    def _on_arrived(self, session: Session, now: float, *, is_new: bool) -> list[Effect]:
        link = self._link(session, now)
        self._remembering.note_open(link)
        wall_ms = self._remembering.wall_ms
        moves = self.membership.on_open(link, max(session.attempt, 0), now, wall_ms)
        self._settle(session)
        if link.takes_part:
            moves += self.reachability.ask(link, now)
        effects = self._effects(moves, now)
        if is_new:
            self._news.arrived(session, link)
        if session.hello is not None and session.welcome is not None:
            self._note_sighting(link, session.welcome.seen_as)
        return effects + self._news.take(self.membership.view)

    def _link(self, session: Session, now: float) -> Link:
        assert session.peer is not None
        assert session.hello is not None
        takes_part = self._setup.joins and MEMBERSHIP in session.hello.abilities
        address = session.address if session.is_dialled else Address(session.host_ip, 0)
        return Link(
            session.peer,
            session.connection,
            session.is_dialled,
            address,
            now,
            self._how(session),
            session.host_ip,
            takes_part=takes_part,
            is_pinned=session.is_typed or self.pins.holds(session.peer, session.attempt),
        )

    def _how(self, session: Session) -> How:
        if session.is_typed or self.pins.has_dialled(session.attempt):
            return How.INVITE if session.expected is not None else How.TYPED
        attempt = self.membership.attempt(session.attempt)
        return attempt.how if attempt is not None else How.CALLED

    def _on_drained(self, session: Session, now: float) -> list[Effect]:
        """The peer that was dialled is a neighbour already."""
        assert session.peer is not None
        self.membership.settle(session.attempt, now)
        self._settle(session)
        if not session.is_typed:
            return []
        return self._effects(self.membership.pin(session.peer, now), now)

    def _settle(self, session: Session) -> None:
        """A connection of ours is open: whoever had asked for it knows whom it led to."""
        assert session.peer is not None
        if self.pins.has_dialled(session.attempt):
            self.pins.on_open(session.attempt, session.peer, session.opened_at)
        elif session.is_typed:
            self.pins.add(session.peer, session.address, session.opened_at)
        self.lookout.on_open(session.attempt)

    def _on_departed(self, departed: Departed, now: float) -> list[Effect]:
        session = departed.session
        assert session.peer is not None
        self.reachability.on_closed(session.peer, session.connection)
        link = self.membership.view.of(session.connection)
        is_released = link is not None and link.is_released
        if departed.left or is_released:
            self.pins.drop(session.peer)
        is_redialled = self.pins.broke(session.peer, now)
        moves = self.membership.on_closed(session.connection, now, left=departed.left)
        if self.membership.is_lonely and self._setup.joins:
            self._look_at = now
        told = self._news.departed(departed, is_released=is_released, is_redialled=is_redialled)
        return told + self._effects(moves, now)

    def hang_up(self, peer: PeerId | None) -> None:
        """The user ends that connection: it is not dialled again."""
        if peer is not None:
            self.pins.drop(peer)

    # --- Dials --------------------------------------------------------------------------------

    def on_attempt_failed(self, attempt: int, error: DialFailed, now: float) -> list[Effect]:
        """A dial that the node made by itself led to nothing."""
        if self.pins.has_dialled(attempt):
            self.pins.on_failed(attempt, now)
            return []
        self._remembering.note_failure(self.membership.attempt(attempt))
        self.lookout.on_failed(attempt, now)
        effects = self._effects(self.membership.on_dial_failed(attempt, now), now)
        # On this machine ports go from one program of the user to the next: that is no news.
        if isinstance(error, KeyMismatch) and scope_of(error.host) is not Scope.MACHINE:
            effects.append(Tell(Remark(str(error))))
        return effects

    def dial_known(self, peer: PeerId, now: float) -> list[Effect]:
        """Dial somebody who would mend a weak place, where it is known how."""
        known = self.membership.passive.get(peer)
        if known is None or not self._setup.joins:
            return []
        return [*self.membership.dial(known.addresses, peer, known.how, now)]

    def _dial_hints(self, now: float) -> list[Move]:
        moves: list[Move] = []
        for hint in self.lookout.due(now):
            is_enough = self.membership.view.taken >= limits.ACTIVE_AIM
            if is_enough or self.membership.budget.next_at(now) > now:
                break  # looked at only as far as there is something to spend: many are found
            if self.membership.view.reaches(hint.addresses):
                continue
            dials = self.membership.dial(hint.addresses, None, hint.how, now)
            hint.attempt = dials[0].attempt if dials else 0
            moves += dials
        return moves

    # --- Discovery ----------------------------------------------------------------------------

    def on_found(self, found: AddressFound, now: float) -> list[Effect]:
        """Somebody was found, by whatever way."""
        if found.peer == self._setup.me or not self._setup.joins:
            return []
        if found.peer is None or not found.is_same_room:
            self.lookout.note(found.addresses, found.how, now, is_same_room=found.is_same_room)
            return self._effects(self._dial_hints(now), now)
        self.lookout.count(found.addresses, is_same_room=True)
        known = Known(found.peer, found.addresses, found.how, not_before=now)
        return self._effects(self.membership.learn(known, now), now)

    def look_around(self, now: float) -> list[Effect]:
        """The user wants to join whoever is there."""
        if not self._setup.joins:
            return [Tell(Around("this node connects only where you say (--manual)"))]
        moves: list[Move] = [Search()]
        if self.lookout.consent(now):
            moves.append(Advertise())
        moves += self.membership.on_network_changed(now)
        return self._effects(moves + self._dial_hints(now), now)

    def on_network_changed(self, addresses: tuple[Address, ...] | None, now: float) -> list[Effect]:
        """Own addresses are these now, or None where we only woke up."""
        if addresses is not None:
            self._addresses = addresses
        self.reachability.forget()
        self._note_addresses(now)
        self.pins.retry_soon(now)
        self.lookout.retry_soon(now)
        moves: list[Move] = [Search()] if self._setup.joins else []
        moves += self.membership.on_network_changed(now) + self._dial_hints(now)
        return self._effects(moves, now)

    def _note_addresses(self, now: float) -> bool:
        outside = tuple(a for a in self.reachability.outside() if a not in self._addresses)
        is_diallable = self.reachability.verdict(now) is not False
        return self._desk.set_addresses(outside + self._addresses, is_diallable=is_diallable)

    def _note_sighting(self, link: Link, ip: str) -> None:
        # Told to neighbours with the next renewal at the latest: nobody waits for it.
        if self.reachability.note_sighting(link, ip):
            self._note_addresses(link.opened_at)

    def invite_places(self, addresses: tuple[Address, ...]) -> tuple[InvitePlace, ...]:
        """Return where newcomers may dial: us at those addresses, and others of the room.

        So an invite outlives whoever made it.
        """
        own = tuple(dict.fromkeys(self.reachability.outside() + addresses))
        farther = tuple(a for a in own if scope_of(a.host) is not Scope.MACHINE) or own
        places = [InvitePlace(self._setup.me, farther[:_INVITE_OWN])]
        left = INVITE_ADDRESSES - len(places[0].addresses)
        for link in self.membership.view:
            record = link.record
            if record is None or not record.is_diallable or not left:
                continue
            nearest = (
                scope_of(places[0].addresses[0].host) if places[0].addresses else Scope.MACHINE
            )
            if useful := offerable(record.addresses, min(nearest, Scope.PRIVATE)):
                places.append(InvitePlace(link.peer, useful[:1]))
                left -= 1
        return tuple(places)

    # --- Frames and time ----------------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: JoiningFrame, now: float, wall_ms: int
    ) -> list[Effect]:
        """Handle a frame about membership."""
        self._remembering.wall_ms = wall_ms
        link = self.membership.view.of(connection)
        if link is None:
            return []  # it is drained, and what it says does not count
        match frame:
            case ReachabilityAsk():
                return self.reachability.on_ask(link, frame, now)
            case ReachabilityAnswer(is_reachable):
                return self._on_reachability(link, now, is_reachable=is_reachable)
            case _:
                moves = self.membership.on_frame(connection, frame, now, wall_ms)
                return self._effects(moves, now) + self._news.take(self.membership.view)

    def _on_reachability(self, link: Link, now: float, *, is_reachable: bool) -> list[Effect]:
        has_changed = self.reachability.on_answer(link, now, is_reachable=is_reachable)
        if has_changed and self._note_addresses(now):
            return self._effects(self.membership.introduce_again(), now)
        return []

    def on_time(self, now: float, wall_ms: int) -> list[Effect]:
        """Do what is due."""
        self._remembering.wall_ms = wall_ms
        moves: list[Move] = [*self.pins.due(now)]
        wake_at = self.membership.next_deadline()
        if self.membership.cycles.is_due(now) or (wake_at is not None and wake_at <= now):
            moves += self.membership.on_time(now, wall_ms)
        if self._look_at is not None and self._look_at <= now:
            moves += self._look_again(now)
        if self._save_at is not None and self._save_at <= now:
            self._save_at, self._save_after_s = None, limits.BOOK_SAVE_EVERY_S
            self._remembering.note_view(self.membership.view, now)
            moves.append(SaveBook())
        is_here = self.membership.view.reaches
        words = self.lookout.take_words(now, is_here, company=len(self.membership.view))
        told = [Tell(Around(text)) for text in words]
        return [*told, *self._effects(moves, now)]

    def _look_again(self, now: float) -> list[Move]:
        """As long as we have nobody: who else runs on this machine?"""
        if not self.membership.is_lonely:
            self._look_at = None
            return []
        self._look_at = now + LOOK_AGAIN_S
        return [Search(), *self._dial_hints(now)]

    def _effects(self, moves: list[Move], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for move in moves:
            if isinstance(move, Part):
                effects += self._part(move.connection, now)
            else:
                effects.append(move)
        if self._save_at is None and self.book.is_changed and self._setup.joins:
            self._save_at = now + self._save_after_s
        return effects

    def _from_book(self, count: int) -> list[Known]:
        return self._remembering.candidates(count, self.membership.view)

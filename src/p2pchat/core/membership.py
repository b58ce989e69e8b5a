"""Keeps a node connected: HyParView (Leitão, Pereira, Rodrigues: DSN 2007).

A newcomer joins through anybody. Its record walks WALK_STEPS random steps through the network, and
whoever is met there dials it, so that it ends up among strangers and nobody becomes a hub. Each
node keeps a small *active view* of neighbours, the same at both ends of each connection, and a
larger *passive view* of peers that it could dial. A neighbour that is lost is replaced at once by
one of those; shuffles swap samples of both views, so that they stay fresh.

What differs from the paper, because keys are free here and addresses lie: at most five of eight
places go to connections that others dialled; who has few, or has just started, may evict one of
these, but not often; own dials are exchanged now and then; records are signed by their owners; who
failed is kept with a growing wait; each minute somebody known is dialled, which joins parts again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.alarms import earliest
from p2pchat.core.events import Dial, Effect, Send
from p2pchat.core.exchange import Exchange
from p2pchat.core.filling import Attempt, Filling, Purpose
from p2pchat.core.frames import Frame
from p2pchat.core.hearsay import Hearsay, known_from
from p2pchat.core.holdings import Holding
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MembershipFrame,
    PlaceAnswer,
    PlaceAsk,
    Release,
    Shuffle,
    ShuffleAnswer,
    Walk,
)
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known, PassiveView
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import AddressRecord
from p2pchat.core.recurrence import Recurrence
from p2pchat.core.shuffles import Shuffles
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.core.walks import Walks

if TYPE_CHECKING:
    from random import Random


class Part(Struct, frozen=True):
    """Say goodbye on that connection: neither side needs it."""

    connection: ConnectionId
    reason: str


Move = Effect | Part
"""What membership asks for: effects, and connections to part from."""

_PASSED_ON: Final = (Walk, Found, Shuffle, ShuffleAnswer)
"""Frames that give and take no places, so that none are counted after them: most of all."""


class Membership:
    """The views of one node, and everything that keeps them full."""

    def __init__(
        self,
        desk: RecordDesk,
        rng: Random,
        on_record: Callable[[AddressRecord, PeerId], None] = lambda _record, _source: None,
        refill: Callable[[int], list[Known]] = lambda _count: [],
    ) -> None:
        """Begin with nobody.

        Args:
            desk: Makes and reads records.
            rng: Every chance comes from it.
            on_record: Is told of each valid record that comes, and of who brought it.
            refill: Returns up to so many peers from before, when nobody else is left to dial.
        """
        self.view = ActiveView(rng)
        self.passive = PassiveView(rng)
        self._filling = Filling(self.view, self.passive, refill)
        self.budget = self._filling.budget
        self._hearsay = Hearsay(self.view, self.passive, desk, rng, on_record)
        self._walks = Walks(self.view, self._filling, self._hearsay, rng)
        self._exchange = Exchange(self.view, self._filling, rng)
        self._shuffles = Shuffles(self.view, self._hearsay, rng)
        self._rng = rng
        self.cycles = Recurrence(limits.SHUFFLE_EVERY_S, limits.SHUFFLE_SPREAD, rng)
        self._wake_at: float | None = None
        self._looks_for_somebody = True

    # --- Facts --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._wake_at

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            Holding("active view", len(self.view.members), limits.ACTIVE_LIMIT),
            Holding("passive view", len(self.passive), limits.PASSIVE_LIMIT),
            Holding("dials", len(self.budget), limits.DIALS_AT_ONCE),
            Holding("dialled addresses", self.budget.remembered_ips, limits.DIALLED_IPS_LIMIT),
            Holding("walks", len(self._walks), limits.WALKS_LIMIT),
            Holding("shuffles", len(self._shuffles), limits.WALKS_LIMIT),
        )

    @property
    def is_lonely(self) -> bool:
        """Whether there is nobody whose connection is to stay."""
        return not self.view.kept

    def attempt(self, number: int) -> Attempt | None:
        """Return what a dial under way is for."""
        return self._filling.attempt(number)

    # --- Connections --------------------------------------------------------------------------

    def begin(self, now: float, wall_ms: int) -> None:
        """Start the clock of what is done again and again."""
        self._hearsay.wall_ms = wall_ms
        self.cycles.set(now + limits.SHUFFLE_EVERY_S * self._rng.uniform(0.2, 1.0))
        self._filling.begin(now)
        self._exchange.begin(now)
        self._plan(now)

    def on_open(self, link: Link, attempt: int, now: float, wall_ms: int) -> list[Move]:
        """Somebody has become a neighbour, or another connection counts for him now.

        Args:
            link: The neighbour, as far as the opening told.
            attempt: The dial that led here; 0 where the user or the other side dialled.
            now: Monotonic seconds.
            wall_ms: Wall clock.
        """
        self._hearsay.wall_ms = wall_ms
        made = self._filling.settle(attempt, now, is_open=True)
        known = self.passive.take(link.peer)
        if known is not None:
            link.record, link.refusals = known.record, known.refusals
        old = self.view.get(link.peer)
        self.view.put(link)
        moves = [] if old is not None or not self.cycles.is_planned else self._make_room(link, now)
        if old is not None:
            link.carry_over(old)
            if link.is_in_view and link.takes_part:
                # What he asked on the new connection before that one counted was not heard.
                moves.append(self._answer(link, now, is_given=True))
        if link.takes_part:
            moves.append(self._introduce(link))
            moves += self._begin_with(link, made, now)
        return self._done(now, moves)

    def _begin_with(self, link: Link, made: Attempt | None, now: float) -> list[Move]:
        """Say what a connection that has just been opened is for; who dialled it does."""
        link.stays_until = now + limits.JOINER_S
        if link.is_pinned:
            return [self._join(link, is_pinned=True)]
        if not link.is_dialled:
            return []
        purpose = made.purpose if made is not None else None
        link.is_instead = purpose is Purpose.EXCHANGE
        if self.view.is_needy or (made is not None and made.is_urgent):
            link.is_asked = True
            return [self._join(link, is_pinned=False)]
        if purpose is Purpose.REINTRODUCE and not self.view.wants_more_dials:
            return [*self._shuffles.begin(link, 0, now)]
        link.is_asked = link.is_answer_due = self.view.has_place_for(link)
        return [_to(link, PlaceAsk())] if link.is_asked else []

    def _join(self, link: Link, *, is_pinned: bool) -> Move:
        self._walks.joining(link)
        link.is_answer_due = True
        return _to(link, Join(is_pinned))

    def pin(self, peer: PeerId, now: float) -> list[Move]:
        """The user typed the address of somebody who is a neighbour already: keep him."""
        link = self.view.get(peer)
        if link is None or link.is_pinned:
            return []
        link.is_pinned, link.is_in_view = True, False
        link.take_place()
        return self._done(now, [self._join(link, is_pinned=True)] if link.takes_part else [])

    def on_closed(self, connection: ConnectionId, now: float, *, left: bool) -> list[Move]:
        """A neighbour is gone: find another one at once."""
        link = self.view.pop(connection)
        self._walks.on_closed(connection)
        if link is None:
            return []
        known = known_from(link, now)
        if known is not None and link.takes_part:
            self.passive.put(known)
            if link.is_refused:
                self.passive.note_refusal(link.peer, now)
            elif left and not link.is_beside:  # otherwise a visit is over
                self.passive.note_failure(link.peer, now)
            else:
                self.passive.wait(link.peer, now + limits.LOST_S)
        return self._done(now, [])

    # --- Dials --------------------------------------------------------------------------------

    def on_dial_failed(self, number: int, now: float) -> list[Move]:
        """A dial led to nothing."""
        attempt = self._filling.settle(number, now, is_open=False)
        moves: list[Move] = []
        if attempt is not None and attempt.purpose is Purpose.WALK:
            moves += self._walks.tell_found(attempt.token, now)
        return self._done(now, moves)

    def settle(self, number: int, now: float) -> None:
        """A dial led to somebody who is a neighbour already."""
        self._filling.settle(number, now, is_open=True)
        self._plan(now)

    def dial(
        self, addresses: tuple[Address, ...], peer: PeerId | None, how: How, now: float
    ) -> list[Dial]:
        """Dial somebody whom discovery has found; nothing where too much is dialled already."""
        dials = self._filling.dial(addresses, peer, how, now)
        self._plan(now)
        return dials

    def learn(self, known: Known, now: float) -> list[Move]:
        """Discovery has found somebody whose key it knows."""
        if known.peer not in self.view:
            self.passive.put(known)
        return self._done(now, [])

    def on_network_changed(self, now: float) -> list[Move]:
        """What failed before may work now; who dials us has to learn where."""
        self._filling.forgive(now)
        return self._done(now, self.introduce_again())

    def introduce_again(self) -> list[Move]:
        """Tell all neighbours our own record, which has changed."""
        return [self._introduce(link) for link in self.view if link.takes_part]

    def _introduce(self, link: Link) -> Move:
        return _to(link, Introduce(self._hearsay.own(link)))

    # --- Frames -------------------------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: MembershipFrame, now: float, wall_ms: int
    ) -> list[Move]:
        """Handle what a neighbour says about membership."""
        link = self.view.of(connection)
        if link is None or not link.takes_part or not link.frames.spend(1, now):
            return []
        self._hearsay.wall_ms = wall_ms
        moves = self._on_frame(link, frame, now)
        is_all = isinstance(frame, _PASSED_ON) and not self._looks_for_somebody
        return moves if is_all else self._done(now, moves)

    def _on_frame(self, link: Link, frame: MembershipFrame, now: float) -> list[Move]:
        match frame:  # what comes most often first
            case Walk():
                return [*self._walks.on_walk(link, frame, now)]
            case Shuffle():
                return [*self._shuffles.on_shuffle(link, frame, now)]
            case ShuffleAnswer():
                return [*self._shuffles.on_answer(link, frame, now)]
            case Introduce(record):
                self._hearsay.introduced(record, link)
                return []
            case Join(is_pinned):
                return self._on_join(link, now, is_pinned=is_pinned)
            case PlaceAsk():
                return self._give_place(link, now, is_urgent=False)
            case PlaceAnswer(is_given, records):
                if link.is_answer_due:
                    self._hearsay.learn(records, link, now)
                return self._on_answer(link, now, is_given=is_given)
            case Release(records):
                if not link.is_refused:
                    self._hearsay.learn(records, link, now)
                link.is_in_view, link.is_released, link.is_refused = False, True, True
                link.stays_until = now + limits.JOINER_S  # whatever he says, he goes
                return []
            case Found():
                return [*self._walks.on_found(link, frame, now)]

    # --- Places -------------------------------------------------------------------------------

    def _on_join(self, link: Link, now: float, *, is_pinned: bool) -> list[Move]:
        walks = self._walks.start(link, now)
        if not is_pinned:
            return self._give_place(link, now, is_urgent=True) + walks
        link.is_pinned_there, link.is_in_view = True, False
        link.take_place()
        return [self._answer(link, now, is_given=False), *walks]

    def _give_place(self, link: Link, now: float, *, is_urgent: bool) -> list[Move]:
        if link.is_in_view:
            return [self._answer(link, now, is_given=True)]
        moves: list[Move] = []
        if not (link.is_pinned or link.is_pinned_there):
            most = limits.ACTIVE_LIMIT if is_urgent else limits.REINTRODUCE_BELOW
            has_place = self.view.has_place_for(link, most)
            if is_urgent:
                self.view.note_join(link, now)
            if not has_place and (victim := self._victim(link, now, is_urgent=is_urgent)):
                moves += self._release(victim, now)
                has_place = self.view.has_place_for(link)
            link.is_in_view = has_place
        if link.is_in_view:
            link.take_place()
        # Who asks again and again without a place goes all the same: no time is added.
        return [*moves, self._answer(link, now, is_given=link.is_in_view)]

    def _victim(self, link: Link, now: float, *, is_urgent: bool) -> Link | None:
        return self.view.debtor(link, now) or (self.view.victim(link, now) if is_urgent else None)

    def _answer(self, link: Link, now: float, *, is_given: bool) -> Move:
        records = self._hearsay.sample(link, limits.RECORDS_PER_FRAME, now)
        return _to(link, PlaceAnswer(is_given, records))

    def _on_answer(self, link: Link, now: float, *, is_given: bool) -> list[Move]:
        is_asked, link.is_asked, link.is_answer_due = link.is_asked, False, False
        if not is_asked:
            return []
        moves: list[Move] = []
        if is_given and link.is_instead and (old := self._exchange.made(link, now)):
            moves = self._release(old, now)
        link.is_in_view = is_given and self.view.has_place_for(link)
        if link.is_in_view:
            link.take_place()
            return moves
        # A moment more: both parts of the network exchange over it what they have.
        link.stays_until, link.is_released = now + limits.JOINER_S, True
        link.is_refused = not is_given
        return moves + (self._release(link, now) if is_given else [])

    def _release(self, link: Link, now: float) -> list[Move]:
        """Take somebody's place away; he learns of others whom he could dial."""
        link.is_in_view, link.is_released = False, True
        if link.is_pinned:
            return []
        records = self._hearsay.sample(link, limits.RECORDS_PER_FRAME, now)
        return [_to(link, Release(records)), Part(link.connection, "its place went to another")]

    def _make_room(self, newcomer: Link, now: float) -> list[Move]:
        return [move for link in self.view.crowd(newcomer) for move in self._release(link, now)]

    # --- Time ---------------------------------------------------------------------------------

    def on_time(self, now: float, wall_ms: int) -> list[Move]:
        """Do what is due."""
        self._hearsay.wall_ms = wall_ms
        over = [li for li in self.view if li.stays_until is not None and li.stays_until <= now]
        moves = [move for link in over for move in self._end_stay(link)]
        if self.cycles.take(now):
            moves += self._cycle(now)
        return self._done(now, moves)

    def _end_stay(self, link: Link) -> list[Move]:
        link.stays_until, link.is_asked = None, False
        if not link.is_beside or link.is_pinned_there or not link.takes_part:
            return []
        link.is_released = True
        return [Part(link.connection, "it has no place here")]

    def _cycle(self, now: float) -> list[Move]:
        """Once a minute: swap samples, look whether there is another part of the network."""
        moves: list[Move] = []
        if self._hearsay.renew():
            moves += self.introduce_again()
        partners = self.view.partners()
        if partners:
            moves += self._shuffles.begin(self._rng.choice(partners), limits.WALK_STEPS, now)
        self._walks.forget_ended(now)
        return moves + (self._exchange.visit(now) or self._filling.visit(now))

    def _done(self, now: float, moves: list[Move]) -> list[Move]:
        if self.cycles.is_planned:
            moves += self._filling.fill(now)
            self._plan(now)
        return moves

    def _plan(self, now: float) -> None:
        self._looks_for_somebody = self._filling.lacks_somebody
        fill_at = self._filling.next_fill(now) if self._looks_for_somebody else None
        stays = (link.stays_until for link in self.view)
        self._wake_at = earliest(self.cycles.next_deadline(), fill_at, *stays)


def _to(link: Link, frame: Frame) -> Send:
    return Send((link.connection,), frame)

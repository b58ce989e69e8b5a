"""Reach: who has an envelope, told by signed acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from msgspec import Struct, field

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.fields import Id16
from p2pchat.core.frames import Ack, Acks
from p2pchat.core.holdings import Holding
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId

if TYPE_CHECKING:
    from random import Random

Named = TypeVar("Named")
Noted = TypeVar("Noted")

ACKNOWLEDGE: Final = 1
"""Bit in the flags of an envelope whose author wants to know who has it."""

REACH_QUERY: Final = 65
"""Kind of the passing envelope by which an author asks afterwards; its body is a ReachQuery."""


class ReachQuery(Struct, frozen=True, array_like=True):
    """Asks everybody who has that envelope of the query's author to acknowledge it."""

    envelope: Id16


class AckSignatures(Protocol):
    """Signs acknowledgements of this node, checks those of all."""

    def sign_ack(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of `ack_bytes`, with ACK_CONTEXT."""
        ...

    def is_valid_ack(self, acknowledger: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed those `ack_bytes`."""
        ...


def ack_bytes(envelope: EnvelopeId, acknowledger: PeerId, time_ms: int) -> bytes:
    """Return what an acknowledgement signs: 16 + 32 + 8 bytes, the time big endian.

    The network and the author are in the envelope's id.
    """
    return envelope + acknowledger + time_ms.to_bytes(8, "big")


class Seen(Struct, frozen=True):
    """Who has an own envelope, of those who are known."""

    acknowledged: tuple[PeerId, ...]
    """In the order in which their word came; every signature was verified."""
    waiting: tuple[PeerId, ...]
    """Known people who have not acknowledged it."""
    estimate: int
    """How many have it: exact, or extrapolated where only some were meant to answer."""

    @property
    def is_exact(self) -> bool:
        """Whether everybody was meant to answer; else it is "about" so many."""
        return self.estimate == len(self.acknowledged)


class _Way(Struct):
    """The way back to an author, as far as the next neighbour."""

    towards: ConnectionId
    until: float
    brought: dict[ConnectionId, int] = field(default_factory=dict)
    waiting: list[Ack] = field(default_factory=list)


class _OwnWay(Struct):
    """The end of a way: an own envelope, or an own query about one."""

    about: EnvelopeId
    brought: dict[ConnectionId, int] = field(default_factory=dict)


class Reach:
    """Acknowledges, relays acknowledgements, counts those of one's own envelopes.

    Only envelopes flagged ACKNOWLEDGE, and the ones that their author asks about afterwards,
    are acknowledged. The word goes to the neighbour that brought the envelope or the query,
    who remembers where that came from, up to the author. Each relay waits ACK_JOIN_S, so that
    a neighbourhood shares a frame; a node with one neighbour only has nothing to join.

    Relays do not verify, they count: keys are free, so a valid acknowledgement costs a stranger
    no more than an invalid one. No neighbour brings more than ACKS_PER_CONNECTION along one
    way, so it can keep out only what would have come through itself. Authors verify.
    """

    def __init__(self, me: PeerId, signatures: AckSignatures, chance: Random) -> None:
        self._me = me
        self._signatures = signatures
        self._chance = chance
        self._open: dict[ConnectionId, None] = {}
        # Each holds moments of one distance, so that insertion order is their order.
        self._ways: dict[EnvelopeId, _Way] = {}
        self._due: dict[EnvelopeId, float] = {}
        self._waiting_count = 0
        self._own_allowance = Allowance(limits.ACKS_BURST, limits.ACKS_PER_S)
        self._answered: dict[PeerId, float] = {}
        self._counts: dict[EnvelopeId, dict[PeerId, int]] = {}
        self._own_ways: dict[EnvelopeId, _OwnWay] = {}
        self._news: dict[EnvelopeId, list[PeerId]] = {}

    def on_open(self, connection: ConnectionId) -> None:
        """A connection has been opened."""
        self._open[connection] = None

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing may be sent on that connection any more; ways along it end."""
        self._open.pop(connection, None)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        counted = sum(len(count) for count in self._counts.values())
        return (
            Holding("ways", len(self._ways), limits.WAYS_LIMIT),
            Holding("waiting acknowledgements", self._waiting_count, limits.ACKS_WAITING),
            Holding("acknowledgements", counted, len(self._counts) * limits.ACKS_KEPT),
            Holding("answered authors", len(self._answered), limits.WAYS_LIMIT),
        )

    # --- The author's side --------------------------------------------------------------------

    def expect(self, name: EnvelopeId) -> None:
        """Count acknowledgements of an own envelope from now on, where it is flagged."""
        self._count(name)
        self._own_ways[name] = _OwnWay(name)
        _keep(self._own_ways, limits.REACH_ENVELOPES)

    def ask(self, query: EnvelopeId, about: EnvelopeId) -> None:
        """Count what comes back along an own query, about an own envelope."""
        self._count(about)
        self._own_ways[query] = _OwnWay(about)
        _keep(self._own_ways, limits.REACH_ENVELOPES)

    def seen(self, name: EnvelopeId, known: Iterable[PeerId]) -> Seen:
        """Tell who has an own envelope.

        Args:
            name: One that was given to `expect` or `ask`; nobody has any other.
            known: Authors and presences heard in the last 10 minutes.
        """
        acknowledged = tuple(self._counts.get(name, ()))
        others = [peer for peer in known if peer != self._me]
        waiting = tuple(peer for peer in others if peer not in self._counts.get(name, ()))
        share = _share(len(others))
        return Seen(acknowledged, waiting, round(len(acknowledged) / share))

    def take_news(self) -> dict[EnvelopeId, tuple[PeerId, ...]]:
        """Return who acknowledged which own envelope since the last call."""
        news, self._news = self._news, {}
        return {name: tuple(peers) for name, peers in news.items()}

    # --- Everybody's side ---------------------------------------------------------------------

    def on_taken(
        self, envelope: Envelope, connection: ConnectionId, now: float, wall_ms: int, known: int
    ) -> list[Effect]:
        """Acknowledge a new envelope where its author wants that, and remember its way.

        Args:
            envelope: Somebody else's, verified, live or repaired.
            connection: Who brought it.
            now: Monotonic seconds.
            wall_ms: Wall clock, for the acknowledgement.
            known: How many people are known here; above ACKS_AIM chance decides who answers.
        """
        if not envelope.header.flags & ACKNOWLEDGE:
            return []
        self._remember(envelope.id, connection, now)
        return self._acknowledge(envelope.id, envelope.id, now, wall_ms, known)

    def on_query(
        self,
        query: Envelope,
        about: Envelope | None,
        connection: ConnectionId,
        now: float,
        wall_ms: int,
        known: int,
    ) -> list[Effect]:
        """Answer an author who asks for one of its envelopes, and remember the query's way.

        Args:
            query: Of kind REACH_QUERY, new and verified.
            about: The envelope it names, where it is stored here.
            connection: Who brought the query.
            now: Monotonic seconds.
            wall_ms: Wall clock, for the acknowledgement.
            known: How many people are known here.
        """
        self._remember(query.id, connection, now)
        # Who has somebody else's message is nobody's business but that author's.
        if about is None or about.author != query.author:
            return []
        if not self._may_answer(query.author, now):
            return []
        return self._acknowledge(query.id, about.id, now, wall_ms, known)

    def on_acks(self, connection: ConnectionId, frame: Acks, now: float) -> list[Effect]:
        """Count acknowledgements at the end of their way, hand them on before it."""
        if connection not in self._open:
            return []
        name = EnvelopeId(frame.way)
        own = self._own_ways.get(name)
        if own is not None:
            self._verify(own, connection, frame.acks)
            return []
        way = self._ways.get(name)
        if way is None or not self._leads_on(way, now) or way.towards == connection:
            return []
        room = limits.ACKS_PER_CONNECTION - way.brought.get(connection, 0)
        accepted = frame.acks[: max(0, room)]
        if not _note_brought(way.brought, connection, len(accepted)):
            return []
        return self._hand_on(name, way, accepted, now)

    # --- Time ---------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return next(iter(self._due.values()), None)

    def on_time(self, now: float) -> list[Effect]:
        """Hand on what has waited long enough for company."""
        effects: list[Effect] = []
        while self._due:
            name, at = next(iter(self._due.items()))
            if at > now:
                break
            effects += self._flush(name)
        return effects

    # --- Parts of the above -------------------------------------------------------------------

    def _count(self, name: EnvelopeId) -> None:
        self._counts.setdefault(name, {})
        _keep(self._counts, limits.REACH_ENVELOPES)

    def _verify(self, own: _OwnWay, connection: ConnectionId, acks: tuple[Ack, ...]) -> None:
        count = self._counts.get(own.about)
        if count is None:
            return
        for ack in acks:
            peer = PeerId(ack.acknowledger)
            if ack.envelope != own.about or peer == self._me or peer in count:
                continue
            # Counted before it is verified, for that is what a liar would make expensive.
            if own.brought.get(connection, 0) >= limits.ACKS_PER_CONNECTION:
                return
            if len(count) >= limits.ACKS_KEPT or not _note_brought(own.brought, connection, 1):
                return
            message = ack_bytes(own.about, peer, ack.time_ms)
            if self._signatures.is_valid_ack(peer, message, ack.signature):
                count[peer] = ack.time_ms
                self._news.setdefault(own.about, []).append(peer)

    def _remember(self, name: EnvelopeId, connection: ConnectionId, now: float) -> None:
        if name in self._ways:
            return
        while self._ways:
            oldest = next(iter(self._ways))
            if len(self._ways) < limits.WAYS_LIMIT and self._ways[oldest].until > now:
                break
            self._forget(oldest)
        self._ways[name] = _Way(connection, now + limits.WAY_S)

    def _forget(self, name: EnvelopeId) -> None:
        way = self._ways.pop(name)
        self._waiting_count -= len(way.waiting)
        self._due.pop(name, None)

    def _may_answer(self, author: PeerId, now: float) -> bool:
        if now < self._answered.get(author, now):
            return False
        self._answered.pop(author, None)
        self._answered[author] = now + limits.REACH_QUERY_EVERY_S
        _keep(self._answered, limits.WAYS_LIMIT)
        return True

    def _acknowledge(
        self, name: EnvelopeId, about: EnvelopeId, now: float, wall_ms: int, known: int
    ) -> list[Effect]:
        way = self._ways[name]
        if way.towards not in self._open or self._chance.random() >= _share(known):
            return []
        if not self._own_allowance.spend(1, now):
            return []
        signature = self._signatures.sign_ack(ack_bytes(about, self._me, wall_ms))
        effects = self._hand_on(name, way, (Ack(about, self._me, wall_ms, signature),), now)
        has_company = len(self._open) > 1
        return effects if has_company else effects + self._flush(name)

    def _hand_on(
        self, name: EnvelopeId, way: _Way, acks: tuple[Ack, ...], now: float
    ) -> list[Effect]:
        acks = acks[: limits.ACKS_WAITING - self._waiting_count]
        if not acks:
            return []
        way.waiting += acks
        self._waiting_count += len(acks)
        if len(way.waiting) >= limits.LIST_LIMIT:
            return self._flush(name)
        self._due.setdefault(name, now + limits.ACK_JOIN_S)
        return []

    def _flush(self, name: EnvelopeId) -> list[Effect]:
        self._due.pop(name, None)
        way = self._ways[name]
        acks, way.waiting = tuple(way.waiting), []
        self._waiting_count -= len(acks)
        if way.towards not in self._open:
            return []
        return [
            Send((way.towards,), Acks(name, acks[start : start + limits.LIST_LIMIT]))
            for start in range(0, len(acks), limits.LIST_LIMIT)
        ]

    def _leads_on(self, way: _Way, now: float) -> bool:
        return way.until > now and way.towards in self._open


def _share(known: int) -> float:
    """Return which share of so many people is to answer."""
    return min(1.0, limits.ACKS_AIM / max(1, known))


def _note_brought(brought: dict[ConnectionId, int], connection: ConnectionId, count: int) -> bool:
    """Add to what a neighbour brought; False when too many neighbours came to bring some."""
    if connection not in brought and len(brought) >= limits.CONNECTIONS_LIMIT:
        return False
    brought[connection] = brought.get(connection, 0) + count
    return True


def _keep(table: dict[Named, Noted], limit: int) -> None:
    """Forget the oldest entry above the limit."""
    if len(table) > limit:
        del table[next(iter(table))]

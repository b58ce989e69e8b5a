"""Messages to one person: sent, relayed, opened, answered by a receipt, kept until then."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from p2pchat.core.alarms import earliest
from p2pchat.core.clock_check import is_timely
from p2pchat.core.couriers import KEYS_LIMIT, PACKETS_LIMIT, Couriers
from p2pchat.core.direct_frames import DirectFrame, KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.direct_packets import DirectPackets
from p2pchat.core.direct_values import Inside, PacketId
from p2pchat.core.direct_ways import Ways
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, ForgetWaiting, KeepWaiting, NoteDelivered, Send, Tell
from p2pchat.core.holdings import Holding
from p2pchat.core.key_requests import (
    REQUEST_S,
    REQUESTERS_LIMIT,
    REQUESTS_LIMIT,
    AnswerRates,
    Asked,
    KeyRequests,
    answer_ways,
)
from p2pchat.core.limits import HOPS_LIMIT
from p2pchat.core.notices import Direct as DirectNotice
from p2pchat.core.notices import (
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
)
from p2pchat.core.outbox import (
    DirectId,
    Forget,
    GivenUp,
    Keep,
    Outbox,
    OutboxEffect,
    Waiting,
)
from p2pchat.core.packet_relay import AUTHORS_LIMIT, PACKET_WAYS_LIMIT, PacketRelay
from p2pchat.core.people import People
from p2pchat.core.values import ConnectionId, EnvelopeId, Kind, PeerId, Person
from p2pchat.errors import P2PChatError, SealBroken

if TYPE_CHECKING:
    from random import Random

OPENED_LIMIT: Final = 4_096
"""Opened packets whose receipts wait for the disk, or may be asked for again."""

EXPIRE_EVERY_S: Final = 3_600.0

_SHOWN: Final = frozenset({Kind.TEXT, Kind.ACTION})
"""Kinds of messages that are known here; others are neither shown nor answered."""


class WrittenToOneself(P2PChatError):
    """A message to this node itself: nobody would ever answer it."""

    code = "bad-input"

    def __init__(self) -> None:
        super().__init__("that is yourself. Nothing was sent.")


_Opened = tuple[PacketId, Inside, ConnectionId]
"""A packet, what was in it, and who brought it."""


class Direct:
    """Everything about messages to one person; the engine composes it with the rest."""

    def __init__(
        self,
        me: PeerId,
        packets: DirectPackets,
        ways: Ways,
        rng: Random,
        people: People,
        delivered: Container[tuple[PeerId, DirectId]],
        is_blocked: Callable[[PeerId], bool],
    ) -> None:
        """Begin with nothing.

        Args:
            me: This node.
            packets: Makes and checks what is sealed and signed.
            ways: The network around.
            rng: Every chance comes from it.
            people: What keys call themselves.
            delivered: What was shown before, as far as the disk remembers.
            is_blocked: Whose messages are neither shown nor answered.
        """
        self._me = me
        self._packets = packets
        self._ways = ways
        self._rng = rng
        self._people = people
        self._delivered = delivered
        self._is_blocked = is_blocked
        self.outbox = Outbox(rng)
        self._couriers = Couriers(packets, ways, rng, self._note_failed)
        self._relay = PacketRelay(ways)
        self._opened: OrderedDict[tuple[PeerId, DirectId], _Opened] = OrderedDict()
        self._rates = AnswerRates()
        self._requests = KeyRequests()
        self._told_waiting: set[DirectId] = set()
        self._failed: list[Waiting] = []
        self._heard: set[PeerId] = set()
        """Who was heard while something was on its way to him."""
        self._expire_at: float | None = None

    def rename(self, nick: str) -> None:
        """Call ourselves otherwise from now on."""
        self._couriers.nick = nick

    # --- Facts --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return earliest(
            self._couriers.next_deadline(),
            self.outbox.next_deadline(),
            self._packets.next_deadline(),
            self._expire_at,
        )

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            *self.outbox.holdings(),
            Holding("packets", len(self._relay), PACKET_WAYS_LIMIT),
            Holding("packet authors", self._relay.author_count, AUTHORS_LIMIT),
            Holding("opened packets", len(self._opened), OPENED_LIMIT),
            Holding("requesters", len(self._rates), REQUESTERS_LIMIT),
            Holding("requests for sealing keys", len(self._requests), REQUESTS_LIMIT),
            Holding("own packets", self._couriers.sent_count, PACKETS_LIMIT),
            Holding("sealing keys", self._couriers.key_count, KEYS_LIMIT),
        )

    def restore(self, waiting: Iterable[Waiting], now: float, wall_ms: int) -> list[Effect]:
        """Take what an earlier run could not deliver."""
        self.outbox.restore(waiting, now)
        effects = self._effects(self.outbox.expire(wall_ms))
        self._plan_expiry(now)
        return effects

    def _plan_expiry(self, now: float) -> None:
        self._expire_at = now + EXPIRE_EVERY_S if self.outbox.count else None

    # --- Sending ------------------------------------------------------------------------------

    def send(
        self,
        message: DirectId,
        recipient: Person,
        kind: int,
        text: str,
        now: float,
        wall_ms: int,
    ) -> list[Effect]:
        """Send a message to one person; it waits on the disk until his receipt is here.

        Raises:
            OutboxFull, WrittenToOneself: Nothing was kept and nothing sent.
        """
        assert recipient.id is not None
        if recipient.id == self._me:
            raise WrittenToOneself
        waiting = Waiting(recipient.id, message, wall_ms, kind, text, wall_ms)
        effects = self._effects(self.outbox.add(waiting, now))
        if self._expire_at is None:
            self._plan_expiry(now)
        effects.append(Tell(DirectSent(_notice(message, recipient, wall_ms, kind, text))))
        # With all that waits for him already, or it would arrive before that.
        earlier = (each for each in self.outbox.of(recipient.id) if not self._is_under_way(each))
        return effects + self._couriers.send(tuple(earlier), now, wall_ms)

    def _note_failed(self, _recipient: PeerId, messages: Iterable[Waiting]) -> None:
        self._failed += messages

    def _tell_failed(self, now: float) -> list[Effect]:
        """Say once of each message that it waits, now that every attempt was in vain."""
        failed, self._failed = self._failed, []
        effects: list[Effect] = []
        for message in failed:
            if message.recipient in self._heard:
                # He came while an attempt was under way that had missed him.
                self._heard.discard(message.recipient)
                self.outbox.on_seen(message.recipient, now)
            if message.message_id in self._told_waiting or message.message_id not in self.outbox:
                continue
            self._told_waiting.add(message.message_id)
            to = self._person(message.recipient)
            effects.append(Tell(DirectWaits(message.message_id.hex(), to)))
        return effects

    def _person(self, peer: PeerId) -> Person:
        return self._people.person(peer) or self._people.stranger(peer)

    def _effects(self, wanted: Iterable[OutboxEffect]) -> list[Effect]:
        effects: list[Effect] = []
        for effect in wanted:
            match effect:
                case Keep(waiting):
                    effects.append(KeepWaiting(waiting))
                case Forget(message):
                    self._told_waiting.discard(message)
                    effects.append(ForgetWaiting(message))
                case GivenUp(waiting):
                    to = self._person(waiting.recipient)
                    effects.append(Tell(DirectGivenUp(waiting.message_id.hex(), to)))
        return effects

    # --- Whom we hear of ----------------------------------------------------------------------

    def on_heard(self, peer: PeerId, now: float) -> None:
        """Somebody was heard: what waits for him may go."""
        self._couriers.on_heard(peer, now)
        if self._couriers.is_on_the_way_to(peer):
            self._heard.add(peer)
        else:
            self.outbox.on_seen(peer, now)

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing comes by that connection any more."""
        self._relay.on_closed(connection)

    def on_time(self, now: float, wall_ms: int) -> list[Effect]:
        """Do what is due."""
        effects = self._couriers.on_time(now, wall_ms) + self._tell_failed(now)
        self._packets.forget_old(now)
        due = [m for m in self.outbox.due(now) if not self._is_under_way(m)]
        effects += self._couriers.send(due, now, wall_ms, is_repeated=True)
        if self._expire_at is not None and self._expire_at <= now:
            effects += self._effects(self.outbox.expire(wall_ms))
            self._plan_expiry(now)
        return effects

    def _is_under_way(self, message: Waiting) -> bool:
        return self._couriers.is_under_way(message.message_id, message.recipient)

    # --- Frames -------------------------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: DirectFrame, now: float, wall_ms: int
    ) -> list[Effect]:
        """Handle a frame about messages to one person.

        Raises:
            SealBroken, FrameMalformed: The neighbour passed on what it had to check.
        """
        if not self._ways.is_talking(connection):
            return []  # said on a connection that is being drained
        match frame:
            case Packet():
                return self._on_packet(connection, frame, now, wall_ms)
            case NoWay(packet):
                own = self._couriers.on_no_way(connection, PacketId(packet), now, wall_ms)
                if own is None:
                    return self._relay.pass_back(frame, connection, now)
                return own + self._tell_failed(now)
            case KeyAnswer():
                return self._on_key(connection, frame, now, wall_ms)
            case Receipt():
                return self._on_receipt(connection, frame, now)

    def _on_packet(
        self, connection: ConnectionId, packet: Packet, now: float, wall_ms: int
    ) -> list[Effect]:
        if self._relay.was_here(packet):
            return self._relay.on_copy(packet, connection, now)
        if not self._relay.may_look(connection, now):
            return []
        outside = self._packets.outside_of(packet)
        author, recipient = PeerId(outside.author), PeerId(outside.recipient)
        if author == self._me or not is_timely(outside.time_ms, wall_ms):
            return []
        if not self._relay.has_room(author, packet, now):
            return []
        if not self._packets.is_valid(packet, outside):
            raise SealBroken("the signature of a packet is not its author's")
        self._relay.charge(author, packet, now)
        self._relay.take(packet, connection, now)
        if recipient != self._me:
            return self._relay.pass_on(packet, recipient, connection, now)
        try:
            inside = self._packets.open_(outside, now)
        except SealBroken:
            return []  # no neighbour is to blame: relays can't look inside
        self._people.meet(author, inside.nick, min(packet.hops + 1, HOPS_LIMIT), now)
        return self._on_opened(connection, PacketId(packet.id), inside, now)

    def _on_opened(
        self, connection: ConnectionId, packet: PacketId, inside: Inside, now: float
    ) -> list[Effect]:
        author, message = PeerId(inside.author), DirectId(inside.message)
        if self._is_blocked(author) or inside.kind not in _SHOWN:
            return []
        is_noted, is_shown = (author, message) in self._delivered, (author, message) in self._opened
        if is_noted and not is_shown:
            return self._answer(connection, packet, inside, now)
        self._opened[author, message] = (packet, replace(inside, text=""), connection)
        if len(self._opened) > OPENED_LIMIT:
            self._opened.popitem(last=False)
        if is_shown:
            return [NoteDelivered(author, message)]  # the disk did not take it: once more
        notice = _notice(message, self._person(author), inside.time_ms, inside.kind, inside.text)
        # Shown first: a crash before the disk has it shows it twice, and never not at all.
        return [Tell(DirectArrived(notice)), NoteDelivered(author, message)]

    def on_noted(self, author: PeerId, message: DirectId, now: float) -> list[Effect]:
        """The disk has it that a message was shown: now its author may know."""
        opened = self._opened.pop((author, message), None)
        if opened is None:
            return []
        packet, inside, connection = opened
        return self._answer(connection, packet, inside, now)

    def _answer(
        self, connection: ConnectionId, packet: PacketId, inside: Inside, now: float
    ) -> list[Effect]:
        return self._relay.answer(self._packets.receipt(packet, inside), connection, now)

    def _on_receipt(self, connection: ConnectionId, receipt: Receipt, now: float) -> list[Effect]:
        inside = self._couriers.receipt_of(PacketId(receipt.packet))
        if inside is None:
            return self._relay.pass_back(receipt, connection, now)
        if not self._packets.is_receipt(receipt, inside):
            return []
        recipient, message = PeerId(inside.recipient), DirectId(inside.message)
        self._couriers.arrived(recipient, message, now)
        if not self._couriers.is_on_the_way_to(recipient):
            self._heard.discard(recipient)
        forgotten = self._effects(self.outbox.on_receipt(message, now))
        if not forgotten:
            return []  # a receipt of another attempt came before
        return [*forgotten, Tell(DirectReceipt(message.hex(), self._person(recipient)))]

    # --- Sealing keys -------------------------------------------------------------------------

    def on_request(
        self, envelope: Envelope, connection: ConnectionId, now: float, wall_ms: int
    ) -> list[Effect]:
        """Somebody asks for a sealing key: answer, where it is ours.

        Args:
            envelope: Of kind SEALING_REQUEST, new and verified.
            connection: Who brought it first.
            now: Monotonic seconds.
            wall_ms: Wall clock.
        """
        recipient, avoid = self._packets.request_in(envelope.header.body)
        requester, nonce = envelope.author, envelope.header.nonce
        if recipient != self._me:
            asked = Asked(recipient, requester, nonce, connection, now + REQUEST_S)
            self._requests.note(envelope.id, asked, now)
            return []
        if self._is_blocked(requester) or not self._rates.spend(requester, now):
            return []
        answer = self._packets.answer(envelope.id, requester, nonce, now, wall_ms)
        return [Send(self._answer_ways(requester, connection, avoid), answer)]

    def _answer_ways(
        self, requester: PeerId, connection: ConnectionId, avoid: PeerId | None
    ) -> tuple[ConnectionId, ...]:
        if self._ways.peer_of(connection) == requester:
            return (connection,)
        avoided = self._ways.connection_of(avoid)
        ways = [each for each in self._ways.able() if each not in (connection, avoided)]
        if connection == avoided and ways:
            connection = ways.pop(0)
        return answer_ways(connection, ways, self._rng)

    def _on_key(
        self, connection: ConnectionId, answer: KeyAnswer, now: float, wall_ms: int
    ) -> list[Effect]:
        own = self._couriers.on_key(connection, answer, now, wall_ms)
        if own is not None:
            return own
        way = EnvelopeId(answer.way)
        asked = self._requests.find(way, now)
        if asked is None or asked.came_from not in self._ways.able():
            return []
        self._packets.checked(answer, asked.recipient, asked.requester, asked.nonce)
        self._requests.end(way)
        self._ways.note(asked.recipient, connection, now)
        return [Send((asked.came_from,), answer)]


def _notice(message: DirectId, person: Person, time_ms: int, kind: int, text: str) -> DirectNotice:
    return DirectNotice(message.hex(), person, time_ms, kind, text)

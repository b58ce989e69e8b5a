"""Brings direct messages to their recipients: one attempt after another, until a receipt comes.

    trail ──1 s──► request for the sealing key ──3 s──► the packets flood ──3 s──► outbox
      │                  │ answer                            │
      │                  ▼                                   │
      └── receipt ◄── along the way of the answer ──3 s──►───┘

A trail is the way of the recipient's latest envelope. The request floods past the neighbour that
the first attempt went by, and lays a new trail; so a relay that stays silent wins nothing. What
was just written is worth a second request where no answer comes: no way may lead past that
neighbour, or the answer was lost with somebody who went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core.alarms import earliest
from p2pchat.core.allowance import Allowance
from p2pchat.core.courier import FLOOD_WAIT_S, MOMENT_S, REQUEST_WAIT_S, Courier, Step
from p2pchat.core.direct_frames import KeyAnswer
from p2pchat.core.direct_packets import DirectPackets
from p2pchat.core.direct_values import SEALING_KEY_USE_S, Inside, PacketId, SealingKey
from p2pchat.core.direct_ways import Ways
from p2pchat.core.events import Effect, Send
from p2pchat.core.expiry import forget_ended
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.packet_relay import AUTHOR_BURST, AUTHOR_PER_S, FLOODED_WEIGHT
from p2pchat.core.values import ConnectionId, PeerId
from p2pchat.errors import FrameMalformed, SealBroken

if TYPE_CHECKING:
    from random import Random

FLOODED_LIMIT_BYTES: Final = 8 * 1024
"""Packets above this size are not flooded."""

PACE_BURST: Final = 0.8 * AUTHOR_BURST
PACE_PER_S: Final = 0.8 * AUTHOR_PER_S
"""Own packets, a little below what relays take of one author: what is above they drop unsaid."""

REQUESTS_BURST: Final = 10
REQUESTS_PER_S: Final = 1.0
"""Requests for sealing keys, however many people are written to: each one floods the room."""

RECEIPT_S: Final = 600.0
PACKETS_LIMIT: Final = 4_096
"""How long the receipt of an own packet is recognised, and of how many; the oldest is forgotten
first. Ten times as long as relays know the way back: a recipient next to us, whose disk had no
room, may be later."""

KEYS_LIMIT: Final = 256
"""Sealing keys of others that are kept, in memory only; the oldest goes first."""

NONCE_BYTES: Final = 16


class _Key(Struct):
    key: SealingKey
    until: float


class _Sent(Struct, frozen=True):
    inside: Inside
    """Without its text: a receipt is checked without it."""
    recipient: PeerId
    step: Step
    hop: ConnectionId | None
    """Where it went; None for everywhere."""
    ends_at: float


class Couriers:
    """At most one courier for each recipient; he carries all that waits for that person."""

    def __init__(
        self,
        packets: DirectPackets,
        ways: Ways,
        rng: Random,
        on_failed: Callable[[PeerId, Iterable[Waiting]], None],
    ) -> None:
        """Begin with nothing under way.

        Args:
            packets: Makes and checks them.
            ways: The network around.
            rng: Every chance comes from it.
            on_failed: Is told of messages that no attempt brought to their recipient.
        """
        self._packets = packets
        self._ways = ways
        self._rng = rng
        self._on_failed = on_failed
        self._couriers: dict[PeerId, Courier] = {}
        self._keys: dict[PeerId, _Key] = {}
        self._sent: dict[PacketId, _Sent] = {}  # oldest first
        self._unheard: set[PeerId] = set()
        """Who was asked for while there was no neighbour."""
        self._pace = Allowance(PACE_BURST, PACE_PER_S)
        self._requests = Allowance(REQUESTS_BURST, REQUESTS_PER_S)
        self.nick = ""
        """What this node calls itself: recipients may not have heard it yet."""

    def __len__(self) -> int:
        return len(self._couriers)

    @property
    def sent_count(self) -> int:
        """Own packets whose receipts are recognised."""
        return len(self._sent)

    @property
    def key_count(self) -> int:
        """Sealing keys of others that are kept."""
        return len(self._keys)

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        if not self._couriers:
            return None  # asked after each event, and most of the time there is nothing
        return earliest(*(courier.until for courier in self._couriers.values()))

    def is_on_the_way_to(self, recipient: PeerId) -> bool:
        """Tell whether a courier carries something to that person."""
        return recipient in self._couriers

    def is_under_way(self, message: DirectId, recipient: PeerId) -> bool:
        """Tell whether a courier carries that message."""
        courier = self._couriers.get(recipient)
        return courier is not None and (message in courier.messages or message in courier.late)

    def on_heard(self, peer: PeerId, now: float) -> None:
        """Ask at once again for somebody who came, and for all where nobody was there to ask."""
        unheard, self._unheard = self._unheard, set()
        for recipient in unheard | {peer}:
            courier = self._couriers.get(recipient)
            if courier is not None and courier.step is Step.ASKING and courier.may_ask_again:
                courier.until = now

    # --- Attempts -----------------------------------------------------------------------------

    def send(
        self, messages: Iterable[Waiting], now: float, wall_ms: int, *, is_repeated: bool = False
    ) -> list[Effect]:
        """Begin to bring messages to their recipients, in order.

        Args:
            messages: None of them under way.
            now: Monotonic seconds.
            wall_ms: Wall clock.
            is_repeated: Whether all of that was in vain before: then one request has to do.
        """
        effects: list[Effect] = []
        for message in messages:
            recipient = message.recipient
            courier = self._couriers.get(recipient)
            if courier is None:
                courier = Courier(Step.TRAIL, now, may_ask_again=not is_repeated)
                self._couriers[recipient] = courier
            effects += self._take(message, courier, now, wall_ms)
        return effects

    def _take(self, message: Waiting, courier: Courier, now: float, wall_ms: int) -> list[Effect]:
        if courier.step is Step.FLOODED:
            courier.late[message.message_id] = message
            return []
        is_new = not courier.messages
        courier.messages[message.message_id] = message
        if is_new:
            return self._try_trail(message.recipient, courier, now, wall_ms)
        if courier.step is Step.ASKING or courier.hop is None:
            return []  # it goes with the others, once the key is here
        return self._go_on(message.recipient, courier, now, wall_ms)

    def _try_trail(
        self, recipient: PeerId, courier: Courier, now: float, wall_ms: int
    ) -> list[Effect]:
        key, hop = self._key(recipient, now), self._ways.next_hop(recipient, now)
        if key is None or hop is None:
            return self._ask(recipient, courier, now, wall_ms)
        courier.step, courier.hop = Step.TRAIL, hop
        courier.first_hop = self._ways.peer_of(hop)
        return self._go_on(recipient, courier, now, wall_ms)

    def _go_on(self, recipient: PeerId, courier: Courier, now: float, wall_ms: int) -> list[Effect]:
        """Send along the way of this step what has not gone there, as fast as relays take it."""
        assert courier.hop is not None
        key, effects = self._key(recipient, now), list[Effect]()
        for message in courier.messages.values():
            if message.message_id in courier.sent:
                continue
            if key is None or not self._pace.spend(1, now):
                break
            courier.sent[message.message_id] = now
            effects += self._pack(message, key, courier, (courier.hop,), now, wall_ms)
        courier.plan(now, self._pace.has_at(1, now))
        return effects

    def _ask(self, recipient: PeerId, courier: Courier, now: float, wall_ms: int) -> list[Effect]:
        courier.sent.clear()
        courier.hop = None
        if not self._requests.spend(1, now):
            courier.step = Step.TRAIL
            courier.until = max(self._requests.has_at(1, now), now + MOMENT_S)
            return []
        courier.step, courier.until = Step.ASKING, now + REQUEST_WAIT_S
        courier.nonce = self._rng.randbytes(NONCE_BYTES)
        # A neighbour himself is asked, whatever came of the trail to him.
        is_past = courier.first_hop not in (None, recipient) and len(self._ways.able()) > 1
        avoid = courier.first_hop if is_past else None
        if not self._ways.able():
            self._unheard.add(recipient)
        courier.request, effects = self._ways.ask_for_key(
            recipient, avoid, courier.nonce, now, wall_ms
        )
        return effects

    def _flood(self, recipient: PeerId, courier: Courier, now: float, wall_ms: int) -> list[Effect]:
        """Send to everybody what is small enough, and as much of it as relays take."""
        key, everybody = self._key(recipient, now), self._ways.able()
        courier.step, courier.until = Step.FLOODED, now + FLOOD_WAIT_S
        effects: list[Effect] = []
        for message in courier.messages.values():
            if key is None or not everybody or not self._pace.spend(FLOODED_WEIGHT, now):
                break
            effects += self._pack(message, key, courier, everybody, now, wall_ms)
        return effects or self._give_up(recipient, now, wall_ms)

    def _pack(
        self,
        message: Waiting,
        key: SealingKey,
        courier: Courier,
        to: tuple[ConnectionId, ...],
        now: float,
        wall_ms: int,
    ) -> list[Effect]:
        """Seal and send one message; nothing where that can't be done as it is meant."""
        recipient, is_flooded = message.recipient, courier.step is Step.FLOODED
        inside = self._packets.write(
            recipient,
            key,
            message.message_id,
            message.kind,
            message.text,
            message.time_ms,
            self.nick,
        )
        nonce = self._rng.randbytes(NONCE_BYTES)
        try:
            packet = self._packets.pack(inside, key, nonce, wall_ms, is_flooded=is_flooded)
        except SealBroken:
            self.forget_key(recipient)  # he signed for a key that is none
            return []
        if is_flooded and len(packet.signed) > FLOODED_LIMIT_BYTES:
            return []
        hop = None if is_flooded else courier.hop
        forget_ended(self._sent, now)
        kept = replace(inside, text="")
        sent = _Sent(kept, recipient, courier.step, hop, now + RECEIPT_S)
        self._sent[PacketId(packet.id)] = sent
        if len(self._sent) > PACKETS_LIMIT:
            del self._sent[next(iter(self._sent))]
        return [Send(to, packet)]

    def _give_up(self, recipient: PeerId, now: float, wall_ms: int) -> list[Effect]:
        courier = self._couriers.pop(recipient)
        self._unheard.discard(recipient)
        self.forget_key(recipient)  # he may have started anew, with another one
        self._on_failed(recipient, courier.messages.values())
        return self.send(courier.late.values(), now, wall_ms)

    def _next_step(
        self, recipient: PeerId, courier: Courier, now: float, wall_ms: int
    ) -> list[Effect]:
        match courier.step:
            case Step.TRAIL:
                return self._ask(recipient, courier, now, wall_ms)
            case Step.ASKING if courier.may_ask_again:
                # Perhaps no way leads past that neighbour, or the answer was lost.
                courier.first_hop, courier.may_ask_again = None, False
                return self._ask(recipient, courier, now, wall_ms)
            case Step.SENT:
                courier.put_off(now)
                return self._flood(recipient, courier, now, wall_ms)
            case Step.ASKING:
                return self._flood(recipient, courier, now, wall_ms)
            case Step.FLOODED:
                return self._give_up(recipient, now, wall_ms)

    def on_time(self, now: float, wall_ms: int) -> list[Effect]:
        """Go on with those whose attempt has had its time, or who may send more."""
        effects: list[Effect] = []
        for recipient, courier in list(self._couriers.items()):
            if courier.until > now:
                continue
            may_go_on = courier.is_on_its_way
            if may_go_on and self._key(recipient, now) and not courier.is_overdue(now):
                effects += self._go_on(recipient, courier, now, wall_ms)
            else:
                effects += self._next_step(recipient, courier, now, wall_ms)
        return effects

    # --- Answers ------------------------------------------------------------------------------

    def on_key(
        self, connection: ConnectionId, answer: KeyAnswer, now: float, wall_ms: int
    ) -> list[Effect] | None:
        """Send what waits for a key that has come; None where we did not ask for it."""
        found = [r for r, c in self._couriers.items() if c.request == answer.way]
        if not found:
            return None
        recipient, courier = found[0], self._couriers[found[0]]
        if courier.step is not Step.ASKING:
            return []
        try:
            key = self._packets.key_in(answer, recipient, courier.nonce)
        except (SealBroken, FrameMalformed):
            return []  # whoever made it up; the true one may still come
        self._keys.pop(recipient, None)
        self._keys[recipient] = _Key(key, now + SEALING_KEY_USE_S)
        if len(self._keys) > KEYS_LIMIT:
            del self._keys[next(iter(self._keys))]
        self._ways.note(recipient, connection, now)
        courier.step, courier.hop = Step.SENT, connection
        return self._go_on(recipient, courier, now, wall_ms)

    def on_no_way(
        self, connection: ConnectionId, packet: PacketId, now: float, wall_ms: int
    ) -> list[Effect] | None:
        """A relay can't take an own packet further; None where it is not ours."""
        sent = self._sent.get(packet)
        if sent is None:
            return None
        courier = self._couriers.get(sent.recipient)
        if courier is None or connection != sent.hop:
            return []  # long over, or said by somebody whom nobody asked
        if (courier.step, courier.hop) != (sent.step, sent.hop):
            return []  # that attempt is over
        if courier.step is Step.TRAIL:
            return self._ask(sent.recipient, courier, now, wall_ms)
        return self._flood(sent.recipient, courier, now, wall_ms)

    def receipt_of(self, packet: PacketId) -> Inside | None:
        """Return what an own packet held, so that its receipt can be checked."""
        sent = self._sent.get(packet)
        return None if sent is None else sent.inside

    def arrived(self, recipient: PeerId, message: DirectId, now: float) -> None:
        """A receipt has come."""
        courier = self._couriers.get(recipient)
        if courier is None:
            return
        courier.remove(message)
        if not courier.messages and not courier.late:
            del self._couriers[recipient]
        elif not courier.messages:
            courier.until = now  # those that were late have their turn
        elif courier.is_on_its_way:
            courier.plan(now, self._pace.has_at(1, now))

    def forget_key(self, recipient: PeerId) -> None:
        """Ask for another key before anything more is sealed to that one."""
        self._keys.pop(recipient, None)

    def _key(self, recipient: PeerId, now: float) -> SealingKey | None:
        known = self._keys.get(recipient)
        return known.key if known is not None and known.until > now else None

"""Takes packets of others one step further, and their answers back."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from p2pchat.core.allowance import Allowance
from p2pchat.core.direct_frames import NoWay, Packet, Receipt
from p2pchat.core.direct_ways import Ways
from p2pchat.core.events import Effect, Send
from p2pchat.core.expiry import forget_ended
from p2pchat.core.seen import SeenCache
from p2pchat.core.values import ConnectionId, PeerId

PACKET_WAY_S: Final = 60.0
PACKET_WAYS_LIMIT: Final = 4_096
"""How long, and for how many packets, a relay knows where they came from."""

PACKETS_SEEN_LIMIT: Final = 32_768
"""Packets that are recognised when they come again after that, as long as their age would let them
pass; about 3 MiB. Room for 16 a second, three authors that use all they may; of more the oldest are
forgotten first."""

AUTHOR_BURST: Final = 20
AUTHOR_PER_S: Final = 2.0
AUTHOR_BYTES_BURST: Final = 256 * 1024
AUTHOR_BYTES_PER_S: Final = 64 * 1024
AUTHORS_LIMIT: Final = 1_024
"""Packets of one author that a relay passes on; the one that was silent longest is forgotten."""

FLOODED_WEIGHT: Final = 10
"""What a flooded packet costs its author, against one that goes along a way."""

CONNECTION_BURST: Final = 200
CONNECTION_PER_S: Final = 100.0
"""Packets that one neighbour may bring; looked at before their signatures."""


class _Way(Struct):
    """Where a packet came from, and who may answer it."""

    came_from: ConnectionId
    ends_at: float
    is_flooded: bool
    onward: ConnectionId | None = None
    """Where it went, unless it was flooded."""
    answered: tuple[ConnectionId, ...] = ()
    """Who has answered it: each neighbour may do so once."""
    receipt: Receipt | None = None
    """Our own, where the packet was for us."""
    told: tuple[ConnectionId, ...] = ()
    """Who has that."""

    def may_answer(self, answer: NoWay | Receipt, connection: ConnectionId) -> bool:
        """Tell whether that neighbour may answer so.

        Relays can't check a receipt. So one that is made up must not use up the way of the true
        one: each neighbour to whom the packet went has its own answer.
        """
        if connection == self.came_from or connection in self.answered:
            return False
        if self.is_flooded:
            return isinstance(answer, Receipt)
        return connection == self.onward


class _Meter:
    """What one author may still send through here."""

    __slots__ = ("packets", "size")

    def __init__(self) -> None:
        self.packets = Allowance(AUTHOR_BURST, AUTHOR_PER_S)
        self.size = Allowance(AUTHOR_BYTES_BURST, AUTHOR_BYTES_PER_S)

    def has_room(self, weight: int, size_bytes: int, now: float) -> bool:
        return self.packets.level(now) >= weight and self.size.level(now) >= size_bytes

    def charge(self, weight: int, size_bytes: int, now: float) -> None:
        self.packets.charge(weight, now)
        self.size.charge(size_bytes, now)


class PacketRelay:
    """Knows packets that were here, where they came from, and what authors may send."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._packets: dict[bytes, _Way] = {}  # oldest first
        self._seen = SeenCache(limit_ids=PACKETS_SEEN_LIMIT)
        self._authors: OrderedDict[PeerId, _Meter] = OrderedDict()
        self._connections: dict[ConnectionId, Allowance] = {}

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def author_count(self) -> int:
        """Authors whose rate is remembered."""
        return len(self._authors)

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing comes by that connection any more."""
        self._connections.pop(connection, None)

    def may_look(self, connection: ConnectionId, now: float) -> bool:
        """Charge a neighbour for a packet, before anything costly is done with it."""
        allowance = self._connections.get(connection)
        if allowance is None:
            allowance = Allowance(CONNECTION_BURST, CONNECTION_PER_S)
            self._connections[connection] = allowance
        return allowance.spend(1, now)

    def has_room(self, author: PeerId, packet: Packet, now: float) -> bool:
        """Tell whether an author keeps to his rate; looked at, not charged."""
        meter = self._authors.get(author)
        return meter is None or meter.has_room(_weight(packet), len(packet.signed), now)

    def charge(self, author: PeerId, packet: Packet, now: float) -> None:
        """Charge the author of a valid packet: nobody can be charged by a forgery."""
        meter = self._authors.setdefault(author, _Meter())
        self._authors.move_to_end(author)
        if len(self._authors) > AUTHORS_LIMIT:
            self._authors.popitem(last=False)
        meter.charge(_weight(packet), len(packet.signed), now)

    def was_here(self, packet: Packet) -> bool:
        """Tell whether a packet came before; its way back may be forgotten."""
        return packet.id in self._seen

    def take(self, packet: Packet, came_from: ConnectionId, now: float) -> None:
        """Remember the way back of a valid packet that was not here."""
        forget_ended(self._packets, now)
        self._seen.remember(packet.id, now)
        self._packets[packet.id] = _Way(came_from, now + PACKET_WAY_S, packet.is_flooded)
        if len(self._packets) > PACKET_WAYS_LIMIT:
            del self._packets[next(iter(self._packets))]

    def pass_on(
        self, packet: Packet, recipient: PeerId, came_from: ConnectionId, now: float
    ) -> list[Effect]:
        """Take a valid packet one step further, or say that there is no way."""
        onward = Packet(
            packet.id, packet.signature, packet.signed, packet.is_flooded, min(packet.hops + 1, 255)
        )
        if packet.is_flooded:
            to = tuple(c for c in self._ways.able() if c != came_from)
            return [Send(to, onward)] if to else []
        hop = self._ways.next_hop(recipient, now)
        if hop is None or hop == came_from:
            return [Send((came_from,), NoWay(packet.id))]
        self._packets[packet.id].onward = hop
        return [Send((hop,), onward)]

    def pass_back(
        self, answer: NoWay | Receipt, connection: ConnectionId, now: float
    ) -> list[Effect]:
        """Hand an answer of a neighbour back to where its packet came from."""
        way = self._living(answer.packet, now)
        if way is None or not way.may_answer(answer, connection):
            return []
        way.answered += (connection,)
        return [Send((way.came_from,), answer)] if way.came_from in self._ways.able() else []

    def answer(self, receipt: Receipt, connection: ConnectionId, now: float) -> list[Effect]:
        """Answer a packet to us, to who brought it."""
        way = self._living(receipt.packet, now)
        if way is not None:
            way.receipt, way.told = receipt, (connection,)
        return [Send((connection,), receipt)] if connection in self._ways.able() else []

    def on_copy(self, packet: Packet, connection: ConnectionId, now: float) -> list[Effect]:
        """Answer a flooded packet to us by each way it comes: one may end at somebody silent."""
        way = self._living(packet.id, now)
        if way is None or way.receipt is None or not way.is_flooded or connection in way.told:
            return []
        way.told += (connection,)
        return [Send((connection,), way.receipt)]

    def _living(self, packet: bytes, now: float) -> _Way | None:
        way = self._packets.get(packet)
        return way if way is not None and way.ends_at > now else None


def _weight(packet: Packet) -> int:
    return FLOODED_WEIGHT if packet.is_flooded else 1

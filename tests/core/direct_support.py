"""One core that writes and relays messages to one person; the test plays all the others."""

from __future__ import annotations

from typing import Final

from p2pchat.core.direct_frames import KeyAnswer, Packet, Receipt
from p2pchat.core.direct_packets import DirectPackets, Owner
from p2pchat.core.direct_values import SEALING_REQUEST, Inside, SealingKey
from p2pchat.core.envelopes import Header
from p2pchat.core.events import DeliveredNoted, Effect, NoteDelivered, Send, SendDirect, Tell
from p2pchat.core.frames import Carry
from p2pchat.core.notices import Notice
from p2pchat.core.outbox import DirectId
from p2pchat.core.values import ConnectionId, Kind, PeerId, Person, envelope_id
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.sim.sealing import SimSealer
from tests.core.support import EPOCH, WALL_S, OneCore, of

WALL_MS: Final = int(WALL_S * 1000)
CODEC: Final = MemoCodec()


class Far:
    """Somebody behind a neighbour, with keys of his own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.me = sim_peer_id(name)
        self.person = Person(self.me, name)
        self.signatures = SimCredentials(self.me, "lobby")
        self.sealer = SimSealer(self.me)
        owner = Owner(self.me, EPOCH, sim_network_id("lobby"))
        self.packets = DirectPackets(owner, CODEC, self.signatures, self.sealer)
        self._nonces = 0

    @property
    def key(self) -> SealingKey:
        return self.sealer.public(0.0)

    def answer(self, request: Carry) -> KeyAnswer:
        """What he says when he is asked."""
        header = CODEC.decode_header(request.signed)
        name = envelope_id(request.signed)
        return self.packets.answer(name, PeerId(header.author), header.nonce, 0.0, WALL_MS)

    def open_(self, packet: Packet) -> Inside:
        """Read what was sealed for him; SealBroken where it is not."""
        return self.packets.open_(self.packets.outside_of(packet), 0.0)

    def receipt(self, packet: Packet) -> Receipt:
        return self.packets.receipt(packet.id, self.open_(packet))

    def write(
        self,
        recipient: Far,
        text: str = "hello",
        *,
        message: bytes = bytes(16),
        kind: int = Kind.TEXT,
        is_flooded: bool = False,
        age_s: float = 0.0,
    ) -> Packet:
        """Seal something for somebody, each time anew; the packet may be older than the message."""
        self._nonces += 1
        key = recipient.key
        inside = self.packets.write(recipient.me, key, message, kind, text, WALL_MS)
        nonce = self._nonces.to_bytes(16, "big")
        packed_ms = WALL_MS - round(age_s * 1000)
        return self.packets.pack(inside, key, nonce, packed_ms, is_flooded=is_flooded)

    def request(self, recipient: Far, nonce: bytes = bytes(16)) -> Carry:
        """Ask for somebody's sealing key."""
        header = Header(
            sim_network_id("lobby"),
            self.me,
            EPOCH,
            WALL_MS + 100_000,
            SEALING_REQUEST,
            0,
            0,
            nonce,
            self.packets.request(recipient.me, None),
        )
        signed = CODEC.encode_header(header)
        return Carry(0, envelope_id(signed), self.signatures.sign(signed), signed)


class Writer(OneCore):
    """A core whose user writes to people far away."""

    def __init__(self) -> None:
        super().__init__("alice")
        self._written = 0

    def write(self, recipient: Far, text: str = "hello") -> tuple[DirectId, list[Effect]]:
        self._written += 1
        message = DirectId(self._written.to_bytes(16, "big"))
        return message, self.feed(SendDirect(message, recipient.person, Kind.TEXT, text))

    def write_with_key(
        self, recipient: Far, connection: ConnectionId, text: str = "hello"
    ) -> list[Packet]:
        """Write, answer the request, return what is sent."""
        _, effects = self.write(recipient, text)
        (request,) = requests(effects)
        return packets(self.frame(connection, recipient.answer(request)))


class Reader(Writer):
    """A core to which others write; Far and core share their keys, as the simulator draws them."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: set[tuple[object, DirectId]] = set()
        self.core._direct._delivered = self.shown  # type: ignore[assignment]

    def noted(self, effects: list[Effect]) -> list[Effect]:
        """Let the disk say that it has what was asked for."""
        later: list[Effect] = []
        for note in of(effects, NoteDelivered):
            self.shown.add((note.author, note.message))
            later += self.feed(DeliveredNoted(note.author, note.message))
        return later


def requests(effects: list[Effect]) -> list[Carry]:
    """Requests for sealing keys among what is sent."""
    carried = [send.frame for send in of(effects, Send) if isinstance(send.frame, Carry)]
    return [c for c in carried if CODEC.decode_header(c.signed).kind == SEALING_REQUEST]


def packets(effects: list[Effect]) -> list[Packet]:
    """Packets among what is sent, in order."""
    return [send.frame for send in of(effects, Send) if isinstance(send.frame, Packet)]


def told(effects: list[Effect], kind: type[Notice]) -> list[Notice]:
    """Notices of one kind, in order."""
    notices = [tell.notice for tell in of(effects, Tell)]
    return [notice for notice in notices if isinstance(notice, kind)]

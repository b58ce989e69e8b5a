"""TLS and seals: what somebody sends who does not have the keys, or has keys of his own."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from p2pchat.core.direct_frames import KeyAnswer, Packet
from p2pchat.core.direct_packets import DirectPackets, Owner
from p2pchat.core.direct_values import Inside, Outside, SealingKey, SignedInside, packet_id
from p2pchat.core.events import FrameReceived, LinesReceived
from p2pchat.core.frames import Hello, Ping, Welcome
from p2pchat.core.limits import FRAME_LIMIT_BYTES
from p2pchat.core.values import ConnectionId, Epoch, NetworkId, PeerId
from p2pchat.crypto.channel import _FOREIGN_ERRORS, SecureChannel, peer_in
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room
from p2pchat.crypto.sealing import SealingKeys, pad, unpad
from p2pchat.errors import (
    ChannelBroken,
    FrameMalformed,
    FrameTooLarge,
    GuestRefused,
    HandshakeFailed,
    PlainTextMet,
    SealBroken,
)
from p2pchat.net.conversation import SecureConversation, UndecidedConversation
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes
from tests.crypto.ends import KEY, OTHER_KEY, RSA_KEY
from tests.crypto.hostile import make_certificate
from tests.fuzz.mutation import Edit, Kind
from tests.fuzz.target import Reader, Target, piece

if TYPE_CHECKING:
    from p2pchat.net.conversation import Conversation

ANN: Final = Identity(b"a" * 32)
BEN: Final = Identity(b"b" * 32)

# --- TLS --------------------------------------------------------------------------------------

_FLIGHTS_LIMIT: Final = 8


def _edit(reader: Reader) -> Edit:
    return Edit(Kind(reader.choice(len(Kind))), reader.byte() << 8 | reader.byte(), reader.piece())


def channel(data: bytes) -> None:
    """A handshake in which one flight is altered, and bytes thereafter; each in both roles.

    The first byte says who is hostile and when he begins, then come edits of that flight, then
    pieces that he sends.
    """
    reader = Reader(data)
    is_dialler, altered = bool(reader.byte() & 1), reader.choice(_FLIGHTS_LIMIT)
    victim = SecureChannel(ANN, dialling=not is_dialler)
    hostile = SecureChannel(BEN, dialling=is_dialler)
    with suppress(HandshakeFailed, ChannelBroken):
        _shake_hands(victim, hostile, reader, altered)
        for received in reader.pieces():
            plaintext = victim.receive(received)
            assert not plaintext or victim.is_secured
    if victim.is_secured:
        assert victim.peer == BEN.peer
        with suppress(ChannelBroken):
            victim.send(b"more")
    victim.take_outgoing()
    victim.close()


def _shake_hands(
    victim: SecureChannel, hostile: SecureChannel, reader: Reader, altered: int
) -> None:
    victim.start()
    hostile.start()
    for number in range(_FLIGHTS_LIMIT):
        with suppress(HandshakeFailed, ChannelBroken):
            hostile.receive(victim.take_outgoing())
        flight = hostile.take_outgoing()
        if number == altered:
            flight = _edit(reader).of(flight)
        if flight:
            victim.receive(flight)
        elif number > 2:
            return


def _channel_seeds() -> list[bytes]:
    header = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    edit = b"\x00\x00\x20" + piece(b"\xff")
    return [
        *(bytes([role, flight]) + edit for role in (0, 1) for flight in (0, 1, 2)),
        b"\x00\x07" + piece(header),
        b"\x01\x07" + piece(b"\x17\x03\x03\x00\x20" + bytes(32)),
        b"\x00\x00\x04\x00\x00" + piece(header * 3),
    ]


def conversation(data: bytes) -> None:
    """Bytes of a connection as events: plain or undecided ones, or frames behind a true handshake.

    Even first byte: the rest comes as it is. Odd: it comes encrypted, piece by piece.
    """
    reader = Reader(data)
    number = ConnectionId(1)
    kind = reader.choice(4)
    with suppress(
        HandshakeFailed, PlainTextMet, ChannelBroken, FrameTooLarge, FrameMalformed, GuestRefused
    ):
        if kind == 0:
            _converse(UndecidedConversation(number, ANN), reader)
        elif kind == 2:
            _converse(SecureConversation(number, ANN, dialling=True), reader)
        else:
            _converse_in_secret(number, reader, is_dialler=kind == 1)


def _converse(victim: Conversation, reader: Reader) -> None:
    for received in filter(None, reader.pieces()):
        _take(victim, received)
    for event in victim.finish():
        assert isinstance(event, LinesReceived)
    victim.wrap([])
    victim.end()


def _take(victim: Conversation, received: bytes) -> None:
    for event in victim.receive(received):
        if isinstance(event, FrameReceived):
            assert len(str(type(event.frame).__name__)) < 30


def _converse_in_secret(number: ConnectionId, reader: Reader, *, is_dialler: bool) -> None:
    victim = SecureConversation(number, ANN, dialling=not is_dialler)
    hostile = SecureChannel(BEN, dialling=is_dialler)
    hostile.start()
    for _ in range(4):
        if flight := victim.wrap([]):
            hostile.receive(flight)
        if flight := hostile.take_outgoing():
            _take(victim, flight)
    for plaintext in reader.pieces():
        hostile.send(plaintext)
        if flight := hostile.take_outgoing():
            _take(victim, flight)
        assert victim._splitter.waiting_bytes <= FRAME_LIMIT_BYTES + 4


def _conversation_seeds() -> list[bytes]:
    hello = frame_bytes(encode(Hello(1, 1, ("map",), bytes(8))))
    welcome = frame_bytes(encode(Welcome("ben", 1, ("10.0.0.1:5555",))))
    ping = frame_bytes(encode(Ping(7)))
    return [
        b"\x00" + piece(b"hello\n") + piece(b"there"),
        b"\x00" + piece(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"),
        b"\x02" + piece(b"\x15\x03\x03\x00\x02\x02\x28"),
        b"\x01" + piece(hello + welcome) + piece(ping[:3]) + piece(ping[3:]),
        b"\x03" + piece(welcome) + piece(b"\x00\x00\xff\xff"),
    ]


def certificate(data: bytes) -> None:
    """What another side may show: whose it is, or one of the errors of those who read it."""
    with suppress(HandshakeFailed, *_FOREIGN_ERRORS):
        peer_in(x509.load_der_x509_certificate(data))


@cache
def _certificate_seeds() -> tuple[bytes, ...]:
    made = (
        make_certificate(KEY),
        make_certificate(OTHER_KEY, padding_bytes=40),
        make_certificate(RSA_KEY),
    )
    return tuple(one.public_bytes(Encoding.DER) for one in made)


# --- Seals ------------------------------------------------------------------------------------

NETWORK: Final = NetworkId(bytes(range(16)))
EPOCH: Final = Epoch(bytes(8))
_NONCE: Final = bytes(range(16))
_NOW: Final = 100.0


@cache
def _keys() -> SealingKeys:
    return SealingKeys()


@cache
def _packets(identity: Identity) -> DirectPackets:
    credentials = NodeCredentials(identity, Room("lobby"))
    return DirectPackets(Owner(identity.peer, EPOCH, NETWORK), Codec(), credentials, _keys())


def sealed(data: bytes) -> None:
    """What comes sealed to us, and keys that others give us to seal to.

    The first byte: as it stands; sealed truly, signed truly or not; a sealing key of a stranger.
    """
    reader = Reader(data)
    kind = reader.choice(4)
    key = _keys().public(_NOW)
    with suppress(SealBroken):
        assert pad(unpad(data)) == data
    match kind:
        case 0:
            _open(reader.rest())
        case 1:
            _open(key.hash + reader.rest())
        case 2:
            with suppress(SealBroken):
                _open(_keys().seal(key, reader.rest(), _bound()))
        case _:
            _take_key(reader)


def _outside(sealed_part: bytes) -> Outside:
    return Outside(NETWORK, BEN.peer, EPOCH, ANN.peer, _NONCE, 1, sealed_part)


def _bound() -> bytes:
    return _outside(b"").bound


def _open(sealed_part: bytes) -> None:
    signed = Codec().encode_outside(_outside(sealed_part))
    packet = Packet(packet_id(signed), bytes(64), signed, False, 0)
    ours = _packets(ANN)
    assert not ours.is_valid(packet, ours.outside_of(packet))
    with suppress(SealBroken):
        inside = ours.open_(_outside(sealed_part), _NOW)
        assert inside.author == BEN.peer
        repr(inside)


def _take_key(reader: Reader) -> None:
    answer = KeyAnswer(_NONCE, bytes(64), reader.piece())
    with suppress(SealBroken, FrameMalformed):
        _packets(ANN).key_in(answer, PeerId(BEN.peer), _NONCE)
        raise AssertionError("a key that nobody signed is taken")
    with suppress(SealBroken):
        _keys().seal(SealingKey(reader.byte(), reader.piece()), b"hi", _bound())


def _sealed_seeds() -> list[bytes]:
    key = _keys().public(_NOW)
    inside = Inside(
        NETWORK, BEN.peer, ANN.peer, key.hash, _NONCE, bytes(32), 1_700_000_000_000, 1, "hi", "ben"
    )
    signed = Codec().encode_inside(inside)
    signature = NodeCredentials(BEN, Room("lobby")).sign_inside(signed)
    whole = Codec().encode_signed_inside(SignedInside(signature, signed))
    forged = Codec().encode_signed_inside(SignedInside(bytes(64), signed))
    return [
        b"\x00" + bytes(1_200),
        b"\x01" + bytes(1_136),
        b"\x02" + whole,
        b"\x02" + forged,
        b"\x03" + piece(b"") + b"\x01" + piece(bytes(1_216)),
        b"\x03" + piece(signed) + b"\x01" + piece(key.key),
    ]


CRYPTO: Final = {
    "channel": Target(channel, _channel_seeds, (b"\x16\x03\x01", b"\x17\x03\x03", b"\x15\x03\x03")),
    "conversation": Target(conversation, _conversation_seeds, (b"\x00\x00\x00\x03",)),
    "certificate": Target(certificate, _certificate_seeds, (b"\x06\x03\x2b\x65\x70", b"\x30\x82")),
    "sealed": Target(sealed, _sealed_seeds),
}

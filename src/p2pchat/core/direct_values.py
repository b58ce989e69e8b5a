"""What is signed and sealed for messages to one person, and the services that this needs."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any, Final, NewType, Protocol

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.fields import Digest32, EpochBytes, Id16, Key, Nick, Number, SignatureBytes
from p2pchat.core.values import NetworkId, PeerId

PacketId = NewType("PacketId", bytes)
"""16 bytes: BLAKE2b-128 over what the author of a packet signed."""

DIRECT_CONTEXT: Final = b"p2pchat/1 direct\0"
"""What stands before the signed bytes of a packet, in its signature and in its id."""

INSIDE_CONTEXT: Final = b"p2pchat/1 inside\0"
"""What stands before the signed bytes inside of what is sealed, in their signature."""

SEALING_KEY_CONTEXT: Final = b"p2pchat/1 sealing key\0"
"""What stands before a sealing key: in its record's signature, and in its hash."""

SEALED_CONTEXT: Final = b"p2pchat/1 sealed\0"
"""What stands before what a seal is bound to; no signature has it."""

SEALING_REQUEST: Final = 66
"""Kind of the passing envelope by which a sealing key is asked for; its body is a
SealingRequest, and its nonce comes back in the record."""

SUITE: Final = 1
"""Number of the one suite there is, in HPKE's base mode (RFC 9180): ML-KEM-768 with X25519
(0x647a), HKDF-SHA256 (0x0001), ChaCha20-Poly1305 (0x0003)."""

# --- Numbers ----------------------------------------------------------------------------------

SEALING_KEY_BYTES: Final = 1216
"""A public key of that suite: 1,184 of ML-KEM-768, 32 of X25519."""

SEALING_KEY_LIMIT_BYTES: Final = 2 * 1024
"""Largest public key in a record, whatever its suite."""

SEALING_RECORD_LIMIT_BYTES: Final = 4 * 1024
"""Signed bytes of such a record; today's have about 1,350."""

PADDED_BYTES: Final = (1024, 4 * 1024, 16 * 1024, 32 * 1024)
"""What is sealed is padded to the least of these that holds it: all that its size tells.

Signatures, ids and keys take 253 bytes around a text (measured), and the length 2. So 256 is
no size: it would tell relays of texts of one letter, a yes or no. The longest text has 16,000.
"""

PADDING_LENGTH_BYTES: Final = 2
"""In front of what is padded stands its length, big endian."""

SEAL_OVERHEAD_BYTES: Final = 32 + 1120 + 16
"""What sealing adds to the padded: hash of the key, encapsulated key, tag."""

SEALED_LIMIT_BYTES: Final = 36 * 1024
"""Largest sealed part: the largest padded one, and room for another suite's overhead."""

PACKET_LIMIT_BYTES: Final = 40 * 1024
"""Signed bytes of a packet: below FRAME_LIMIT_BYTES, above all that can be in it."""

RECEIPT_KEY_BYTES: Final = 32

SEALING_KEY_FRESH_S: Final = 60 * 60.0
"""A recipient makes a new key pair so long after the last one. Longer: whoever takes the
memory of a node reads more of what it received; shorter costs signatures."""

SEALING_KEY_USE_S: Final = 60 * 60.0
"""How long a sender uses a key, by its own monotonic clock from when the answer came."""

SEALING_KEY_LIFE_S: Final = 125 * 60.0
"""How long a recipient can open: fresh, in use, and 5 minutes under way. At most 3 at once."""

# --- What is signed ---------------------------------------------------------------------------


class Outside(Struct, frozen=True, array_like=True):
    """What the author of a packet signs for relays, as one msgpack array."""

    network: Id16
    author: Key
    epoch: EpochBytes
    recipient: Key
    nonce: Id16
    """16 random bytes; a packet sent again is sealed anew with others."""
    time_ms: Number
    sealed: Annotated[bytes, Meta(max_length=SEALED_LIMIT_BYTES)]

    @property
    def bound(self) -> bytes:
        """What its seal has to be bound to."""
        return bound_to(
            NetworkId(self.network), PeerId(self.author), PeerId(self.recipient), self.nonce
        )


class Inside(Struct, frozen=True, array_like=True):
    """What the author of a message signs for its recipient, as one msgpack array.

    Who opened it can't pass it on as meant for somebody else: recipient and sealing key are
    part of it.
    """

    network: Id16
    author: Key
    recipient: Key
    key_hash: Digest32
    """Of the sealing key that it was sealed to."""
    message: Id16
    receipt_key: Key
    """32 secret bytes: who can make a receipt with them opened the message."""
    time_ms: Number
    kind: Annotated[int, Meta(ge=0, le=127)]
    """As of envelopes; who knows it not shows nothing."""
    text: Annotated[str, Meta(max_length=limits.TEXT_LIMIT_CHARACTERS)]
    nick: Nick = ""
    """What the author calls himself, so that somebody can read it who knows nothing else."""

    def __repr__(self) -> str:
        return f"Inside({self.message.hex()}, {len(self.text)} characters)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("message", self.message)]


class SignedInside(Struct, frozen=True, array_like=True):
    """What is sealed, before it is padded: an Inside exactly as its author signed it."""

    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=PADDED_BYTES[-1])]

    def __repr__(self) -> str:
        return f"SignedInside({len(self.signed)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("size_bytes", len(self.signed))]


class SealingKeyRecord(Struct, frozen=True, array_like=True):
    """What the owner of a sealing key signs for who asked for it, as one msgpack array.

    Nobody can serve it again: requester and nonce are those of one request.
    """

    network: Id16
    owner: Key
    epoch: EpochBytes
    requester: Key
    nonce: Id16
    """Of the passing envelope that asked."""
    suite: Annotated[int, Meta(ge=0, le=255)]
    key: Annotated[bytes, Meta(min_length=32, max_length=SEALING_KEY_LIMIT_BYTES)]
    time_ms: Number


class SealingRequest(Struct, frozen=True, array_like=True):
    """Body of the passing envelope by which somebody's sealing key is asked for."""

    recipient: Key
    avoid: Annotated[bytes, Meta(max_length=32)]
    """The neighbour along which the answer shall not come, 32 bytes; or nothing."""

    def __post_init__(self) -> None:
        if len(self.avoid) not in (0, 32):
            raise ValueError("neither a key nor empty")


# --- Values -----------------------------------------------------------------------------------


class SealingKey(Struct, frozen=True):
    """A public key to seal to, and the number of its suite."""

    suite: int
    key: bytes

    @property
    def hash(self) -> bytes:
        """32 bytes that name it: in front of what is sealed, and inside."""
        named = SEALING_KEY_CONTEXT + self.suite.to_bytes(1, "big") + self.key
        return blake2b(named, digest_size=32).digest()


def packet_id(signed: bytes) -> PacketId:
    """Name the packet with those signed bytes.

    Not the nonce, though that is in it: another author could sign the same one, and relays
    would take the true packet for a copy of his.
    """
    return PacketId(blake2b(DIRECT_CONTEXT + signed, digest_size=16).digest())


def bound_to(network: NetworkId, author: PeerId, recipient: PeerId, nonce: bytes) -> bytes:
    """Return what a seal is bound to: four parts of fixed length, 96 bytes in all."""
    return network + author + recipient + nonce


# --- Services ---------------------------------------------------------------------------------


class DirectCodec(Protocol):
    """Bytes to values and back for what is signed and sealed."""

    def encode_outside(self, outside: Outside) -> bytes:
        """Make the signed bytes of a packet."""
        ...

    def decode_outside(self, signed: bytes) -> Outside:
        """Read signed bytes; FrameMalformed when they are no packet's."""
        ...

    def encode_inside(self, inside: Inside) -> bytes:
        """Make the signed bytes inside."""
        ...

    def decode_inside(self, signed: bytes) -> Inside:
        """Read signed bytes; FrameMalformed when they are no Inside."""
        ...

    def encode_signed_inside(self, sealed: SignedInside) -> bytes:
        """Make the bytes to be sealed."""
        ...

    def decode_signed_inside(self, opened: bytes) -> SignedInside:
        """Read opened bytes; FrameMalformed when they are none."""
        ...

    def encode_sealing_key(self, record: SealingKeyRecord) -> bytes:
        """Make the signed bytes of the record of a sealing key."""
        ...

    def decode_sealing_key(self, signed: bytes) -> SealingKeyRecord:
        """Read signed bytes; FrameMalformed when they are no such record."""
        ...

    def encode_sealing_request(self, request: SealingRequest) -> bytes:
        """Make the body of a request."""
        ...

    def decode_sealing_request(self, body: bytes) -> SealingRequest:
        """Read the body of a request; FrameMalformed when it is none."""
        ...


class DirectSignatures(Protocol):
    """Signs for this node, checks for all; each pair with a context of its own."""

    def sign_direct(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of a packet, with DIRECT_CONTEXT."""
        ...

    def is_valid_direct(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author, and nobody else who could be, signed those bytes."""
        ...

    def sign_inside(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of an Inside, with INSIDE_CONTEXT."""
        ...

    def is_valid_inside(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author, and nobody else who could be, signed those bytes."""
        ...

    def sign_sealing_key(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of a key's record, with SEALING_KEY_CONTEXT."""
        ...

    def is_valid_sealing_key(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that owner, and nobody else who could be, signed those bytes."""
        ...


class Sealer(Protocol):
    """Seals to others, opens with this node's own keys, which it makes and forgets."""

    def public(self, now: float) -> SealingKey:
        """Return the key to seal to; a new one after SEALING_KEY_FRESH_S."""
        ...

    def next_deadline(self) -> float | None:
        """When to call `forget_old`, on the clock of `public`; None for never."""
        ...

    def forget_old(self, now: float) -> None:
        """Forget keys of SEALING_KEY_LIFE_S ago: what was sealed to them is closed for good."""
        ...

    def seal(self, key: SealingKey, plaintext: bytes, bound: bytes) -> bytes:
        """Seal for the owner of a key.

        Raises:
            SealBroken: The key is none, or the plaintext is too long.
        """
        ...

    def open_(self, sealed: bytes, bound: bytes, now: float) -> bytes:
        """Return what was sealed to one of this node's keys and bound to that.

        Raises:
            SealBroken: It was not, it was altered, or the key is forgotten.
        """
        ...

    def new_receipt_key(self) -> bytes:
        """Draw 32 secret bytes.

        Not of the core's chance: what that gave before is on the wire, in ids, and enough of
        it tells what it gives next.
        """
        ...

    def receipt(self, receipt_key: bytes, message: bytes) -> bytes:
        """Return the 32-byte proof that the message was opened."""
        ...

    def is_receipt(self, proof: bytes, receipt_key: bytes, message: bytes) -> bool:
        """Compare a proof in constant time."""
        ...

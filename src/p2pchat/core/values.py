"""Frozen value types that every layer shares."""

from __future__ import annotations

import ipaddress
import struct
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import blake2b
from typing import Final, NewType

from msgspec import Struct

from p2pchat.errors import BadAddress

PeerId = NewType("PeerId", bytes)
"""The 32-byte Ed25519 public key that a peer is."""

NetworkId = NewType("NetworkId", bytes)
"""16 bytes that every envelope of one room carries; made from the room's name and secret."""

EnvelopeId = NewType("EnvelopeId", bytes)
"""16 bytes: BLAKE2b-128 over what the author signed."""

MessageId = NewType("MessageId", str)
"""32 hex digits that name one message everywhere."""

ConnectionId = NewType("ConnectionId", int)
"""Counts the connections of one node since its start; never used twice."""

Epoch = NewType("Epoch", bytes)
"""8 random bytes drawn at each start of a node."""

PEER_ID_BYTES: Final = 32
EPOCH_BYTES: Final = 8

ENVELOPE_CONTEXT: Final = b"p2pchat/1 envelope\0"
"""What stands before the signed bytes of an envelope, in its signature and in its id."""

ACK_CONTEXT: Final = b"p2pchat/1 ack\0"
"""What stands before the signed bytes of an acknowledgement, in its signature."""

ADDRESS_CONTEXT: Final = b"p2pchat/1 address\0"
"""What stands before the signed bytes of an address record, in its signature."""

MAP_CONTEXT: Final = b"p2pchat/1 map\0"
"""What stands before the signed bytes of a statement for the map, in its signature."""

WHO_CONTEXT: Final = b"p2pchat/1 who\0"
"""What stands before the signed bytes of an answer to who is here, in its signature."""

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUP: Final = 4


def fingerprint(peer: PeerId) -> str:
    """Return the whole key in lower-case Crockford base32, in groups of four.

    52 characters; what people compare.
    """
    number, digits = int.from_bytes(peer, "big") << 4, ""  # 256 bits and 4 of padding: 52 digits
    for _ in range(52):
        number, digit = divmod(number, 32)
        digits = _CROCKFORD[digit] + digits
    return "-".join(digits[i : i + _GROUP] for i in range(0, len(digits), _GROUP))


def short_fingerprint(peer: PeerId) -> str:
    """Return the first two groups, enough to tell people apart but not to trust one."""
    return fingerprint(peer)[: 2 * _GROUP + 1]


def message_id(author: PeerId, epoch: Epoch, number: int) -> MessageId:
    """Name the author's message of that number: 128 bits of BLAKE2b as 32 hex digits."""
    place = author + epoch + number.to_bytes(8, "big")
    return MessageId(blake2b(place, digest_size=16).hexdigest())


_packed_number: Final = struct.Struct(">Q").pack


class MessageNames:
    """Names the messages of one author in one epoch; what does not change is hashed once."""

    __slots__ = ("_begun",)

    def __init__(self, author: PeerId, epoch: Epoch) -> None:
        self._begun = blake2b(author + epoch, digest_size=16)

    def name(self, number: int) -> MessageId:
        """Return what `message_id` returns."""
        hashing = self._begun.copy()
        hashing.update(_packed_number(number))
        return MessageId(hashing.hexdigest())


_begun_envelope: Final = blake2b(ENVELOPE_CONTEXT, digest_size=16)


def envelope_id(signed: bytes) -> EnvelopeId:
    """Name the envelope with those signed bytes; the signature is no part of the name."""
    hashing = _begun_envelope.copy()  # costs half of what a new one does
    hashing.update(signed)
    return EnvelopeId(hashing.digest())


class Kind(IntEnum):
    """What an envelope holds.

    Kinds below PASSING are *kept*: numbered, stored, repaired and put in order.
    The others are *passing*: recognised by the seen cache and then forgotten.
    """

    TEXT = 1
    ACTION = 2
    GUEST = 3
    """Lines of a guest, announced by the node that it is attached to."""
    BRIDGED = 4
    """Lines of a dialled plain peer: never written to any guest again."""


PASSING: Final = 64
"""First kind that is passing; kinds 0 to 63 are kept."""


def is_kept(kind: int) -> bool:
    """Tell whether envelopes of that kind are numbered, stored and repaired."""
    return kind < PASSING


class Address(Struct, frozen=True):
    """Where a peer may be reached; `plain` for the article's line protocol."""

    host: str
    port: int
    plain: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'plain://' if self.plain else ''}{host}:{self.port}"

    @property
    def is_any(self) -> bool:
        """Whether the host names no machine: `[::]`, `0.0.0.0` or nothing mean this one."""
        return self.host in ("", "::", "0.0.0.0")

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port`, `[v6]:port`, `:port` or any of them behind `plain://`.

        Raises:
            BadAddress: With what is wrong and an example.
        """
        plain = text.startswith("plain://")
        rest = text.removeprefix("plain://")
        host, colon, port = rest.rpartition(":")
        if not colon or rest.endswith("]"):
            example = rest if rest.strip("[]:") else "localhost"
            raise BadAddress(f'"{text}" has no port. Example: connect {example}:55555')
        # The length first: a stranger may write thousands of digits, or zeros before more digits.
        is_number = port.isascii() and port.isdigit() and len(port) <= 5
        if not is_number or not 1 <= int(port) <= 65535:
            raise BadAddress(f'"{text}": the port must be a number from 1 to 65535.')
        return cls(_parse_host(host, text), int(port), plain)


def _parse_host(host: str, text: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        literal = host[1:-1]
        try:
            ipaddress.IPv6Address(literal)
        except ValueError:
            raise BadAddress(f'"{text}": {host} is not an IPv6 address.') from None
        return literal
    if ":" in host:
        raise BadAddress(
            f'"{text}": an IPv6 address stands in brackets. Example: connect [::1]:55555'
        )
    if not all(c.isalnum() or c in "-._" for c in host) or len(host) > 253:
        raise BadAddress(f'"{text}" is not a host and a port. Example: connect localhost:55555')
    return host


class Person(Struct, frozen=True):
    """Who said something: the key, and what it calls itself.

    `id` is None for a guest, whom no key vouches for.
    """

    id: PeerId | None
    nick: str


GUEST: Final = Person(None, "guest")


class Message(Struct, frozen=True):
    """What a person reads; texts are exact, clean them before showing them."""

    signer: Person
    """Who vouches for it: the author, or the node that a guest is attached to."""
    epoch: Epoch
    number: int
    """Counts the messages of one author in one epoch, from 0."""
    text: str
    time_ms: int
    """The author's clock, milliseconds since 1970 UTC."""
    hops: int = 0
    """Connections crossed, 255 for "that or more"; 0 for one's own."""
    kind: int = Kind.TEXT
    earlier: bool = False
    """Whether it was written before the connection opened that brought it in a comparison."""

    @property
    def id(self) -> MessageId:
        """The same 32 hex digits at the author and at everybody who receives it."""
        assert self.signer.id is not None
        return message_id(self.signer.id, self.epoch, self.number)

    @property
    def guest(self) -> bool:
        """Whether a plain-line peer said it, whom nobody verified."""
        return self.kind in (Kind.GUEST, Kind.BRIDGED)

    @property
    def action(self) -> bool:
        """Whether it tells what the author does (`/me waves`)."""
        return self.kind == Kind.ACTION

    @property
    def author(self) -> Person:
        """Who said it; for guests a person without a key."""
        return GUEST if self.guest else self.signer

    @property
    def via(self) -> Person | None:
        """The node that a guest is attached to; None for everybody else."""
        return self.signer if self.guest else None

    @property
    def time(self) -> datetime:
        """When the author's clock says it was written, in UTC."""
        return datetime.fromtimestamp(self.time_ms / 1000, UTC)

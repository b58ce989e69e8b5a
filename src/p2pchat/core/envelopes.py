"""The signed unit that floods, and the two services that its life needs from outside."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.fields import EpochBytes, Id16, Key, Nick, Number
from p2pchat.core.frames import Carry
from p2pchat.core.intervals import Span
from p2pchat.core.values import EnvelopeId, Epoch, NetworkId, PeerId, is_kept

NONCE_BYTES: Final = 16


class Header(Struct, frozen=True, array_like=True):
    """What an author signs, as one msgpack array.

    Kept kinds have the number of their first message and how many they hold, passing ones 16
    random bytes instead. `body` stays bytes, because relays pass on kinds they don't know.
    """

    network: Id16
    author: Key
    epoch: EpochBytes
    time_ms: Number
    kind: Annotated[int, Meta(ge=0, le=127)]
    first: Number
    count: Annotated[int, Meta(ge=0, le=limits.ENVELOPE_TEXTS_LIMIT)]
    nonce: Annotated[bytes, Meta(max_length=16)]
    body: bytes
    flags: Annotated[int, Meta(ge=0, le=255)] = 0


class Texts(Struct, frozen=True, array_like=True):
    """Body of the kinds that people read.

    The nick comes along so that every message can be shown by somebody who knows nothing else.
    """

    nick: Nick
    texts: Annotated[
        tuple[Annotated[str, Meta(max_length=limits.TEXT_LIMIT_CHARACTERS)], ...],
        Meta(min_length=1, max_length=limits.ENVELOPE_TEXTS_LIMIT),
    ]


class Envelope(Struct, frozen=True):
    """A header together with the very bytes that it was read from."""

    id: EnvelopeId
    header: Header
    signature: bytes
    signed: bytes

    @property
    def author(self) -> PeerId:
        """Who signed it."""
        return PeerId(self.header.author)

    @property
    def epoch(self) -> Epoch:
        """The start of the author's node that it belongs to."""
        return Epoch(self.header.epoch)

    @property
    def span(self) -> Span:
        """Numbers of its messages, from the first on up to but without the second."""
        first = self.header.first
        return first, first + self.header.count

    @property
    def numbers(self) -> range:
        """Numbers of its messages; empty for passing kinds."""
        return range(self.header.first, self.header.first + self.header.count)

    def carried(self, hops: int) -> Carry:
        """The frame that hands it on."""
        return Carry(hops, self.id, self.signature, self.signed)


class EnvelopeCodec(Protocol):
    """Bytes to values and back for what is inside a Carry."""

    def encode_header(self, header: Header) -> bytes:
        """Make the bytes to be signed."""
        ...

    def decode_header(self, signed: bytes) -> Header:
        """Read signed bytes.

        Raises:
            FrameMalformed: When they are no header.
        """
        ...

    def encode_texts(self, texts: Texts) -> bytes:
        """Make the body of a text envelope."""
        ...

    def decode_texts(self, body: bytes) -> Texts:
        """Read the body of a text envelope.

        Raises:
            FrameMalformed: When it is none.
        """
        ...

    def encode_query(self, about: EnvelopeId) -> bytes:
        """Make the body of a question about who has an envelope."""
        ...

    def decode_query(self, body: bytes) -> EnvelopeId:
        """Read the body of such a question.

        Raises:
            FrameMalformed: When it is none.
        """
        ...


class Signatures(Protocol):
    """Signs for this node, checks for all; pure functions of their arguments."""

    def sign(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature of an envelope's signed bytes."""
        ...

    def is_valid(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author signed those bytes as an envelope."""
        ...


def is_consistent(header: Header, network: NetworkId) -> bool:
    """Tell whether numbers and kind belong together, and the network is ours."""
    if header.network != network:
        return False
    if is_kept(header.kind):
        return header.count > 0 and not header.nonce
    return not header.count and not header.first and len(header.nonce) == NONCE_BYTES

"""Values to bytes and back: the one place where what came from the network becomes typed."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import (
    FIRST_SKIPPABLE,
    Acks,
    Answered,
    Ask,
    Carry,
    Digests,
    Filled,
    Frame,
    Gone,
    Goodbye,
    GoodbyeSeen,
    Graft,
    Hello,
    IHave,
    Incoming,
    Offer,
    Page,
    PageAsk,
    Ping,
    Pong,
    Proof,
    Prune,
    Refusal,
    Skipped,
    Welcome,
)
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MapAnswer,
    MapAsk,
    PathAnswer,
    PathAsk,
    PlaceAnswer,
    PlaceAsk,
    ReachabilityAnswer,
    ReachabilityAsk,
    Release,
    Shuffle,
    ShuffleAnswer,
    Walk,
    WhoAnswers,
)
from p2pchat.core.presence import Here
from p2pchat.core.reach import ReachQuery
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatementHeader
from p2pchat.core.values import EnvelopeId
from p2pchat.core.who import WhoQuery
from p2pchat.errors import FrameMalformed
from p2pchat.wire.direct_codec import DirectMsgpack


class _Type(Struct, array_like=True):
    """Reads the type number in front and nothing else."""

    number: int


Decoded = TypeVar("Decoded")

_KNOWN: Final = frozenset(
    frame.__struct_config__.tag
    for frame in (
        Hello,
        Proof,
        Welcome,
        Refusal,
        Ping,
        Pong,
        Goodbye,
        GoodbyeSeen,
        Carry,
        IHave,
        Graft,
        Prune,
        Acks,
        Digests,
        PageAsk,
        Page,
        Offer,
        Ask,
        Filled,
        Answered,
        Gone,
        Introduce,
        Join,
        Walk,
        Found,
        PlaceAsk,
        PlaceAnswer,
        Release,
        Shuffle,
        ShuffleAnswer,
        ReachabilityAsk,
        ReachabilityAnswer,
        MapAsk,
        MapAnswer,
        PathAsk,
        PathAnswer,
        WhoAnswers,
        Packet,
        NoWay,
        KeyAnswer,
        Receipt,
    )
)
_encoder: Final = msgspec.msgpack.Encoder()
_frames: Final[msgspec.msgpack.Decoder[Frame]] = msgspec.msgpack.Decoder(Frame)
_types: Final = msgspec.msgpack.Decoder(_Type)
_headers: Final = msgspec.msgpack.Decoder(Header)
_texts: Final = msgspec.msgpack.Decoder(Texts)
_records: Final = msgspec.msgpack.Decoder(RecordHeader)
_statements: Final = msgspec.msgpack.Decoder(StatementHeader)
_presences: Final = msgspec.msgpack.Decoder(Here)
_who_queries: Final = msgspec.msgpack.Decoder(WhoQuery)
_queries: Final = msgspec.msgpack.Decoder(ReachQuery)


def encode(frame: Frame) -> bytes:
    """Return the msgpack array of a frame, without its length."""
    return _encoder.encode(frame)


def decode(payload: bytes) -> Incoming:
    """Read one frame.

    Raises:
        FrameMalformed: When it is no frame of the protocol. A type of 128 or more that this
            version does not know is no fault: it comes back as `Skipped`.
    """
    try:
        return _frames.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as why:
        number = _type_number(payload)
        if number is not None and number >= FIRST_SKIPPABLE and number not in _KNOWN:
            return Skipped(number)
        raise FrameMalformed(_brief(why)) from None


def _type_number(payload: bytes) -> int | None:
    try:
        return _types.decode(payload).number
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _decode(decoder: msgspec.msgpack.Decoder[Decoded], payload: bytes) -> Decoded:
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as why:
        raise FrameMalformed(_brief(why)) from None


def _brief(why: Any) -> str:
    return str(why)[:200]


class Codec(DirectMsgpack):
    """The core's `CoreCodec`, in msgpack."""

    def encode_header(self, header: Header) -> bytes:
        """Make the bytes to be signed."""
        return _encoder.encode(header)

    def decode_header(self, signed: bytes) -> Header:
        """Read signed bytes; FrameMalformed when they are no header."""
        return _decode(_headers, signed)

    def encode_texts(self, texts: Texts) -> bytes:
        """Make the body of a text envelope."""
        return _encoder.encode(texts)

    def decode_texts(self, body: bytes) -> Texts:
        """Read the body of a text envelope; FrameMalformed when it is none."""
        return _decode(_texts, body)

    def encode_query(self, about: EnvelopeId) -> bytes:
        """Make the body of a question about who has an envelope."""
        return _encoder.encode(ReachQuery(about))

    def decode_query(self, body: bytes) -> EnvelopeId:
        """Read the body of such a question; FrameMalformed when it is none."""
        return EnvelopeId(_decode(_queries, body).envelope)

    def encode_presence(self, here: Here) -> bytes:
        """Make the body of a presence."""
        return _encoder.encode(here)

    def decode_presence(self, body: bytes) -> Here:
        """Read the body of a presence; FrameMalformed when it is none."""
        return _decode(_presences, body)

    def encode_who(self, query: WhoQuery) -> bytes:
        """Make the body of a question who is here."""
        return _encoder.encode(query)

    def decode_who(self, body: bytes) -> WhoQuery:
        """Read the body of such a question; FrameMalformed when it is none."""
        return _decode(_who_queries, body)

    def encode_record(self, header: RecordHeader) -> bytes:
        """Make the signed bytes of an address record."""
        return _encoder.encode(header)

    def decode_record(self, signed: bytes) -> RecordHeader:
        """Read the signed bytes of an address record; FrameMalformed when they are none."""
        return _decode(_records, signed)

    def encode_statement(self, header: StatementHeader) -> bytes:
        """Make the signed bytes of a statement for the map."""
        return _encoder.encode(header)

    def decode_statement(self, signed: bytes) -> StatementHeader:
        """Read the signed bytes of a statement; FrameMalformed when they are none."""
        return _decode(_statements, signed)

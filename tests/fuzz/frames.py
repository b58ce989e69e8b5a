"""Frames as honest neighbours send them; the forger signs them."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.direct_values import (
    SEALING_REQUEST,
    Inside,
    Outside,
    SealingKeyRecord,
    SealingRequest,
)
from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import (
    Ack,
    Acks,
    Announced,
    Answered,
    Ask,
    Carry,
    Digests,
    Entry,
    Filled,
    Frame,
    Gone,
    Graft,
    Hello,
    IHave,
    Offer,
    Page,
    PageAsk,
    Proof,
    Prune,
    Span,
    Welcome,
)
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MapAnswer,
    MapAsk,
    PassedRecord,
    PathAnswer,
    PathAsk,
    PathHop,
    PlaceAnswer,
    PlaceAsk,
    ReachabilityAnswer,
    ReachabilityAsk,
    Release,
    Shuffle,
    ShuffleAnswer,
    SignedRecord,
    SignedStatement,
    Walk,
    WhoAnswer,
    WhoAnswers,
)
from p2pchat.core.presence import PRESENCE, Doing, Here
from p2pchat.core.reach import ACKNOWLEDGE, REACH_QUERY
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatedNeighbour, StatementHeader
from p2pchat.core.values import EnvelopeId, Kind, envelope_id
from p2pchat.core.who import EVERYBODY, WHO_QUERY, WhoQuery
from p2pchat.wire.codec import Codec, encode
from tests.fuzz.honest import HONEST
from tests.fuzz.world import ABILITIES, BEGIN_S, EPOCH, ME, NETWORK, PEERS, WALL_S

_CODEC: Final = Codec()
_NOW_MS: Final = int((WALL_S + BEGIN_S) * 1000)
_MINUTE: Final = _NOW_MS // 60_000
_EPOCH: Final = bytes(range(8))
_TOKEN: Final = bytes(range(16))
_UNSIGNED: Final = bytes(64)

HELLO: Final = Hello(1, 1, ABILITIES, _EPOCH)
PROOF: Final = Proof(bytes(32))
WELCOME: Final = Welcome("nick", _NOW_MS, ("10.0.0.7:6000",), "10.0.0.1")


def _header(
    kind: int, body: bytes, *, first: int = 0, count: int = 0, author: int = 3, flags: int = 0
) -> Header:
    nonce = b"" if count else _TOKEN
    return Header(
        NETWORK, PEERS[author], _EPOCH, _NOW_MS - 1000, kind, first, count, nonce, body, flags
    )


def _said(*texts: str, first: int = 0, author: int = 3, flags: int = 0) -> Header:
    body = _CODEC.encode_texts(Texts("cat", texts))
    return _header(Kind.TEXT, body, first=first, count=len(texts), author=author, flags=flags)


def _carry(header: Header, hops: int = 1) -> Carry:
    signed = _CODEC.encode_header(header)
    return Carry(hops, envelope_id(signed), _UNSIGNED, signed)


def _filled(header: Header) -> Filled:
    carry = _carry(header)
    return Filled(carry.hops, carry.id, carry.signature, carry.signed)


_FIRST: Final = _carry(_said("hello", "there"))
_SECOND: Final = _carry(_said("again", first=2, flags=ACKNOWLEDGE))
_LATER: Final = _carry(_said("much later", first=9))
_QUERY: Final = _header(REACH_QUERY, _CODEC.encode_query(EnvelopeId(bytes(_FIRST.id))))
_HERE: Final = _header(PRESENCE, _CODEC.encode_presence(Here("dan", Doing.COMES)), author=4)

FLOOD: Final[tuple[Frame, ...]] = (
    _FIRST,
    _SECOND,
    _LATER,
    _carry(_said("waves", author=1), hops=0),
    _carry(_QUERY),
    _carry(_HERE),
    IHave((Announced(_TOKEN, PEERS[3], _EPOCH, 3, 2, 1),)),
    Graft((_FIRST.id, _TOKEN)),
    Prune(),
    Acks(_FIRST.id, (Ack(_FIRST.id, PEERS[4], _NOW_MS, _UNSIGNED),)),
)

EDGES: Final[tuple[Frame, ...]] = (
    _carry(_said("the", "last", "ones", first=2**53)),
    _carry(_said("long" * 1_000, author=4)),
    _carry(_said("", "\u202e\x1b", author=5)),
    _carry(replace(_said("early", author=4), time_ms=0)),
    _carry(replace(_said("late", author=4), time_ms=2**53)),
    _carry(replace(_said("odd", author=5), kind=63, flags=255)),
    _carry(replace(_QUERY, kind=127, body=b"\xc1" * 300)),
)
"""Well-formed, and at the bounds."""

_ENTRY: Final = Entry(PEERS[3], _EPOCH, (Span(0, 2), Span(5, 3)))

REPAIR: Final[tuple[Frame, ...]] = (
    _SECOND,
    Digests(_MINUTE - 3, bytes(8) + b"\x01" * 24, asks=True),
    PageAsk(_MINUTE, b""),
    Page(_MINUTE, b"", (_ENTRY,), is_last=True),
    Page(_MINUTE, PEERS[0] + _EPOCH, (_ENTRY,), is_last=False),
    Offer((_ENTRY,)),
    Ask(7, 8, 60_000, (_ENTRY,)),
    _filled(_said("hello", "there")),
    Answered(0, is_complete=True),
    Gone(PEERS[3], _EPOCH, 5),
)


def _record(peer: int, *addresses: str) -> SignedRecord:
    header = RecordHeader(NETWORK, PEERS[peer], _NOW_MS - 5000, addresses)
    return SignedRecord(_UNSIGNED, _CODEC.encode_record(header))


def _passed(peer: int, *addresses: str) -> PassedRecord:
    record = _record(peer, *addresses)
    return PassedRecord(record.signature, record.signed, 1)


_NEAR: Final = _record(4, "10.0.0.9:6000")
_FAR: Final = (_passed(5, "203.0.113.5:7000", "[2001:db8::7]:7000"), _passed(3, "10.1.2.3:5555"))

INTRODUCE: Final = Introduce(_record(1, "10.0.0.8:6000"))
SHUFFLE: Final = Shuffle(_TOKEN, 3, _NEAR, _FAR)

JOINING: Final[tuple[Frame, ...]] = (
    INTRODUCE,
    Join(is_pinned=False),
    Walk(_TOKEN, 4, _NEAR),
    Found(_TOKEN, _NEAR),
    PlaceAsk(),
    PlaceAnswer(is_given=True, records=_FAR),
    Release(_FAR),
    SHUFFLE,
    ShuffleAnswer(_TOKEN, _FAR),
    ReachabilityAsk(6000),
    ReachabilityAnswer(is_reachable=True),
)


def _statement(speaker: int, *neighbours: int, is_hidden: bool = False) -> SignedStatement:
    stated = tuple(StatedNeighbour(PEERS[each], f"p{each}") for each in neighbours)
    header = StatementHeader(NETWORK, PEERS[speaker], "cat", _NOW_MS, is_hidden, stated)
    return SignedStatement(_UNSIGNED, _CODEC.encode_statement(header))


MAP: Final[tuple[Frame, ...]] = (
    _FIRST,
    MapAsk(_TOKEN, 5),
    MapAnswer(_TOKEN, (_statement(0, 1, 3), _statement(3, 0, 4), _statement(5, is_hidden=True))),
    PathAsk(_TOKEN, _FIRST.id),
    PathAsk(_TOKEN, bytes(PEERS[3])),
    PathAnswer(_TOKEN, True, (PathHop(PEERS[0], "p0", _NOW_MS), PathHop(b"", "", 0))),
)

_WHO: Final = _header(WHO_QUERY, _CODEC.encode_who(WhoQuery(EVERYBODY)), author=4)
_HERE_TOO: Final = WhoAnswer(PEERS[5], "eve", _UNSIGNED, 0, 1)

WHO: Final[tuple[Frame, ...]] = (
    _carry(_WHO),
    WhoAnswers(_carry(_WHO).id, (_HERE_TOO, replace(_HERE_TOO, peer=PEERS[3], halvings=2))),
    _FIRST,
    _carry(_HERE),
)

_INSIDE: Final = Inside(
    NETWORK, PEERS[4], ME, bytes(32), _TOKEN, bytes(32), _NOW_MS, Kind.TEXT, "psst", "dan"
)


def _packet(recipient: bytes, sealed: bytes, *, is_flooded: bool) -> Packet:
    outside = Outside(NETWORK, PEERS[4], _EPOCH, recipient, _TOKEN, _NOW_MS, sealed)
    return Packet(_TOKEN, _UNSIGNED, _CODEC.encode_outside(outside), is_flooded, 2)


_REQUEST: Final = _header(
    SEALING_REQUEST, _CODEC.encode_sealing_request(SealingRequest(ME, b"")), author=4
)
_KEY: Final = SealingKeyRecord(NETWORK, PEERS[4], _EPOCH, ME, _TOKEN, 1, bytes(1_216), _NOW_MS)

DIRECT: Final[tuple[Frame, ...]] = (
    _carry(_REQUEST),
    _packet(ME, _CODEC.encode_inside(_INSIDE), is_flooded=True),
    _packet(PEERS[5], bytes(200), is_flooded=False),
    KeyAnswer(_TOKEN, _UNSIGNED, _CODEC.encode_sealing_key(_KEY)),
    NoWay(_TOKEN),
    Receipt(_TOKEN, bytes(32)),
)

TALK: Final[tuple[Frame, ...]] = (
    *FLOOD[:5],
    *REPAIR[1:4],
    *JOINING[:3],
    *MAP[1:3],
    *WHO[:2],
    *DIRECT,
)

WORDS: Final[tuple[bytes, ...]] = (
    b"\xcf\x00\x20\x00\x00\x00\x00\x00\x00",  # 2 ** 53 in msgpack, the largest number
    b"\xcf\x00\x1f\xff\xff\xff\xff\xff\xff",
    *(b"\xc4\x20" + key for key in (ME, HONEST, *PEERS[:4])),
    b"\xc4\x08" + EPOCH,
    b"\xc4\x08" + _EPOCH,
    b"\xc4\x10" + _FIRST.id,
    *(encode(frame) for frame in (*FLOOD[4:8], *REPAIR[1:4], *JOINING[4:7])),
)
"""For the dictionary: whom and what frames may be about."""

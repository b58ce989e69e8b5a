"""The test vectors of membership, maps, ways and discovery, made from fixed inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatedNeighbour, StatementHeader
from p2pchat.core.who import EVERYBODY, WHO_QUERY, WhoQuery, mark_of, who_bytes
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.net.advertisements import text_record
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes

if TYPE_CHECKING:
    from p2pchat.core.broadcast import Broadcast
    from p2pchat.core.frames import Frame
    from p2pchat.core.values import EnvelopeId
    from p2pchat.crypto.identity import Identity
    from p2pchat.crypto.room import Room

TIME_MS: Final = 1_700_000_000_000
ADDRESSES: Final = ("192.0.2.7:55555", "[2001:db8::7]:55555")
TOKEN: Final = bytes(range(16))
INSTANCE: Final = "0123456789abcdef"


def mesh_vectors(ann: Identity, ben: Identity, room: Room, about: EnvelopeId) -> dict[str, bytes]:
    """What ann and ben say of where they are, who their neighbours are, and how things came."""
    record = signed_record(ann, room, ADDRESSES)
    other = signed_record(ben, room, ("192.0.2.9:55555",))
    statement = signed_statement(ann, ben, room)
    sent = (*membership_frames(record, other), *survey_frames(ann, ben, statement, about))
    return {
        "record of ann": record.signed,
        "signature of her record": record.signature,
        "record of ben": other.signed,
        "signature of his record": other.signature,
        "statement of ann": statement.signed,
        "signature of her statement": statement.signature,
        **{f"{type(frame).__name__} framed": frame_bytes(encode(frame)) for frame in sent},
    }


def who_vectors(broadcast: Broadcast, ben: Identity, room: Room) -> dict[str, bytes]:
    """Ann asks everybody who is here, and ben answers her as a neighbour."""
    body = Codec().encode_who(WhoQuery(EVERYBODY))
    query = broadcast.seal_passing(WHO_QUERY, body, TOKEN, TIME_MS, 0.0)
    signed = who_bytes(query.id, ben.peer, "ben")
    signature = NodeCredentials(ben, room).sign_who(signed)
    answers = WhoAnswers(query.id, (WhoAnswer(ben.peer, "ben", signature, 0, 0),))
    return {
        "body of the question who is here": body,
        "signed question": query.signed,
        "id of the question": query.id,
        "mark of ben for it": mark_of(query.id, ben.peer).to_bytes(4, "big"),
        "what ben signs": signed,
        "signature of his answer": signature,
        "WhoAnswers framed": frame_bytes(encode(answers)),
    }


def lan_vectors(lobby: Room, attic: Room) -> dict[str, bytes]:
    """How an open and a private room are marked on a LAN."""
    return {
        "room mark of lobby": bytes.fromhex(text_record(lobby, INSTANCE)["room"]),
        "tag of attic": bytes.fromhex(text_record(attic, INSTANCE)["tag"]),
    }


def signed_record(owner: Identity, room: Room, addresses: tuple[str, ...]) -> SignedRecord:
    header = RecordHeader(room.network_id, owner.peer, TIME_MS, addresses)
    signed = Codec().encode_record(header)
    return SignedRecord(NodeCredentials(owner, room).sign_record(signed), signed)


def signed_statement(speaker: Identity, neighbour: Identity, room: Room) -> SignedStatement:
    stated = (StatedNeighbour(neighbour.peer, "ben"),)
    header = StatementHeader(room.network_id, speaker.peer, "ann", TIME_MS, False, stated)
    signed = Codec().encode_statement(header)
    return SignedStatement(NodeCredentials(speaker, room).sign_statement(signed), signed)


def membership_frames(record: SignedRecord, other: SignedRecord) -> tuple[Frame, ...]:
    passed = (PassedRecord(other.signature, other.signed, 1),)
    return (
        Introduce(record),
        Join(is_pinned=False),
        Walk(TOKEN, 9, record),
        Found(TOKEN, other),
        PlaceAsk(),
        PlaceAnswer(True, passed),
        Release(passed),
        Shuffle(TOKEN, 6, record, passed),
        ShuffleAnswer(TOKEN, passed),
        ReachabilityAsk(55555),
        ReachabilityAnswer(is_reachable=True),
    )


def survey_frames(
    ann: Identity, ben: Identity, statement: SignedStatement, about: EnvelopeId
) -> tuple[Frame, ...]:
    hops = (PathHop(ben.peer, "ben", TIME_MS + 40), PathHop(ann.peer, "ann", TIME_MS))
    return (
        MapAsk(TOKEN, 3),
        MapAnswer(TOKEN, (statement,)),
        PathAsk(TOKEN, about),
        PathAnswer(TOKEN, True, hops),
    )

"""The test vectors of the protocol, made from fixed inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.announcements import Batch
from p2pchat.core.broadcast import Broadcast
from p2pchat.core.frames import (  # fmt: skip
    Ack,
    Acks,
    Announced,
    Answered,
    Ask,
    Digests,
    Entry,
    Frame,
    Gone,
    Goodbye,
    GoodbyeSeen,
    Graft,
    Hello,
    IHave,
    Offer,
    Page,
    PageAsk,
    Ping,
    Pong,
    Proof,
    Prune,
    Refusal,
    Span,
    Welcome,
)
from p2pchat.core.message_store import MessageStore, Stored, minute_of
from p2pchat.core.reach import ACKNOWLEDGE, REACH_QUERY, ack_bytes
from p2pchat.core.series import series_of
from p2pchat.core.session import RefusalReason
from p2pchat.core.setup import DIRECT, MAP, MEMBERSHIP, PATH, Setup
from p2pchat.core.values import EnvelopeId, Epoch, Kind, message_id
from p2pchat.core.who import WHO
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import salt_of, stretch
from p2pchat.crypto.room import Role, Room, make_proof
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes
from p2pchat.wire.plain_line import guest_line
from tests.direct_vectors import direct_vectors
from tests.mesh_vectors import ADDRESSES, lan_vectors, mesh_vectors, who_vectors

if TYPE_CHECKING:
    from p2pchat.core.envelopes import Envelope

EPOCH: Final = Epoch(bytes.fromhex("a0a1a2a3a4a5a6a7"))
TIME_MS: Final = 1_700_000_000_000
PASSPHRASE: Final = "seven green d\u00e4cher under one slow moon"


def vectors() -> dict[str, bytes]:
    """Everything that another implementation has to compute alike, from fixed inputs."""
    ann, ben = Identity(bytes(range(32))), Identity(bytes(range(32, 64)))
    lobby, attic = Room("lobby"), Room("attic", bytes(range(16)))
    exported = bytes([0x11]) * 32
    broadcast = broadcast_of(ann, lobby)
    batch = Batch(Kind.TEXT, "ann", 5, ("hello", "gr\u00fc\u00df dich"))
    envelope = broadcast.seal(batch, 0, TIME_MS, 0.0)
    proof = make_proof(lobby.proof_key, Role.DIALLER, exported, ann.peer, ben.peer)
    answer = make_proof(lobby.proof_key, Role.ACCEPTOR, exported, ann.peer, ben.peer)
    sent: tuple[Frame, ...] = (
        Hello(1, 1, (MEMBERSHIP, MAP, PATH, DIRECT, WHO), EPOCH),
        Proof(proof),
        Welcome("ann", TIME_MS, ADDRESSES, "198.51.100.9"),
        Refusal(RefusalReason.WRONG_ROOM.value),
        Ping(7),
        Pong(7),
        Goodbye(),
        GoodbyeSeen(),
        envelope.carried(0),
        *lazy_push_frames(envelope),
        *repair_frames(envelope),
    )
    return {
        "seed of ann": ann.seed,
        "id of ann": ann.peer,
        "seed of ben": ben.seed,
        "id of ben": ben.peer,
        "network id of lobby": lobby.network_id,
        "proof key of lobby": lobby.proof_key,
        "secret of attic": attic.secret or b"",
        "network id of attic": attic.network_id,
        "proof key of attic": attic.proof_key,
        "discovery key of attic": attic.discovery_key,
        **passphrase_vectors(),
        "exported": exported,
        "proof of the dialler": proof,
        "proof of the acceptor": answer,
        "epoch of ann": EPOCH,
        "body": envelope.header.body,
        "signed": envelope.signed,
        "signature": envelope.signature,
        "envelope id": envelope.id,
        "message id of number 5": bytes.fromhex(message_id(ann.peer, EPOCH, 5)),
        "message id of number 6": bytes.fromhex(message_id(ann.peer, EPOCH, 6)),
        **{f"{type(frame).__name__} framed": frame_bytes(encode(frame)) for frame in sent},
        **reach_vectors(broadcast, ben, lobby),
        **mesh_vectors(ann, ben, lobby, envelope.id),
        **who_vectors(broadcast, ben, lobby),
        **lan_vectors(lobby, attic),
        **direct_vectors(ann, ben, lobby, broadcast),
        "line to a guest": guest_line("ann", "hello\nworld \x1b"),
    }


def passphrase_vectors() -> dict[str, bytes]:
    cellar = Room("cellar", stretch(PASSPHRASE, "cellar"))
    return {
        "passphrase of cellar": PASSPHRASE.encode(),
        "salt of cellar": salt_of("cellar"),
        "secret of cellar": cellar.secret or b"",
        "network id of cellar": cellar.network_id,
        "proof key of cellar": cellar.proof_key,
        "discovery key of cellar": cellar.discovery_key,
    }


def broadcast_of(author: Identity, room: Room) -> Broadcast:
    setup = Setup(author.peer, EPOCH, room.network_id, "ann")
    return Broadcast(setup, Codec(), NodeCredentials(author, room))


def lazy_push_frames(envelope: Envelope) -> tuple[Frame, ...]:
    header = envelope.header
    announced = Announced(envelope.id, envelope.author, envelope.epoch, header.first, header.count)
    return IHave((announced,)), Graft((envelope.id,)), Prune()


def repair_frames(envelope: Envelope) -> tuple[Frame, ...]:
    """What somebody sends who has just that envelope, and what is asked of him."""
    store, stored = MessageStore(), Stored.of(envelope, 1)
    store.add(series_of(envelope.author, envelope.epoch), stored)
    minute = minute_of(TIME_MS)
    digests = b"".join(store.digest(minute - 1 + later) for later in range(2))
    numbers = Entry(envelope.author, envelope.epoch, (Span(5, 2),))
    earlier = Entry(envelope.author, envelope.epoch, (Span(3, 4),))
    return (
        Digests(minute - 1, digests, asks=True),
        PageAsk(minute, b""),
        Page(minute, b"", (numbers,), is_last=True),
        Offer((numbers,)),
        Ask(7, limits.ASK_ENVELOPES, limits.ASK_BYTES, (earlier,)),
        stored.filled(),
        Gone(envelope.author, envelope.epoch, 5),
        Answered(7, is_complete=True),
    )


def reach_vectors(broadcast: Broadcast, ben: Identity, room: Room) -> dict[str, bytes]:
    """An envelope that ann wants acknowledged, ben's word, and a question about it."""
    batch = Batch(Kind.TEXT, "ann", 7, ("who has this?",), wants_acks=True)
    wanted = broadcast.seal(batch, ACKNOWLEDGE, TIME_MS, 0.0)
    body = Codec().encode_query(wanted.id)
    query = broadcast.seal_passing(REACH_QUERY, body, bytes(range(16)), TIME_MS, 0.0)
    ack = acknowledgement(ben, room, wanted.id, TIME_MS + 250)
    return {
        "signed with the flag": wanted.signed,
        "id of it": wanted.id,
        "acknowledged": ack_bytes(wanted.id, ben.peer, ack.time_ms),
        "signature of ben": ack.signature,
        "Acks framed": frame_bytes(encode(Acks(wanted.id, (ack,)))),
        "body of a query": body,
        "signed query": query.signed,
        "id of the query": query.id,
    }


def acknowledgement(by: Identity, room: Room, about: EnvelopeId, time_ms: int) -> Ack:
    signature = NodeCredentials(by, room).sign_ack(ack_bytes(about, by.peer, time_ms))
    return Ack(about, by.peer, time_ms, signature)

"""Acknowledgements with toy signatures."""

from __future__ import annotations

from hashlib import blake2b
from random import Random

import msgspec

from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Ack, Acks
from p2pchat.core.reach import ACKNOWLEDGE, REACH_QUERY, Reach, ack_bytes
from p2pchat.core.values import ACK_CONTEXT, ConnectionId, EnvelopeId, PeerId

from .lazy_nodes import ALICE, author, envelope

ME = author(100)
ANN = ConnectionId(1)
BEN = ConnectionId(2)
CEM = ConnectionId(3)
NOBODY = EnvelopeId(b"\0" * 16)


class ToySignatures:
    """Signs by hashing: who knows a key can sign for it, which nobody does in these tests."""

    def __init__(self, me: PeerId) -> None:
        self._me = me

    def sign_ack(self, message: bytes) -> bytes:
        return toy_signature(self._me, message)

    def is_valid_ack(self, acknowledger: PeerId, message: bytes, signature: bytes) -> bool:
        return signature == toy_signature(acknowledger, message)


def toy_signature(peer: PeerId, message: bytes) -> bytes:
    return blake2b(peer + ACK_CONTEXT + message).digest()


def reach_of(*connections: ConnectionId, me: PeerId = ME, seed: int = 1) -> Reach:
    reach = Reach(me, ToySignatures(me), Random(seed))
    for connection in connections:
        reach.on_open(connection)
    return reach


def flagged(number: int = 1, by: PeerId = ALICE) -> Envelope:
    plain = envelope(number, by=by)
    return msgspec.structs.replace(
        plain, header=msgspec.structs.replace(plain.header, flags=ACKNOWLEDGE)
    )


def ack(by: PeerId, about: Envelope, time_ms: int = 7) -> Ack:
    return Ack(about.id, by, time_ms, toy_signature(by, ack_bytes(about.id, by, time_ms)))


def acks(about: Envelope, *by: PeerId, way: EnvelopeId | None = None) -> Acks:
    return Acks(way or about.id, tuple(ack(peer, about) for peer in by))


def query(by: PeerId = ALICE, number: int = 50) -> Envelope:
    return envelope(number, by=by, kind=REACH_QUERY)


def frames(effects: list[Effect]) -> list[Acks]:
    found = []
    for effect in effects:
        assert isinstance(effect, Send)
        assert isinstance(effect.frame, Acks)
        found.append(effect.frame)
    return found

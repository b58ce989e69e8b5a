"""The core's `Credentials`: this node's identity and its room's proof key."""

from __future__ import annotations

from p2pchat.core.values import (
    ACK_CONTEXT,
    ADDRESS_CONTEXT,
    ENVELOPE_CONTEXT,
    MAP_CONTEXT,
    WHO_CONTEXT,
    PeerId,
)
from p2pchat.crypto.identity import Identity, is_peer_id, verify
from p2pchat.crypto.room import Role, Room, check_proof, make_proof
from p2pchat.crypto.sealing import DirectCredentials


class NodeCredentials(DirectCredentials):
    """Signs and proves for one node in one room."""

    def __init__(self, identity: Identity, room: Room) -> None:
        super().__init__(identity)
        self._proof_key = room.proof_key

    def sign(self, message: bytes) -> bytes:
        """Sign the signed bytes of an own envelope."""
        return self._identity.sign(ENVELOPE_CONTEXT, message)

    def is_valid(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author, and nobody else who could be, signed those bytes."""
        return is_peer_id(author) and verify(author, ENVELOPE_CONTEXT, message, signature)

    def sign_ack(self, message: bytes) -> bytes:
        """Sign an own acknowledgement."""
        return self._identity.sign(ACK_CONTEXT, message)

    def is_valid_ack(self, acknowledger: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, acknowledged."""
        return is_peer_id(acknowledger) and verify(acknowledger, ACK_CONTEXT, message, signature)

    def sign_record(self, message: bytes) -> bytes:
        """Sign an own address record."""
        return self._identity.sign(ADDRESS_CONTEXT, message)

    def is_valid_record(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed that record."""
        return is_peer_id(owner) and verify(owner, ADDRESS_CONTEXT, message, signature)

    def sign_statement(self, message: bytes) -> bytes:
        """Sign an own statement for the map."""
        return self._identity.sign(MAP_CONTEXT, message)

    def is_valid_statement(self, speaker: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed that statement."""
        return is_peer_id(speaker) and verify(speaker, MAP_CONTEXT, message, signature)

    def sign_who(self, message: bytes) -> bytes:
        """Sign an own answer to who is here."""
        return self._identity.sign(WHO_CONTEXT, message)

    def is_valid_who(self, peer: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, answered so."""
        return is_peer_id(peer) and verify(peer, WHO_CONTEXT, message, signature)

    def prove(
        self, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bytes:
        """Return the proof of one side of a connection."""
        return make_proof(self._proof_key, _role(as_dialler), exported, dialler, acceptor)

    def is_proof(
        self, digest: bytes, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bool:
        """Compare a proof in constant time."""
        role = _role(as_dialler)
        return check_proof(digest, self._proof_key, role, exported, dialler, acceptor)


def _role(as_dialler: bool) -> Role:
    return Role.DIALLER if as_dialler else Role.ACCEPTOR

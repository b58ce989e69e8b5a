"""Stand-ins for keys: quick enough for thousands of nodes, sound enough to refuse a forgery.

Whoever knows a peer's id could sign in its name, so these are for simulations only.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from p2pchat.core.values import ENVELOPE_CONTEXT, NetworkId, PeerId

_SIGNATURE_BYTES: Final = 64


def sim_peer_id(name: str) -> PeerId:
    """Return the id of the simulated peer of that name; ids are ordered otherwise than names."""
    return PeerId(blake2b(name.encode(), digest_size=32).digest())


def sim_network_id(room: str) -> NetworkId:
    """Return what envelopes of that simulated room carry."""
    return NetworkId(blake2b(room.encode(), digest_size=16).digest())


def sim_signature(author: PeerId, message: bytes) -> bytes:
    """Return what that author would sign those bytes with."""
    return blake2b(ENVELOPE_CONTEXT + message, key=author, digest_size=_SIGNATURE_BYTES).digest()


class SimDirectSignatures:
    """The core's `DirectSignatures`, from a hash keyed by who signs."""

    def __init__(self, me: PeerId) -> None:
        self._me = me

    def sign_direct(self, message: bytes) -> bytes:
        """Sign an own packet."""
        return sim_signature(self._me, b"direct" + message)

    def is_valid_direct(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author signed that packet."""
        return signature == sim_signature(author, b"direct" + message)

    def sign_inside(self, message: bytes) -> bytes:
        """Sign what is to be sealed."""
        return sim_signature(self._me, b"inside" + message)

    def is_valid_inside(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author signed what was sealed."""
        return signature == sim_signature(author, b"inside" + message)

    def sign_sealing_key(self, message: bytes) -> bytes:
        """Sign an own sealing key."""
        return sim_signature(self._me, b"sealing key" + message)

    def is_valid_sealing_key(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that owner signed that sealing key."""
        return signature == sim_signature(owner, b"sealing key" + message)


class SimCredentials(SimDirectSignatures):
    """The core's `Credentials`, from a hash keyed by the author."""

    def __init__(self, me: PeerId, room: str) -> None:
        super().__init__(me)
        self._proof_key = blake2b(b"proof " + room.encode(), digest_size=32).digest()

    def sign(self, message: bytes) -> bytes:
        """Sign the signed bytes of an own envelope."""
        return sim_signature(self._me, message)

    def is_valid(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author signed those bytes."""
        return signature == sim_signature(author, message)

    def sign_ack(self, message: bytes) -> bytes:
        """Sign an own acknowledgement."""
        return sim_signature(self._me, b"ack" + message)

    def is_valid_ack(self, acknowledger: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer acknowledged."""
        return signature == sim_signature(acknowledger, b"ack" + message)

    def sign_record(self, message: bytes) -> bytes:
        """Sign an own address record."""
        return sim_signature(self._me, b"address" + message)

    def is_valid_record(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer signed that record."""
        return signature == sim_signature(owner, b"address" + message)

    def sign_statement(self, message: bytes) -> bytes:
        """Sign an own statement for the map."""
        return sim_signature(self._me, b"map" + message)

    def is_valid_statement(self, speaker: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer signed that statement."""
        return signature == sim_signature(speaker, b"map" + message)

    def sign_who(self, message: bytes) -> bytes:
        """Sign an own answer to who is here."""
        return sim_signature(self._me, b"who" + message)

    def is_valid_who(self, peer: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer answered so."""
        return signature == sim_signature(peer, b"who" + message)

    def prove(
        self, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bytes:
        """Return the proof of one side of a connection."""
        role = b"dialler" if as_dialler else b"acceptor"
        shown = b"\0".join((role, exported, dialler, acceptor))
        return blake2b(shown, key=self._proof_key, digest_size=32).digest()

    def is_proof(
        self, digest: bytes, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bool:
        """Compare a proof."""
        return digest == self.prove(
            as_dialler=as_dialler, exported=exported, dialler=dialler, acceptor=acceptor
        )

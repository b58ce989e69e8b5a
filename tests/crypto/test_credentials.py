"""What a node signs for one purpose holds for no other one, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Final

import pytest

from p2pchat.core.values import PeerId
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room

ANN: Final = Identity(b"a" * 32)
BEN: Final = Identity(b"b" * 32)
LOBBY: Final = NodeCredentials(ANN, Room("lobby"))
NOBODY: Final = PeerId((1).to_bytes(32, "little"))
"""The neutral point."""

Sign = Callable[[bytes], bytes]
Check = Callable[[PeerId, bytes, bytes], bool]

PURPOSES: Final[dict[str, tuple[Sign, Check]]] = {
    "envelope": (LOBBY.sign, LOBBY.is_valid),
    "ack": (LOBBY.sign_ack, LOBBY.is_valid_ack),
    "record": (LOBBY.sign_record, LOBBY.is_valid_record),
    "statement": (LOBBY.sign_statement, LOBBY.is_valid_statement),
    "direct": (LOBBY.sign_direct, LOBBY.is_valid_direct),
    "inside": (LOBBY.sign_inside, LOBBY.is_valid_inside),
    "sealing key": (LOBBY.sign_sealing_key, LOBBY.is_valid_sealing_key),
}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_signature_holds_for_its_author_and_bytes_only(purpose: str) -> None:
    sign, is_valid = PURPOSES[purpose]
    signature = sign(b"hello")

    assert is_valid(ANN.peer, b"hello", signature)
    assert not is_valid(ANN.peer, b"hullo", signature)
    assert not is_valid(BEN.peer, b"hello", signature)
    assert not is_valid(NOBODY, b"hello", signature)


@pytest.mark.parametrize(("signed_for", "shown_as"), list(permutations(PURPOSES, 2)))
def test_what_is_signed_for_one_purpose_holds_for_no_other(signed_for: str, shown_as: str) -> None:
    signature = PURPOSES[signed_for][0](b"hello")

    assert not PURPOSES[shown_as][1](ANN.peer, b"hello", signature)


def test_a_proof_holds_for_its_room_role_pair_and_connection() -> None:
    def holds(room: str, exported: bytes, dialler: PeerId, *, as_dialler: bool) -> bool:
        return NodeCredentials(BEN, Room(room)).is_proof(
            proof, as_dialler=as_dialler, exported=exported, dialler=dialler, acceptor=BEN.peer
        )

    proof = LOBBY.prove(as_dialler=True, exported=bytes(32), dialler=ANN.peer, acceptor=BEN.peer)

    assert holds("lobby", bytes(32), ANN.peer, as_dialler=True)
    assert not holds("lobby", bytes(32), ANN.peer, as_dialler=False)
    assert not holds("lobby", b"x" * 32, ANN.peer, as_dialler=True)
    assert not holds("lobby", bytes(32), BEN.peer, as_dialler=True)
    assert not holds("den", bytes(32), ANN.peer, as_dialler=True)

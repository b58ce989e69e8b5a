"""Who opens channels with whom in the tests, with what keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from tests.crypto.hostile import connect

ALICE, BOB = Identity(b"a" * 32), Identity(b"b" * 32)
BOTH_ROLES = pytest.mark.parametrize("dialling", [True, False], ids=["dialling", "accepting"])

KEY = Ed25519PrivateKey.from_private_bytes(b"m" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def channels() -> tuple[SecureChannel, SecureChannel]:
    return SecureChannel(ALICE, dialling=True), SecureChannel(BOB, dialling=False)


def secured() -> tuple[SecureChannel, SecureChannel]:
    dialler, acceptor = channels()
    connect(dialler, acceptor)
    assert dialler.is_secured
    assert acceptor.is_secured
    return dialler, acceptor


def move(source: SecureChannel, target: SecureChannel) -> bytes:
    return target.receive(source.take_outgoing())

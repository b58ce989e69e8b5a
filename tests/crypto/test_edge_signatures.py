"""Two libraries agree on which Ed25519 signatures hold, at the edges too: libsodium verifies what
floods, OpenSSL what TLS shows. After "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko)."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity, is_peer_id, verify
from tests.effort import EFFORT

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Of the base point; with the factor 8 that of the whole curve."""

_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME

Point = tuple[int, int]
NEUTRAL: Final[Point] = (0, 1)


# --- The curve by hand (RFC 8032, section 5.1), slow and plain --------------------------------


def plus(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = _D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def times(factor: int, point: Point) -> Point:
    result = NEUTRAL
    while factor:
        if factor & 1:
            result = plus(result, point)
        point, factor = plus(point, point), factor >> 1
    return result


def with_y(y: int, *, is_odd: bool) -> Point:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square, "no point has that y"
    return (PRIME - x if x & 1 != is_odd else x), y


def encoded(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE: Final = with_y(4 * pow(5, -1, PRIME) % PRIME, is_odd=False)
ORDER_8: Final = with_y(
    int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    ),
    is_odd=False,
)
"""It generates the eight points of small order."""

TORSION: Final = tuple(times(number, ORDER_8) for number in range(8))


def test_the_curve_by_hand_is_the_curve() -> None:
    assert times(ORDER, BASE) == NEUTRAL
    assert len(set(TORSION)) == 8
    assert plus(TORSION[7], ORDER_8) == NEUTRAL


# --- Both libraries ---------------------------------------------------------------------------


def openssl_takes(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def we_take(key: bytes, message: bytes, signature: bytes) -> bool:
    return is_peer_id(key) and verify(PeerId(key), b"", message, signature)


def signed(
    secret: int, nonce: int, message: bytes, key_torsion: int, nonce_torsion: int, excess: int = 0
) -> tuple[bytes, bytes, bool]:
    """Sign with a key and a first half that may have a part of small order.

    Returns:
        Key, signature, and whether the equation without cofactor holds: whether the parts of
        small order cancel each other.
    """
    key = encoded(plus(times(secret, BASE), TORSION[key_torsion]))
    first = encoded(plus(times(nonce, BASE), TORSION[nonce_torsion]))
    challenge = int.from_bytes(hashlib.sha512(first + key + message).digest(), "little")
    second = (nonce + challenge * secret) % ORDER + excess * ORDER
    holds = (nonce_torsion + challenge % ORDER * key_torsion) % 8 == 0
    return key, first + second.to_bytes(32, "little"), holds


SCALARS = st.integers(1, ORDER - 1)
EIGHTH = st.integers(0, 7)


@pytest.mark.threat(11)
@settings(max_examples=max(20, EFFORT.forged_messages // 20))
@given(SCALARS, SCALARS, st.binary(max_size=20), EIGHTH, EIGHTH)
def test_both_take_exactly_what_fulfils_the_equation_without_cofactor(
    secret: int, nonce: int, message: bytes, key_torsion: int, nonce_torsion: int
) -> None:
    key, signature, holds = signed(secret, nonce, message, key_torsion, nonce_torsion)

    assert we_take(key, message, signature) is holds
    assert openssl_takes(key, message, signature) is holds


@settings(max_examples=max(10, EFFORT.forged_messages // 50))
@given(SCALARS, SCALARS, st.binary(max_size=20), st.integers(1, 15))
def test_neither_takes_a_second_half_beyond_the_order(
    secret: int, nonce: int, message: bytes, excess: int
) -> None:
    key, signature, _ = signed(secret, nonce, message, 0, 0, excess)

    assert not we_take(key, message, signature)
    assert not openssl_takes(key, message, signature)


@settings(max_examples=max(20, EFFORT.forged_messages // 20))
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=40),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=2),
)
def test_both_judge_signatures_with_altered_bytes_alike(
    seed: bytes, message: bytes, changes: list[tuple[int, int]]
) -> None:
    identity = Identity(seed)
    signature = bytearray(identity.sign(b"", message))
    for place, value in changes:
        signature[place] = value

    ours = we_take(identity.peer, message, bytes(signature))

    assert ours is openssl_takes(identity.peer, message, bytes(signature))
    assert ours is (bytes(signature) == identity.sign(b"", message))


@pytest.mark.threat(11)
@pytest.mark.parametrize("number", range(8))
def test_we_take_no_first_half_of_small_order(number: int) -> None:
    # OpenSSL takes it where the equation holds. Nobody who signs gets there but on purpose, and
    # such a signature says nothing about the key.
    secret = 7
    key, message = encoded(times(secret, BASE)), b"hello"
    first = encoded(TORSION[number])
    challenge = int.from_bytes(hashlib.sha512(first + key + message).digest(), "little")
    signature = first + (challenge * secret % ORDER).to_bytes(32, "little")

    assert openssl_takes(key, message, signature) is (number == 0)
    assert not we_take(key, message, signature)

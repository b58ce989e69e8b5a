"""Only the key that something was sealed to opens it, bound to the same, while it is known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.direct_values import (
    PADDED_BYTES,
    SEAL_OVERHEAD_BYTES,
    SEALED_LIMIT_BYTES,
    SEALING_KEY_BYTES,
    SEALING_KEY_FRESH_S,
    SEALING_KEY_LIFE_S,
    SUITE,
    SealingKey,
)
from p2pchat.core.key_ring import KeyRing
from p2pchat.crypto.sealing import SealingKeys, is_receipt, pad, receipt, seal, unpad
from p2pchat.errors import SealBroken
from tests.effort import EFFORT

BOUND = bytes(range(96))
LONGEST_BYTES = PADDED_BYTES[-1] - 2

MLKEM = MLKEM768PrivateKey.from_seed_bytes(bytes(range(64)))
X25519 = X25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
FROZEN_KEY = SealingKey(
    SUITE, MLKEM.public_key().public_bytes_raw() + X25519.public_key().public_bytes_raw()
)
FROZEN_SEAL = Path(__file__).with_name("sealed.base64")
"""`hello, ben` sealed to FROZEN_KEY and bound to BOUND, by this code when it was written."""


def keys_of(public: SealingKey, secret: MLKEM768X25519PrivateKey) -> SealingKeys:
    keys = SealingKeys()
    keys._ring = KeyRing(lambda: (public, secret))
    keys.public(0.0)
    return keys


# --- HPKE by hand, for one message ------------------------------------------------------------

KEM_ID, HPKE_ID = b"KEM\x64\x7a", b"HPKE\x64\x7a\x00\x01\x00\x03"


def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
    """RFC 9180, section 4: LabeledExtract."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + HPKE_ID + label + secret, "sha256")


def expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand, for one block."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + HPKE_ID + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]


def shared_secret(encapsulated: bytes) -> bytes:
    """The combination of both secrets, as X-Wing specifies it."""
    post_quantum, classic = encapsulated[:1088], encapsulated[1088:]
    return hashlib.sha3_256(
        MLKEM.decapsulate(post_quantum)
        + X25519.exchange(X25519PublicKey.from_public_bytes(classic))
        + classic
        + X25519.public_key().public_bytes_raw()
        + b"\\.//^\\"
    ).digest()


def opened_by_hand(sealed: bytes, info: bytes) -> bytes:
    """RFC 9180, section 5.1: KeySchedule in base mode, then the first message."""
    encapsulated, ciphertext = sealed[32:1152], sealed[1152:]
    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret(encapsulated), b"secret", b"")
    key = expand(secret, b"key", context, 32)
    nonce = expand(secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, b"")


@settings(max_examples=EFFORT.property_examples // 5)
@given(st.binary(max_size=300), st.binary(max_size=96))
def test_a_seal_is_hpke_of_the_padded_with_what_it_is_bound_to_as_info(
    plaintext: bytes, bound: bytes
) -> None:
    sealed = seal(FROZEN_KEY, plaintext, bound)

    padded = opened_by_hand(sealed, b"p2pchat/1 sealed\0" + bound)

    assert sealed[:32] == FROZEN_KEY.hash
    assert padded == pad(plaintext)


def test_a_frozen_seal_opens() -> None:
    keys = keys_of(FROZEN_KEY, MLKEM768X25519PrivateKey(MLKEM, X25519))

    opened = keys.open_(base64.b64decode(FROZEN_SEAL.read_bytes()), BOUND, 1.0)

    assert opened == b"hello, ben"


def test_the_hash_of_a_key_is_frozen() -> None:
    named = b"p2pchat/1 sealing key\0" + b"\x01" + FROZEN_KEY.key

    assert FROZEN_KEY.hash == hashlib.blake2b(named, digest_size=32).digest()
    assert (
        FROZEN_KEY.hash.hex() == "8604f37c7d81eea834a7aa980c94807bd7543c6c8761f15ac995213c37f85143"
    )


# --- Round trips ------------------------------------------------------------------------------


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=2_000) | st.integers(0, LONGEST_BYTES).map(bytes), st.binary(max_size=96))
def test_what_is_sealed_opens_and_tells_its_size_class_only(plaintext: bytes, bound: bytes) -> None:
    keys = SealingKeys()

    sealed = seal(keys.public(0.0), plaintext, bound)

    assert keys.open_(sealed, bound, 0.0) == plaintext
    assert len(sealed) - SEAL_OVERHEAD_BYTES in PADDED_BYTES
    assert len(sealed) <= SEALED_LIMIT_BYTES


def test_the_same_plaintext_is_sealed_otherwise_each_time() -> None:
    key = SealingKeys().public(0.0)

    assert key.suite == SUITE
    assert len(key.key) == SEALING_KEY_BYTES
    assert seal(key, b"hello", BOUND)[32:] != seal(key, b"hello", BOUND)[32:]


def test_a_key_opens_until_it_is_forgotten() -> None:
    keys = SealingKeys()
    first = keys.public(0.0)
    sealed = seal(first, b"hello", BOUND)

    assert keys.public(SEALING_KEY_FRESH_S) != first
    assert keys.open_(sealed, BOUND, SEALING_KEY_LIFE_S - 1.0) == b"hello"
    assert keys.next_deadline() == SEALING_KEY_LIFE_S
    keys.forget_old(SEALING_KEY_LIFE_S)
    with pytest.raises(SealBroken, match="forgotten"):
        keys.open_(sealed, BOUND, SEALING_KEY_LIFE_S)


# --- Refusals ---------------------------------------------------------------------------------


def test_every_altered_byte_is_refused() -> None:
    keys = SealingKeys()
    sealed = seal(keys.public(0.0), b"hello", BOUND)

    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1 << place % 8
        with pytest.raises(SealBroken):
            keys.open_(bytes(altered), BOUND, 0.0)


@settings(max_examples=EFFORT.forged_messages)
@given(st.integers(0), st.integers(1, 255))
def test_any_other_value_of_a_byte_is_refused(place: int, change: int) -> None:
    keys = keys_of(FROZEN_KEY, MLKEM768X25519PrivateKey(MLKEM, X25519))
    altered = bytearray(base64.b64decode(FROZEN_SEAL.read_bytes()))
    altered[place % len(altered)] ^= change

    with pytest.raises(SealBroken):
        keys.open_(bytes(altered), BOUND, 0.0)


def test_every_cut_and_every_byte_more_is_refused() -> None:
    keys = SealingKeys()
    sealed = seal(keys.public(0.0), b"hello", BOUND)

    for wrong in (*(sealed[:size] for size in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(SealBroken):
            keys.open_(wrong, BOUND, 0.0)


@pytest.mark.parametrize("place", range(96))
def test_what_is_bound_to_something_else_is_refused(place: int) -> None:
    keys = SealingKeys()
    sealed = seal(keys.public(0.0), b"hello", BOUND)
    other = bytearray(BOUND)
    other[place] ^= 1

    with pytest.raises(SealBroken):
        keys.open_(sealed, bytes(other), 0.0)


def test_somebody_else_can_not_open_it_even_under_the_hash_of_his_own_key() -> None:
    keys, others = SealingKeys(), SealingKeys()
    sealed = seal(keys.public(0.0), b"hello", BOUND)

    with pytest.raises(SealBroken, match="not known"):
        others.open_(sealed, BOUND, 0.0)
    with pytest.raises(SealBroken, match="altered"):
        others.open_(others.public(0.0).hash + sealed[32:], BOUND, 0.0)


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_open(garbage: bytes) -> None:
    keys = SealingKeys()

    for sealed in (garbage, keys.public(0.0).hash + garbage):
        with pytest.raises(SealBroken):
            keys.open_(sealed, BOUND, 0.0)


def test_what_is_too_long_is_refused_before_any_work() -> None:
    keys = SealingKeys()

    with pytest.raises(SealBroken, match="limit"):
        keys.open_(keys.public(0.0).hash + bytes(SEALED_LIMIT_BYTES), BOUND, 0.0)
    with pytest.raises(SealBroken, match="limit"):
        seal(keys.public(0.0), bytes(LONGEST_BYTES + 1), BOUND)


@pytest.mark.parametrize(
    "key",
    [
        SealingKey(SUITE + 1, FROZEN_KEY.key),
        SealingKey(SUITE, FROZEN_KEY.key[:-1]),
        SealingKey(SUITE, FROZEN_KEY.key + b"\0"),
        SealingKey(SUITE, bytes(32)),
        SealingKey(SUITE, FROZEN_KEY.key[:-32] + bytes(32)),
        SealingKey(SUITE, b"\xff" * 1184 + FROZEN_KEY.key[-32:]),
    ],
    ids=["suite", "short", "long", "x25519 only", "small order", "not reduced"],
)
def test_nothing_is_sealed_to_what_is_no_key(key: SealingKey) -> None:
    with pytest.raises(SealBroken):
        seal(key, b"hello", BOUND)


# --- Padding ----------------------------------------------------------------------------------


@settings(max_examples=EFFORT.property_examples)
@given(st.integers(0, LONGEST_BYTES) | st.sampled_from(PADDED_BYTES).map(lambda n: n - 2))
def test_padding_takes_the_least_size_that_holds_the_text_and_its_length(size: int) -> None:
    plaintext = b"\xff" * size

    padded = pad(plaintext)

    assert len(padded) == min(n for n in PADDED_BYTES if n >= size + 2)
    assert unpad(padded) == plaintext


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"\0",
        bytes(1023),
        bytes(1025),
        bytes(4096),
        b"\0\0" + b"\0" * 1021 + b"\x01",
        b"\x03\xff" + bytes(1022),
        b"\xff\xff" + bytes(32 * 1024 - 2),
        b"\x7f\xff" + bytes(32 * 1024 - 2),
        bytes(64 * 1024),
    ],
    ids=[
        *("empty", "half a length", "short", "long", "larger than needed", "not zero"),
        *("cut", "too much", "one too much", "no such size"),
    ],
)
def test_other_paddings_are_refused(padded: bytes) -> None:
    with pytest.raises(SealBroken, match="padding"):
        unpad(padded)


@settings(max_examples=EFFORT.property_examples)
@given(st.sampled_from(PADDED_BYTES[:3]), st.integers(0, 70_000), st.data())
def test_whatever_unpads_is_what_pad_gives(size: int, length: int, data: st.DataObject) -> None:
    padded = (length % 65_536).to_bytes(2, "big") + data.draw(st.binary(max_size=20))
    padded = padded.ljust(size, b"\0")

    try:
        plaintext = unpad(padded)
    except SealBroken:
        return

    assert pad(plaintext) == padded


# --- Receipts and secrets ---------------------------------------------------------------------


def test_a_receipt_is_frozen_and_holds_for_its_key_and_message_only() -> None:
    proof = receipt(b"k" * 32, b"m" * 16)

    assert proof == hmac.new(b"k" * 32, b"m" * 16, hashlib.sha256).digest()
    assert is_receipt(proof, b"k" * 32, b"m" * 16)
    assert not is_receipt(proof, b"K" * 32, b"m" * 16)
    assert not is_receipt(proof, b"k" * 32, b"M" * 16)
    assert not is_receipt(proof[:31], b"k" * 32, b"m" * 16)
    assert not is_receipt(bytes(32), b"k" * 32, b"m" * 16)


def test_receipt_keys_are_never_the_same() -> None:
    keys = SealingKeys()

    drawn = {keys.new_receipt_key() for _ in range(50)}

    assert len(drawn) == 50
    assert {len(key) for key in drawn} == {32}


def test_no_secret_shows() -> None:
    keys = SealingKeys()
    keys.public(0.0)

    assert repr(keys) == "SealingKeys(1 pairs)"


def test_an_error_of_opening_shows_nothing_of_what_was_sealed() -> None:
    keys = SealingKeys()
    sealed = bytearray(seal(keys.public(0.0), b"off the record", BOUND))
    sealed[-1] ^= 1

    with pytest.raises(SealBroken) as caught:
        keys.open_(bytes(sealed), BOUND, 0.0)

    assert "record" not in str(caught.value)


def test_importing_sealing_loads_no_hpke() -> None:
    program = (
        "import sys, p2pchat.crypto.sealing;"
        "print([name for name in sys.modules if name.endswith(('.hpke', '.mlkem'))])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"

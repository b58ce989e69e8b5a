"""Identities sign for one purpose; nobody else can, and no key works for everybody."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from p2pchat.core.values import ENVELOPE_CONTEXT, PeerId
from p2pchat.crypto.identity import Identity, is_peer_id, verify

seeds = st.binary(min_size=32, max_size=32)

OTHER_CONTEXT = b"p2pchat/1 other\0"

PRIME = 2**255 - 19
ORDER_8 = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
SIGN_BIT = bytes(31) + b"\x80"

NEUTRAL_SIGNATURE = (1).to_bytes(32, "little") + bytes(32)
"""R is the neutral point, S is 0: verifies wherever the hash times the key is neutral."""


def encoded(y: int) -> bytes:
    return y.to_bytes(32, "little")


def with_sign(key: bytes) -> bytes:
    return bytes(a | b for a, b in zip(key, SIGN_BIT, strict=True))


SMALL_ORDER = [encoded(0), encoded(1), encoded(PRIME - 1), *map(bytes.fromhex, ORDER_8)]
SECOND_SPELLINGS = [encoded(PRIME + n) for n in range(19)]
BAD_KEYS = [key for bad in SMALL_ORDER + SECOND_SPELLINGS for key in (bad, with_sign(bad))]


def forged_with_pyca(key: bytes) -> bytes | None:
    """Return a text under which the fixed signature verifies with pyca, if there is one."""
    for number in range(200):
        text = b"anything %d" % number
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(NEUTRAL_SIGNATURE, text)
        except (InvalidSignature, ValueError):
            continue
        return text
    return None


@pytest.mark.parametrize(
    ("seed", "key", "message", "signature"),
    [
        pytest.param(
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            b"",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            id="TEST 1",
        ),
        pytest.param(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            b"\x72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            id="TEST 2",
        ),
        pytest.param(
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            b"\xaf\x82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
            "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            id="TEST 3",
        ),
        pytest.param(
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            hashlib.sha512(b"abc").digest(),
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ec"
            "fdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
            id="TEST SHA(abc)",
        ),
    ],
)
def test_keys_and_signatures_are_those_of_rfc_8032(
    seed: str, key: str, message: bytes, signature: str
) -> None:
    identity = Identity(bytes.fromhex(seed))

    assert identity.peer.hex() == key
    assert identity.sign(b"", message).hex() == signature
    assert verify(identity.peer, b"", message, bytes.fromhex(signature))


@given(seeds, st.binary(max_size=200))
def test_what_an_identity_signs_verifies_in_both_libraries(seed: bytes, message: bytes) -> None:
    identity = Identity(seed)

    signature = identity.sign(ENVELOPE_CONTEXT, message)

    assert verify(identity.peer, ENVELOPE_CONTEXT, message, signature)
    Ed25519PublicKey.from_public_bytes(identity.peer).verify(signature, ENVELOPE_CONTEXT + message)
    assert signature == Ed25519PrivateKey.from_private_bytes(seed).sign(ENVELOPE_CONTEXT + message)


@pytest.mark.threat(11)
@given(seeds, st.binary(max_size=64), st.data())
def test_one_changed_bit_anywhere_is_noticed(
    seed: bytes, message: bytes, data: st.DataObject
) -> None:
    identity = Identity(seed)
    whole = identity.sign(ENVELOPE_CONTEXT, message) + identity.peer + message
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))

    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8

    signature, peer, text = bytes(changed[:64]), bytes(changed[64:96]), bytes(changed[96:])
    assert not verify(PeerId(peer), ENVELOPE_CONTEXT, text, signature)


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    identity = Identity.generate()

    signature = identity.sign(ENVELOPE_CONTEXT, b"hello")

    assert not verify(identity.peer, OTHER_CONTEXT, b"hello", signature)


def test_bytes_moved_from_the_message_into_the_signature_do_not_verify() -> None:
    identity = Identity.generate()
    signature = identity.sign(b"", b"hello")

    assert not verify(identity.peer, b"", signature[60:] + b"hello", signature[:60])
    assert not verify(identity.peer, b"", b"ello", signature + b"h")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_verifies_nothing(length: int) -> None:
    identity = Identity.generate()
    signature = identity.sign(ENVELOPE_CONTEXT, b"hello")

    key = PeerId((identity.peer * 2)[:length])

    assert not verify(key, ENVELOPE_CONTEXT, b"hello", signature)
    assert not is_peer_id(key)


@pytest.mark.threat(11)
@pytest.mark.parametrize("key", BAD_KEYS, ids=bytes.hex)
def test_no_key_of_small_order_nor_second_spelling_is_a_peer_id(key: bytes) -> None:
    assert not is_peer_id(key)
    with pytest.raises(BadSignatureError):
        crypto_sign_open(NEUTRAL_SIGNATURE + b"anything", key)


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_what_one_library_takes_under_a_key_of_small_order_is_refused_by_us(key: bytes) -> None:
    text = forged_with_pyca(key)

    assert text is not None, "the other library refuses it now: the trap is gone"
    assert not is_peer_id(key)
    assert not verify(PeerId(key), b"", text, NEUTRAL_SIGNATURE)


@pytest.mark.parametrize("y", [2, 3, 4, PRIME - 2, PRIME - 3])
def test_only_the_listed_values_are_refused(y: int) -> None:
    assert is_peer_id(encoded(y))
    assert is_peer_id(with_sign(encoded(y)))


@given(seeds)
def test_every_real_key_is_a_peer_id(seed: bytes) -> None:
    assert is_peer_id(Identity(seed).peer)


@pytest.mark.threat(14)
@given(seeds)
def test_a_seed_never_shows(seed: bytes) -> None:
    identity = Identity(seed)

    shown = f"{identity} {identity!r}"

    assert seed.hex() not in shown
    assert repr(seed) not in shown
    assert identity.seed == seed


def test_a_seed_of_another_length_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 9") as caught:
        Identity(b"too short")

    assert "too short" not in str(caught.value)


def test_a_new_identity_is_what_the_random_source_gave() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return b"\x07" * count

    identity = Identity.generate(random_bytes)

    assert identity.seed == b"\x07" * 32
    assert asked == [32]
    assert Identity.generate().peer != Identity.generate().peer


def test_importing_identity_loads_no_openssl() -> None:
    program = (
        "import sys, p2pchat.crypto.identity;"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(sorted(loaded & {'nacl', 'OpenSSL', 'cryptography'}))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "['nacl']"

"""What the protocol document says of messages to one person is what the code does."""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
import typing

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from p2pchat.core.direct_values import (
    Inside,
    Outside,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
)
from p2pchat.core.presence import Doing, Here
from tests.direct_limits import DIRECT_LIMITS_SHOWN, MODULES
from tests.documents import PROTOCOL, block_in
from tests.test_docs import read_vectors

TIME_MS = 1_700_000_000_000
NONCE = bytes(range(16))
MESSAGE = bytes(range(16, 32))


def plain(payload: bytes) -> typing.Any:
    """Decode msgpack without any type of ours."""
    return msgspec.msgpack.decode(payload)


def payload_of(frame: str) -> typing.Any:
    return plain(read_vectors()[f"{frame} framed"][4:])


def key_of(name: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(read_vectors()[f"id of {name}"])


def pair() -> MLKEM768X25519PrivateKey:
    given = read_vectors()
    mlkem = MLKEM768PrivateKey.from_seed_bytes(given["seed of ben's sealing key"])
    return MLKEM768X25519PrivateKey(
        mlkem, X25519PrivateKey.from_private_bytes(given["scalar of it"])
    )


def test_a_request_names_whose_key_is_asked_for() -> None:
    given = read_vectors()
    signed = plain(given["signed request"])
    context = b"p2pchat/1 envelope\0"

    assert plain(given["body of a request"]) == [given["id of ben"], b""]
    assert signed[4:9] == [66, 0, 0, NONCE, given["body of a request"]]
    name = hashlib.blake2b(context + given["signed request"], digest_size=16).digest()
    assert given["id of the request"] == name


def test_a_sealing_key_is_signed_for_one_request() -> None:
    given = read_vectors()
    ann, ben, network = given["id of ann"], given["id of ben"], given["network id of lobby"]
    context = b"p2pchat/1 sealing key\0"
    frame, way, signature, signed = payload_of("KeyAnswer")
    record = plain(signed)
    key = record[6]

    assert (frame, way) == (74, given["id of the request"])
    assert record[:6] == [network, ben, given["epoch of ben"], ann, NONCE, 1]
    assert record[7:] == [TIME_MS]
    key_of("ben").verify(signature, context + signed)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(given["seed of ben's sealing key"])
    scalar = X25519PrivateKey.from_private_bytes(given["scalar of it"])
    public = mlkem.public_key().public_bytes_raw() + scalar.public_key().public_bytes_raw()
    assert key == public
    assert given["hash of it"] == hashlib.blake2b(context + b"\1" + key, digest_size=32).digest()


def test_a_packet_opens_to_what_its_author_signed() -> None:
    given = read_vectors()
    ann, ben, network = given["id of ann"], given["id of ben"], given["network id of lobby"]
    frame, name, signature, signed, is_flooded, hops = payload_of("Packet")
    outside = plain(signed)
    sealed = outside[6]
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    info = b"p2pchat/1 sealed\0" + network + ann + ben + NONCE

    padded = suite.decrypt(sealed[32:], pair(), info)

    assert (frame, is_flooded, hops) == (72, False, 0)
    context = b"p2pchat/1 direct\0"
    assert name == hashlib.blake2b(context + signed, digest_size=16).digest()
    key_of("ann").verify(signature, context + signed)
    assert outside[:6] == [network, ann, given["epoch of ann"], ben, NONCE, TIME_MS]
    assert sealed[:32] == given["hash of it"]
    assert given["bound"] == info[17:]
    assert len(info) == 113
    length = int.from_bytes(padded[:2], "big")
    assert (len(padded), padded[2:2 + length]) == (1024, given["what is sealed"])  # fmt: skip
    assert not any(padded[2 + length :])


def test_a_packet_opens_by_the_rules_of_hpke_alone() -> None:
    given = read_vectors()
    sealed = plain(payload_of("Packet")[3])[6]
    encapsulated, ciphertext = sealed[32:1152], sealed[1152:]
    key, nonce = hpke_keys(shared_secret(encapsulated), b"p2pchat/1 sealed\0" + given["bound"])

    padded = ChaCha20Poly1305(key).decrypt(nonce, ciphertext, b"")

    assert padded[2:].rstrip(b"\0") == given["what is sealed"]


def shared_secret(encapsulated: bytes) -> bytes:
    """Join the secrets of ML-KEM and X25519 as X-Wing does."""
    given = read_vectors()
    scalar = X25519PrivateKey.from_private_bytes(given["scalar of it"])
    mlkem = MLKEM768PrivateKey.from_seed_bytes(given["seed of ben's sealing key"])
    theirs, ours = encapsulated[1088:], scalar.public_key().public_bytes_raw()
    first = mlkem.decapsulate(encapsulated[:1088])
    second = scalar.exchange(X25519PublicKey.from_public_bytes(theirs))
    return hashlib.sha3_256(first + second + theirs + ours + rb"\.//^" + b"\\").digest()


def hpke_keys(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """The key schedule of RFC 9180, section 5.1, in base mode: key and nonce."""
    suite = b"HPKE" + struct.pack(">HHH", 0x647A, 0x0001, 0x0003)

    def extract(label: bytes, content: bytes, salt: bytes = bytes(32)) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + content, "sha256")

    context = b"\0" + extract(b"psk_id_hash", b"") + extract(b"info_hash", info)
    pseudorandom = extract(b"secret", b"", secret)

    def expand(label: bytes, length: int) -> bytes:
        wanted = struct.pack(">H", length) + b"HPKE-v1" + suite + label + context
        return hmac.digest(pseudorandom, wanted + b"\1", "sha256")[:length]

    return expand(b"key", 32), expand(b"base_nonce", 12)


def test_the_inside_binds_recipient_and_key() -> None:
    given = read_vectors()
    inside, key = given["inside"], given["receipt key"]

    assert plain(given["what is sealed"]) == [given["signature of the inside"], inside]
    key_of("ann").verify(given["signature of the inside"], b"p2pchat/1 inside\0" + inside)
    assert plain(inside) == [
        given["network id of lobby"], given["id of ann"], given["id of ben"], given["hash of it"],
        MESSAGE, key, TIME_MS, 1, "psst", "ann",
    ]  # fmt: skip


def test_answers_to_a_packet_name_it() -> None:
    given = read_vectors()
    name = payload_of("Packet")[1]
    proof = hmac.digest(given["receipt key"], MESSAGE, "sha256")

    assert payload_of("NoWay") == [73, name]
    assert payload_of("Receipt") == [75, name, proof]


def test_a_presence_says_who_comes() -> None:
    given = read_vectors()
    signed = plain(given["signed presence"])

    assert plain(given["body of a presence"]) == ["ann", 2]
    assert signed[4:9] == [67, 0, 0, NONCE, given["body of a presence"]]
    assert [doing.value for doing in Doing] == [1, 2, 3]


def test_the_safety_number_follows_from_the_prose() -> None:
    given = read_vectors()
    block = block_in(PROTOCOL.read_text("utf-8"), "vectors")

    found = re.search(r"^safety number of ann and ben:\n    (.+)$", block, re.MULTILINE)

    assert found is not None
    halves = sorted(half_of(given[f"id of {name}"]) for name in ("ann", "ben"))
    assert found[1].replace(" ", "") == "".join(halves)


def half_of(key: bytes) -> str:
    digest = b"p2pchat/1 safety number\0" + key
    for _ in range(5_200):
        digest = hashlib.sha512(digest + key).digest()
    groups = [digest[start : start + 5] for start in range(0, 30, 5)]
    return "".join(f"{int.from_bytes(group, 'big') % 100_000:05}" for group in groups)


@pytest.mark.parametrize(
    "kind",
    [SealingRequest, SealingKeyRecord, Outside, SignedInside, Inside, Here],
    ids=lambda kind: kind.__name__,
)
def test_what_is_signed_and_sealed_is_explained_with_all_its_fields(
    kind: type[msgspec.Struct],
) -> None:
    paragraphs = PROTOCOL.read_text("utf-8").split("\n\n")
    explaining = next(text for text in paragraphs if text.startswith(f"**`{kind.__name__}`**"))

    missing = [name for name in kind.__struct_fields__ if f"`{name}`" not in explaining]

    assert not missing


@pytest.mark.parametrize("row", ["| 66 | `SEALING_REQUEST` |", "| 67 | `PRESENCE` |"])
def test_kinds_of_passing_envelopes_are_in_the_table(row: str) -> None:
    assert row in PROTOCOL.read_text("utf-8")


def test_every_number_of_the_modules_about_direct_messages_is_in_the_table() -> None:
    shown = {name for name, _ in DIRECT_LIMITS_SHOWN}
    ours = r"(?:_LIMIT|_S|_BURST|_BYTES|_WEIGHT|_BELOW|_WAYS|_MINUTE|_RECIPIENT)$"
    inner = {"MOMENT_S", "NONCE_BYTES", "DIRECT_ID_BYTES", "RECEIPT_KEY_BYTES"}
    named = {
        name
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, int | float) and name.isupper() and re.search(ours, name)
    }
    elsewhere = {"TEXT_LIMIT_BYTES", "HOPS_LIMIT"}

    assert {name for name in named - shown - inner - elsewhere if name[0] != "_"} == set()

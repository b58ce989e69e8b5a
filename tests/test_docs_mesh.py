"""What the protocol document says of membership, discovery, maps and ways is what the code does."""

from __future__ import annotations

import hashlib
import hmac
import re
import typing

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.setup import Setup
from p2pchat.core.values import Address, Epoch, NetworkId, PeerId
from p2pchat.wire.invite import decode_invite
from tests.documents import PROTOCOL
from tests.test_docs import read_vectors

TIME_MS = 1_700_000_000_000
TOKEN = bytes(range(16))


def plain(payload: bytes) -> typing.Any:
    """Decode msgpack without any type of ours."""
    return msgspec.msgpack.decode(payload)


def payload_of(frame: str) -> typing.Any:
    return plain(read_vectors()[f"{frame} framed"][4:])


def test_records_and_statements_follow_from_the_prose() -> None:
    given = read_vectors()
    ann, ben, network = given["id of ann"], given["id of ben"], given["network id of lobby"]
    addresses = ["192.0.2.7:55555", "[2001:db8::7]:55555"]

    assert plain(given["record of ann"]) == [network, ann, TIME_MS, addresses, 0]
    assert plain(given["record of ben"]) == [network, ben, TIME_MS, ["192.0.2.9:55555"], 0]
    assert plain(given["statement of ann"]) == [
        network, ann, "ann", TIME_MS, False, [[ben, "ben"]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "signed", "signature", "context"),
    [
        ("ann", "record of ann", "signature of her record", b"p2pchat/1 address\0"),
        ("ben", "record of ben", "signature of his record", b"p2pchat/1 address\0"),
        ("ann", "statement of ann", "signature of her statement", b"p2pchat/1 map\0"),
    ],
)
def test_a_signature_is_over_its_context_and_the_signed_bytes(
    owner: str, signed: str, signature: str, context: bytes
) -> None:
    given = read_vectors()
    key = Ed25519PublicKey.from_public_bytes(given[f"id of {owner}"])

    key.verify(given[signature], context + given[signed])
    with pytest.raises(InvalidSignature):
        key.verify(given[signature], b"p2pchat/1 envelope\0" + given[signed])


def test_the_frames_of_membership_hold_records() -> None:
    given = read_vectors()
    record = [given["signature of her record"], given["record of ann"]]
    other = [given["signature of his record"], given["record of ben"]]
    passed = [[*other, 1]]

    assert payload_of("Introduce") == [48, record]
    assert payload_of("Join") == [49, False]
    assert payload_of("Walk") == [50, TOKEN, 9, record]
    assert payload_of("Found") == [51, TOKEN, other]
    assert payload_of("PlaceAsk") == [52]
    assert payload_of("PlaceAnswer") == [53, True, passed]
    assert payload_of("Release") == [54, passed]
    assert payload_of("Shuffle") == [55, TOKEN, 6, record, passed]
    assert payload_of("ShuffleAnswer") == [56, TOKEN, passed]
    assert payload_of("ReachabilityAsk") == [57, 55_555]
    assert payload_of("ReachabilityAnswer") == [58, True]


def test_the_frames_of_maps_and_ways_hold_what_people_say() -> None:
    given = read_vectors()
    statement = [given["signature of her statement"], given["statement of ann"]]
    hops = [[given["id of ben"], "ben", TIME_MS + 40], [given["id of ann"], "ann", TIME_MS]]

    assert payload_of("MapAsk") == [64, TOKEN, 3]
    assert payload_of("MapAnswer") == [65, TOKEN, [statement]]
    assert payload_of("PathAsk") == [66, TOKEN, given["envelope id"]]
    assert payload_of("PathAnswer") == [67, TOKEN, True, hops]


def test_a_question_who_is_here_and_its_answer_follow_from_the_prose() -> None:
    given = read_vectors()
    ben, query = given["id of ben"], given["id of the question"]
    signed, signature = query + ben + b"ben", given["signature of his answer"]
    header = plain(given["signed question"])

    assert header[4:8] == [68, 0, 0, TOKEN]
    assert header[8] == given["body of the question who is here"]
    assert plain(header[8]) == [2**32]
    assert given["mark of ben for it"] == hashlib.blake2b(query + ben, digest_size=4).digest()
    assert given["what ben signs"] == signed
    Ed25519PublicKey.from_public_bytes(ben).verify(signature, b"p2pchat/1 who\0" + signed)
    assert payload_of("WhoAnswers") == [68, query, [[ben, "ben", signature, 0, 0]]]


def test_rooms_are_marked_on_a_lan_as_the_prose_says() -> None:
    given = read_vectors()
    network, key = given["network id of lobby"], given["discovery key of attic"]

    assert given["room mark of lobby"] == hashlib.blake2b(network, digest_size=4).digest()
    assert given["tag of attic"] == hmac.digest(key, b"0123456789abcdef", "sha256")[:8]


def test_the_invite_of_the_document_says_what_stands_above_it() -> None:
    found = re.search(r"^p2pchat://\S+$", PROTOCOL.read_text("utf-8"), re.MULTILINE)

    assert found is not None
    addresses = (Address("192.168.1.5", 55555), Address("2001:db8::5", 7))
    place = InvitePlace(PeerId(bytes(range(32))), addresses)
    assert decode_invite(found[0]) == Invite("lobby", None, (place,))


@pytest.mark.parametrize("joins", [True, False])
def test_every_ability_that_a_node_lists_is_explained(joins: bool) -> None:
    setup = Setup(PeerId(bytes(32)), Epoch(bytes(8)), NetworkId(bytes(16)), "ann", joins=joins)
    text = PROTOCOL.read_text("utf-8")

    missing = [word for word in setup.abilities if f"\n| `{word}` |" not in text]

    assert not missing
    assert ("membership" in setup.abilities) is joins

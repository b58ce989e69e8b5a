"""A room's keys depend on its name, its secret and their purpose, on nothing else."""

from __future__ import annotations

import hashlib
import hmac
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.values import PeerId
from p2pchat.crypto.room import Role, Room, check_proof, make_proof
from p2pchat.errors import BadRoom

ALICE, BOB = PeerId(b"A" * 32), PeerId(b"B" * 32)
KEY, EXPORTED = b"k" * 32, b"e" * 32


def hkdf(secret: bytes, label: bytes, name: bytes, length: int) -> bytes:
    """RFC 5869 by hand, for one block."""
    extracted = hmac.digest(b"p2pchat/1 room", secret, "sha256")
    return hmac.digest(extracted, label + b"\0" + name + b"\x01", "sha256")[:length]


def test_the_keys_of_the_open_lobby_are_frozen() -> None:
    room = Room("lobby")

    assert room.is_open
    assert room.network_id.hex() == "a5ca7507ba3def4fde9dd5a20cd40100"
    assert (
        room.proof_key.hex() == "809052c8b43f791f47e96de5f0fdff87046e85dca8018d5354070b98facbaae4"
    )
    assert (
        room.discovery_key.hex()
        == "aa63abcfe1f1ab2155ad144deb1d27f6ec324baf6fab1213bbc34bdc523f5438"
    )


def test_the_keys_of_a_private_room_are_frozen() -> None:
    room = Room("küche", bytes(range(16)))

    assert not room.is_open
    assert room.network_id.hex() == "3f85b75f7d16c18413196c975c4bee6e"
    assert (
        room.proof_key.hex() == "3427966a823d613ac0f19651afad50ad35c12bd0a2b5e8ba2fa2a6a27f1e0e37"
    )
    assert (
        room.discovery_key.hex()
        == "72aaa8de7696adea4851beb0dcfb8cff92dacb76e894c96b199420f03b9cda17"
    )


@given(st.from_regex(r"[a-zé0-9]{1,20}", fullmatch=True), st.none() | st.binary(min_size=1))
def test_keys_are_hkdf_of_secret_and_name(name: str, secret: bytes | None) -> None:
    room = Room(name, secret)

    salted = secret or b""
    assert room.network_id == hkdf(salted, b"network id", name.encode(), 16)
    assert room.proof_key == hkdf(salted, b"proof key", name.encode(), 32)
    assert room.discovery_key == hkdf(salted, b"discovery key", name.encode(), 32)


def test_rooms_differ_by_name_and_by_secret() -> None:
    rooms = [Room("a"), Room("b"), Room("a", b"1"), Room("a", b"2"), Room("b", b"1")]

    assert len({room.network_id for room in rooms}) == len(rooms)
    assert len({key for room in rooms for key in (room.proof_key, room.discovery_key)}) == 10


def test_equal_rooms_are_equal_values() -> None:
    assert Room("a", b"1") == Room("a", b"1")
    assert Room("a", b"1") != Room("a", b"2")


def test_keys_are_derived_once() -> None:
    room = Room("lobby")

    assert room.proof_key is room.proof_key


@pytest.mark.threat(15)
def test_neither_secret_nor_keys_show() -> None:
    room = Room("lobby", b"open sesame")
    room.proof_key  # noqa: B018 (so that there is something to leak)

    assert "sesame" not in repr(room)
    assert repr(room) == "Room(name='lobby')"


@pytest.mark.parametrize(
    "name",
    ["lobby", "a", "two words", "küche", "部屋", "x" * 64, "ü" * 32, "🎉"],
)
def test_printable_names_of_up_to_64_bytes_are_rooms(name: str) -> None:
    assert Room(name).name == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "needs a name"),
        ("x" * 65, "65 bytes"),
        ("ü" * 33, "66 bytes"),
        (" lobby", "blank"),
        ("lobby ", "blank"),
        ("\u3000lobby", "printable"),
        ("lob\tby", "printable"),
        ("lob\nby", "printable"),
        ("lob\x1bby", "printable"),
        ("lob\u202eby", "printable"),
        ("lob\u200bby", "printable"),
        ("lob\udc80by", "printable"),
        ("ku\u0308che", "NFC"),
    ],
)
def test_other_names_are_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(BadRoom, match=why):
        Room(name)


@given(st.text())
def test_any_text_is_a_room_or_a_bad_room(text: str) -> None:
    try:
        room = Room(text)
    except BadRoom:
        return

    assert 0 < len(room.name.encode()) <= 64
    assert room.name == room.name.strip()


def test_an_empty_secret_is_refused_because_it_would_open_the_room() -> None:
    with pytest.raises(BadRoom, match="secret"):
        Room("lobby", b"")


def test_a_proof_is_frozen() -> None:
    expected = hmac.new(KEY, b"\x01" + EXPORTED + ALICE + BOB, hashlib.sha256).digest()

    proof = make_proof(KEY, Role.DIALLER, EXPORTED, ALICE, BOB)

    assert proof == expected
    assert proof.hex() == "370121504cbd2f2ee6d75a4d32c5abe65d98a362ead0440b4c2d5328a727f60c"


@pytest.mark.threat(13)
def test_a_proof_holds_for_its_own_arguments_only() -> None:
    proof = make_proof(KEY, Role.DIALLER, EXPORTED, ALICE, BOB)

    held = [
        arguments
        for arguments in product(
            (KEY, b"K" * 32), Role, (EXPORTED, b"E" * 32), (ALICE, BOB), (ALICE, BOB)
        )
        if check_proof(proof, *arguments)
    ]

    assert held == [(KEY, Role.DIALLER, EXPORTED, ALICE, BOB)]


@given(st.binary(max_size=40))
def test_other_bytes_are_no_proof(garbage: bytes) -> None:
    assert not check_proof(garbage, KEY, Role.ACCEPTOR, EXPORTED, ALICE, BOB)

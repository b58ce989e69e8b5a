"""Invites as text."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.core.invites import (
    INVITE_ADDRESSES,
    INVITE_LIMIT_CHARACTERS,
    INVITE_SCHEME,
    INVITE_SECRET_BYTES,
    Invite,
    InvitePlace,
)
from p2pchat.core.limits import ROOM_LIMIT_BYTES
from p2pchat.core.values import Address, PeerId
from p2pchat.errors import BadAddress, BadInvite, InviteTooNew
from p2pchat.sanitize import visible_line
from p2pchat.wire.invite import decode_invite, encode_invite, holds_secret, read_target
from tests.effort import EFFORT
from tests.sources import ROOT

ANN = PeerId(bytes(range(32)))
LOBBY = Invite(
    "lobby", None, (InvitePlace(ANN, (Address("192.168.1.5", 55555), Address("2001:db8::5", 7))),)
)
SECRET = Invite("tea", bytes(range(16)), LOBBY.places)

FROZEN = (
    "p2pchat://lAGlbG9iYnnAkZLEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fkrExOTIuMTY4LjEuNTo1"
    "NTU1Na9bMjAwMTpkYjg6OjVdOjfu2iGA"
)
"""LOBBY, as every version has to read it."""


FROZEN_SECRET = (
    "p2pchat://lAGlYXR0aWPEEAABAgMEBQYHCAkKCwwNDg-RksQgAAECAwQFBgcICQoLDA0O"
    "DxAREhMUFRYXGBkaGxwdHh-RsTE5Mi4xNjguMS41OjU1NTU1-W6Djw"
)
"""One to a private room, as docs/protocol.md has it."""


def coded(*fields: object) -> str:
    """Write an invite with those fields, whatever they are."""
    packed = msgspec.msgpack.encode(fields)
    return from_bytes(packed + blake2b(packed, digest_size=4).digest())


def from_bytes(whole: bytes) -> str:
    return INVITE_SCHEME + urlsafe_b64encode(whole).decode().rstrip("=")


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)
IPS = st.ip_addresses().map(str)
ADDRESSES = st.builds(Address, NAMES | IPS, st.integers(1, 65_535))
PLACES = st.lists(
    st.builds(
        InvitePlace,
        st.binary(min_size=32, max_size=32).map(PeerId),
        st.lists(ADDRESSES, max_size=2).map(tuple),
    ),
    max_size=INVITE_ADDRESSES // 2,
).map(tuple)
ROOMS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).filter(
    lambda room: len(room.encode()) <= ROOM_LIMIT_BYTES
)
SECRETS = st.none() | st.binary(min_size=1, max_size=INVITE_SECRET_BYTES)
INVITES = st.builds(Invite, ROOMS, SECRETS, PLACES)


def test_the_frozen_invite_is_read_and_written_as_ever() -> None:
    assert encode_invite(LOBBY) == FROZEN
    assert decode_invite(FROZEN) == LOBBY


def test_the_frozen_invite_to_a_private_room_is_read_and_written_as_ever() -> None:
    attic = Invite("attic", bytes(range(16)), (InvitePlace(ANN, (Address("192.168.1.5", 55555),)),))

    assert encode_invite(attic) == FROZEN_SECRET
    assert decode_invite(FROZEN_SECRET) == attic
    document = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    assert FROZEN in document
    assert FROZEN_SECRET in document


def test_an_invite_is_laid_out_as_documented() -> None:
    whole = urlsafe_b64decode(FROZEN.removeprefix(INVITE_SCHEME) + "==")

    packed, checksum = whole[:-4], whole[-4:]

    assert msgspec.msgpack.decode(packed) == [
        1, "lobby", None, [[ANN, ["192.168.1.5:55555", "[2001:db8::5]:7"]]],
    ]  # fmt: skip
    assert checksum == blake2b(packed, digest_size=4).digest()


@settings(max_examples=EFFORT.property_examples)
@given(INVITES)
def test_every_invite_comes_back_from_its_text(invite: Invite) -> None:
    text = encode_invite(invite)

    assert decode_invite(text) == invite
    assert len(text) <= INVITE_LIMIT_CHARACTERS
    assert text.isascii()
    assert not text.endswith("=")


def test_the_largest_invite_is_short_enough_to_be_read() -> None:
    places = tuple(InvitePlace(ANN, (Address("x" * 253, 65_535),)) for _ in range(8))
    largest = Invite("r" * ROOM_LIMIT_BYTES, bytes(INVITE_SECRET_BYTES), places)

    assert decode_invite(encode_invite(largest)) == largest


@settings(max_examples=EFFORT.property_examples)
@given(INVITES, st.data())
def test_a_typing_error_is_noticed(invite: Invite, data: st.DataObject) -> None:
    text = encode_invite(invite)
    place = data.draw(st.integers(len(INVITE_SCHEME), len(text) - 1))
    wrong = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[place]))

    for altered in (text[:place] + wrong + text[place + 1 :], text[:place] + text[place + 1 :]):
        if altered.rstrip(">)]}\"'`*.,;:!?/ \t\n") == text:
            continue
        try:
            read = decode_invite(altered)
        except BadInvite:
            continue
        # What is no more than something around a link was cut off, and of the right text.
        assert read == invite


@pytest.mark.parametrize(
    "around",
    [
        "{}", "  {}\n", "{}.", "({})", "<{}>", "[{}],", '"{}"', "`{}`", "**{}**", "{}!", "{}/",
        "\ufeff{}\u200b", "\t({}).\r\n",
    ],
)  # fmt: skip
def test_what_chat_programs_put_around_a_link_does_no_harm(around: str) -> None:
    assert decode_invite(around.format(FROZEN)) == LOBBY


def test_the_scheme_may_be_in_capitals() -> None:
    assert decode_invite("P2PChat://" + FROZEN.removeprefix(INVITE_SCHEME)) == LOBBY


@pytest.mark.parametrize(
    "text",
    [
        "", "p2pchat://", "p2pchat", "http://example.org", "localhost:5", FROZEN[:-1],
        FROZEN[:60], FROZEN + "A", FROZEN + "==", FROZEN.replace("G", "g", 1), "x" + FROZEN,
        FROZEN[:30] + " " + FROZEN[30:], "p2pchat://" + "A" * 10_000, "p2pchat://\ud800",
        from_bytes(b""), from_bytes(b"abc"), from_bytes(b"abcd"),
        from_bytes(blake2b(b"", digest_size=4).digest()),
        coded(), coded("1"), coded(1), coded(1, "lobby"), coded(1, "lobby", None),
        coded(1, "lobby", None, None), coded(1, "", None, []), coded(1, "x" * 65, None, []),
        coded(1, b"lobby", None, []), coded(1, "lobby", b"", []), coded(1, "lobby", "s", []),
        coded(1, "lobby", bytes(129), []), coded(1, "lobby", None, [[b"short", []]]),
        coded(1, "lobby", None, [[ANN]]), coded(1, "lobby", None, [[ANN, ["a:1"] * 9]]),
        coded(1, "lobby", None, [[ANN, ["a:1"] * 4]] * 3), coded(1, "lobby", None, [[ANN, []]] * 9),
        coded(-1, "lobby", None, []), coded(1.5, "lobby", None, []),
    ],
)  # fmt: skip
def test_what_is_no_whole_invite_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadInvite, match="that invite can't be read: ") as caught:
        decode_invite(text)

    said = str(caught.value)
    assert visible_line(said) == said
    assert len(said) < 120
    assert caught.value.code == "bad-address"


def test_later_fields_are_skipped() -> None:
    more = coded(1, "lobby", None, [[ANN, ["192.168.1.5:55555", "[2001:db8::5]:7"], "new"]], 5, [6])

    assert decode_invite(more) == LOBBY


def test_a_later_version_is_named_as_what_it_is() -> None:
    with pytest.raises(InviteTooNew, match="newer p2pchat") as caught:
        decode_invite(coded(2, {"all": "new"}))

    assert caught.value.code == "version"


def test_addresses_of_an_unknown_kind_are_left_out() -> None:
    addresses = ["quic:x", "plain://a:5", "a:0", "192.168.1.5:55555", "[2001:db8::5]:7"]

    assert decode_invite(coded(1, "lobby", None, [[ANN, addresses]])) == LOBBY


def test_a_room_that_is_no_text_has_no_invite() -> None:
    with pytest.raises(BadInvite, match="half a character"):
        encode_invite(Invite("a\ud800", None))


@settings(max_examples=EFFORT.property_examples)
@given(st.text(st.characters(exclude_categories=())) | st.binary().map(from_bytes))
@example("p2pchat://" + "=" * 20)
def test_whatever_the_text_it_is_an_invite_or_refused(text: str) -> None:
    for given_text in (text, INVITE_SCHEME + text):
        with suppress(BadInvite):
            assert isinstance(decode_invite(given_text), Invite)


@settings(max_examples=EFFORT.property_examples)
@given(st.recursive(
    st.none() | st.integers(-1, 2**63) | st.binary(max_size=40) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=5), max_leaves=20,
))  # fmt: skip
def test_whatever_has_a_right_checksum_is_an_invite_or_refused(fields: object) -> None:
    for text in (coded(fields), coded(1, "lobby", None, fields), coded(1, fields)):
        try:
            invite = decode_invite(text)
        except (BadInvite, ValueError):
            continue
        assert sum(len(place.addresses) for place in invite.places) <= INVITE_ADDRESSES


def test_a_target_is_an_invite_or_an_address() -> None:
    assert read_target(f"({FROZEN})") == LOBBY
    assert read_target("localhost:5") == Address("localhost", 5)
    with pytest.raises(BadInvite):
        read_target("p2pchat://x")
    with pytest.raises(BadAddress):
        read_target("localhost")


@pytest.mark.parametrize(
    ("text", "has_one"),
    [
        ("", False),
        ("nothing of that kind", False),
        (f"come in: {FROZEN}", False),
        (f"come in: {encode_invite(SECRET)}", True),
        (f"come in:({encode_invite(SECRET)}), please", True),
        (encode_invite(SECRET)[:-1], True),
        (encode_invite(SECRET).replace("p2p", "P2P"), True),
    ],
)
def test_a_secret_is_found_in_a_text(text: str, *, has_one: bool) -> None:
    assert holds_secret(text) is has_one

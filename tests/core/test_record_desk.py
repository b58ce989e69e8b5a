"""Records: what this node signs for whom, and what it believes of others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.mesh_frames import SignedRecord
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import UNDIALLABLE, Scope
from p2pchat.core.values import Address
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.wire.codec import Codec
from tests.core.mesh import WALL_MS, desk_of, header_of, record_of, signed
from tests.effort import EFFORT

HOUR_MS = int(limits.RECORD_RENEW_S * 1000)
ADDRESSES = (
    Address("127.0.0.1", 55555),
    Address("10.1.0.1", 55555),
    Address("8.8.8.8", 55555),
)


def desk(*, is_diallable: bool = True) -> RecordDesk:
    made = desk_of()
    made.set_addresses(ADDRESSES, is_diallable=is_diallable)
    return made


def texts_of(record: SignedRecord) -> tuple[str, ...]:
    return Codec().decode_record(record.signed).addresses


# --- Own records ------------------------------------------------------------------------------


def test_the_nearer_a_peer_the_more_he_learns() -> None:
    own = desk()

    machine, private, public = (texts_of(own.own(scope, WALL_MS)) for scope in Scope)

    assert machine == ("127.0.0.1:55555", "10.1.0.1:55555", "8.8.8.8:55555")
    assert private == ("10.1.0.1:55555", "8.8.8.8:55555")
    assert public == ("8.8.8.8:55555",)


def test_others_can_read_what_a_desk_signed() -> None:
    read = desk_of("bob").read(desk().own(Scope.PUBLIC, WALL_MS), Scope.PUBLIC, WALL_MS)

    assert read is not None
    assert read.peer == sim_peer_id("alice")
    assert read.addresses == ADDRESSES[2:]
    assert read.is_diallable
    assert read.scope is Scope.PUBLIC


def test_who_has_no_address_for_a_peer_or_cannot_be_dialled_says_so() -> None:
    nowhere = desk_of()
    nowhere.set_addresses(ADDRESSES[:1], is_diallable=True)
    hidden = desk(is_diallable=False)

    for record in (nowhere.own(Scope.PUBLIC, WALL_MS), hidden.own(Scope.PUBLIC, WALL_MS)):
        assert Codec().decode_record(record.signed).flags == UNDIALLABLE


def test_a_record_is_signed_once_and_anew_after_an_hour_or_a_change() -> None:
    own = desk()
    first = own.own(Scope.PUBLIC, WALL_MS)

    assert own.own(Scope.PUBLIC, WALL_MS + 1) is first
    assert not own.renew(WALL_MS + HOUR_MS - 1)
    assert own.renew(WALL_MS + HOUR_MS)
    later = own.own(Scope.PUBLIC, WALL_MS + HOUR_MS)
    assert later != first
    assert not own.set_addresses(ADDRESSES, is_diallable=True)
    assert own.set_addresses(ADDRESSES[:2], is_diallable=True)
    assert texts_of(own.own(Scope.PUBLIC, WALL_MS + HOUR_MS)) == ()


def test_of_addresses_that_are_too_long_together_the_last_is_left_out() -> None:
    own = desk_of()
    host = "2001:4860:4860:1234:5678:9abc:def0:12{:02x}"
    own.set_addresses(tuple(Address(host.format(n), 65535) for n in range(9)), is_diallable=True)

    record = own.own(Scope.PUBLIC, WALL_MS)

    assert len(texts_of(record)) == limits.RECORD_ADDRESSES - 1
    assert len(record.signed) <= limits.RECORD_LIMIT_BYTES


# --- Records of others ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        signed(header_of("bob"), by="mallory"),
        SignedRecord(bytes(64), record_of("bob").signed),
        signed(header_of("bob", room="elsewhere"), by="bob"),
        record_of("bob", time_ms=WALL_MS - 25 * HOUR_MS),
        record_of("bob", time_ms=WALL_MS + 11 * 60_000),
        record_of("alice"),
        SignedRecord(record_of("bob").signature, b""),
        SignedRecord(record_of("bob").signature, b"\xc1"),
        SignedRecord(record_of("bob").signature, record_of("bob").signed[:-1]),
        SignedRecord(record_of("bob").signature, record_of("bob").signed + b"\0"),
    ],
    ids=[
        "another's signature", "no signature", "another room", "too old", "yet to come", "our own",
        "empty", "no msgpack", "cut short", "something behind it",
    ],
)  # fmt: skip
def test_a_record_that_is_not_its_owners_word_is_not_read(forged: SignedRecord) -> None:
    assert desk_of().read(forged, Scope.MACHINE, WALL_MS) is None


def test_a_record_with_more_addresses_than_any_is_not_read() -> None:
    many = signed(header_of("bob", *(f"8.8.8.{n}:55555" for n in range(9))), by="bob")

    assert desk_of().read(many, Scope.MACHINE, WALL_MS) is None


def test_addresses_that_nobody_may_offer_are_left_out() -> None:
    frame = record_of(
        "bob", "127.0.0.1:55555", "224.0.0.1:55555", "8.8.8.8:22", "[fe80::1]:55555",
        "example.org:55555", "nonsense", "8.8.8.8:55555",
    )  # fmt: skip

    read = desk_of().read(frame, Scope.PUBLIC, WALL_MS)

    assert read is not None
    assert read.addresses == (Address("8.8.8.8", 55555),)
    assert read.scope is Scope.MACHINE, "it is not handed on to anybody far away"


def test_a_public_peer_knows_nothing_of_private_addresses() -> None:
    read = desk_of().read(record_of("bob", "10.1.0.2:55555"), Scope.PUBLIC, WALL_MS)

    assert read is not None
    assert read.addresses == ()
    assert not read.is_diallable


def test_what_is_handed_on_unread_is_kept_from_who_is_too_far_away() -> None:
    private, public = record_of("bob", "10.1.0.2:55555"), record_of("bob", "8.8.8.8:55555")

    assert desk_of().may_learn(private, Scope.PRIVATE)
    assert not desk_of().may_learn(private, Scope.PUBLIC)
    assert desk_of().may_learn(public, Scope.PUBLIC)
    assert not desk_of().may_learn(SignedRecord(bytes(64), b"\xc1"), Scope.MACHINE)


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=limits.RECORD_LIMIT_BYTES), st.binary(min_size=64, max_size=64))
def test_garbage_is_no_record_and_no_error(message: bytes, signature: bytes) -> None:
    frame = SignedRecord(signature, message)

    assert desk_of().read(frame, Scope.MACHINE, WALL_MS) is None
    desk_of().may_learn(frame, Scope.PUBLIC)


@settings(max_examples=EFFORT.property_examples)
@given(st.data())
def test_no_changed_byte_of_a_record_is_believed(data: st.DataObject) -> None:
    frame = record_of("bob", "8.8.8.8:55555")
    place = data.draw(st.integers(0, len(frame.signed) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(frame.signed)
    changed[place] ^= flip

    assert desk_of().read(SignedRecord(frame.signature, bytes(changed)), Scope(0), WALL_MS) is None

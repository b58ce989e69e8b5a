"""Entries that were read: cut to their bounds, or left out; networks by their names."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.address_book import AddressBook
from p2pchat.core.book_entries import (
    FAILURES_LIMIT,
    BookEntry,
    BookState,
    diallable,
    sound,
    spread_group,
    subnet,
)
from p2pchat.core.values import Address, PeerId
from tests.core.book_support import DAY_MS, WALL_MS, peer_id, record_of
from tests.effort import EFFORT

GOOD = BookEntry(
    peer_id("ann"), (Address("20.1.1.1", 55555),), record_of("ann", "20.1.1.1"), None,
    is_tried=True, heard_ms=WALL_MS, last_success_ms=WALL_MS, last_try_ms=WALL_MS, failures=2,
)  # fmt: skip


def test_a_good_entry_stays_as_it_is() -> None:
    assert sound(GOOD, WALL_MS) == GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"peer": PeerId(b"short")},
        {"addresses": (), "record": None},
        {"addresses": (Address("", 55555),), "record": None},
        {"addresses": (Address("x" * 254, 55555),), "record": None},
        {"addresses": (Address("20.1.1.1", 70_000),), "record": None},
        {"last_success_ms": WALL_MS - 8 * DAY_MS},
        {"last_success_ms": 0, "record": None},
        {"last_success_ms": 0, "record": record_of("ben", "20.1.1.1")},
        {"last_success_ms": 0, "record": record_of("ann")},
        {"last_success_ms": 0, "record": record_of("ann", *[f"20.1.1.{n}" for n in range(9)])},
        {"last_success_ms": 0, "record": record_of("ann", "20.1.1.1", "20.1.1.1")},
        {"last_success_ms": 0, "record": record_of("ann", "20.1.1.1", time_ms=0)},
        {"last_success_ms": 0, "record": replace(record_of("ann", "20.1.1.1"), signed=b"x" * 449)},
        {"last_success_ms": 0, "record": replace(record_of("ann", "20.1.1.1"), signature=b"")},
        {"last_success_ms": 0, "record": record_of("ann", "20.1.1.1", time_ms=10**400)},
        {"last_success_ms": 0, "record": record_of("ann", "20.1.1.1", time_ms=-1)},
    ],
)
def test_an_entry_that_is_of_no_use_is_left_out(changes: dict[str, Any]) -> None:
    assert sound(replace(GOOD, **changes), WALL_MS) is None


def test_numbers_out_of_bounds_are_cut() -> None:
    odd = replace(GOOD, heard_ms=-5, last_try_ms=WALL_MS + 5, failures=10**30, source=peer_id(1))

    cut = sound(odd, WALL_MS)

    assert cut == replace(GOOD, heard_ms=0, last_try_ms=WALL_MS, failures=FAILURES_LIMIT)


entries = st.builds(
    BookEntry,
    st.one_of(st.integers(0, 50).map(peer_id), st.binary(max_size=40).map(PeerId)),
    st.lists(
        st.builds(Address, st.text(max_size=5), st.integers(-1, 2**17), st.booleans()), max_size=9
    ).map(tuple),
    st.one_of(st.none(), st.integers(0, 50).map(lambda name: record_of(name, "20.1.1.1"))),
    st.one_of(st.none(), st.integers(0, 3).map(peer_id), st.binary(max_size=40).map(PeerId)),
    st.booleans(),
    st.integers(),
    st.integers(),
    st.integers(),
    st.integers(),
)
states = st.builds(
    BookState,
    st.binary(max_size=40),
    st.lists(entries, max_size=60).map(tuple),
    st.lists(st.integers(0, 50).map(peer_id), max_size=5).map(tuple),
    st.lists(st.one_of(st.text(max_size=9), st.integers(0, 200).map("20.{}.0.0/16".format))).map(
        tuple
    ),
)


@settings(max_examples=EFFORT.property_examples)
@given(states)
def test_whatever_was_read_the_book_is_within_its_bounds_and_usable(state: BookState) -> None:
    book = AddressBook(random.Random(1))

    book.restore(state, WALL_MS)

    assert all(holding.count <= holding.limit for holding in book.holdings())
    assert len(book.anchors) <= limits.ANCHORS
    found = book.candidates(100, random.Random(1), WALL_MS)
    assert len(found) == len(book)
    assert all(candidate.addresses for candidate in found)


def test_more_than_fits_is_cut_when_it_is_read() -> None:
    source = peer_id("source")
    heard = tuple(
        BookEntry(peer_id(n), (), record_of(n, f"20.{n}.1.1"), source, is_tried=False, heard_ms=1)
        for n in range(200)
    )
    dialled = tuple(replace(GOOD, peer=peer_id(n), record=None) for n in range(500, 900))
    book = AddressBook(random.Random(1))

    book.restore(BookState(bytes(32), heard + dialled, ()), WALL_MS)

    assert all(holding.count <= holding.limit for holding in book.holdings())
    assert len([n for n in range(200) if peer_id(n) in book]) == limits.BOOK_PER_SOURCE


def test_addresses_are_normal_distinct_and_few() -> None:
    told = [Address("::ffff:20.1.1.1", 5555), Address("20.1.1.1", 5555), Address("20.1.1.1", 5556)]
    many = [Address("20.1.1.1", port) for port in range(1024, 1044)]

    assert diallable(told) == (told[1], told[2])
    assert len(diallable(many)) == limits.RECORD_ADDRESSES


@pytest.mark.parametrize(
    ("host", "filled_with", "chosen_with"),
    [
        ("20.1.2.3", "20.1.0.0/16", "20.1.0.0/16"),
        ("::ffff:20.1.2.3", "20.1.0.0/16", "20.1.0.0/16"),
        ("2001:470:1::1", "2001:470::/32", "2001:470::/32"),
        ("192.168.1.7", "192.168.1.0/24", "192.168.1.7"),
        ("fd00::1:2", "fd00::/64", "fd00::1:2"),
        ("fe80::1%eth0", "fe80::/64", "fe80::1%eth0"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("Chat.example.org", "chat.example.org", "Chat.example.org"),
    ],
)
def test_a_host_belongs_to_a_network(host: str, filled_with: str, chosen_with: str) -> None:
    assert subnet(host) == filled_with
    assert spread_group(host) == chosen_with

"""The address book: bounded, aged, the same in the next run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.address_book import AddressBook
from p2pchat.core.book_entries import BookState
from p2pchat.core.records import AddressRecord
from p2pchat.core.values import Address, PeerId
from tests.core.book_support import DAY_MS, HOUR_MS, WALL_MS, peer_id, public_ip, record_of
from tests.effort import EFFORT

ANN, BEN, SOURCE = peer_id("ann"), peer_id("ben"), peer_id("source")
LIFE_MS = int(limits.BOOK_LIFE_S * 1000)


def new_book(seed: int = 1) -> AddressBook:
    return AddressBook(random.Random(seed))


def address(network: int = 1, machine: int = 1) -> Address:
    return Address(public_ip(network, machine), 55555)


def chosen(book: AddressBook, wall_ms: int = WALL_MS, count: int = 64) -> list[PeerId]:
    return [found.peer for found in book.candidates(count, random.Random(7), wall_ms)]


def restored(state: BookState, wall_ms: int = WALL_MS) -> AddressBook:
    book = new_book(99)
    book.restore(state, wall_ms)
    return book


def test_who_was_heard_of_can_be_dialled() -> None:
    book, record = new_book(), record_of("ann", "20.1.1.1")

    assert book.add(record, SOURCE, WALL_MS)

    (found,) = book.candidates(5, random.Random(1), WALL_MS)
    assert (found.peer, found.addresses, found.record) == (ANN, record.addresses, record)
    assert ANN in book
    assert len(book) == 1


@pytest.mark.parametrize(
    "record",
    [
        record_of("ann"),
        record_of("ann", "20.1.1.1", is_diallable=False),
        record_of("ann", "20.1.1.1", time_ms=WALL_MS - 2 * DAY_MS),
        record_of("ann", "20.1.1.1", time_ms=WALL_MS + HOUR_MS),
    ],
    ids=["no address", "undiallable", "old", "ahead"],
)
def test_a_record_that_leads_nowhere_is_refused(record: AddressRecord) -> None:
    book = new_book()

    assert not book.add(record, SOURCE, WALL_MS)
    assert len(book) == 0
    assert not book.is_changed


def test_the_later_record_of_a_peer_counts_in_whatever_order_they_come() -> None:
    old = record_of("ann", "20.1.1.1", time_ms=WALL_MS)
    late = record_of("ann", "30.1.1.1", time_ms=WALL_MS + 1)
    forwards, backwards = new_book(), new_book()

    learnt = [forwards.add(record, SOURCE, WALL_MS) for record in (old, late)]
    learnt += [backwards.add(record, SOURCE, WALL_MS) for record in (late, old)]

    assert learnt == [True, True, True, False]
    assert forwards.candidates(1, random.Random(1), WALL_MS)[0].record == late
    assert backwards.candidates(1, random.Random(1), WALL_MS)[0].record == late
    assert len(forwards) == len(backwards) == 1


def test_a_dialled_peer_keeps_the_address_that_worked_before_what_his_record_tells() -> None:
    book = new_book()
    book.note_success(ANN, (address(1),), record_of("ann", "20.2.1.1"), WALL_MS)
    book.add(record_of("ann", "20.3.1.1", time_ms=WALL_MS + 1), SOURCE, WALL_MS)

    (found,) = book.candidates(1, random.Random(1), WALL_MS)

    assert found.addresses == (address(1), Address("20.3.1.1", 55555))


def test_a_dialled_peer_needs_no_record_and_a_name_will_do() -> None:
    book = new_book()

    book.note_success(ANN, (Address("chat.example.org", 55555),), None, WALL_MS)

    (found,) = book.candidates(1, random.Random(1), WALL_MS)
    assert found.addresses == (Address("chat.example.org", 55555),)
    assert found.record is None


def test_a_success_without_any_address_is_nothing_to_remember() -> None:
    book = new_book()

    book.note_success(ANN, (), None, WALL_MS)
    book.note_success(BEN, (Address("20.1.1.1", 5555, plain=True), Address("::", 1)), None, WALL_MS)

    assert len(book) == 0


def test_who_was_dialled_is_kept_for_a_week_and_who_was_only_heard_of_for_a_day() -> None:
    book = new_book()
    book.note_success(ANN, (address(1),), record_of("ann", "20.2.1.1"), WALL_MS)
    book.add(record_of("ben", "20.3.1.1"), SOURCE, WALL_MS)

    assert sorted(chosen(book)) == sorted([ANN, BEN])
    assert chosen(book, WALL_MS + DAY_MS + 1) == [ANN]
    assert chosen(book, WALL_MS + LIFE_MS) == [ANN]
    assert chosen(book, WALL_MS + LIFE_MS + 1) == []


def test_a_record_that_is_no_longer_valid_is_not_handed_on() -> None:
    book = new_book()
    book.note_success(ANN, (address(1),), record_of("ann", "20.2.1.1"), WALL_MS)

    (found,) = book.candidates(1, random.Random(1), WALL_MS + 2 * DAY_MS)

    assert found.record is None
    assert found.addresses[0] == address(1)


def test_a_failed_dial_makes_a_peer_less_likely_and_never_impossible() -> None:
    book = new_book()
    for name, machine in (("ann", 1), ("ben", 2)):
        book.note_success(peer_id(name), (address(1, machine),), None, WALL_MS)
    for _ in range(50):
        book.note_failure(ANN, WALL_MS)
    rng = random.Random(3)

    firsts = Counter(book.candidates(1, rng, WALL_MS)[0].peer for _ in range(2_000))

    assert 0 < firsts[ANN] < firsts[BEN] / 5


def test_a_success_forgives_all_failures() -> None:
    book = new_book()
    book.note_success(ANN, (address(),), None, WALL_MS)
    book.note_failure(ANN, WALL_MS)

    book.note_success(ANN, (), None, WALL_MS)

    (entry,) = book.snapshot().entries
    assert (entry.failures, entry.addresses) == (0, (address(),))


def test_anchors_come_first_and_are_those_that_we_dialled() -> None:
    book = new_book()
    names = [f"peer {number}" for number in range(40)]
    for number, name in enumerate(names):
        book.note_success(peer_id(name), (address(number),), None, WALL_MS)
    book.add(record_of("ben", "20.200.1.1"), SOURCE, WALL_MS)
    wanted = [peer_id(name) for name in ("peer 3", "peer 1", "peer 2")]

    book.set_anchors([BEN, peer_id("nobody"), wanted[0], *wanted])

    assert book.anchors == tuple(wanted[: limits.ANCHORS])
    assert chosen(book)[: limits.ANCHORS] == wanted[: limits.ANCHORS]
    assert len(set(chosen(book))) == 41


def test_an_anchor_is_passed_over_when_forgotten_expired_or_not_wanted() -> None:
    book = new_book()
    for peer, network in ((ANN, 1), (BEN, 2)):
        book.note_success(peer, (address(network),), None, WALL_MS)
    book.set_anchors([ANN, BEN])

    unwanted = book.candidates(5, random.Random(1), WALL_MS, without={ANN})
    late = chosen(book, WALL_MS + LIFE_MS + 1)
    book.forget(ANN)

    assert [found.peer for found in unwanted] == [BEN]
    assert late == []
    assert book.anchors == (BEN,)
    assert chosen(book) == [BEN]


def test_changes_are_told_once() -> None:
    book = new_book()
    steps: list[Callable[[], object]] = [
        lambda: book.note_success(ANN, (address(),), None, WALL_MS),
        lambda: book.add(record_of("ben", "20.3.1.1"), SOURCE, WALL_MS),
        lambda: book.note_failure(BEN, WALL_MS),
        lambda: book.set_anchors([ANN]),
        lambda: book.forget(BEN),
    ]

    told = []
    for step in steps:
        step()
        told += [book.take_changed(), book.take_changed()]
        step()
        book.take_changed()
    book.set_anchors([])
    book.set_anchors([])
    book.note_failure(peer_id("nobody"), WALL_MS)
    book.forget(peer_id("nobody"))

    assert told == [True, False] * len(steps)


def test_a_source_gets_so_many_places_and_its_worthless_ones_make_room() -> None:
    book = new_book()
    for number in range(limits.BOOK_PER_SOURCE):
        assert book.add(record_of(number, public_ip(number, 1)), SOURCE, WALL_MS)

    assert not book.add(record_of("more", "30.1.1.1"), SOURCE, WALL_MS)
    assert book.add(record_of("others", "30.1.1.1"), ANN, WALL_MS)
    book.note_failure(peer_id(5), WALL_MS)
    assert book.add(record_of("more", "30.1.1.1"), SOURCE, WALL_MS)

    assert peer_id(5) not in book
    assert len(book) == limits.BOOK_PER_SOURCE + 1


def test_a_newcomer_does_not_displace_who_was_reached_later() -> None:
    book = new_book()
    for number in range(2_000):
        book.note_success(peer_id(number), (address(3, number),), None, WALL_MS)
    before = {entry.peer for entry in book.snapshot().entries if entry.is_tried}

    book.note_success(ANN, (address(3, 2_500),), None, WALL_MS - 1)

    after = {entry.peer for entry in book.snapshot().entries if entry.is_tried}
    assert before <= after | {ANN}
    assert ANN in book


def test_local_peers_count_one_each_beside_the_networks_of_the_world() -> None:
    book = new_book()
    for number in range(20):
        book.note_success(
            peer_id(f"near {number}"), (Address(f"192.168.1.{number}", 5555),), None, WALL_MS
        )
        book.note_success(peer_id(f"far {number}"), (address(3, number),), None, WALL_MS)
    near = {peer_id(f"near {number}") for number in range(20)}

    assert len(near & set(chosen(book, count=20))) >= 15


def a_book() -> AddressBook:
    book = new_book()
    for number in range(60):
        name = f"peer {number}"
        book.add(record_of(name, public_ip(number, 1)), peer_id(number % 3), WALL_MS - number)
        if number % 3 == 0:
            book.note_success(peer_id(name), (address(number),), None, WALL_MS - number)
        if number % 5 == 0:
            book.note_failure(peer_id(name), WALL_MS)
    book.set_anchors([peer_id("peer 3"), peer_id("peer 9")])
    return book


def test_another_run_knows_what_this_one_knew() -> None:
    state = a_book().snapshot()

    book = restored(state)

    assert book.snapshot() == state
    assert not book.is_changed


def test_what_expired_meanwhile_is_left_out() -> None:
    book = restored(a_book().snapshot(), WALL_MS + 2 * DAY_MS)

    assert len(book) == 20
    assert book.is_changed
    assert len(restored(a_book().snapshot(), WALL_MS + 2 * LIFE_MS)) == 0


def test_times_that_are_yet_to_come_are_not_believed() -> None:
    book = new_book()
    book.note_success(ANN, (address(),), None, WALL_MS + 1_000 * DAY_MS)

    (entry,) = restored(book.snapshot()).snapshot().entries

    assert (entry.heard_ms, entry.last_success_ms, entry.last_try_ms) == (WALL_MS,) * 3


addresses = st.builds(
    Address,
    st.sampled_from(["20.1.1.1", "30.1.1.1", "10.0.0.1", "127.0.0.1", "2001:470::1", "fd00::1"]),
    st.integers(1024, 65535),
)
names = st.integers(0, 400)
times = st.integers(WALL_MS - 9 * DAY_MS, WALL_MS + DAY_MS)
steps = st.one_of(
    st.tuples(st.just("add"), names, st.lists(addresses, max_size=8, unique=True), names, times),
    st.tuples(st.just("success"), names, st.lists(addresses, max_size=9), names, times),
    st.tuples(st.just("failure"), names, st.none(), names, times),
    st.tuples(st.just("forget"), names, st.none(), names, times),
    st.tuples(st.just("anchor"), names, st.none(), names, times),
    st.tuples(st.just("burst"), names, st.lists(addresses, min_size=1, max_size=1), names, times),
)


def perform(book: AddressBook, step: tuple[str, int, list[Address] | None, int, int]) -> None:
    what, name, told, other, wall_ms = step
    where = tuple(told or ())
    match what:
        case "add":
            hosts = dict.fromkeys(address.host for address in where)
            record = record_of(name, *hosts, time_ms=wall_ms)
            book.add(record, peer_id(other), wall_ms)
        case "success":
            book.note_success(peer_id(name), where, None, wall_ms)
        case "failure":
            book.note_failure(peer_id(name), wall_ms)
        case "forget":
            book.forget(peer_id(name))
        case "anchor":
            book.set_anchors([peer_id(name), peer_id(other)])
        case "burst":
            for number in range(100):
                book.note_success(peer_id(("burst", name, number)), where, None, wall_ms)
                record = record_of(("new", name, number), where[0].host, time_ms=wall_ms)
                book.add(record, peer_id(("source", number % 3)), wall_ms)


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(st.lists(steps, max_size=40), st.randoms(use_true_random=False))
def test_whatever_happens_the_bounds_hold_and_nothing_is_chosen_wrongly(
    sequence: list[tuple[str, int, list[Address] | None, int, int]], rng: random.Random
) -> None:
    book = AddressBook(rng)

    for step in sequence:
        perform(book, step)
        for holding in book.holdings():
            assert holding.count <= holding.limit

    found = book.candidates(64, rng, WALL_MS)
    entries = {entry.peer: entry for entry in book.snapshot().entries}
    assert len(found) == len({candidate.peer for candidate in found}) <= 64
    assert not any(entries[candidate.peer].is_expired(WALL_MS) for candidate in found)
    assert all(1 <= len(c.addresses) <= limits.RECORD_ADDRESSES for c in found)
    assert len(entries) == len(book) == len(book.snapshot().entries)
    again = restored(book.snapshot())
    assert restored(again.snapshot()).snapshot() == again.snapshot()
    assert {c.peer for c in again.candidates(5_000, rng, WALL_MS)} == {
        c.peer for c in book.candidates(5_000, rng, WALL_MS)
    }

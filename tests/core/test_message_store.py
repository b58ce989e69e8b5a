from __future__ import annotations

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import STORED_OVERHEAD_BYTES
from p2pchat.core.message_store import MessageStore, Stored, minute_of
from p2pchat.core.series import Series, series_of
from p2pchat.core.values import EnvelopeId
from tests.core.repair_network import envelope, epoch, peer

MINUTE_MS = 60_000


def series(name: str) -> Series:
    return series_of(peer(name), epoch(name))


def keep(
    store: MessageStore, name: str, first: int, size: int = 1, time_ms: int = 0, body: bytes = b""
) -> Stored:
    stored = Stored.of(envelope(name, first, size, time_ms=time_ms, body=body), hops=1)
    store.add(series(name), stored)
    return stored


def digest_of(*stored: Stored) -> bytes:
    ids = b"".join(sorted(kept.id for kept in stored))
    return blake2b(ids, digest_size=8).digest()


def test_an_envelope_is_found_by_any_of_its_numbers() -> None:
    store = MessageStore()
    kept = keep(store, "bob", 5, 3)

    found = [list(store.within(series("bob"), n, n + 1)) for n in range(4, 9)]

    assert found == [[], [kept], [kept], [kept], []]
    assert list(store.within(series("carol"), 5, 6)) == []


def test_an_envelope_is_found_by_its_id_as_long_as_it_is_kept() -> None:
    store = MessageStore()
    old, young = keep(store, "bob", 0), keep(store, "bob", 1, time_ms=MINUTE_MS)

    store.forget_before(1)

    assert store.named(EnvelopeId(old.id)) is None
    assert store.named(EnvelopeId(young.id)) == young


@given(st.permutations(range(0, 40, 4)), st.integers(0, 44), st.integers(0, 44))
def test_a_span_finds_what_overlaps_it_lowest_first(
    firsts: list[int], start: int, stop: int
) -> None:
    store = MessageStore()
    for first in firsts:
        keep(store, "bob", first, 3)

    found = [kept.first for kept in store.within(series("bob"), start, stop)]

    assert found == [f for f in range(0, 40, 4) if f < stop and f + 3 > start and start < stop]


def test_the_digest_of_a_minute_is_over_its_sorted_ids() -> None:
    store = MessageStore()
    kept = [keep(store, name, 0, time_ms=90_000) for name in ("bob", "carol", "dave")]
    keep(store, "eve", 0, time_ms=10_000)

    assert store.digest(1) == digest_of(*kept)
    assert store.digest(7) == digest_of()


def test_the_digest_follows_every_change() -> None:
    store = MessageStore()
    first = keep(store, "bob", 0)
    before = store.digest(0)

    second = keep(store, "bob", 1)

    assert before == digest_of(first)
    assert store.digest(0) == digest_of(first, second)


def test_equal_stores_have_equal_digests_in_whatever_order_they_were_filled() -> None:
    one, other = MessageStore(), MessageStore()
    for name, first in (("bob", 0), ("carol", 0), ("bob", 1)):
        keep(one, name, first)
    for name, first in (("bob", 1), ("bob", 0), ("carol", 0)):
        keep(other, name, first)

    assert one.digest(0) == other.digest(0)


def test_when_full_the_oldest_of_who_has_most_goes() -> None:
    store = MessageStore(limit_bytes=12 * (STORED_OVERHEAD_BYTES + 1_300))
    quiet = keep(store, "quiet", 0, body=bytes(1_000), time_ms=0)

    loud = [keep(store, "loud", n, body=bytes(1_000), time_ms=1 + n) for n in range(40)]

    kept = list(store.within(series("loud"), 0, 40))
    assert list(store.within(series("quiet"), 0, 1)) == [quiet]
    assert 0 < len(kept) < 40
    assert kept == loud[-len(kept) :], "only the oldest went"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3 * MINUTE_MS), st.booleans())))
def test_bytes_and_minutes_are_accounted_for(added: list[tuple[str, int, bool]]) -> None:
    store = MessageStore(limit_bytes=5 * (STORED_OVERHEAD_BYTES + 200))
    for number, (name, time_ms, is_long) in enumerate(added):
        keep(store, name, number, time_ms=time_ms, body=bytes(300 * is_long))

    kept = [stored for name in "abc" for stored in store.within(series(name), 0, len(added))]

    assert store.size_bytes == sum(stored.size_bytes for stored in kept)
    assert store.size_bytes <= 5 * (STORED_OVERHEAD_BYTES + 200)
    assert len(store) == len(kept)
    for minute in range(4):
        there = [stored for stored in kept if minute_of(stored.time_ms) == minute]
        assert store.digest(minute) == digest_of(*there)
        assert store.is_empty(minute) == (not there)
        counts = [store.count(minute, peer(name)) for name in "abc"]
        assert sum(counts) == len(there)


def test_what_is_older_than_a_minute_named_is_forgotten() -> None:
    store = MessageStore()
    for minute in range(5):
        keep(store, "bob", minute, time_ms=minute * MINUTE_MS)
        keep(store, "carol", minute, time_ms=minute * MINUTE_MS)

    store.forget_before(3)

    left = [stored.first for stored in store.within(series("bob"), 0, 9)]
    assert left == [3, 4]
    assert len(store) == 4
    assert store.newest_minute == 4


def test_spans_of_a_minute_join_neighbouring_envelopes() -> None:
    store = MessageStore()
    for first in (4, 0, 2, 9):
        keep(store, "bob", first, 2)

    assert store.spans(0, series("bob")) == [(0, 6), (9, 11)]
    assert store.spans(0, series("carol")) == []


def test_series_of_a_minute_come_in_alphabetical_order_behind_a_place() -> None:
    store = MessageStore()
    names = ["bob", "carol", "dave"]
    for name in names:
        keep(store, name, 0)
    ordered = sorted(series(name) for name in names)

    assert list(store.series_after(0, b"")) == ordered
    assert list(store.series_after(0, ordered[0])) == ordered[1:]
    assert list(store.series_after(1, b"")) == []

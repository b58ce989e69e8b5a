"""The address book against whoever has many keys and few networks."""

from __future__ import annotations

import random

import pytest

from p2pchat.core import limits
from p2pchat.core.address_book import GROUP_BUCKETS, AddressBook
from p2pchat.core.values import Address
from tests.core.book_support import WALL_MS, peer_id, public_ip, record_of
from tests.effort import EFFORT

SOURCE = peer_id("source")
GROUP_LIMIT = GROUP_BUCKETS * limits.BOOK_BUCKET_ENTRIES


@pytest.mark.threat(8)
def test_ten_thousand_addresses_of_one_victim_get_few_places_and_displace_nobody_dialled() -> None:
    book = AddressBook(random.Random(1))
    friends = [peer_id(f"friend {number}") for number in range(300)]
    for number, friend in enumerate(friends):
        book.note_success(friend, (Address(public_ip(number % 60, number), 55555),), None, WALL_MS)
    held = {friend for friend in friends if friend in book}

    for number in range(10_000):
        record = record_of(number, public_ip(3, 77), port=1024 + number)
        book.add(record, SOURCE, WALL_MS + number)

    from_source = [peer for peer in range(10_000) if peer_id(peer) in book]
    assert 0 < len(from_source) <= limits.BOOK_PER_SOURCE
    assert {friend for friend in friends if friend in book} == held
    assert len(held) > 290


@pytest.mark.threat(7)
def test_one_network_reaches_few_buckets_whatever_keys_and_sources_it_makes_up() -> None:
    book = AddressBook(random.Random(1))

    for number in range(5_000):
        ip = public_ip(3, number)
        book.add(record_of(number, ip), peer_id(f"source {number}"), WALL_MS)
        book.note_success(peer_id(f"tried {number}"), (Address(ip, 5555),), None, WALL_MS)

    assert len(book) <= 2 * GROUP_LIMIT


def share_of_honest(seed: int) -> float:
    """Part of the honest in 64 candidates; all were heard of, then one in ten was dialled."""
    rng = random.Random(seed)
    book = AddressBook(rng)
    adds = [(f"honest {n}", public_ip(100 + n % 120, n)) for n in range(500)]
    adds += [(f"sybil {n}", public_ip(n % 8, n)) for n in range(2_000)]
    rng.shuffle(adds)
    for step, (name, ip) in enumerate(adds):
        source = peer_id(f"source of {name.split()[0]} {step % 100}")
        book.add(record_of(name, ip), source, WALL_MS + step)
        if rng.random() < 0.1:
            book.note_success(peer_id(name), (Address(ip, 55555),), None, WALL_MS + step)
    honest = {peer_id(name) for name, _ in adds if name.startswith("honest")}
    found = book.candidates(64, rng, WALL_MS)
    return sum(candidate.peer in honest for candidate in found) / len(found)


def test_many_ids_in_few_networks_are_rarely_chosen() -> None:
    shares = [share_of_honest(seed) for seed in range(EFFORT.simulation_seeds)]

    # A fifth of what was added is honest.
    assert min(shares) > 0.6, shares
    assert sum(shares) / len(shares) > 0.75, shares

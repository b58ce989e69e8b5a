"""The passive view: who is remembered, who gives way, whom to dial next."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known, PassiveView, backoff_s
from p2pchat.core.records import netgroup
from p2pchat.core.values import Address
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import WALL_MS, known_of, read_record
from tests.effort import EFFORT


def view_of(*known: Known) -> PassiveView:
    view = PassiveView(random.Random(1))
    for one in known:
        view.put(one)
    return view


def test_a_failed_dial_waits_longer_each_time_and_is_not_forgotten() -> None:
    view = view_of(known_of("bob"))
    bob = sim_peer_id("bob")
    waits = []

    for _ in range(12):
        view.note_failure(bob, 100.0)
        due = view.next_due(())
        assert due is not None
        waits.append(due - 100.0)

    assert bob in view
    assert 4.0 <= waits[0] <= 6.0
    longest = limits.DIAL_BACKOFF_LONGEST_S * (1 + limits.DIAL_BACKOFF_SPREAD)
    assert waits[0] < waits[2] < waits[4] < max(waits) <= longest


@pytest.mark.parametrize("failures", [1, 5, 100, 100_000])
def test_no_number_of_failures_is_too_much_to_compute(failures: int) -> None:
    assert 0 < backoff_s(failures, random.Random(1)) <= limits.DIAL_BACKOFF_LONGEST_S * 1.2


def test_after_a_change_of_the_network_nobody_waits() -> None:
    view = view_of(known_of("bob"))
    view.note_failure(sim_peer_id("bob"), 100.0)

    view.reset_waits(101.0)

    assert view.next_due(()) == 101.0


def test_who_is_due_and_has_failed_least_is_chosen() -> None:
    view = view_of(known_of("bob"), known_of("cid"), known_of("dan"))
    view.note_failure(sim_peer_id("bob"), 0.0)
    view.wait(sim_peer_id("cid"), 1_000.0)

    assert view.pick(100.0, (), ()) is view.get(sim_peer_id("dan"))
    assert view.pick(100.0, {sim_peer_id("dan")}, ()) is view.get(sim_peer_id("bob"))
    assert view.pick(1.0, {sim_peer_id("dan")}, ()) is None


def test_other_networks_come_first_and_many_in_one_weigh_as_one() -> None:
    crowd = [known_of(f"n{n}", f"8.8.{n}.1") for n in range(12)]
    view = view_of(*crowd, known_of("bob", "9.9.9.9"), known_of("cid", "1.1.1.1"))

    chosen = Counter(known.ip for _ in range(300) if (known := view.pick(0.0, (), {"9.9.0.0/16"})))

    assert "9.9.9.9" not in chosen, "an own dial leads there already"
    assert 100 < chosen["1.1.1.1"] < 200


def test_the_network_with_most_in_a_full_view_gives_way() -> None:
    crowd = [known_of(f"n{n}", f"8.8.{n}.1") for n in range(limits.PASSIVE_LIMIT)]
    others = [known_of(f"m{n}", f"20.{n}.0.1") for n in range(limits.PASSIVE_LIMIT)]
    view = view_of(*crowd)
    full = len(view)

    for other in others:
        view.put(other)
    for number in range(1_000):
        view.put(known_of(f"more {number}", f"8.8.{number % 250}.2"))

    assert full == limits.PASSIVE_LIMIT, "where all are in one network it is of use too"
    assert len(view) == limits.PASSIVE_LIMIT
    assert sum(known.ip.startswith("8.8.") for known in view.everybody()) <= 1


def test_private_addresses_are_nobodys_network_and_do_not_give_way_to_one() -> None:
    view = view_of(*(known_of(f"n{n}", f"10.1.0.{n + 1}") for n in range(limits.PASSIVE_LIMIT)))

    for number in range(100):
        view.put(known_of(f"m{number}", f"8.8.{number}.1"))

    assert sum(known.ip.startswith("8.8.") for known in view.everybody()) == 1


def test_one_public_address_is_remembered_four_times() -> None:
    view = view_of(*(known_of(f"n{n}", "9.9.9.9") for n in range(40)))

    assert len(view) == 4


def test_whom_we_dialled_does_not_give_way_to_hearsay() -> None:
    view = view_of()
    for number in range(limits.PASSIVE_LIMIT // 2):
        dialled = known_of(f"d{number}")
        dialled.dialled_at = 1.0
        view.put(dialled)

    for number in range(1_000):
        view.put(known_of(f"h{number}"))

    assert len(view) == limits.PASSIVE_LIMIT
    dialled_left = sum(known.dialled_at is not None for known in view.everybody())
    assert dialled_left == limits.PASSIVE_LIMIT // 2


def test_who_gives_way_is_whom_nobody_can_reach_once_there_are_many_of_them() -> None:
    view = view_of(*(known_of(f"n{n}") for n in range(limits.PASSIVE_LIMIT)))
    failed = [known.peer for known in view.everybody()][: limits.PASSIVE_LIMIT // 4 + 1]
    for peer in failed:
        view.note_failure(peer, 0.0)

    for number in range(2):
        view.put(known_of(f"late{number}"))

    assert sum(peer in view for peer in failed) == len(failed) - 2


def test_a_sample_is_of_those_wanted_and_each_has_the_same_chance() -> None:
    view = view_of(*(known_of(f"n{n}", f"10.0.0.{n}") for n in range(8)))
    wanted = {f"10.0.0.{n}" for n in range(4)}

    samples = [view.sample(2, lambda known: known.ip in wanted) for _ in range(400)]

    chosen = Counter(known.ip for sample in samples for known in sample)
    assert all(sample[0] is not sample[1] for sample in samples)
    assert set(chosen) == wanted
    assert min(chosen.values()) > 150
    assert len(view.sample(9, lambda known: known.ip in wanted)) == 4


def test_a_newer_record_replaces_an_older_one_and_not_the_reverse() -> None:
    view = view_of(known_of("bob"))
    newer = read_record("bob", "10.9.9.9:55555", time_ms=WALL_MS + 1)

    view.put(Known(sim_peer_id("bob"), newer.addresses, How.MESH, newer, 1))
    view.put(known_of("bob"))

    known = view.get(sim_peer_id("bob"))
    assert known is not None
    assert (known.record, known.addresses) == (newer, newer.addresses)
    assert len(view) == 1


def test_what_was_passed_on_twice_or_is_without_a_record_goes_no_further() -> None:
    twice = known_of("bob", passed_on=limits.RECORD_PASSED_LIMIT)
    unsigned = Known(sim_peer_id("cid"), (Address("10.1.1.1", 55555),), How.LAN, dialled_at=0.0)

    assert known_of("dan", passed_on=1).can_be_passed_on(0.0)
    assert not twice.can_be_passed_on(0.0)
    assert not unsigned.can_be_passed_on(0.0)
    twice.dialled_at = 0.0
    assert twice.can_be_passed_on(limits.RECORD_LIFE_S)
    assert not twice.can_be_passed_on(limits.RECORD_LIFE_S + 1)


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(["8.8", "9.9", "10.1"]), st.booleans()),
        max_size=300,
    ),
    st.integers(0, 2**32),
)
def test_the_view_keeps_its_bounds_whoever_comes_and_goes(
    moves: list[tuple[int, str, bool]], seed: int
) -> None:
    view = PassiveView(random.Random(seed))

    for number, network, is_coming in moves:
        name = f"n{number}"
        if is_coming:
            ip = f"{network}.1.{number}"
            view.put(Known(sim_peer_id(name), (Address(ip, 55555),), How.MESH))
        else:
            view.take(sim_peer_id(name))

    groups = Counter(netgroup(known.ip) for known in view.everybody())
    del groups[None]
    assert len(view) <= limits.PASSIVE_LIMIT
    assert max(groups.values(), default=0) <= limits.PASSIVE_LIMIT // 4
    for known in list(view.everybody()):
        assert view.take(known.peer) is known
    # Everything that was counted is gone with the last: the next crowd has its places.
    for number in range(16):
        assert view.put(known_of(f"late{number}", f"8.8.{number}.9"))

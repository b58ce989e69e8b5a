"""Insistence: which networks join again and again, and how that is forgotten."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.insistence import NETWORKS_LIMIT, Insistence

HOUR_S = 3600.0


def test_a_network_that_joins_again_and_again_is_insistent_and_others_are_not() -> None:
    insistence = Insistence()

    insistent = []
    for _ in range(limits.INSISTENT_JOINS):
        insistence.note("20.7.0.0/16", 1.0)
        insistent.append(insistence.of("20.7.0.0/16", 1.0))
    insistence.note("20.9.0.0/16", 1.0)

    assert insistent == [False] * (limits.INSISTENT_JOINS - 1) + [True]
    assert insistence.networks(1.0) == {"20.7.0.0/16"}


def test_once_an_hour_is_never_too_often_and_twice_an_hour_is_after_a_while() -> None:
    seldom, often = Insistence(), Insistence()

    for half_hour in range(200):
        now = half_hour * HOUR_S / 2
        often.note("20.7.0.0/16", now)
        if half_hour % 2:
            seldom.note("20.7.0.0/16", now)
            assert not seldom.of("20.7.0.0/16", now)

    assert often.of("20.7.0.0/16", 100 * HOUR_S)


def test_who_was_insistent_before_a_start_is_for_an_hour_and_longer_only_by_joining() -> None:
    insistence = Insistence()
    insistence.assume(["20.7.0.0/16", "20.9.0.0/16"], 1.0)
    for minute in range(90):
        insistence.note("20.9.0.0/16", 1.0 + 60 * minute)

    assert insistence.networks(0.9 * HOUR_S) == {"20.7.0.0/16", "20.9.0.0/16"}
    assert insistence.networks(1.1 * HOUR_S) == {"20.9.0.0/16"}


def test_who_has_been_quiet_is_not_insistent_any_more() -> None:
    insistence = Insistence()
    for _ in range(limits.INSISTENT_JOINS):
        insistence.note("20.7.0.0/16", 1.0)

    assert not insistence.of("20.7.0.0/16", 1.0 + limits.INSISTENT_HALVED_S / 10)


def test_private_addresses_are_no_network() -> None:
    insistence = Insistence()
    for _ in range(10 * limits.INSISTENT_JOINS):
        insistence.note(None, 1.0)

    assert not insistence.of(None, 1.0)
    assert len(insistence) == 0


def test_it_counts_a_bounded_number_of_networks_and_forgets_who_joined_longest_ago() -> None:
    insistence = Insistence()
    for number in range(NETWORKS_LIMIT):
        insistence.note(f"network {number}", 1.0)
    for _ in range(limits.INSISTENT_JOINS):
        insistence.note("network 0", 1.0)

    insistence.note("one more", 1.0)

    assert len(insistence) == NETWORKS_LIMIT
    assert insistence.networks(1.0) == {"network 0"}

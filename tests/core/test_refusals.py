from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.refusals import Overrun, Refusals, TooFast
from tests.core.repair_network import peer

BOB = peer("bob")


def test_a_mute_ends() -> None:
    refusals = Refusals()

    refusals.mute(BOB, 5.0)

    assert refusals.is_muted(BOB, 4.0 + limits.CONFLICT_MUTE_S)
    assert not refusals.is_muted(BOB, 5.0 + limits.CONFLICT_MUTE_S)
    assert not refusals.is_muted(peer("carol"), 5.0)


def test_the_muted_are_bounded() -> None:
    refusals = Refusals()

    for number in range(limits.MUTED_LIMIT_AUTHORS + 1):
        refusals.mute(peer(str(number)), 0.0)

    muted = [refusals.is_muted(peer(str(n)), 1.0) for n in range(limits.MUTED_LIMIT_AUTHORS + 1)]
    assert muted.count(False) == 1
    assert not muted[0]


@pytest.mark.threat(4)
def test_what_came_too_fast_is_told_together() -> None:
    refusals = Refusals()
    for second in range(10):
        refusals.count(BOB, 34, float(second))
    assert refusals.on_time(9.0) == []

    assert refusals.on_time(limits.TOO_FAST_TOLD_EVERY_S) == [TooFast(BOB, 340)]
    assert refusals.next_deadline() is None


@pytest.mark.threat(5)
def test_a_crowd_is_told_in_a_few_lines_and_bounded() -> None:
    refusals = Refusals()
    for number in range(10 * limits.TOO_FAST_LIMIT_AUTHORS):
        refusals.count(peer(str(number)), 1 + number % 7, 0.0)

    *named, others = refusals.on_time(100.0)

    assert [told.messages for told in named if isinstance(told, TooFast)] == [7, 7, 7]
    counted = sum(1 + number % 7 for number in range(limits.TOO_FAST_LIMIT_AUTHORS))
    assert others == TooFast(None, counted - 21)


def test_who_is_muted_for_his_rate_is_told_so_and_heard_again() -> None:
    refusals = Refusals()
    refusals.count(BOB, 340, 0.0)
    refusals.mute_loud(BOB, 1.0)

    assert refusals.is_muted(BOB, 0.9 + limits.TOO_FAST_MUTE_S)
    assert not refusals.is_muted(BOB, 1.0 + limits.TOO_FAST_MUTE_S)
    assert refusals.on_time(10.0) == [TooFast(BOB, 340, is_muted=True)]


def test_nothing_is_counted_of_who_is_muted_for_a_conflict() -> None:
    refusals = Refusals()
    refusals.mute(BOB, 0.0)

    refusals.count(BOB, 5, 1.0)

    assert refusals.next_deadline() is None


def test_what_a_neighbour_passed_on_is_counted_by_itself() -> None:
    refusals = Refusals()

    refusals.count_lost(BOB, 0.0)
    refusals.count_lost(BOB, 1.0)

    assert refusals.on_time(10.0) == [Overrun(BOB, 2)]

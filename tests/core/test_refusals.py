from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.refusals import Refusals, TooFast
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
def test_who_is_counted_is_bounded() -> None:
    refusals = Refusals()

    for number in range(10 * limits.TOO_FAST_LIMIT_AUTHORS):
        refusals.count(peer(str(number)), 1, 0.0)

    assert len(refusals.on_time(100.0)) == limits.TOO_FAST_LIMIT_AUTHORS

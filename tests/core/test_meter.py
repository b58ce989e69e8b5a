from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.meter import Fading, Limit, Meter

LIMIT = Limit(envelopes=20, envelopes_per_s=5, size_bytes=1_000, bytes_per_s=100)

Arrival = tuple[float, int]
"""Seconds since the one before, and bytes."""

ARRIVALS = st.lists(st.tuples(st.floats(0, 3), st.integers(0, 600)), max_size=60)


def taken(meter: Meter, arrivals: list[Arrival]) -> list[Arrival]:
    """Offer a sequence; return what was taken, each with its time."""
    now = 0.0
    found = []
    for wait_s, size_bytes in arrivals:
        now += wait_s
        if meter.has_room(size_bytes, now):
            meter.charge(size_bytes, now)
            found.append((now, size_bytes))
    return found


def test_a_burst_is_taken_and_nothing_beyond_it() -> None:
    assert len(taken(Meter(LIMIT), [(0.0, 1)] * 50)) == 20


def test_a_burst_of_bytes_is_taken_and_nothing_beyond_it() -> None:
    assert len(taken(Meter(LIMIT), [(0.0, 250)] * 50)) == 4


def test_it_fills_up_again_and_no_further() -> None:
    meter = Meter(LIMIT)
    taken(meter, [(0.0, 1)] * 20)

    later = [meter.has_room(1, now) for now in (0.1, 0.2)]
    much_later = taken(meter, [(1e6, 1), *[(0.0, 1)] * 50])

    assert later == [False, True]
    assert len(much_later) == 20


@given(ARRIVALS)
def test_whatever_comes_no_span_of_time_exceeds_the_limit(arrivals: list[Arrival]) -> None:
    found = taken(Meter(LIMIT), arrivals)

    for first in range(len(found)):
        for last in range(first, len(found)):
            within = found[first : last + 1]
            seconds = within[-1][0] - within[0][0]
            assert len(within) <= 20 + 5 * seconds + 1e-3
            assert sum(size for _, size in within) <= 1_000 + 100 * seconds + 1e-3


@given(ARRIVALS)
def test_who_keeps_to_a_share_of_it_is_never_refused(arrivals: list[Arrival]) -> None:
    own, theirs = Meter(LIMIT.times(0.8)), Meter(LIMIT)

    for now, size_bytes in taken(own, arrivals):
        assert theirs.has_room(size_bytes, now)
        theirs.charge(size_bytes, now)


@given(ARRIVALS)
def test_it_is_ready_when_it_says_and_not_before(arrivals: list[Arrival]) -> None:
    meter = Meter(LIMIT)
    for now, size_bytes in arrivals:
        meter.charge(size_bytes, now)

    at = meter.ready_at()

    if at > -math.inf:
        assert meter.has_room(0, at + 1e-3)
        assert not meter.has_room(0, at - 1e-3)


def test_what_is_kept_for_others_cannot_be_had() -> None:
    meter = Meter(LIMIT)

    for _ in range(10):
        assert meter.has_room(1, 0.0, kept=0.5)
        meter.charge(1, 0.0)

    assert not meter.has_room(1, 0.0, kept=0.5)
    assert not meter.has_room(600, 0.0, kept=0.45)
    assert meter.has_room(1, 0.0)


def test_what_was_spent_fades() -> None:
    spent = Fading()
    spent.add(10.0, 0.0)

    spent.add(1.0, limits.SPENT_FADES_S)

    assert spent.value(limits.SPENT_FADES_S) == pytest.approx(1 + 10 / math.e)
    assert spent.value(limits.SPENT_FADES_S * 20) < 1e-6
    assert Fading().value(5.0) == 0.0

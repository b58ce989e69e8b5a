from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.intervals import Intervals
from p2pchat.core.limits import INTERVALS_LIMIT

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair)))
WIDE = st.tuples(st.integers(0, 2**54), st.integers(1, 2**53)).map(lambda p: (p[0], sum(p)))


def members(intervals: Intervals) -> set[int]:
    return {number for start, stop in intervals for number in range(start, stop)}


def of(spans: list[tuple[int, int]], limit: int = INTERVALS_LIMIT) -> Intervals:
    intervals = Intervals(limit)
    for span in spans:
        intervals.add(*span)
    return intervals


@given(st.lists(SPANS))
def test_it_holds_just_what_a_set_would_hold(spans: list[tuple[int, int]]) -> None:
    expected = {number for start, stop in spans for number in range(start, stop)}

    intervals = of(spans)

    assert members(intervals) == expected
    assert [n for n in range(80) if n in intervals] == sorted(expected)
    assert intervals.lowest == min(expected, default=None)
    assert intervals.stop == (max(expected) + 1 if expected else None)


@given(st.lists(SPANS))
def test_intervals_stay_apart_and_in_order(spans: list[tuple[int, int]]) -> None:
    intervals = of(spans)

    bounds = [bound for span in intervals for bound in span]
    assert bounds == sorted(set(bounds)), "touching ones have to be one"
    assert len(intervals) == len(list(intervals))


@given(st.lists(SPANS), SPANS)
def test_missing_and_overlaps_agree_with_a_set(
    spans: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    intervals = of(spans)
    wanted = set(range(*asked))

    missing = intervals.missing(*asked)

    assert {n for start, stop in missing for n in range(start, stop)} == wanted - members(intervals)
    assert all(start < stop for start, stop in missing)
    assert intervals.overlaps(*asked) == bool(wanted & members(intervals))


@given(st.lists(SPANS), st.lists(SPANS))
def test_merging_is_the_union(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    merged = of(one)

    merged.merge(of(other))

    assert members(merged) == members(of(one)) | members(of(other))


@given(st.lists(WIDE, max_size=40), st.integers(1, 4))
def test_however_wide_the_numbers_the_count_of_intervals_is_bounded(
    spans: list[tuple[int, int]], limit: int
) -> None:
    intervals = of(spans, limit)

    assert len(intervals) <= limit
    assert all(start in intervals and stop - 1 in intervals for start, stop in spans)


def test_where_one_interval_is_too_many_the_lowest_hole_is_closed() -> None:
    intervals = of([(0, 1), (10, 11), (20, 21)], limit=3)

    intervals.add(30, 31)

    assert list(intervals) == [(0, 11), (20, 21), (30, 31)]


def test_a_chain_of_a_million_is_one_interval() -> None:
    intervals = Intervals()

    for number in range(0, 1_000_000, 1_000):
        intervals.add(number, number + 1_000)

    assert list(intervals) == [(0, 1_000_000)]

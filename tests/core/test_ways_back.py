"""Ways back: where a token came from, for a while, for so many, for one answer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.values import ConnectionId
from p2pchat.core.ways_back import WaysBack
from tests.effort import EFFORT

ONE, OTHER = ConnectionId(1), ConnectionId(2)


def test_an_answer_goes_back_to_where_the_question_came_from_first() -> None:
    ways = WaysBack(8, 30.0)

    assert ways.remember(b"a", ONE, 0.0)
    assert not ways.remember(b"a", OTHER, 1.0), "a token that is replayed changes nothing"
    assert ways.take(b"a", 2.0) == ONE


def test_only_one_answer_goes_back() -> None:
    ways = WaysBack(8, 30.0)
    ways.remember(b"a", ONE, 0.0)

    assert [ways.take(b"a", 1.0) for _ in range(3)] == [ONE, None, None]
    assert not ways.remember(b"a", OTHER, 2.0), "it was here all the same"


def test_a_way_is_forgotten_after_its_time_and_may_be_gone_again() -> None:
    ways = WaysBack(8, 30.0)
    ways.remember(b"a", ONE, 0.0)

    assert ways.take(b"a", 30.0) is None
    assert ways.remember(b"a", OTHER, 30.0)
    assert ways.take(b"a", 59.0) == OTHER


def test_what_is_too_old_takes_no_place() -> None:
    ways = WaysBack(8, 30.0)
    for number in range(4):
        ways.remember(bytes([number]), ONE, float(number))

    ways.forget_ended(31.0)

    assert len(ways) == 2
    assert ways.take(b"\2", 31.5) == ONE


def test_nobody_knows_a_token_that_never_came() -> None:
    assert WaysBack(8, 30.0).take(b"a", 0.0) is None


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(st.binary(max_size=1), st.floats(0.0, 5.0))), st.integers(1, 8))
def test_there_are_never_more_ways_than_the_limit(
    came: list[tuple[bytes, float]], limit: int
) -> None:
    ways, now = WaysBack(limit, 3.0), 0.0

    for token, later_s in came:
        now += later_s
        ways.remember(token, ONE, now)
        assert len(ways) <= limit

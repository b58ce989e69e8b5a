from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.alarms import Alarms, Purpose, earlier
from p2pchat.core.values import ConnectionId

ONE = ConnectionId(1)
TWO = ConnectionId(2)

_TIMES = st.floats(0.0, 100.0)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Purpose), _TIMES), max_size=20),
    _TIMES,
)
def test_what_is_due_comes_once_earliest_first(
    wishes: list[tuple[int, Purpose, float]], now: float
) -> None:
    alarms = Alarms()
    latest: dict[tuple[int, Purpose], float] = {}
    for connection, purpose, at in wishes:
        alarms.set(ConnectionId(connection), purpose, at)
        latest[connection, purpose] = at

    due = alarms.take_due(now)

    assert sorted(due, key=str) == sorted((key for key, at in latest.items() if at <= now), key=str)
    assert [latest[key] for key in due] == sorted(latest[key] for key in due)
    assert alarms.take_due(now) == []
    left = [at for at in latest.values() if at > now]
    assert alarms.next_deadline() == min(left, default=None)
    assert len(alarms) == len(left)


def test_equal_times_have_an_order_of_their_own() -> None:
    first, second = Alarms(), Alarms()
    for alarms, connections in ((first, (ONE, TWO)), (second, (TWO, ONE))):
        for connection in connections:
            for purpose in Purpose:
                alarms.set(connection, purpose, 1.0)

    assert first.take_due(1.0) == second.take_due(1.0)


def test_a_new_wish_replaces_the_old_one() -> None:
    alarms = Alarms()

    alarms.set(ONE, Purpose.OPENING, 1.0)
    alarms.set(ONE, Purpose.OPENING, 5.0)

    assert alarms.next_deadline() == 5.0
    assert alarms.take_due(4.0) == []


def test_cancelling_forgets_one_purpose_or_all() -> None:
    alarms = Alarms()
    for purpose in Purpose:
        alarms.set(ONE, purpose, 1.0)
        alarms.set(TWO, purpose, 2.0)

    alarms.cancel(ONE, Purpose.OPENING)
    after_one = len(alarms)
    alarms.cancel(ONE)
    alarms.cancel(ONE)

    assert after_one == 2 * len(Purpose) - 1
    assert len(alarms) == len(Purpose)
    assert alarms.next_deadline() == 2.0


def test_our_own_sleep_moves_them_all() -> None:
    alarms = Alarms()
    alarms.set(ONE, Purpose.OPENING, 1.0)
    alarms.set(TWO, Purpose.LEAVING, 2.0)

    alarms.forgive(10.0)

    assert alarms.take_due(11.0) == [(ONE, Purpose.OPENING)]
    assert alarms.next_deadline() == 12.0


def test_the_earlier_of_two_deadlines_may_be_none() -> None:
    assert earlier(None, None) is None
    assert earlier(1.0, None) == earlier(None, 1.0) == 1.0
    assert earlier(1.0, 2.0) == earlier(2.0, 1.0) == 1.0

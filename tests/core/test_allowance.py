from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.allowance import Allowance


def test_a_burst_and_then_the_rate() -> None:
    allowance = Allowance(3, 2.0)

    at_once = [allowance.spend(1, 0.0) for _ in range(4)]

    assert at_once == [True, True, True, False]
    assert not allowance.spend(1, 0.4)
    assert allowance.spend(1, 0.5)


def test_what_is_charged_beyond_is_owed() -> None:
    allowance = Allowance(10, 1.0)

    allowance.charge(15, 0.0)

    assert allowance.level(0.0) == -5
    assert allowance.has_at(1, 0.0) == 6.0
    assert not allowance.spend(1, 5.9)
    assert allowance.spend(1, 6.0)


def test_waiting_for_more_than_it_holds_ends_when_it_is_full() -> None:
    allowance = Allowance(10, 1.0)
    allowance.charge(10, 0.0)

    assert allowance.has_at(1_000, 0.0) == 10.0
    assert allowance.has_at(0, 0.0) == 0.0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 9)), max_size=60))
def test_over_any_time_no_more_is_spent_than_burst_and_rate_allow(
    steps: list[tuple[float, int]],
) -> None:
    allowance, now, spent = Allowance(9, 3.0), 0.0, 0
    for wait_s, amount in steps:
        now += wait_s
        spent += amount * allowance.spend(amount, now)

    assert spent <= 9 + 3.0 * now + 1e-6


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 12), st.integers(0, 9)), max_size=30))
def test_as_much_as_there_is_is_as_many_single_ones(steps: list[tuple[float, int, int]]) -> None:
    at_once, singly, now = Allowance(8, 1.0), Allowance(8, 1.0), 0.0
    for wait_s, amount, debt in steps:
        now += wait_s
        at_once.charge(debt, now)
        singly.charge(debt, now)

        granted = at_once.spend_up_to(amount, now)

        assert granted == sum(singly.spend(1, now) for _ in range(amount))

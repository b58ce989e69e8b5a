"""The node's own dials: how many, how often, and never many to one address in vain."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.dialling import DialBudget
from p2pchat.core.values import Address
from tests.effort import EFFORT

VICTIM = "8.8.8.8"


def at(ip: str, port: int = 55555) -> tuple[Address, ...]:
    return (Address(ip, port),)


def dial(budget: DialBudget, number: int, ip: str, now: float) -> bool:
    allowed = budget.allowed(at(ip, 2000 + number), now)
    return bool(allowed) and budget.begin(number, allowed, now)


def test_so_many_dials_are_under_way_and_the_next_waits_for_the_end_of_one() -> None:
    budget = DialBudget()

    begun = [dial(budget, n, f"8.8.{n}.1", 0.0) for n in range(9)]

    assert begun == [True] * limits.DIALS_AT_ONCE + [False]
    assert budget.next_at(0.0) == float("inf")
    budget.opened(0)
    assert budget.next_at(0.0) == 0.0


@pytest.mark.threat(29)
def test_after_a_burst_there_are_two_dials_a_second() -> None:
    budget = DialBudget()
    times = []
    now = 0.0

    for number in range(30):
        now = max(now, budget.next_at(now))
        assert dial(budget, number, f"8.8.{number}.1", now)
        budget.opened(number)
        times.append(now)

    assert times[: limits.DIALS_BURST] == [0.0] * limits.DIALS_BURST
    assert times[-1] == (30 - limits.DIALS_BURST) / limits.DIALS_PER_S


@pytest.mark.threat(8)
def test_one_address_is_dialled_in_vain_three_times_in_five_minutes_whatever_its_port() -> None:
    budget = DialBudget()
    begun = []

    for number in range(3_000):
        now = number / 10
        if dial(budget, number, VICTIM, now):
            begun.append(now)
            budget.failed(number, now + 0.05)

    assert len(begun) == limits.DIALS_PER_IP
    assert dial(budget, 3_000, VICTIM, limits.DIALS_PER_IP_S + 1)


def test_dials_under_way_count_before_they_have_failed() -> None:
    budget = DialBudget()

    assert [dial(budget, n, VICTIM, 0.0) for n in range(5)] == [True] * 3 + [False] * 2


def test_this_machine_may_be_dialled_as_often_as_one_likes() -> None:
    budget = DialBudget()

    for number in range(8):
        assert dial(budget, number, "127.0.0.1", 0.0)
        budget.failed(number, 0.0)
    assert budget.remembered_ips == 0


def test_of_several_addresses_only_those_tried_in_vain_are_left_out() -> None:
    budget = DialBudget()
    for number in range(3):
        dial(budget, number, VICTIM, 0.0)
        budget.failed(number, 0.0)

    assert budget.allowed(at(VICTIM) + at("9.9.9.9"), 1.0) == at("9.9.9.9")
    budget.forget_failures()
    assert budget.allowed(at(VICTIM), 1.0) == at(VICTIM)


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.0, 60.0), st.booleans()), min_size=1, max_size=80
    )
)
def test_no_address_is_ever_tried_in_vain_more_often(
    tries: list[tuple[int, float, bool]],
) -> None:
    budget, now = DialBudget(), 0.0
    failed: list[tuple[int, float]] = []

    for number, (place, later_s, is_open) in enumerate(tries):
        now += later_s
        if not dial(budget, number, f"8.8.8.{place}", now):
            continue
        if is_open:
            budget.opened(number)
            continue
        budget.failed(number, now)
        failed.append((place, now))
        recent = Counter(p for p, at in failed if now - at < limits.DIALS_PER_IP_S)
        assert max(recent.values()) <= limits.DIALS_PER_IP
    assert len(budget) == 0
    assert budget.remembered_ips <= 4


def test_the_memory_of_failures_is_bounded() -> None:
    budget = DialBudget()

    for number in range(limits.DIALLED_IPS_LIMIT + 10):
        dial(budget, number, f"8.{number >> 8}.{number & 255}.1", number)
        budget.failed(number, number)

    assert budget.remembered_ips == limits.DIALLED_IPS_LIMIT

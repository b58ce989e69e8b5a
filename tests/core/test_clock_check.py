"""Tests of what is told about a clock that is off."""

from __future__ import annotations

import pytest

from p2pchat.core.clock_check import TOLD_EVERY_S, ClockCheck
from p2pchat.core.values import ConnectionId

OWN_OFFSET_S = 1_700_000_000.0


def check_of(*behind_s: float) -> ClockCheck:
    """Neighbours whose clocks are so many seconds behind ours."""
    check = ClockCheck()
    for number, seconds in enumerate(behind_s, 1):
        check.note(ConnectionId(number), int((OWN_OFFSET_S - seconds) * 1000), 0.0)
    return check


@pytest.mark.parametrize("behind_s", [(), (0.0,), (59.0, 59.0, 59.0), (500.0, 500.0), (90.0, 0, 0)])
def test_clocks_that_agree_well_enough_are_not_mentioned(behind_s: tuple[float, ...]) -> None:
    assert check_of(*behind_s).warning(OWN_OFFSET_S, 0.0) is None


@pytest.mark.threat(10)
def test_three_neighbours_that_agree_against_us_are_believed() -> None:
    said = check_of(180.0, 181.0, -5000.0).warning(OWN_OFFSET_S, 0.0)

    assert said is not None
    assert "3 min ahead of those of 3 neighbours" in said


@pytest.mark.threat(10)
def test_one_neighbour_is_enough_where_messages_would_not_be_taken() -> None:
    said = check_of(-86_400.0).warning(OWN_OFFSET_S, 0.0)

    assert said is not None
    assert "24 h behind a neighbour's: messages are not taken" in said


def test_it_is_told_once_an_hour() -> None:
    check = check_of(120.0, 120.0, 120.0)

    assert check.warning(OWN_OFFSET_S, 0.0) is not None
    assert check.warning(OWN_OFFSET_S, TOLD_EVERY_S - 1) is None
    assert check.warning(OWN_OFFSET_S, TOLD_EVERY_S) is not None


def test_whose_connection_is_gone_does_not_count_any_more() -> None:
    check = check_of(120.0, 120.0, 120.0)

    check.forget(ConnectionId(2))

    assert check.warning(OWN_OFFSET_S, 0.0) is None

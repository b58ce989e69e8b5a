from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId

ANN, BEN = ConnectionId(1), ConnectionId(2)


def opened() -> Strikes:
    strikes = Strikes()
    strikes.on_open(ANN)
    strikes.on_open(BEN)
    return strikes


def test_some_strikes_are_forgiven_and_one_more_is_not() -> None:
    strikes = opened()
    for _ in range(limits.STRIKES_BURST):
        strikes.strike(ANN, "first", 0.0)
    assert not strikes.has_any_out

    strikes.strike(ANN, "last", 0.0)

    assert strikes.take_out() == {ANN: "last"}
    assert strikes.take_out() == {}


def test_blame_for_what_happens_to_the_honest_counts_once_a_second() -> None:
    strikes = opened()

    for step in range(10 * limits.STRIKES_BURST):
        strikes.blame(ANN, "why", step * 0.01)

    assert not strikes.has_any_out


def test_who_keeps_on_for_long_is_out_even_so() -> None:
    strikes = opened()
    second = 0
    while not strikes.has_any_out:
        strikes.blame(ANN, "why", float(second))
        second += 1

    assert limits.STRIKES_BURST < second <= 2 * limits.STRIKES_BURST


def test_one_strike_now_and_then_is_never_too_many() -> None:
    strikes = opened()

    for number in range(1_000):
        strikes.strike(ANN, "why", number / limits.STRIKES_PER_S)

    assert not strikes.has_any_out


def test_one_neighbour_s_strikes_are_not_another_s() -> None:
    strikes = opened()
    for _ in range(limits.STRIKES_BURST + 1):
        strikes.strike(ANN, "why", 0.0)

    assert strikes.take_out_one(BEN) is None
    assert strikes.take_out_one(ANN) == "why"
    assert strikes.take_out_one(ANN) is None


def test_who_is_gone_is_not_counted() -> None:
    strikes = opened()
    strikes.on_closed(ANN)

    for _ in range(1_000):
        strikes.strike(ANN, "why", 0.0)
        strikes.blame(ANN, "why", 0.0)

    assert not strikes.has_any_out

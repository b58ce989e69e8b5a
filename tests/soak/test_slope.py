"""The soak's measure of growth."""

from __future__ import annotations

import random

import pytest

from tests.soak.slope import POINTS_LIMIT, growth, slope_per_h


def test_a_steady_growth_is_found_an_hour() -> None:
    assert slope_per_h([(t, 40 + t / 1800) for t in range(0, 7200, 10)]) == pytest.approx(2)


def test_peaks_do_not_move_it() -> None:
    chance = random.Random(1)
    samples = [(float(t), 40.0) for t in range(0, 7200, 10)]
    for place in chance.sample(range(len(samples)), len(samples) // 5):
        samples[place] = (samples[place][0], 400.0)

    assert slope_per_h(samples) == pytest.approx(0)


def test_a_step_back_counts_as_much_as_a_step_up() -> None:
    up = [(float(t), 50.0 if t > 1000 else 40.0) for t in range(2000)]
    down = [(t, -value) for t, value in up]

    assert slope_per_h(down) == pytest.approx(-slope_per_h(up))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples_show_no_growth(count: int) -> None:
    samples = [(0.0, 1.0)] * count

    assert slope_per_h(samples) == 0
    assert growth(samples) == 0


def test_days_of_samples_are_looked_at_as_few_points() -> None:
    samples = [(float(t), float(t)) for t in range(100 * POINTS_LIMIT)]

    assert slope_per_h(samples) == pytest.approx(3600)


def test_growth_is_from_the_first_third_to_the_last() -> None:
    assert growth([(float(t), 5.0 if t < 50 else 9.0) for t in range(99)]) == 4

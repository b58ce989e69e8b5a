"""How fast something grows, whatever a few odd samples say."""

from __future__ import annotations

import statistics
from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    Sample = tuple[float, float]

POINTS_LIMIT: Final = 200
"""Samples that are looked at pairwise: 20,000 slopes. More are joined to medians first."""


def slope_per_h(samples: Sequence[Sample]) -> float:
    """Return the growth in units an hour: the median of the slopes of all pairs (Theil and Sen).

    Up to 29 % of the samples may be anything without moving it far. 0 for fewer than two.

    Args:
        samples: Time in seconds, ascending, and value.
    """
    points = _thinned(samples)
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
    return 3600 * statistics.median(slopes) if slopes else 0.0


def growth(samples: Sequence[Sample]) -> float:
    """Return how much higher the last third is than the first, by their medians."""
    third = len(samples) // 3
    if not third:
        return 0.0
    values = [value for _, value in samples]
    return statistics.median(values[-third:]) - statistics.median(values[:third])


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    size = -(-len(samples) // POINTS_LIMIT)
    groups = [samples[place : place + size] for place in range(0, len(samples), size or 1)]
    return [
        (statistics.median(t for t, _ in group), statistics.median(v for _, v in group))
        for group in groups
    ]

"""What a soak is judged by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.soak.direct_ledger import DirectLedger
from tests.soak.ledger import Tally
from tests.soak.verdict import FILES_GROWTH, JUDGED_S, WARM_UP_S, Soaked, figures
from tests.soak.watch import Series

LONG_S = WARM_UP_S + JUDGED_S + 60.0


def series(length_s: float, mib_per_h: float = 0.0, files: float = 0.0) -> Series:
    times = range(0, int(length_s), 10)
    return Series(
        rss_mib=[(float(t), 50 + mib_per_h * t / 3600) for t in times],
        files=[(float(t), 20 + files * t / length_s) for t in times],
        tasks=[(float(t), 30.0) for t in times],
        cpu_s=length_s / 100,
    )


WELL = Soaked(
    length_s=LONG_S,
    tally=Tally(said=10, owed=190, arrived=190),
    direct=DirectLedger(),
    residents=[series(LONG_S)],
    log_bytes=[1000],
    unexpected=0,
    complaints=[],
    died_by_themselves=[],
)


def missed(**changes: Any) -> list[str]:
    found = figures(replace(WELL, **changes))
    return [figure.what for figure in found if not figure.is_met]


def test_a_run_without_fault_meets_everything() -> None:
    assert missed() == []


def test_one_message_that_is_missing_is_never_rounded_away() -> None:
    tally = Tally(said=10**6, owed=10**7, arrived=10**7 - 1)

    assert missed(tally=tally) == ["delivered to who was there", "missing"]


def test_a_run_in_which_nothing_was_owed_shows_nothing() -> None:
    assert missed(tally=Tally()) == ["delivered to who was there"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tally": Tally(owed=1, arrived=1, twice=1)}, "shown twice"),
        ({"tally": Tally(owed=1, arrived=1, disordered=1)}, "out of order"),
        ({"direct": DirectLedger(twice=1)}, "direct, shown twice"),
        ({"direct": DirectLedger(strange=1)}, "direct, shown to another"),
        ({"unexpected": 1}, "reported by asyncio"),
        ({"complaints": ["Traceback"]}, "on standard error"),
        ({"died_by_themselves": ["n01"]}, "ended by themselves"),
        ({"log_bytes": [0, 10**7]}, "log"),
        ({"residents": [series(LONG_S), series(LONG_S, 0.6)]}, "memory after the first hour"),
        ({"residents": [series(600, 200)]}, "memory while tables fill"),
        ({"residents": [series(LONG_S, files=4 * FILES_GROWTH)]}, "files more"),
    ],
)  # fmt: skip
def test_each_bound_is_looked_at(changes: dict[str, Any], what: str) -> None:
    assert missed(**changes) == [what]

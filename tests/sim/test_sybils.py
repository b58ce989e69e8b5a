"""An attacker with four times as many nodes as there are honest ones, in eight networks."""

from __future__ import annotations

from typing import Final

import pytest

from tests.effort import EFFORT, LONG
from tests.sim.overlay_support import broken_bounds_of
from tests.sim.sybils import Siege

FEW: Final = 60
"""Honest nodes of a quick run; each gets as many dials of Sybils as one of 500 does."""
MANY: Final = 500
SYBILS_EACH: Final = 4

SEEDS: Final = range(max(1, EFFORT.simulation_seeds // 10))
LONG_SEEDS: Final = LONG.simulation_seeds // 10
RESTARTS: Final = 10


@pytest.mark.threat(7)
@pytest.mark.parametrize("seed", SEEDS)
def test_who_restarts_among_sybils_has_dialled_somebody_honest(seed: int) -> None:
    siege = Siege(seed, FEW, SYBILS_EACH * FEW)
    siege.overlay.run(60)
    found = []
    for _ in range(3):
        siege.restart()
        siege.overlay.run(20)
        found.append(siege.honest_dials())

    assert min(found) >= 1, found
    assert siege.largest_part() == FEW
    assert broken_bounds_of(siege.honest) == []


@pytest.mark.threat(7)
def test_who_knows_nobody_but_sybils_at_his_first_start_meets_nobody_else() -> None:
    siege = Siege(1, 20, 80)
    newcomer = siege.overlay.add()
    siege.overlay.introduce(newcomer, *siege.sybils[:3])
    siege.overlay.run(60)

    assert newcomer.membership.view.members
    assert siege.honest_dials(newcomer) == 0, "SECURITY.md says so"


@pytest.mark.threat(7)
@pytest.mark.long
@pytest.mark.timeout(0)
def test_in_99_of_100_seeds_each_of_ten_restarts_finds_somebody_honest() -> None:
    missed = {}
    for seed in range(LONG_SEEDS):
        siege = Siege(seed, MANY, SYBILS_EACH * MANY)
        siege.overlay.run(600)
        found = []
        for _ in range(RESTARTS):
            siege.restart()
            siege.overlay.run(30)
            found.append(siege.honest_dials())
            siege.overlay.run(270)
        if min(found) == 0 or siege.largest_part() < MANY:
            missed[seed] = found

    assert len(missed) <= LONG_SEEDS / 100, missed

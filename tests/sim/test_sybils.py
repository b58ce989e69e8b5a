"""An attacker with four times as many nodes as there are honest ones, in eight networks."""

from __future__ import annotations

from typing import Final

import pytest

from tests.effort import EFFORT, LONG
from tests.sim.overlay_support import broken_bounds_of
from tests.sim.siege import HOUR_S, Siege
from tests.sim.sieges import besiege

FEW: Final = 60
MANY: Final = 500
"""Honest nodes; each gets as many dials of Sybils in both."""

SEEDS: Final = range(max(1, EFFORT.simulation_seeds // 10))
LONG_SEEDS: Final = LONG.simulation_seeds // 10


@pytest.mark.threat(7)
@pytest.mark.parametrize("seed", SEEDS)
def test_who_restarts_among_sybils_has_dialled_somebody_honest(seed: int) -> None:
    siege = Siege(seed, FEW)
    siege.overlay.run(60)
    found = []
    for _ in range(3):
        siege.restart()
        siege.overlay.run(20)
        found.append(siege.honest_dials(siege.victims[0]))

    assert min(found) >= 1, found
    assert siege.largest_part() == FEW
    assert broken_bounds_of(siege.honest) == []


@pytest.mark.threat(7)
@pytest.mark.parametrize("seed", SEEDS)
def test_while_people_come_and_go_nearly_all_keep_somebody_honest_of_their_own_choice(
    seed: int,
) -> None:
    siege = Siege(seed, FEW // 2)

    siege.run(HOUR_S, stay_s=HOUR_S)
    siege.overlay.run(60)

    assert siege.without_honest_dial() <= 0.1 * FEW // 2
    assert siege.largest_part() == FEW // 2
    assert broken_bounds_of(siege.honest) == []


@pytest.mark.threat(7)
def test_who_knows_nobody_but_sybils_at_his_first_start_meets_nobody_else() -> None:
    siege = Siege(1, 20)
    newcomer = siege.overlay.add()
    siege.overlay.introduce(newcomer, *siege.sybils[:3])
    siege.overlay.run(60)

    assert newcomer.membership.view.members
    assert siege.honest_dials(newcomer) == 0, "SECURITY.md says so"


@pytest.mark.threat(7)
@pytest.mark.long
@pytest.mark.timeout(0)
def test_in_99_of_100_seeds_each_of_ten_restarts_in_a_day_finds_somebody_honest() -> None:
    missed = {}
    for seed in range(LONG_SEEDS):
        (found,) = besiege(seed, FEW, victims=1, hours=24).found
        if min(found) == 0:
            missed[seed] = found

    assert len(missed) <= LONG_SEEDS / 100, missed


@pytest.mark.threat(7)
@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("honest", "hours"), [(MANY, 2), (FEW, 24)])
def test_it_does_not_get_worse_with_the_hours(honest: int, hours: int) -> None:
    run = besiege(0, honest, victims=1, hours=hours)

    assert all(min(turn.found) >= 1 for turn in run.turns), run
    assert run.turns[-1].without <= 0.1 * honest

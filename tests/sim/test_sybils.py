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

HOUR_S: Final = 3600.0
STAY_S: Final = 4 * HOUR_S
"""How long somebody is there, on average, before he starts again."""


def found_by_the_victim(siege: Siege, apart_s: float) -> list[int]:
    """Let the victim start ten times; whom has it dialled that is honest, half a minute later?"""
    found = []
    for _ in range(RESTARTS):
        siege.run(apart_s, STAY_S)
        siege.restart()
        siege.overlay.run(30)
        found.append(siege.honest_dials())
    return found


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
@pytest.mark.parametrize("seed", SEEDS)
def test_while_people_come_and_go_nearly_all_keep_somebody_honest_of_their_own_choice(
    seed: int,
) -> None:
    siege = Siege(seed, FEW // 2, SYBILS_EACH * FEW // 2)

    siege.run(HOUR_S, stay_s=HOUR_S)
    siege.overlay.run(60)

    assert siege.without_honest_dial() <= 0.1 * FEW // 2
    assert siege.largest_part() == FEW // 2
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
def test_in_99_of_100_seeds_each_of_ten_restarts_within_an_hour_finds_somebody_honest() -> None:
    found = {}
    for seed in range(LONG_SEEDS):
        siege = Siege(seed, FEW, SYBILS_EACH * FEW)
        found[seed] = found_by_the_victim(siege, HOUR_S / RESTARTS)

    missed = {seed: starts for seed, starts in found.items() if min(starts) == 0}
    assert len(missed) <= LONG_SEEDS / 100, missed


@pytest.mark.threat(7)
@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("honest", "hours"), [(MANY, 2), (FEW, 24)])
def test_it_does_not_get_worse_with_the_hours(honest: int, hours: int) -> None:
    siege = Siege(0, honest, SYBILS_EACH * honest)
    found = found_by_the_victim(siege, hours * HOUR_S / RESTARTS)

    assert min(found) >= 1, found
    assert siege.without_honest_dial() <= 0.1 * honest

"""The invariants, in many random networks to which everything happens at once."""

from __future__ import annotations

from random import Random

import pytest

from p2pchat.sim.experiment import LARGE_BYTES, Experiment, run
from tests.effort import EFFORT, LONG

_NODES = 50


def trouble(seed: int) -> Experiment:
    """A network that is cut, churned and divided while it talks."""
    chance = Random(seed)
    return Experiment(
        nodes=_NODES,
        degree=chance.choice([3, 4, 5, 6]),
        messages=40,
        rate=chance.choice([1.0, 2.0, 10.0]),
        authors=chance.choice([1, 5, 0]),
        size_bytes=chance.choice([64, LARGE_BYTES]),
        churn=chance.choice([30.0, 100.0, 300.0]),
        loss=chance.choice([5.0, 20.0, 50.0]),
        partition_s=chance.choice([0.0, 10.0, 60.0]),
        seed=seed,
        strategy="flood" if chance.random() < 0.2 else "lazy",
    )


def assert_kept(experiment: Experiment) -> None:
    outcome = run(experiment, bounds_every_steps=1)

    assert outcome.broken is None, experiment
    assert outcome.report.shown_twice == 0, experiment
    assert outcome.report.messages == experiment.messages


@pytest.mark.parametrize("seed", range(EFFORT.simulation_seeds))
def test_no_trouble_breaks_an_invariant_and_all_is_repaired(seed: int) -> None:
    assert_kept(trouble(seed))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(LONG.simulation_seeds))
def test_no_trouble_breaks_an_invariant_in_any_of_many_networks(seed: int) -> None:
    assert_kept(trouble(seed))


def test_the_troubles_are_of_all_kinds() -> None:
    troubles = [trouble(seed) for seed in range(20)]

    assert len({(t.degree, t.authors, t.size_bytes, t.strategy) for t in troubles}) >= 10
    assert any(t.partition_s and t.churn and t.loss for t in troubles)

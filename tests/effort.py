"""How often each costly claim is tried: a quick count for every run, a long one for a release."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

VARIABLE: Final = "P2PCHAT_EFFORT"
"""Environment variable: `quick` (the default) or `long`."""


@dataclass(frozen=True)
class Effort:
    """One column of the table.

    A test without the mark `long` takes EFFORT; a test with it takes LONG, whatever the
    environment says.
    """

    property_examples: int
    """Of a hypothesis property in a parser or a cleaner."""
    fuzz_inputs: int
    """Of a fuzz target, by hypothesis; `python -m tests.fuzz` goes on from there."""
    simulation_seeds: int
    """Random networks of a scenario."""
    simulation_nodes: int
    """In the largest simulated network."""
    state_machine_runs: int
    state_machine_steps: int
    """Of a rule-based state machine."""
    crash_points: int
    """Writes that are cut off, or processes that are killed while writing."""
    crossing_dials: int
    """Rounds in which two nodes dial each other at once."""
    forged_messages: int
    """Mutated envelopes that must be refused."""
    flood_envelopes: int
    """Of one author who sends 1,000 a second, whatever the room allows."""
    flooded_nodes: int
    """Among whom he does so."""
    flood_texts: int
    """Texts in a test that nothing is lost and nothing comes twice."""
    long_messages: int
    """Messages in a test that memory stays flat."""
    soak_s: float
    """Length of a run with churn and partitions."""


QUICK: Final = Effort(
    property_examples=40,
    fuzz_inputs=100,
    simulation_seeds=10,
    simulation_nodes=300,
    state_machine_runs=10,
    state_machine_steps=30,
    crash_points=50,
    crossing_dials=30,
    forged_messages=500,
    flood_envelopes=1_000,
    flooded_nodes=20,
    flood_texts=1_000,
    long_messages=10_000,
    soak_s=5.0,
)

LONG: Final = Effort(
    property_examples=100_000,
    fuzz_inputs=100_000,
    simulation_seeds=1_000,
    simulation_nodes=10_000,
    state_machine_runs=5_000,
    state_machine_steps=100,
    crash_points=1_000,
    crossing_dials=1_000,
    forged_messages=100_000,
    flood_envelopes=10_000,
    flooded_nodes=50,
    flood_texts=100_000,
    long_messages=1_000_000,
    soak_s=24 * 3600.0,
)


def effort_named(name: str) -> Effort:
    """Return the column of that name.

    Raises:
        ValueError: There is no such column; a misspelt one must not pass as quick.
    """
    columns = {"quick": QUICK, "long": LONG}
    if name not in columns:
        raise ValueError(f"{VARIABLE} is {name!r}; it may be {' or '.join(columns)}")
    return columns[name]


EFFORT: Final = effort_named(os.environ.get(VARIABLE, "quick"))
"""What this run was asked for."""

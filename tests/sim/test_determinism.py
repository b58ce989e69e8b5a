from __future__ import annotations

import os
import subprocess
import sys

import pytest

from p2pchat.sim.network import SimNetwork
from p2pchat.sim.report import measure
from p2pchat.sim.scenarios import SCENARIOS, Plan, ring

_RUN = """
import random, sys
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.report import lines, measure
from p2pchat.sim.scenarios import SCENARIOS, Plan, random_regular

for name in sorted(SCENARIOS):
    network = SimNetwork(seed=7)
    SCENARIOS[name](network, Plan(random_regular(20, 4, random.Random(7)), messages=20))
    print(name, *lines(measure(network)), sep="\\n")
"""


def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _RUN],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert outputs[0] == outputs[1]
    assert outputs[0].count("digest") == len(SCENARIOS)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_another_seed_gives_another_run(name: str) -> None:
    digests = []
    for seed in (1, 1, 2):
        network = SimNetwork(seed)
        SCENARIOS[name](network, Plan(ring(6), messages=12))
        digests.append(measure(network).digest)

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]

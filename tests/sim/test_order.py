"""Everybody is shown what an author said in the order in which he said it."""

from __future__ import annotations

import random

import pytest

from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import random_regular
from tests.effort import EFFORT
from tests.sim.support import build

_NODES = 8
_TALK_S = 60.0
_SLOW_S = (0.010, 0.300)
"""Of a frame on its way: repair and what is said now overtake one another easily."""


class Churn:
    """People talk, while one after another ends without a word, is back soon, or stands still."""

    def __init__(self, network: SimNetwork, nodes: list[SimNode], seed: int) -> None:
        self._network = network
        self._nodes = nodes
        self._chance = random.Random(seed)

    def run(self, seconds: float) -> None:
        until = self._network.now + seconds
        while self._network.now < until:
            self._network.run(self._chance.expovariate(5))
            up = [node for node in self._nodes if node.is_running]
            self._network.announce(self._chance.choice(up), "x" * self._length())
            if self._chance.random() < 0.05:
                self._network.suspend(self._chance.choice(up), self._chance.uniform(0.1, 2.5))
            if self._chance.random() < 0.04 and len(up) > 2:
                self._end(self._chance.choice(up))

    def _length(self) -> int:
        is_lazy = self._chance.random() < 0.05
        return 2_000 if is_lazy else self._chance.randrange(1, 200)

    def _end(self, node: SimNode) -> None:
        self._network.crash(node, silent=self._chance.random() < 0.3)
        self._network.after(self._chance.uniform(0.5, 20.0), self._start, node)

    def _start(self, node: SimNode) -> None:
        others = [other for other in self._nodes if other.is_running]
        self._network.restart(node)
        for other in self._chance.sample(others, min(4, len(others))):
            self._network.connect(node, other, delay_s=self._chance.uniform(0.0, 4.0))


@pytest.mark.threat(19)
@pytest.mark.parametrize("seed", range(EFFORT.simulation_seeds))
def test_who_comes_while_others_talk_sees_everybody_in_order_or_is_told(seed: int) -> None:
    # Its invariants say what is out of order.
    network = SimNetwork(seed, _SLOW_S, watchers=[Invariants(bounds_every_steps=20)])
    nodes = build(network, random_regular(_NODES, 4, random.Random(seed)))

    Churn(network, nodes, seed).run(_TALK_S)
    network.run(30.0)

    assert sum(node.starts for node in nodes) > _NODES, "somebody came while others talked"
    assert sum(len(node.delivered) for node in nodes) > 1_000

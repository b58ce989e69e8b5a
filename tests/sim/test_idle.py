"""How often a node wakes up while nobody speaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest

from p2pchat.core.events import Effect, Event, Tick
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules, SimNode

_WATCHED_S = 600.0
_TOGETHER_S = 0.001
"""Events so close to one another are handled in one turn of the event loop."""


class WakeUps:
    """Counts them, over all nodes."""

    def __init__(self) -> None:
        self.count = 0
        self.in_vain = 0
        """Ticks that had nothing to do."""
        self._last: dict[int, float] = {}

    def on_start(self, node: SimNode) -> None:
        """Every node counts."""

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Count an event, unless the node is still awake from the one before."""
        self.count += now - self._last.get(node.index, -1.0) > _TOGETHER_S
        self.in_vain += isinstance(event, Tick) and not effects
        self._last[node.index] = now


@pytest.mark.parametrize("joins", [False, True], ids=["manual", "by itself"])
def test_a_node_with_five_neighbours_wakes_up_seldom_and_hardly_ever_for_nothing(
    joins: bool,
) -> None:
    wake_ups = WakeUps()
    rules = Rules(joins=joins)
    network = SimNetwork(3, latency_s=(0.0002, 0.0006), rules=rules, watchers=[wake_ups])
    nodes = [network.add() for _ in range(6)]
    for one, other in combinations(nodes, 2):
        network.connect(one, other, delay_s=0.5 * one.index)
    network.run(60.0)
    assert [len(node.core.neighbours) for node in nodes] == [5] * 6
    wake_ups.count = wake_ups.in_vain = 0

    network.run(_WATCHED_S)

    # 0.15 and 0.31 when each thing that is done now and then wakes it by itself.
    assert wake_ups.count / len(nodes) / _WATCHED_S < (0.22 if joins else 0.14)
    assert wake_ups.in_vain < wake_ups.count / 8

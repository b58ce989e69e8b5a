from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.events import Effect, Event, Send
from p2pchat.core.frames import Ping
from p2pchat.core.notices import Connected, Disconnected
from p2pchat.errors import NoAnswer
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import Graph, ring
from tests.sim.support import (
    SEEDS,
    SETTLED_S,
    are_neighbours,
    build,
    connected_graphs,
    pair,
    watched,
)

_DEAD_S = limits.PING_AFTER_S + limits.DEAD_AFTER_PING_S


@pytest.mark.threat(2)
def test_a_silent_loss_is_noticed_in_time_on_both_sides() -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    network.run(100.0)

    network.cut(alice, bob)
    network.run(limits.DEAD_AFTER_PING_S - 1.0)
    is_early = not are_neighbours(alice, bob)
    network.run(_DEAD_S - limits.DEAD_AFTER_PING_S + 3.0)

    assert not is_early
    assert not alice.ends
    assert not bob.ends
    assert "silent for" in str(alice.told[-1])
    invariants.check_rest(network)


@pytest.mark.threat(23)
def test_an_idle_connection_lives_for_hours_on_pings_alone() -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    sent = alice.sent_frames + bob.sent_frames

    network.run(6 * 3600.0)

    assert are_neighbours(alice, bob)
    assert not [n for n in alice.told + bob.told if isinstance(n, Disconnected)]
    frames = alice.sent_frames + bob.sent_frames - sent
    assert frames <= 4 * 6 * 3600 / limits.PING_AFTER_S, "that is too much for an idle connection"
    invariants.check_rest(network)


class Pings:
    """A watcher that counts the pings."""

    def __init__(self) -> None:
        self.count = 0

    def on_start(self, node: SimNode) -> None:
        pass

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        sends = [effect for effect in effects if isinstance(effect, Send)]
        self.count += sum(isinstance(send.frame, Ping) for send in sends)


def test_a_busy_connection_is_not_pinged() -> None:
    pings = Pings()
    network = SimNetwork(watchers=[pings])
    alice, bob = pair(network)
    network.run(1.0)
    at_first = pings.count

    for _ in range(60):
        network.announce(alice, "tick")
        network.announce(bob, "tock")
        network.run(1.0)

    assert pings.count == at_first


@pytest.mark.threat(24)
@pytest.mark.parametrize("asleep_s", [5.0, 18.0])
def test_who_was_asleep_blames_nobody(asleep_s: float) -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    network.run(19.0)

    network.suspend(alice, asleep_s)
    network.announce(bob, "good morning")
    network.run(SETTLED_S)

    assert are_neighbours(alice, bob)
    assert alice.texts == ["good morning"]
    assert not [n for n in alice.told if isinstance(n, Disconnected)]
    invariants.check_rest(network)


def test_what_is_under_way_is_lost_with_its_connection() -> None:
    network, _ = watched(latency_s=(1.0, 1.0))
    alice, bob = pair(network)
    network.run(10.0)

    network.announce(alice, "lost")
    network.run(0.5)
    network.cut(alice, bob, silent=False)
    network.run(5.0)

    assert bob.texts == []
    assert [type(n) for n in bob.told] == [Connected, Disconnected]


@settings(deadline=None, max_examples=40)
@given(connected_graphs(8), SEEDS, st.data())
def test_a_partition_heals_into_the_same_neighbours(
    graph: Graph, seed: int, data: st.DataObject
) -> None:
    network, invariants = watched(seed)
    nodes = build(network, graph)
    sides = data.draw(st.lists(st.booleans(), min_size=graph.size, max_size=graph.size))
    asunder_s = data.draw(st.sampled_from([0.5, 10.0, 25.0, 45.0, 100.0]))

    network.partition(
        [node for node, side in zip(nodes, sides, strict=True) if side is which]
        for which in (True, False)
    )
    network.announce(nodes[0], "on one side")
    network.run(asunder_s)
    network.heal()
    network.run(2 * SETTLED_S)
    network.announce(nodes[0], "on both")
    network.run(2 * SETTLED_S)

    for a, b in graph.edges:
        assert are_neighbours(nodes[a], nodes[b])
    for node in nodes[1:]:
        assert sorted(node.texts) == ["on both", "on one side"], "repair brings what was missed"
    invariants.check_rest(network)


def test_nobody_is_reached_across_a_partition() -> None:
    network, _ = watched()
    alice, bob = network.add("alice"), network.add("bob")

    network.partition(([alice], [bob]))
    network.connect(alice, bob)
    network.run(limits.DIAL_TIMEOUT_S + 1.0)

    assert isinstance(alice.failed[0].error, NoAnswer)
    assert not bob.ends


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_a_ring_that_lost_one_connection_still_reaches_everybody(seed: int) -> None:
    network, invariants = watched(seed)
    nodes = build(network, ring(8))
    network.cut(nodes[0], nodes[1])
    network.run(SETTLED_S)

    network.announce(nodes[0], "the long way round")
    network.run_until_quiet()

    assert all(node.texts == ["the long way round"] for node in nodes[1:])
    assert nodes[1].delivered[0].effect.hops == 7
    invariants.check_rest(network)

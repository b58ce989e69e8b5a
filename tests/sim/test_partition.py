"""Two halves of a network that speak apart, and meet again."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from p2pchat.core.notices import Seam
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import random_regular, ring
from tests.sim.support import SETTLED_S, build, pair, watched

_MINUTES = 10
_SAID_EVERY_S = 2.0
_MOST_S = 60.0


def seams(node: SimNode) -> list[Seam]:
    return [notice for notice in node.told if isinstance(notice, Seam)]


def talk(network: SimNetwork, nodes: Sequence[SimNode], seconds: float) -> None:
    """Let somebody say something every two seconds."""
    for _ in range(int(seconds / _SAID_EVERY_S)):
        author = network.random.choice(nodes)
        network.announce(author, f"message {len(network.announced)}")
        network.run(_SAID_EVERY_S)


def seconds_to_repair(network: SimNetwork, invariants: Invariants, most_s: float) -> float:
    """Let time pass until nobody lacks anything, or so much has passed."""
    began_at = network.now
    while any(invariants.lacking(network)) and network.now < began_at + most_s:
        network.run(1.0)
    return network.now - began_at


@pytest.mark.threat(19)
def test_ten_minutes_apart_are_made_up_within_one_and_each_is_told_once() -> None:
    network, invariants = watched(seed=1)
    nodes = build(network, random_regular(100, 5, random.Random(1)))
    sides = nodes[:50], nodes[50:]
    network.run(10.0)

    network.partition(sides)
    talk(network, nodes, _MINUTES * 60)
    lacked = sum(1 for _ in invariants.lacking(network))
    told_while_apart = [seam for node in nodes for seam in seams(node)]
    network.heal()
    took_s = seconds_to_repair(network, invariants, 2 * _MOST_S)
    network.run(120.0)  # whatever is told a second time would be told by then

    assert lacked >= 100 * 300 * 0.49, "each lacked what the other half said"
    assert took_s <= _MOST_S
    assert not told_while_apart
    for side in sides:
        assert [len(seams(node)) for node in side] == [1] * 50
    for node in nodes:
        (seam,) = seams(node)
        others = {a.author for a in network.announced.values() if are_apart(a.author, node, sides)}
        recovered = [a for a in network.announced.values() if a.author in others]
        assert seam.apart_s == pytest.approx(_MINUTES * 60, abs=_MOST_S)
        # Who had no neighbour on its own side was apart from more people than the other half.
        assert seam.people >= len(others)
        assert seam.recovered >= len(recovered)
    invariants.check_rest(network, is_repaired=True)


def are_apart(one: SimNode, other: SimNode, sides: tuple[list[SimNode], list[SimNode]]) -> bool:
    return (one in sides[0]) is not (other in sides[0])


@pytest.mark.parametrize("asunder_s", [15.0, 50.0, 200.0])
def test_a_short_split_is_made_up_too_and_order_is_kept(asunder_s: float) -> None:
    network, invariants = watched(seed=2)
    nodes = build(network, random_regular(20, 4, random.Random(2)))
    network.run(10.0)

    network.partition((nodes[:10], nodes[10:]))
    talk(network, nodes, asunder_s)
    network.heal()
    # While they meet again they go on speaking, to new and to old neighbours.
    talk(network, nodes, 30.0)
    took_s = seconds_to_repair(network, invariants, 2 * _MOST_S)

    assert took_s <= _MOST_S
    for node in nodes:
        assert_author_order(node)
    network.run(SETTLED_S)
    invariants.check_rest(network, is_repaired=True)


def assert_author_order(node: SimNode) -> None:
    """Nobody's messages are shown in another order than he wrote them."""
    last: dict[bytes, int] = {}
    for delivery in node.delivered:
        envelope = delivery.effect.envelope
        for number in envelope.numbers:
            assert number > last.get(envelope.author + envelope.epoch, -1)
            last[envelope.author + envelope.epoch] = number


def test_a_connection_cut_in_the_middle_of_a_burst_loses_nothing() -> None:
    network, invariants = watched(seed=3, bandwidth_bytes_s=20_000.0)
    alice, bob = pair(network)
    network.run(10.0)

    for number in range(200):
        network.announce(alice, f"{number} ".ljust(100, "."))
        network.run(0.004)
    network.cut(alice, bob, silent=False)
    at_the_cut = len(bob.texts)
    network.connect(bob, alice)
    network.run(30.0)

    assert 0 < at_the_cut < 150, "a part of it was under way"
    assert [text.rstrip(".") for text in bob.texts] == [f"{number} " for number in range(200)]
    invariants.check_rest(network, is_repaired=True)


@pytest.mark.threat(2)
@pytest.mark.parametrize("asleep_s", [10.0, 120.0])
def test_a_suspended_node_has_everything_soon_after_it_goes_on(asleep_s: float) -> None:
    network, invariants = watched(seed=4)
    nodes = build(network, ring(5))
    edges = list(ring(5).edges)
    network.run(10.0)
    sleeper, *others = nodes

    network.suspend(sleeper, asleep_s)
    talk(network, others, asleep_s)
    network.run(1.0)
    for dialler, acceptor in edges:  # what its neighbours gave up, somebody dials again
        if sleeper in (nodes[dialler], nodes[acceptor]):
            network.connect(nodes[dialler], nodes[acceptor])
    took_s = seconds_to_repair(network, invariants, 2 * _MOST_S)

    assert took_s <= 15.0
    assert len(sleeper.texts) == len(set(sleeper.texts)) == int(asleep_s / _SAID_EVERY_S)
    assert_author_order(sleeper)
    network.run(SETTLED_S)
    invariants.check_rest(network, is_repaired=True)

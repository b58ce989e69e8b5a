from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.core.repair_network import Node, RepairNetwork, everything_but_own, in_author_order


def grow_halves(net: RepairNetwork, size: int) -> list[list[Node]]:
    """Make two connected halves of a random graph."""
    rng = Random(net.seed)
    nodes = net.add(*(f"node {n}" for n in range(size)))
    halves = [nodes[: size // 2], nodes[size // 2 :]]
    for half in halves:
        for index, node in enumerate(half):
            net.connect(node, half[(index + 1) % len(half)])
        for _ in half:
            one, other = rng.sample(half, 2)
            net.connect(one, other)
    return halves


def bridge(net: RepairNetwork, halves: list[list[Node]], count: int) -> list[tuple[Node, Node]]:
    rng = Random(net.seed)
    bridges = [(rng.choice(halves[0]), rng.choice(halves[1])) for _ in range(count)]
    for one, other in bridges:
        net.connect(one, other)
    return bridges


@pytest.mark.parametrize(
    ("size", "bridges", "apart_s"),
    [
        pytest.param(24, 1, 300.0, id="one bridge"),
        pytest.param(24, 4, 300.0, id="four bridges"),
        pytest.param(100, 1, 600.0, id="100 nodes, one bridge", marks=pytest.mark.long),
        pytest.param(100, 25, 600.0, id="100 nodes, 25 bridges", marks=pytest.mark.long),
    ],
)
def test_two_halves_that_met_again_are_equal_within_a_minute(
    size: int, bridges: int, apart_s: float
) -> None:
    net = RepairNetwork(seed=3)
    halves = grow_halves(net, size)
    nodes = [*halves[0], *halves[1]]
    links = bridge(net, halves, bridges)
    net.run(5.0)
    for node in nodes:
        net.say(node)
    net.run(30.0)
    for one, other in links:
        net.cut(one, other)
    rng = Random(3)
    while net.now < 30.0 + apart_s:
        net.say(rng.choice(nodes))
        net.run(net.now + 1.0)
    apart = {name: count for name, count in net.sent.items() if name in ("Filled", "Carry")}

    bridge(net, halves, bridges)
    net.run(30.0 + apart_s + 60.0)

    for node in nodes:
        assert set(node.shown) == everything_but_own(net, node)
        assert in_author_order(node), "here nothing had to be shown as a gap first"
        assert node.closed_for == []
    said_apart = sum(node.next_number for node in nodes) - len(nodes)
    filled = net.sent["Filled"] - apart.get("Filled", 0)
    assert filled <= 1.1 * said_apart * len(nodes) / 2, "each envelope enters a node once"
    assert net.sent["Carry"] == apart["Carry"], "none of it floods"


def test_the_seam_is_told_once_to_everybody() -> None:
    net = RepairNetwork(seed=5)
    halves = grow_halves(net, 10)
    nodes = [*halves[0], *halves[1]]
    (link,) = bridge(net, halves, 1)
    for node in nodes:
        net.say(node)
    net.run(20.0)
    net.cut(*link)
    net.run(80.0)
    for node in nodes:
        net.say(node)
    net.run(440.0)

    bridge(net, halves, 1)
    net.run(440.0 + 120.0)

    for node in nodes:
        (seam,) = node.seams
        assert (seam.people, seam.recovered) == (5, 5)
        assert seam.apart_s == pytest.approx(360.0, abs=10.0)


def test_no_seam_is_told_where_nobody_was_apart() -> None:
    net = RepairNetwork(seed=6, loss=0.05)
    nodes = net.add("ann", "ben", "cem", "dora")
    for one, other in pairwise(nodes):
        net.connect(one, other)
    net.run(1.0)
    for step in range(60):
        net.say(nodes[step % 4])
        net.run(net.now + 1.0)
    net.connect(nodes[0], nodes[3])

    net.run(net.now + 30.0)

    assert [node.seams for node in nodes if node.seams] == []

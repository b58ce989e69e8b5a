from __future__ import annotations

import random

import pytest

from p2pchat.sim.network import SimNetwork
from p2pchat.sim.report import lines, measure
from p2pchat.sim.scenarios import SCENARIOS, Plan, chain, random_regular, ring
from tests.sim.support import build, watched


def test_a_report_of_a_chain_tells_what_can_be_counted_by_hand() -> None:
    network = SimNetwork(latency_s=(0.010, 0.010))
    nodes = build(network, chain(4))
    for node in (nodes[0], nodes[0], nodes[3]):
        network.announce(node, "hi")
        network.run_until_quiet()

    report = measure(network)

    assert (report.nodes, report.connections, report.messages) == (4, 3, 3)
    assert (report.reach, report.shown_twice, report.redundancy) == (1.0, 0, 0.0)
    assert report.last_hop == 3
    assert report.delay_p50_s == pytest.approx(0.020)
    assert report.delay_p99_s == pytest.approx(0.030)
    assert report.bytes_mean == sum(node.sent_bytes for node in nodes) / 4
    assert report.bytes_most == max(node.sent_bytes for node in nodes)
    assert "100.00% of all others" in "\n".join(lines(report))


def test_reach_is_less_than_all_where_somebody_could_not_be_reached() -> None:
    network = SimNetwork()
    alice, bob, _ = (network.add(name) for name in ("alice", "bob", "alone"))
    network.connect(alice, bob)
    network.run_until_quiet()

    network.announce(alice, "hi")
    network.run_until_quiet()

    assert measure(network).reach == 0.5


def test_a_report_of_nothing_is_possible() -> None:
    report = measure(SimNetwork())

    assert (report.nodes, report.reach, report.last_hop) == (0, 1.0, 0)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_no_scenario_breaks_an_invariant_or_shows_anything_twice(name: str) -> None:
    network, invariants = watched(seed=3)
    SCENARIOS[name](network, Plan(random_regular(16, 4, random.Random(3)), messages=40))

    network.run(120.0)
    report = measure(network)

    assert report.shown_twice == 0
    assert report.messages == 40
    assert report.reach >= 0.9, "\n".join(lines(report))
    invariants.check_rest(network, everything_arrived=name == "calm")


def test_small_messages_cost_what_flooding_costs_and_take_few_hops() -> None:
    network = SimNetwork(seed=4)
    SCENARIOS["calm"](network, Plan(random_regular(200, 5, random.Random(4)), messages=10))

    report = measure(network)

    told = "\n".join(lines(report))
    assert report.reach == 1.0, told
    # Everybody hands it to all neighbours but the one that brought it.
    assert report.redundancy <= (200 * (5 - 1) + 1) / 199 - 1 + 1e-9, told
    assert report.last_hop <= 8, told
    assert report.delay_p99_s <= 8 * 0.050, told


def test_a_ring_loses_nobody_to_one_crash() -> None:
    network = SimNetwork(seed=5)
    SCENARIOS["crash"](network, Plan(ring(5), messages=10))

    assert measure(network).reach == 1.0

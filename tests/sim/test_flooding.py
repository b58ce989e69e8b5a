from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.notices import Connected
from p2pchat.sim.scenarios import Graph, chain, complete, random_regular, ring, star
from tests.sim.support import SEEDS, build, connected_graphs, watched


@settings(deadline=None, max_examples=60)
@given(connected_graphs(), SEEDS)
def test_every_other_node_delivers_exactly_once(graph: Graph, seed: int) -> None:
    network, invariants = watched(seed)
    nodes = build(network, graph)

    sent = network.announce(nodes[0], "hi")
    network.run_until_quiet()

    assert [node.message_ids for node in nodes[1:]] == [[sent]] * (graph.size - 1)
    assert nodes[0].message_ids == []
    invariants.check_rest(network, everything_arrived=True)


@settings(deadline=None, max_examples=60)
@given(connected_graphs(), SEEDS, st.data())
def test_messages_of_one_author_arrive_in_its_order(
    graph: Graph, seed: int, data: st.DataObject
) -> None:
    network, invariants = watched(seed)
    nodes = build(network, graph)
    said: dict[int, list[str]] = {node.index: [] for node in nodes}

    for number in range(data.draw(st.integers(1, 25))):
        author = nodes[data.draw(st.integers(0, graph.size - 1))]
        said[author.index].append(f"{author.index} {number}")
        network.announce(author, said[author.index][-1])
        network.run(data.draw(st.sampled_from([0.0, 0.001, 0.030, 0.5])))
    network.run_until_quiet()

    for node in nodes:
        for author in nodes:
            heard = [text for text in node.texts if text.startswith(f"{author.index} ")]
            assert heard == ([] if author is node else said[author.index])
    invariants.check_rest(network, everything_arrived=True)


@pytest.mark.parametrize(
    ("graph", "last_hop"),
    [
        pytest.param(chain(20), 19, id="chain"),
        pytest.param(ring(20), 19, id="ring"),
        pytest.param(star(40), 2, id="star"),
        pytest.param(complete(12), 1, id="complete"),
    ],
)
def test_hops_count_the_connections_crossed(graph: Graph, last_hop: int) -> None:
    network, _ = watched(latency_s=(0.010, 0.010))
    nodes = build(network, graph)
    if graph == ring(20):
        network.cut(nodes[0], nodes[19], silent=False)
        network.run_until_quiet()

    network.announce(nodes[1 if last_hop == 2 else 0], "hi")
    network.run_until_quiet()

    assert max(d.effect.hops for node in nodes for d in node.delivered) == last_hop


def test_a_flood_over_a_tree_sends_nothing_that_is_not_needed() -> None:
    network, _ = watched()
    nodes = build(network, chain(10))

    network.announce(nodes[4], "hi")
    network.run_until_quiet()

    assert sum(node.carried for node in nodes) == 9


def test_a_flood_costs_one_envelope_for_each_end_of_a_connection_less_one_a_node() -> None:
    network, _ = watched(latency_s=(0.010, 0.010))
    graph = complete(8)
    nodes = build(network, graph)

    network.announce(nodes[0], "hi")
    network.run_until_quiet()

    # Each neighbour passes it on to all but the sender, who is the author here.
    assert sum(node.carried for node in nodes) == 7 + 7 * 6


def test_all_that_waits_goes_into_one_envelope() -> None:
    network, _ = watched()
    alice, bob = build(network, chain(2))

    for number in range(100):
        network.announce(alice, str(number))
    network.run_until_quiet()

    assert len(alice.published) == 1
    assert bob.texts == [str(number) for number in range(100)]


def test_the_same_text_twice_arrives_twice() -> None:
    network, _ = watched()
    alice, bob = build(network, chain(2))

    first = network.announce(alice, "ok")
    second = network.announce(alice, "ok")
    network.run_until_quiet()

    assert bob.message_ids == [first, second]
    assert first != second


@settings(deadline=None, max_examples=10)
@given(SEEDS)
def test_who_joins_gets_what_was_said_marked_as_earlier(seed: int) -> None:
    network, invariants = watched(seed)
    nodes = build(network, ring(5))
    newcomer = network.add("newcomer")

    network.announce(nodes[0], "before")
    network.run_until_quiet()
    network.connect(newcomer, nodes[3])
    network.run(60.0)
    network.announce(nodes[0], "after")
    network.run_until_quiet()

    assert newcomer.texts == ["before", "after"]
    assert [d.effect.earlier for d in newcomer.delivered] == [True, False]
    assert [n for n in newcomer.told if isinstance(n, Connected)]
    invariants.check_rest(network)


def test_a_flood_of_texts_waits_for_a_congested_connection() -> None:
    network, invariants = watched(bandwidth_bytes_s=100_000, is_private=True)
    alice, bob = build(network, chain(2))
    texts = [f"{number:05}" + "x" * 995 for number in range(2_000)]

    for text in texts:
        network.announce(alice, text)
    network.run(1.0)
    waiting = alice.core.waiting_texts
    network.run_until_quiet()

    assert waiting > 1_000
    assert bob.texts == texts
    invariants.check_rest(network, everything_arrived=True)


def test_a_suspended_node_holds_up_nobody_and_gets_everything_when_it_wakes() -> None:
    network, invariants = watched(bandwidth_bytes_s=1_000_000, is_private=True)
    hub, asleep, quick, third = build(network, star(4))
    network.suspend(asleep, 15.0)

    for number in range(3_000):
        network.announce(hub, f"{number:05}" + "x" * 995)
    network.run(10.0)
    meanwhile = len(asleep.texts)
    network.run(10.0)

    assert meanwhile == 0
    assert len(asleep.texts) == len(quick.texts) == len(third.texts) == 3_000
    invariants.check_rest(network, everything_arrived=True)


def test_random_regular_graphs_are_connected_and_nearly_regular() -> None:
    graph = random_regular(200, 5, random.Random(1))
    degrees = [sum(node in edge for edge in graph.edges) for node in range(200)]
    reached, ahead = {0}, [0]
    while ahead:
        node = ahead.pop()
        for edge in graph.edges:
            if node in edge and (other := sum(edge) - node) not in reached:
                reached.add(other)
                ahead.append(other)

    assert len(reached) == 200
    assert max(degrees) == 5
    assert sum(degrees) >= 0.98 * 5 * 200

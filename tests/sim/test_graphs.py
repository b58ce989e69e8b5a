"""Floods over graphs, their parts, clusters and ways."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.sim.graphs import clustering, flood, parts, shape
from p2pchat.sim.scenarios import Graph, chain, complete, random_connected, ring, star
from tests.effort import EFFORT


def neighbours(graph: Graph) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(graph.size)]
    for one, other in graph.edges:
        found[one].append(other)
        found[other].append(one)
    return found


def test_a_flood_over_a_chain_takes_one_hop_for_each_node() -> None:
    spread = flood(neighbours(chain(5)), 0)

    assert (spread.reached, spread.last_hop, spread.sends) == (5, 4, 4)
    assert spread.redundancy == 0


def test_a_flood_over_a_complete_graph_is_sent_once_each_way_between_all_others() -> None:
    spread = flood(neighbours(complete(4)), 2)

    # Three from the author, and each of the three sends to the two others.
    assert (spread.reached, spread.last_hop, spread.sends) == (4, 1, 9)
    assert spread.redundancy == 2


def test_a_flood_stays_in_the_part_of_its_author() -> None:
    graph = [[1], [0], [3], [2], []]

    assert flood(graph, 0).reached == 2
    assert flood(graph, 4).reached == 1
    assert flood(graph, 4).redundancy == 0


def test_parts_come_largest_first() -> None:
    graph = [[], [2], [1, 3], [2], [5], [4]]

    assert [sorted(part) for part in parts(graph)] == [[1, 2, 3], [4, 5], [0]]


@pytest.mark.parametrize(
    ("graph", "share"),
    [(complete(5), 1.0), (ring(6), 0.0), (star(5), 0.0), (ring(3), 1.0), (chain(2), 0.0)],
)
def test_clustering_tells_how_many_neighbours_are_neighbours(graph: Graph, share: float) -> None:
    assert clustering(neighbours(graph)) == share


def test_the_shape_of_a_ring_is_known() -> None:
    found = shape(neighbours(ring(5)), [0, 3])

    assert (found.degree_least, found.degree_mean, found.degree_most) == (2, 2, 2)
    assert (found.path_mean, found.last_hop, found.largest) == (1.5, 2, 5)


def test_nobody_has_a_shape_too() -> None:
    found = shape([], [])

    assert (found.nodes, found.largest, found.degree_mean, found.clustering) == (0, 0, 0, 0)


@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**32), st.data())
def test_a_flood_reaches_just_the_part_of_its_author(
    size: int, removed: int, seed: int, data: st.DataObject
) -> None:
    whole = random_connected(size, size, random.Random(seed))
    graph = neighbours(Graph(size, whole.edges[removed:]))
    author = data.draw(st.integers(0, size - 1))

    spread = flood(graph, author)

    part = next(part for part in parts(graph) if author in part)
    assert spread.reached == len(part)
    assert spread.sends == sum(len(graph[node]) for node in part) - len(part) + 1
    assert sum(map(len, parts(graph))) == size

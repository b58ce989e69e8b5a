from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.notices import MapEdge, NetworkMap
from p2pchat.core.topology import StatedNeighbour, StatementHeader, network_map, parts_behind
from p2pchat.core.values import PeerId
from p2pchat.nicks import default_nick
from tests.core.asking_network import WALL_MS, person, stated
from tests.effort import EFFORT

NAMES = [f"n{number:02}" for number in range(12)]
EDGES = st.sets(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] < pair[1])
)


def drawn(me: str, *edges: str, silent: str = "", hidden: str = "") -> NetworkMap:
    """The map of a network whose people have one letter each."""
    names = sorted({name for edge in edges for name in edge} - {me})
    around = {
        name: [other for edge in edges for other in edge if name in edge and other != name]
        for name in [*names, me]
    }
    statements = [
        stated(name, *around[name], is_hidden=name in hidden)
        for name in names
        if name not in silent
    ]
    return network_map(person(me), [person(name) for name in around[me]], statements)


def nicks(result: NetworkMap) -> list[str]:
    return [each.person.nick for each in result.people]


def weak(result: NetworkMap) -> list[tuple[str, list[str]]]:
    return [(place.person.nick, sorted(one.nick for one in place.cut_off)) for place in result.weak]


def edge_of(result: NetworkMap, one: str, other: str) -> MapEdge | None:
    pair = {person(one).id, person(other).id}
    return next((edge for edge in result.edges if {edge.one, edge.other} == pair), None)


def test_people_stand_by_their_distance() -> None:
    result = drawn("a", "ab", "bc", "cd", "ae")

    assert nicks(result)[0] == "a"
    assert sorted(nicks(result)[1:3]) == ["b", "e"]
    assert nicks(result)[3:] == ["c", "d"]
    assert result.is_complete


def test_a_connection_that_both_state_is_mutual() -> None:
    result = drawn("a", "ab", "bc", silent="c")

    between_a_and_b, between_b_and_c = edge_of(result, "a", "b"), edge_of(result, "b", "c")
    assert between_a_and_b is not None
    assert between_a_and_b.is_mutual
    assert between_b_and_c is not None
    assert not between_b_and_c.is_mutual
    assert all(edge.one < edge.other for edge in result.edges)


def test_a_map_with_somebody_who_did_not_answer_is_not_complete() -> None:
    result = drawn("a", "ab", "bc", silent="c")

    assert not result.is_complete
    assert [each.has_answered for each in result.people] == [True, True, False]


def test_a_map_with_somebody_who_hides_is_not_complete() -> None:
    result = drawn("a", "ab", "bc", hidden="b")

    assert result.people[1].is_hidden
    assert edge_of(result, "b", "c") is not None  # c gives it away
    assert not result.is_complete


def test_who_holds_others_alone_is_a_weak_place_the_worst_first() -> None:
    result = drawn("a", "ab", "bc", "cd", "ac", "de", "bx")

    assert weak(result)[0] == ("c", ["d", "e"])
    assert sorted(weak(result)[1:]) == [("b", ["x"]), ("d", ["e"])]


def test_we_ourselves_are_no_weak_place_and_a_ring_has_none() -> None:
    assert drawn("a", "ab", "ac", "ad").weak == ()
    assert drawn("a", "ab", "bc", "cd", "da").weak == ()


def test_at_the_edge_of_what_is_seen_nobody_is_a_weak_place() -> None:
    result = drawn("a", "ab", "bc", "bd", silent="cd")

    assert result.weak == ()


def test_a_part_of_which_half_is_known_is_told_as_far_as_seen() -> None:
    result = drawn("a", "ab", "bc", "cd", silent="d")

    assert weak(result) == [("b", ["c", "d"])]
    assert not result.is_complete


def test_nobody_becomes_our_neighbour_because_he_says_so() -> None:
    result = network_map(person("a"), [person("b")], [stated("b", "a"), stated("x", "a")])

    assert nicks(result) == ["a", "b"]


def test_the_latest_statement_counts() -> None:
    old, new = stated("b", "a", "x", time_ms=WALL_MS - 1), stated("b", "a")

    for statements in ([old, new], [new, old]):
        assert nicks(network_map(person("a"), [person("b")], statements)) == ["a", "b"]


def test_a_nick_against_the_rules_is_replaced() -> None:
    b = person("b").id
    assert b is not None
    odd = StatementHeader(bytes(16), b, "\x1b[2J", WALL_MS, is_hidden=False, neighbours=())

    result = network_map(person("a"), [person("b")], [odd])

    assert nicks(result) == ["a", default_nick(b)]


def test_a_map_has_so_many_people_and_the_nearest_ones() -> None:
    far = [f"far{number}" for number in range(64)]
    near = [f"near{number}" for number in range(64)]
    statements = [stated(name, "a", *far) for name in near]

    result = network_map(person("a"), [person(name) for name in near], statements)

    assert len(result.people) == limits.MAP_NODES
    assert set(near) <= set(nicks(result))
    assert not result.is_complete


@settings(max_examples=EFFORT.property_examples)
@given(EDGES)
def test_weak_places_are_the_articulation_points_but_ourselves(edges: set[tuple[str, str]]) -> None:
    # networkx is the oracle; it is needed for this test only.
    graph: networkx.Graph[Any] = networkx.Graph(edges)
    graph.add_node("n00")
    near = networkx.node_connected_component(graph, "n00")
    statements = [stated(name, *graph[name]) for name in graph if name != "n00"]

    result = network_map(person("n00"), [person(name) for name in graph["n00"]], statements)

    points = set(networkx.articulation_points(graph.subgraph(near))) - {"n00"}
    assert set(nicks(result)) == near
    assert {name for name, _ in weak(result)} == points
    for name, cut_off in weak(result):
        rest = graph.subgraph(near - {name})
        assert set(cut_off) == set(rest) - networkx.node_connected_component(rest, "n00")
    distance = networkx.single_source_shortest_path_length(graph, "n00")
    assert [distance[name] for name in nicks(result)] == sorted(distance.values())


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=6)),
        max_size=12,
    ),
    st.booleans(),
)
def test_whatever_is_stated_the_map_holds_together(
    words: list[tuple[str, list[str]]], is_hidden: bool
) -> None:
    statements = [stated(name, *others, is_hidden=is_hidden) for name, others in words]

    result = network_map(person("n00"), [person("n01"), person("n02")], statements)

    people = {each.person.id for each in result.people}
    assert result.people[0].person == person("n00")
    assert len(people) == len(result.people)
    assert all({edge.one, edge.other} <= people for edge in result.edges)
    assert len({(edge.one, edge.other) for edge in result.edges}) == len(result.edges)
    assert all(one.id in people for place in result.weak for one in place.cut_off)


def test_a_chain_of_many_people_needs_no_recursion() -> None:
    peers = [PeerId(number.to_bytes(32, "big")) for number in range(5_000)]
    links: dict[PeerId, list[PeerId]] = {peer: [] for peer in peers}
    for one, other in pairwise(peers):
        links[one].append(other)
        links[other].append(one)

    found = parts_behind(links, peers[0])

    assert len(found) == 4_998
    assert found[peers[1]] == [peers[2:]]


def test_a_statement_says_the_same_in_whatever_order_neighbours_stand() -> None:
    one, other = stated("b", "a", "c"), stated("b", "c", "a")
    assert isinstance(one.neighbours[0], StatedNeighbour)

    assert network_map(person("a"), [person("b")], [one]) == network_map(
        person("a"), [person("b")], [other]
    )

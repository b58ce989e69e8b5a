from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.notices import Connected, Disconnected
from p2pchat.errors import NobodyListening
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import Graph, chain, star
from tests.sim.support import SEEDS, are_neighbours, build, connected_graphs, pair, watched


def goodbyes(node: SimNode) -> list[bool]:
    return [notice.left for notice in node.told if isinstance(notice, Disconnected)]


@settings(deadline=None, max_examples=50)
@given(connected_graphs(6), SEEDS, st.integers(0, 5))
def test_last_words_arrive_before_the_goodbye(graph: Graph, seed: int, number: int) -> None:
    network, invariants = watched(seed)
    nodes = build(network, graph)
    leaver = nodes[number % graph.size]
    neighbours = [node for node in nodes if leaver.peer in node.core.neighbours]

    network.announce(leaver, "last words")
    network.stop(leaver)
    network.run(limits.LEAVE_TIMEOUT_S / 2)

    for node in neighbours:
        assert node.texts == ["last words"]
        assert goodbyes(node) == [True]
    assert leaver.core.goodbyes_seen == len(neighbours)
    assert not leaver.is_running, "it need not wait for its whole time"
    invariants.check_rest(network)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.floats(0.0, 0.2))
def test_both_sides_may_say_goodbye_at_once(seed: int, delay_s: float) -> None:
    network, invariants = watched(seed)
    alice, bob = pair(network)
    network.announce(alice, "bye from alice")
    network.announce(bob, "bye from bob")

    network.stop(alice)
    network.after(delay_s, network.stop, bob)
    network.run(limits.LEAVE_TIMEOUT_S / 2)

    assert (alice.texts, bob.texts) == (["bye from bob"], ["bye from alice"])
    assert not alice.is_running
    assert not bob.is_running
    invariants.check_rest(network)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.floats(0.0, 1.0))
def test_who_leaves_does_not_wait_for_what_is_not_open_yet(seed: int, delay_s: float) -> None:
    network, invariants = watched(seed)
    alice, bob, carol = (network.add(name) for name in ("alice", "bob", "carol"))
    network.connect(alice, bob)
    network.connect(bob, alice)
    network.connect(carol, alice)

    network.run(delay_s)
    network.stop(alice)
    network.run(limits.END_OF_STREAM_S + 1.0)
    is_gone = not alice.is_running
    network.run(60.0)

    assert is_gone
    assert alice.peer not in bob.core.neighbours
    assert alice.peer not in carol.core.neighbours
    assert not bob.ends
    assert not carol.ends
    invariants.check_rest(network)


def test_hanging_up_ends_one_connection_and_its_rivals() -> None:
    network, invariants = watched()
    alice, bob, carol = build(network, star(3))
    network.connect(alice, bob)
    network.run(0.350)  # the second connection waits for the answer of the first

    network.hang_up(alice, bob)
    network.run(30.0)

    assert not are_neighbours(alice, bob)
    assert not bob.ends
    assert len(alice.ends) == 1
    assert are_neighbours(alice, carol)
    assert goodbyes(bob) == [True]
    invariants.check_rest(network)


def test_after_hanging_up_the_same_peer_may_come_again() -> None:
    network, invariants = watched()
    alice, bob = pair(network)

    network.hang_up(alice, bob)
    network.run(1.0)
    network.connect(bob, alice)
    network.run(1.0)

    assert are_neighbours(alice, bob)
    assert sum(isinstance(notice, Connected) for notice in bob.told) == 2
    invariants.check_rest(network)


def test_what_waits_for_a_congested_connection_still_goes_out_before_the_goodbye() -> None:
    network, _ = watched(bandwidth_bytes_s=1_000_000, is_private=True)
    alice, bob = build(network, chain(2))
    texts = [f"{number:05}" + "x" * 995 for number in range(2_000)]
    for text in texts:
        network.announce(alice, text)

    network.stop(alice)
    network.run(limits.LEAVE_TIMEOUT_S)

    assert bob.texts == texts
    assert goodbyes(bob) == [True]


def test_a_neighbour_that_does_not_react_holds_up_the_leaver_for_its_time_only() -> None:
    network, _ = watched()
    alice, bob = pair(network)
    network.cut(alice, bob)

    network.stop(alice)
    network.run(limits.LEAVE_TIMEOUT_S - 0.1)
    was_waiting = alice.is_running
    network.run(0.2)

    assert was_waiting
    assert not alice.is_running
    assert alice.core.goodbyes_seen == 0


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_crash_is_told_as_a_loss(*, is_silent: bool) -> None:
    network, invariants = watched()
    alice, bob = pair(network)

    network.crash(alice, silent=is_silent)
    network.run(1.0)
    early = goodbyes(bob)
    network.run(limits.PING_AFTER_S + limits.DEAD_AFTER_PING_S + 5.0)

    assert early == ([] if is_silent else [False])
    assert goodbyes(bob) == [False]
    assert not bob.ends
    invariants.check_rest(network)


def test_a_dial_of_who_has_left_finds_nobody() -> None:
    network, _ = watched()
    alice, bob = pair(network)
    network.stop(bob)
    network.run(5.0)

    network.connect(alice, bob)
    network.run(5.0)

    assert isinstance(alice.failed[0].error, NobodyListening)

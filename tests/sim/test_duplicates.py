from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.notices import Connected, Disconnected
from p2pchat.errors import OwnAddress, SameIdentity
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from tests.sim.support import SEEDS, SETTLED_S, are_neighbours, pair, watched

_DELAYS_S = st.floats(0.0, 0.050)


def joined(node: SimNode) -> int:
    return sum(isinstance(notice, Connected) for notice in node.told)


def parted(node: SimNode) -> int:
    return sum(isinstance(notice, Disconnected) for notice in node.told)


def talk(network: SimNetwork, a: SimNode, b: SimNode, times: int, every_s: float) -> None:
    """Let both say something again and again, each as soon as it has a neighbour."""
    for number in range(times):
        for node in (a, b):
            if node.core.neighbours:
                network.announce(node, f"{number}")
        network.run(every_s)


def assert_nothing_was_lost(a: SimNode, b: SimNode) -> None:
    # In order, too, though a frame on the new connection may overtake one on the old.
    for node, other in ((a, b), (b, a)):
        sent = [text for published in other.published for text in published.texts]
        assert sent
        assert node.texts == sent


# --- Crossing dials ---------------------------------------------------------------------------


@pytest.mark.threat(25)
def test_a_thousand_crossing_dials_leave_one_connection_each_and_lose_nothing() -> None:
    for seed in range(1_000):
        network, invariants = watched(seed)
        a, b = network.add("a"), network.add("b")
        network.connect(a, b, delay_s=network.random.uniform(0, 0.050))
        network.connect(b, a, delay_s=network.random.uniform(0, 0.050))

        talk(network, a, b, 12, 0.035)
        network.run(10.0)

        assert are_neighbours(a, b), seed
        assert len(a.ends) == len(b.ends) == 1, seed
        assert (joined(a), parted(a), joined(b), parted(b)) == (1, 0, 1, 0), seed
        assert_nothing_was_lost(a, b)
        invariants.check_rest(network)


@pytest.mark.threat(25)
@settings(deadline=None, max_examples=40)
@given(
    SEEDS,
    st.lists(st.tuples(st.booleans(), st.floats(0.0, 25.0)), min_size=2, max_size=6),
    st.floats(0.001, 0.5),
)
@example(0, [(True, 0.0), (True, 0.0), (False, 0.0)], 0.05)
@example(0, [(False, 0.0), (False, 0.0), (True, 0.0)], 0.05)
def test_any_dials_between_two_nodes_leave_one_connection_and_lose_nothing(
    seed: int, dials: list[tuple[bool, float]], latency_s: float
) -> None:
    network, invariants = watched(seed, (latency_s / 10, latency_s))
    a, b = network.add("a"), network.add("b")
    for is_from_a, delay_s in dials:
        dialler, acceptor = (a, b) if is_from_a else (b, a)
        network.connect(dialler, acceptor, delay_s=delay_s)

    talk(network, a, b, 60, 0.8)
    network.run(SETTLED_S)

    assert are_neighbours(a, b)
    assert len(a.ends) == len(b.ends) == 1
    assert_nothing_was_lost(a, b)
    invariants.check_rest(network)


@settings(deadline=None, max_examples=200)
@given(SEEDS, st.booleans(), st.floats(-0.2, 0.2))
def test_dials_at_the_edge_of_the_crossing_window_leave_one_connection(
    seed: int, is_lower_first: bool, off_s: float
) -> None:
    # The two ends may judge differently here: for one the dials crossed, for the other not.
    network, invariants = watched(seed, (0.005, 0.100))
    a, b = sorted((network.add("a"), network.add("b")), key=lambda node: node.peer)
    first, second = (a, b) if is_lower_first else (b, a)
    network.connect(first, second)
    network.connect(second, first, delay_s=limits.CROSSING_S + off_s)

    network.run(SETTLED_S)
    network.announce(a, "from a")
    network.announce(b, "from b")
    network.run_until_quiet()

    assert are_neighbours(a, b)
    assert parted(a) == parted(b) == 0
    assert (a.texts, b.texts) == (["from b"], ["from a"])
    invariants.check_rest(network)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.lists(_DELAYS_S, min_size=2, max_size=3), st.booleans())
def test_several_dials_at_once_are_all_answered_and_replace_nothing(
    seed: int, delays_s: list[float], is_lower_last: bool
) -> None:
    network, invariants = watched(seed)
    lower, higher = sorted((network.add("a"), network.add("b")), key=lambda node: node.peer)
    a, b = (higher, lower) if is_lower_last else (lower, higher)
    links = [network.connect(a, b, delay_s=delay_s) for delay_s in delays_s]
    links.append(network.connect(b, a, delay_s=delays_s[0] + 0.050))

    talk(network, a, b, 40, 0.25)
    network.run(SETTLED_S)

    for link in links:
        connection = link.dialler.connection
        answers = [o for o in link.dialler.node.opened if o.connection == connection]
        assert answers, "somebody waits for this dial"
    assert not a.failed
    assert not b.failed
    assert "replaced" not in str(a.told) + str(b.told)
    assert_nothing_was_lost(a, b)
    invariants.check_rest(network)


def test_a_second_dial_of_a_neighbour_finds_it_is_there_already() -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    network.run(30.0)

    network.connect(alice, bob)
    network.run(SETTLED_S)

    assert [opened.already for opened in alice.opened] == [False, True]
    assert joined(alice) == joined(bob) == 1
    assert parted(alice) == parted(bob) == 0
    assert len(alice.ends) == len(bob.ends) == 1
    invariants.check_rest(network)


# --- Coming back ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.booleans(), st.booleans())
def test_a_restarted_peer_is_back_within_six_seconds(
    seed: int, is_silent: bool, is_dialler: bool
) -> None:
    network, invariants = watched(seed)
    alice, bob = pair(network)
    back, stayed = (alice, bob) if is_dialler else (bob, alice)

    network.crash(back, silent=is_silent)
    network.restart(back)
    network.connect(back, stayed)
    network.run(6.0)
    network.announce(stayed, "welcome back")
    network.announce(back, "thanks")
    network.run_until_quiet()

    assert are_neighbours(back, stayed)
    assert back.texts == ["welcome back"]
    assert stayed.texts == ["thanks"]
    assert (joined(stayed), parted(stayed)) == (2, 1)
    invariants.check_rest(network)


@pytest.mark.threat(2)
def test_what_is_said_to_a_dead_connection_comes_when_the_new_one_takes_its_place() -> None:
    network, invariants = watched()
    alice, bob = pair(network)
    network.run(100.0)
    network.announce(bob, "so that alice blames him later than he her")
    network.run(1.0)
    network.cut(alice, bob)
    while bob.core.neighbours:
        network.run(0.1)
    network.connect(bob, alice)
    network.run(1.0)

    network.announce(alice, "still here")
    network.run(limits.DUPLICATE_PING_S + 1.0)

    assert bob.texts == ["still here"]
    invariants.check_rest(network)


def test_a_full_node_takes_a_restarted_neighbour_back() -> None:
    network, invariants = watched()
    hub = network.add("hub")
    others = [network.add() for _ in range(limits.CONNECTIONS_LIMIT)]
    network.connect_all([hub, *others], [(i, 0) for i in range(1, len(others) + 1)])
    network.crash(others[5], silent=True)

    network.restart(others[5])
    network.connect(others[5], hub)
    stranger = network.add("stranger")
    network.connect(stranger, hub)
    network.run(6.0)

    assert are_neighbours(hub, others[5])
    assert not stranger.core.neighbours
    invariants.check_rest(network)


def test_one_peer_cannot_take_more_than_its_share_of_connections() -> None:
    network, invariants = watched()
    alice, bob = pair(network)

    for number in range(200):
        network.connect(alice, bob, delay_s=number * 0.020)
    network.run(4.5)
    most = len(bob.ends)
    network.run(SETTLED_S)

    # Refused ones end a moment after their refusal, so some more are on their way out.
    assert most <= limits.CONNECTIONS_PER_PEER + 16
    assert are_neighbours(alice, bob)
    assert len(bob.ends) == 1
    invariants.check_rest(network)


# --- Oneself ----------------------------------------------------------------------------------


@pytest.mark.threat(26)
def test_a_node_that_dials_itself_is_told_so_and_has_no_connection() -> None:
    network, invariants = watched()
    alice = network.add("alice")

    network.connect(alice, alice)
    network.run(SETTLED_S)

    assert {type(failed.error) for failed in alice.failed} == {OwnAddress}
    assert not alice.ends
    assert not alice.told
    invariants.check_rest(network)


@pytest.mark.threat(26)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_copied_profile_is_refused_and_both_are_told(is_first: bool) -> None:
    network, invariants = watched()
    one, copy = network.add("alice"), network.add("alice")
    dialler, acceptor = (one, copy) if is_first else (copy, one)

    network.connect(dialler, acceptor)
    network.run(SETTLED_S)

    assert {type(failed.error) for failed in dialler.failed} == {SameIdentity}
    assert "a copy of this profile" in str(acceptor.told)
    assert not one.ends
    assert not copy.ends
    invariants.check_rest(network)

"""Whole nodes that join by themselves and stay joined, with every step checked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from p2pchat.core import limits
from p2pchat.core.mesh_frames import Join
from p2pchat.core.notices import Connected, Disconnected, Place
from p2pchat.core.values import PeerId
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules, SimNode

_EACH_S = 0.5
"""Between two newcomers."""

_HOUR_S = 3_600.0


def network_of(seed: int) -> tuple[SimNetwork, Invariants]:
    """A network whose nodes join by themselves."""
    invariants = Invariants(bounds_every_steps=100)
    return SimNetwork(seed, rules=Rules(joins=True), watchers=[invariants]), invariants


def grown(seed: int, size: int, *, hidden: int = 0) -> tuple[SimNetwork, Invariants, list[SimNode]]:
    """One after another joins through the first; the last so many are behind a NAT."""
    network, invariants = network_of(seed)
    nodes = [network.add() for _ in range(size)]
    for node in nodes[size - hidden :]:
        node.is_behind_nat = True
    for number, node in enumerate(nodes[1:]):
        network.connect(node, nodes[0], delay_s=_EACH_S * number)
    network.run(_EACH_S * size + 60.0)
    return network, invariants, nodes


def members(node: SimNode) -> int:
    """Neighbours that a node keeps on purpose."""
    statuses = node.core.peers(0.0).neighbours
    return sum(status.place is Place.VIEW for status in statuses)


def components(network: SimNetwork) -> list[int]:
    """Sizes of the parts that are connected among themselves, over links that carry."""
    living = {node.index: node for node in network.nodes if node.is_running}
    sizes = []
    while living:
        _, first = living.popitem()
        found, size = [first], 0
        while found:
            node = found.pop()
            size += 1
            for connection in node.core.neighbours.values():
                end = node.ends.get(connection)
                if end is not None and not end.link.is_silent:
                    other = living.pop(end.other.node.index, None)
                    found += [other] if other is not None else []
        sizes.append(size)
    return sorted(sizes)


def talk(network: SimNetwork, nodes: Sequence[SimNode], seconds: float) -> None:
    """Let somebody say something every two seconds."""
    for _ in range(int(seconds / 2.0)):
        network.announce(network.random.choice(nodes), f"message {len(network.announced)}")
        network.run(2.0)


def seconds_until(network: SimNetwork, claim: str, most_s: float, invariants: Invariants) -> float:
    """Let time pass until all is one, or whole."""
    began_at = network.now
    while network.now < began_at + most_s:
        is_one = len(components(network)) == 1
        if is_one if claim == "one" else not any(invariants.lacking(network)):
            break
        network.run(1.0)
    return network.now - began_at


def have_crossed(network: SimNetwork) -> bool:
    """Tell whether two have dialled each other at once, and the loser has not ended yet."""
    peers = [[end.other.node.index for end in node.ends.values()] for node in network.nodes]
    return any(len(each) > len(set(each)) for each in peers)


def at_rest(network: SimNetwork, invariants: Invariants) -> None:
    """Let what is under way arrive and what crossed be closed, then check everything."""
    until = network.now + limits.DRAIN_S + limits.LEAVE_TIMEOUT_S
    while have_crossed(network) and network.now < until:
        network.run(1.0)
    network.run_until_quiet()
    invariants.check_rest(network)


def assert_told_in_turns(node: SimNode) -> None:
    """Of each neighbour: that he came, that he went, that he came."""
    around: set[bytes | None] = set()
    for notice in node.told:
        if isinstance(notice, Connected):
            assert notice.person.id not in around, f"{node.name} is told twice that somebody came"
            around.add(notice.person.id)
        if isinstance(notice, Disconnected):
            assert notice.person.id in around, f"{node.name} is told that a visitor went"
            around.remove(notice.person.id)


# --- Joining ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "size"), [(0, 60), (1, 30)])
def test_nodes_that_join_through_one_are_one_network_without_a_hub(seed: int, size: int) -> None:
    network, invariants, nodes = grown(seed, size)

    assert components(network) == [size]
    for node in nodes:
        assert limits.ACTIVE_DIALLED_AIM <= members(node) <= limits.ACTIVE_LIMIT
        assert_told_in_turns(node)
    network.run(300.0)
    assert max(len(node.core.neighbours) for node in nodes) <= 2 * limits.ACTIVE_LIMIT
    at_rest(network, invariants)


def test_neighbours_keep_each_other_in_view_and_nobody_else_knows_better() -> None:
    network, invariants, nodes = grown(3, 30)
    network.run(300.0)
    at_rest(network, invariants)

    places: dict[tuple[PeerId | None, PeerId | None], Place] = {
        (node.peer, status.person.id): status.place
        for node in nodes
        for status in node.core.peers(network.now).neighbours
    }
    one_sided = [(a, b) for (a, b), place in places.items() if places.get((b, a)) is not place]
    assert not one_sided


def test_a_network_at_rest_evicts_nobody_and_joins_nobody_anew() -> None:
    network, invariants, nodes = grown(4, 30)
    network.run(300.0)
    for node in nodes:
        node.told.clear()

    network.run(300.0)

    told = [n for node in nodes for n in node.told if isinstance(n, Connected | Disconnected)]
    assert len(told) <= len(nodes) / 2
    at_rest(network, invariants)


def test_a_typed_connection_is_told_at_once_and_kept_beside_the_view() -> None:
    network, invariants, nodes = grown(5, 30)
    newcomer = network.add()

    network.connect(newcomer, nodes[0], is_typed=True)
    network.run(120.0)

    first = next(n for n in newcomer.told if isinstance(n, Connected))
    assert first.person.id == nodes[0].peer
    assert nodes[0].peer in newcomer.core.neighbours
    assert len(newcomer.core.neighbours) >= limits.ACTIVE_DIALLED_AIM
    at_rest(network, invariants)


# --- Losing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [False, True])
def test_the_one_that_everybody_joined_through_may_crash(silent: bool) -> None:
    network, invariants, nodes = grown(6, 30)

    network.crash(nodes[0], silent=silent)
    network.run(60.0)

    assert components(network) == [29]
    assert min(members(node) for node in nodes[1:]) >= limits.ACTIVE_DIALLED_AIM
    talk(network, nodes[1:], 20.0)
    network.run(5.0)
    assert not any(invariants.lacking(network))
    at_rest(network, invariants)


@pytest.mark.threat(19)
def test_halves_that_were_apart_for_ten_minutes_find_each_other_and_lose_nothing() -> None:
    network, invariants, nodes = grown(0, 40)
    sides = nodes[:20], nodes[20:]

    network.partition(sides)
    talk(network, nodes, 600.0)
    assert components(network) == [20, 20]
    assert min(members(node) for node in nodes) >= limits.ACTIVE_DIALLED_AIM
    network.heal()
    to_one_s = seconds_until(network, "one", 200.0, invariants)
    to_whole_s = seconds_until(network, "whole", 200.0, invariants)

    assert to_one_s <= 120.0
    assert to_one_s + to_whole_s <= 180.0
    for _ in range(5):
        network.run(60.0)
        assert components(network) == [40], "they stay together"
    at_rest(network, invariants)


@pytest.mark.threat(24)
def test_who_sleeps_for_two_minutes_is_back_at_once_and_has_everything() -> None:
    network, invariants, nodes = grown(7, 30)
    sleeper, *others = nodes[7], *nodes[:7], *nodes[8:]

    network.suspend(sleeper, 120.0)
    talk(network, others, 120.0)
    network.run(15.0)

    assert components(network) == [30]
    assert not any(invariants.lacking(network))
    network.run(60.0)
    at_rest(network, invariants)


@pytest.mark.threat(24)
def test_eight_hours_of_sleep_cost_fifteen_seconds() -> None:
    network, invariants, nodes = grown(8, 30)
    sleeper = nodes[7]

    network.jump_clock(sleeper, 8 * _HOUR_S)
    network.run(15.0)

    assert components(network) == [30]
    assert members(sleeper) >= limits.ACTIVE_DIALLED_AIM
    at_rest(network, invariants)


def test_everybody_may_restart_one_after_another() -> None:
    network, invariants, nodes = grown(9, 30)

    for node in nodes:
        network.crash(node, silent=bool(node.index % 2))
        network.run(3.0)
        network.restart(node)
        network.connect(node, nodes[(node.index + 3) % 30])
        network.run(7.0)
    network.run(60.0)

    assert components(network) == [30]
    assert min(members(node) for node in nodes) >= limits.ACTIVE_DIALLED_AIM
    at_rest(network, invariants)


def test_half_behind_a_nat_are_in_the_network_and_know_that_they_are_hidden() -> None:
    network, invariants, nodes = grown(10, 30, hidden=15)
    network.run(120.0)

    assert components(network) == [30]
    for node in nodes:
        assert node.core.standing(network.now).is_reachable is not node.is_behind_nat
    talk(network, nodes, 20.0)
    network.run(5.0)
    assert not any(invariants.lacking(network))
    at_rest(network, invariants)


# --- Typed connections ------------------------------------------------------------------------


def pinned_pair(seed: int) -> tuple[SimNetwork, SimNode, SimNode]:
    """Two nodes of a small network, of which the first has typed the second's address."""
    network, _, nodes = grown(seed, 20)
    alice, bob = nodes[3], network.add("bob")
    network.connect(alice, bob, is_typed=True)
    network.run(10.0)
    return network, alice, bob


def dials_to(node: SimNode, other: SimNode) -> int:
    """How often a node's core has dialled another one for a pin."""
    told = [n for n in node.told if isinstance(n, Connected | Disconnected)]
    return sum(n.person.id == other.peer and isinstance(n, Connected) for n in told)


def test_a_typed_connection_that_breaks_is_there_again() -> None:
    network, alice, bob = pinned_pair(11)

    network.cut(alice, bob, silent=False)
    network.run(5.0)

    assert bob.peer in alice.core.neighbours
    assert dials_to(alice, bob) == 2
    assert_told_in_turns(alice)
    assert_told_in_turns(bob)


def test_who_was_typed_and_says_goodbye_is_not_called_back() -> None:
    network, alice, bob = pinned_pair(12)

    network.stop(bob)
    network.run(10.0)
    network.restart(bob)
    network.run(20.0)

    (gone,) = [n for n in alice.told if isinstance(n, Disconnected) and n.person.id == bob.peer]
    assert gone.left
    assert "dialling again" not in gone.reason


def test_who_hangs_up_on_a_typed_connection_is_alone_with_his_choice() -> None:
    network, alice, bob = pinned_pair(13)

    network.hang_up(alice, bob)
    network.run(3.0)

    assert bob.peer not in alice.core.neighbours


def test_joining_a_thousand_times_does_not_take_a_network_apart() -> None:
    network, invariants, nodes = grown(14, 30)
    victim, attackers = nodes[5], [network.add(f"attacker{n}") for n in range(10)]
    before = set(victim.core.neighbours)

    for number in range(100):
        attacker = attackers[number % 10]
        if victim.peer not in attacker.core.neighbours:
            network.connect(attacker, victim)
            network.run(0.3)
        if victim.peer in attacker.core.neighbours:
            network.inject(attacker, victim, *[Join(False)] * 10)
        network.run(0.3)

    assert len(before & set(victim.core.neighbours)) >= 2
    assert components(network) == [40]
    network.run(60.0)
    at_rest(network, invariants)

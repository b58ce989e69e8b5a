"""Many machines of membership together: nobody stays alone, nobody is crowded, parts meet again."""

from __future__ import annotations

from typing import Final

import pytest

from p2pchat.core import limits
from p2pchat.sim.overlay import Overlay
from p2pchat.sim.overlay_nodes import Fate
from p2pchat.sim.sweep import asymmetric
from tests.effort import EFFORT
from tests.sim.overlay_support import (
    NODES,
    SETTLED_S,
    broken_bounds,
    grown,
    is_whole,
    lonely,
    seconds_until_whole,
)

SEEDS: Final = range(max(4, EFFORT.simulation_seeds // 4))
"""A few seconds each; 250 of them in a long run."""
FEW_SEEDS: Final = range(max(2, EFFORT.simulation_seeds // 10))
"""For what takes many virtual minutes."""

TWO_CYCLES_S: Final = 2 * limits.SHUFFLE_EVERY_S


def assert_well(overlay: Overlay) -> None:
    """Everybody has neighbours, of both ends' knowledge, and nobody has too many."""
    assert is_whole(overlay)
    assert asymmetric(overlay) == 0
    assert broken_bounds(overlay) == []
    assert lonely(overlay) == []


# --- Joining ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_who_joins_through_one_address_is_one_network_at_rest(seed: int) -> None:
    overlay = grown(seed)

    assert_well(overlay)
    assert len(overlay.running) == NODES
    views = [len(node.membership.view.members) for node in overlay.running]
    assert min(views) >= limits.ACTIVE_DIALLED_AIM
    assert all(len(node.membership.passive) > limits.PASSIVE_LIMIT / 2 for node in overlay.running)


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_a_burst_of_newcomers_through_one_address_crowds_nobody(seed: int) -> None:
    overlay = Overlay(seed)
    entry = overlay.add()
    overlay.run(1.0)
    for _ in range(NODES - 1):
        overlay.introduce(overlay.add(), entry)

    for _ in range(60):
        overlay.run(1.0)
        assert broken_bounds(overlay) == []
        assert max(len(node.wires) for node in overlay.nodes) <= limits.CONNECTIONS_LIMIT
    overlay.run(SETTLED_S)

    assert_well(overlay)


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_the_entry_node_is_no_hub_and_nobody_misses_it(seed: int) -> None:
    overlay = grown(seed)
    entry = overlay.nodes[0]
    assert len(entry.wires) <= limits.ACTIVE_LIMIT + len(entry.membership.view) / 2

    overlay.leave(entry)
    overlay.run(1.0)
    at_once = is_whole(overlay)
    overlay.run(SETTLED_S)

    assert at_once
    assert_well(overlay)


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_who_comes_late_finds_a_place_in_a_full_network(seed: int) -> None:
    overlay = grown(seed)
    overlay.run(TWO_CYCLES_S)
    contact = overlay.random.choice(overlay.nodes)

    late = overlay.add()
    overlay.introduce(late, contact)
    overlay.run(10.0)

    assert late.membership.view.members


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_who_starts_again_in_a_full_network_has_its_own_dials_within_seconds(seed: int) -> None:
    overlay = grown(seed, 60, has_books=True)
    overlay.run(TWO_CYCLES_S)
    own = []

    for node in overlay.random.sample(overlay.nodes, 10):
        overlay.leave(node)
        again = overlay.restart(node)
        overlay.run(5.0)
        own.append(sum(link.is_dialled for link in again.membership.view.members))

    assert sum(own) >= 0.95 * len(own) * limits.ACTIVE_AIM, own


# --- Losses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("percent", [30, 50])
def test_survivors_of_a_crash_are_one_network_within_seconds(percent: int, seed: int) -> None:
    overlay = grown(seed)
    dead = overlay.random.sample(overlay.nodes, NODES * percent // 100)

    overlay.kill(dead, Fate.DIED)
    took_s = seconds_until_whole(overlay, 60)

    assert took_s <= 10
    assert broken_bounds(overlay) == []


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_a_network_that_lost_most_of_itself_is_well_again_after_two_cycles(seed: int) -> None:
    overlay = grown(seed)

    overlay.kill(overlay.random.sample(overlay.nodes, NODES * 8 // 10), Fate.VANISHED)
    overlay.run(max(SETTLED_S, TWO_CYCLES_S))

    assert is_whole(overlay)
    assert broken_bounds(overlay) == []


@pytest.mark.threat(19)
@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_two_halves_that_filled_their_views_meet_again_within_two_minutes(seed: int) -> None:
    overlay = grown(seed)
    overlay.split(overlay.random.sample(overlay.nodes, NODES // 2))
    overlay.run(600)
    assert not is_whole(overlay)
    full = [len(node.membership.view.members) >= limits.ACTIVE_AIM for node in overlay.nodes]
    assert sum(full) > 0.95 * NODES

    overlay.heal()
    took_s = seconds_until_whole(overlay, 300)
    overlay.run(TWO_CYCLES_S + SETTLED_S)

    assert took_s <= 120
    assert_well(overlay)


@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_churn_leaves_one_network(seed: int) -> None:
    overlay = grown(seed, 100)
    for _ in range(60):
        overlay.kill([overlay.random.choice(overlay.running[1:])], Fate.DIED)
        newcomer = overlay.add()
        overlay.introduce(newcomer, overlay.random.choice(overlay.running[:-1]))
        overlay.run(2.0)
        assert broken_bounds(overlay) == []

    overlay.run(SETTLED_S)

    assert_well(overlay)


# --- NAT --------------------------------------------------------------------------------------


@pytest.mark.parametrize("knows_it", [True, False], ids=["knows", "does not know"])
@pytest.mark.parametrize("seed", FEW_SEEDS)
def test_a_half_that_nobody_can_dial_gets_its_share(seed: int, knows_it: bool) -> None:
    overlay = Overlay(seed)
    entry = overlay.add()
    for number in range(99):
        overlay.run(0.05)
        node = overlay.add()
        if number % 2:
            overlay.hide(node, knows_it=knows_it)
        overlay.introduce(node, entry)
    overlay.run(180)

    hidden = [node for node in overlay.nodes if node.is_behind_nat]
    shares = [len(node.membership.view.members) for node in hidden]
    assert is_whole(overlay)
    assert asymmetric(overlay) == 0
    assert broken_bounds(overlay) == []
    assert min(shares) >= 1
    assert sum(shares) / len(shares) >= 2
    # Whoever looks for more does so in peace, or those who can be dialled had no peace either.
    assert max(len(node.wires) for node in overlay.nodes) <= limits.CONNECTIONS_LIMIT / 2


# --- Networks of addresses --------------------------------------------------------------------


@pytest.mark.parametrize("network", ["20.7", "10.7"], ids=["all in one /16", "a LAN"])
def test_rules_about_networks_do_no_harm_where_all_are_in_one(network: str) -> None:
    overlay = Overlay(1)
    entry = overlay.add(host=f"{network}.0.1")
    for number in range(1, 100):
        overlay.run(0.05)
        overlay.introduce(overlay.add(host=f"{network}.{number}.1"), entry)
    overlay.run(SETTLED_S)
    at_first = min(len(node.membership.view.members) for node in overlay.nodes)

    overlay.kill(overlay.random.sample(overlay.nodes, 50), Fate.DIED)
    overlay.run(SETTLED_S)

    assert at_first >= limits.ACTIVE_DIALLED_AIM
    assert_well(overlay)

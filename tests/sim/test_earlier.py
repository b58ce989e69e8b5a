"""What was said before somebody came, what is replayed later, and what clocks do to both."""

from __future__ import annotations

import random

import pytest

from p2pchat.core import limits
from p2pchat.core.events import FrameReceived
from p2pchat.core.frames import Carry
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import random_regular, ring
from tests.sim.support import are_neighbours, build, craft, watched


def earlier(node: SimNode) -> list[str]:
    return [text for d in node.delivered if d.effect.earlier for text in d.effect.texts]


def join(network: SimNetwork, *others: SimNode) -> SimNode:
    newcomer = network.add("newcomer")
    for other in others:
        network.connect(newcomer, other)
    return newcomer


# --- Newcomers --------------------------------------------------------------------------------


def test_a_newcomer_gets_the_last_ten_minutes_once_in_order_and_marked() -> None:
    network, invariants = watched(seed=1)
    nodes = build(network, ring(6))
    for number in range(15 * 6):  # a quarter of an hour, a message each ten seconds
        network.announce(nodes[number % 6], f"{number}")
        network.run(10.0)
    network.run(5.0)

    newcomer = join(network, nodes[0], nodes[3])
    network.run(10.0)
    since = newcomer.started_at - limits.BACKLOG_MINUTES * 60
    said_at = [announced.at for announced in network.announced.values()]
    expected = [f"{number}" for number, at in enumerate(said_at) if at >= since]
    network.announce(nodes[1], "live")
    network.run(1.0)

    # Those of different authors may come in any order; those of one may not.
    assert sorted(newcomer.texts[:-1], key=int) == expected
    assert len(expected) == 59
    for author in range(6):
        of_one = [int(text) for text in newcomer.texts[:-1] if int(text) % 6 == author]
        assert of_one == sorted(of_one)
    assert earlier(newcomer) == newcomer.texts[:-1]
    assert newcomer.texts[-1] == "live"
    invariants.check_rest(network, is_repaired=True)


def test_what_is_said_while_a_newcomer_catches_up_comes_once_and_in_order() -> None:
    network, invariants = watched(seed=2)
    nodes = build(network, ring(4))
    for number in range(300):
        network.announce(nodes[0], f"{number}")
        network.run(0.25)

    newcomer = join(network, nodes[0], nodes[1], nodes[2])
    for number in range(300, 340):
        network.announce(nodes[0], f"{number}")
        network.run(0.02)
    network.run(20.0)

    assert newcomer.texts == [f"{number}" for number in range(340)]
    invariants.check_rest(network, is_repaired=True)


# --- Replay -----------------------------------------------------------------------------------


def carried_by(network: SimNetwork, nodes: list[SimNode]) -> int:
    return sum(node.carried for node in nodes)


def replay_through_a_fresh_peer(network: SimNetwork, frame: Carry, victim: SimNode) -> SimNode:
    """Let somebody new hand that frame to a node as if it had just come."""
    mallory = network.add("mallory")
    network.connect(mallory, victim)
    network.run(10.0)
    network.inject(mallory, victim, frame)
    network.run(10.0)
    return mallory


class Tape:
    """A watcher that keeps the first envelope that was carried."""

    frame: Carry | None = None

    def on_start(self, node: SimNode) -> None:
        pass

    def on_step(self, node: SimNode, event: object, effects: object, now: float) -> None:
        if self.frame is None and isinstance(event, FrameReceived):
            self.frame = event.frame if isinstance(event.frame, Carry) else None


@pytest.fixture
def recorded() -> tuple[SimNetwork, list[SimNode], Carry]:
    tape = Tape()
    network = SimNetwork(seed=3, watchers=[tape])
    nodes = build(network, random_regular(50, 4, random.Random(3)))
    network.announce(nodes[0], "pay me")
    network.run(10.0)
    assert tape.frame is not None
    return network, nodes, tape.frame


@pytest.mark.threat(9)
@pytest.mark.parametrize("later_s", [60.0, 25 * 60.0, 35 * 60.0, 3_600.0])
def test_a_replayed_envelope_is_neither_shown_again_nor_passed_on(
    recorded: tuple[SimNetwork, list[SimNode], Carry], later_s: float
) -> None:
    network, nodes, frame = recorded
    network.run(later_s)
    carried = carried_by(network, nodes)

    replay_through_a_fresh_peer(network, frame, nodes[7])

    assert [node.texts for node in nodes] == [[]] + [["pay me"]] * 49
    assert carried_by(network, nodes) == carried


@pytest.mark.threat(9)
def test_after_an_hour_not_even_a_restarted_victim_shows_a_replayed_envelope(
    recorded: tuple[SimNetwork, list[SimNode], Carry],
) -> None:
    network, nodes, frame = recorded
    network.crash(nodes[7])
    network.restart(nodes[7])
    network.run(3_600.0)
    carried = carried_by(network, nodes)

    replay_through_a_fresh_peer(network, frame, nodes[7])

    assert nodes[7].texts == ["pay me"], "from before its restart"
    assert carried_by(network, nodes) == carried


@pytest.mark.threat(9)
def test_after_the_victim_s_restart_a_recent_envelope_is_shown_once_and_as_earlier(
    recorded: tuple[SimNetwork, list[SimNode], Carry],
) -> None:
    network, nodes, frame = recorded
    victim = nodes[7]
    network.run(300.0)
    network.crash(victim)
    network.restart(victim)
    network.connect(victim, nodes[8])
    network.run(10.0)
    since_restart = [d for d in victim.delivered if d.start == victim.starts]

    mallory = replay_through_a_fresh_peer(network, frame, victim)

    shown = [d for d in victim.delivered if d.start == victim.starts]
    assert shown == since_restart
    assert [d.effect.earlier for d in shown] == [True]
    assert are_neighbours(mallory, victim)


# --- Clocks -----------------------------------------------------------------------------------


@pytest.mark.threat(10)
@pytest.mark.parametrize("offset_s", [-600.0, 600.0 - 1.0])
def test_a_clock_that_is_ten_minutes_off_speaks_and_hears_like_any_other(offset_s: float) -> None:
    network, invariants = watched(seed=4)
    alice, bob = network.add("alice"), network.add("bob")
    odd = network.add("odd", clock_offset_s=offset_s)
    network.connect(alice, bob)
    network.connect(odd, alice)
    # Longer than it is off: what was written before a node's start, by its clock, is earlier.
    network.run(660.0)

    for number in range(5):
        network.announce(odd, f"odd {number}")
        network.announce(bob, f"bob {number}")
        network.run(1.0)

    assert bob.texts == [f"odd {number}" for number in range(5)]
    assert odd.texts == [f"bob {number}" for number in range(5)]
    assert not earlier(bob)
    assert not earlier(odd)
    invariants.check_rest(network, everything_arrived=True)


def test_what_is_lost_of_a_clock_ten_minutes_ahead_is_repaired_too() -> None:
    network, invariants = watched(seed=5)
    alice, bob = network.add("alice"), network.add("bob")
    odd = network.add("odd", clock_offset_s=limits.AGE_FUTURE_S - 60.0)
    network.connect(alice, bob)
    network.connect(odd, alice)
    network.run(30.0)

    network.cut(alice, bob)
    network.announce(odd, "unheard")
    network.run(60.0)
    network.connect(alice, bob)
    network.run(60.0)

    assert bob.texts == ["unheard"]
    invariants.check_rest(network)


@pytest.mark.threat(10)
def test_a_clock_a_day_ahead_is_not_heard_but_breaks_nothing() -> None:
    network, invariants = watched(seed=6)
    alice, bob = network.add("alice"), network.add("bob")
    odd = network.add("odd", clock_offset_s=86_400.0)
    network.connect(alice, bob)
    network.connect(odd, alice)
    network.run(30.0)

    network.announce(odd, "from tomorrow")
    network.announce(bob, "from today")
    network.run(120.0)

    assert (alice.texts, bob.texts, odd.texts) == (["from today"], [], [])
    assert are_neighbours(odd, alice), "it is no fault of who sent it"
    invariants.check_rest(network)


@pytest.mark.threat(10)
@pytest.mark.parametrize("jump_s", [-3_600.0, 3_600.0])
def test_a_clock_that_jumps_by_an_hour_and_back_loses_nothing_of_the_others(jump_s: float) -> None:
    network, invariants = watched(seed=8)
    alice, bob, odd = (network.add(name) for name in ("alice", "bob", "odd"))
    network.connect(alice, bob)
    network.connect(odd, alice)
    network.run(30.0)

    network.jump_clock(odd, jump_s)
    network.announce(odd, "of another hour")
    network.announce(bob, "meanwhile")
    network.run(60.0)
    network.jump_clock(odd, -jump_s)
    network.announce(odd, "in time again")
    network.run(120.0)

    assert alice.texts == ["meanwhile", "in time again"]
    assert bob.texts == ["in time again"]
    assert odd.texts == ["meanwhile"]
    assert are_neighbours(odd, alice), "it is no fault of who sent it"
    invariants.check_rest(network)


@pytest.mark.threat(10)
def test_order_never_depends_on_clocks() -> None:
    network, invariants = watched(seed=7)
    alice, bob = network.add("alice"), network.add("bob")
    network.connect(alice, bob)
    network.run(10.0)

    for number, age_s in enumerate((0.0, 500.0, -300.0, 900.0)):
        frame = craft(alice, (f"{number}",), number=number, age_s=age_s, now=network.now)
        network.inject(alice, bob, frame)
        network.run(0.1)

    assert bob.texts == ["0", "1", "2", "3"]
    invariants.check_rest(network)

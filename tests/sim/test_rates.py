"""Rates of open rooms: who is loud is thinned, and who is honest loses nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from p2pchat.core import limits
from p2pchat.core.frames import Carry
from p2pchat.core.notices import Gap, Remark
from p2pchat.core.pace import Pace
from p2pchat.core.values import PASSING
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import chain, random_regular, star
from tests.effort import EFFORT
from tests.sim.support import Stranger, are_neighbours, build, craft, resigned, watched

FLOOD_S = EFFORT.flood_envelopes / 1_000
MOST_SHOWN = limits.AUTHOR_ENVELOPES + limits.AUTHOR_ENVELOPES_PER_S * FLOOD_S


def say_later(network: SimNetwork, seconds: float, node: SimNode, text: str) -> None:
    """Let a node say something in the middle of a run."""

    def say() -> None:
        network.announce(node, text)

    network.after(seconds, say)


def unmetered(node: SimNode) -> None:
    """Let a node send as fast as it likes, as a program with other ideas would."""
    node.core._spreading._pace = Pace(is_metered=False)


def flood(network: SimNetwork, node: SimNode, envelopes: int, seconds: float) -> None:
    """Let a node say so many things in so many envelopes."""
    for number in range(envelopes):
        say_later(network, number * seconds / envelopes, node, f"loud {number}")


def shown(node: SimNode, author: SimNode) -> list[str]:
    return [
        text
        for delivery in node.delivered
        for text in delivery.effect.texts
        if delivery.effect.signer.id == author.peer
    ]


def said_by(author: SimNode) -> list[str]:
    return [text for published in author.published for text in published.texts]


def remarks(node: SimNode) -> list[str]:
    """What a node tells of rates."""
    told = [notice.text for notice in node.told if isinstance(notice, Remark)]
    return [text for text in told if "too fast" in text or "too many" in text]


class Crowd:
    """Twenty honest nodes, and one of them that ignores all pacing."""

    def __init__(self, size: int = 20, seed: int = 4) -> None:
        self.network, self.invariants = watched(seed)
        self.nodes = build(self.network, random_regular(size, 4, random.Random(seed)))
        self.loud, *self.honest = self.nodes
        unmetered(self.loud)
        self.neighbours = [len(node.core.neighbours) for node in self.nodes]

    def talk(self, times: int, every_s: float) -> None:
        """Let everybody say something now and then."""
        for number in range(times):
            for index, node in enumerate(self.honest):
                at = (number + index / len(self.honest)) * every_s
                say_later(self.network, at, node, f"{node.name} {number}")

    def assert_honest_heard_everything(self) -> None:
        for node in self.honest:
            for author in self.honest:
                if author is not node:
                    assert shown(node, author) == said_by(author)

    def slowest_of_the_honest(self) -> float:
        """Return how long the slowest message of an honest author took."""
        return max(
            delivery.at - self.network.announced[message].at
            for node in self.honest
            for delivery, message in zip(node.delivered, node.message_ids, strict=True)
            if delivery.effect.signer.id != self.loud.peer
        )

    def assert_nobody_was_dropped(self) -> None:
        self.invariants.check_rest(self.network)
        assert [len(node.core.neighbours) for node in self.nodes] == self.neighbours


@pytest.mark.timeout(900)  # with the long counts, on a busy machine
@pytest.mark.threat(4)
def test_a_loud_author_is_thinned_everywhere_and_the_others_are_heard(
    record_property: Callable[[str, object], None],
) -> None:
    crowd = Crowd(EFFORT.flooded_nodes)
    flood(crowd.network, crowd.loud, EFFORT.flood_envelopes, FLOOD_S)
    crowd.talk(times=5, every_s=FLOOD_S / 5)

    crowd.network.run(FLOOD_S + 2.0)
    at_once = [len(shown(node, crowd.loud)) for node in crowd.honest]
    crowd.network.run(2 * limits.TOO_FAST_MUTE_S)
    later = [len(shown(node, crowd.loud)) for node in crowd.honest]

    assert 0 < min(at_once) <= max(at_once) <= MOST_SHOWN
    # But for the very last, which came when his connection was no longer looked at.
    assert max(later) <= max(at_once) + 1_000 / limits.CONNECTION_ENVELOPES_PER_S
    crowd.assert_honest_heard_everything()
    crowd.assert_nobody_was_dropped()
    slowest_s = crowd.slowest_of_the_honest()
    assert slowest_s < 1.0
    record_property(
        "reached",
        f"{EFFORT.flood_envelopes:,} envelopes in {FLOOD_S:g} s into {EFFORT.flooded_nodes} nodes: "
        f"{max(at_once)} shown at most, all of the others', the slowest after {slowest_s:.2f} s",
    )


def test_a_muted_author_is_heard_again_after_a_minute_and_told_of() -> None:
    network, _ = watched()
    alice, bob = build(network, chain(2))
    unmetered(bob)
    flood(network, bob, 400, 1.0)
    network.run(2.0)
    before = len(shown(alice, bob))

    say_later(network, limits.TOO_FAST_MUTE_S - 3.0, bob, "too early")
    say_later(network, limits.TOO_FAST_MUTE_S, bob, "here again")
    network.run(limits.TOO_FAST_MUTE_S + 60.0)

    assert shown(alice, bob)[before:] == ["here again"]
    muted = "messages of n1 not taken: too fast; n1 is not heard for a minute"
    assert remarks(alice)[0].partition(" ")[2] == muted
    assert not any(isinstance(notice, Gap) for notice in alice.told), "refused is not missing"
    assert are_neighbours(alice, bob)


def test_a_flood_of_passing_kinds_counts_like_any_other() -> None:
    network, _ = watched()
    alice, bob, _ = build(network, chain(3))
    frame = craft(alice, kind=PASSING + 60, now=network.now, body=b"")
    frames = [
        resigned(alice, frame.signed.replace(bytes(16), number.to_bytes(16, "big")))
        for number in range(200)
    ]
    before = bob.carried

    network.inject(alice, bob, *frames)
    network.run(1.0)

    assert bob.carried - before == limits.AUTHOR_ENVELOPES


# --- Many keys --------------------------------------------------------------------------------


def fresh(number: int, now: float) -> Carry:
    """What somebody says of whom nobody has ever heard."""
    return craft(Stranger(f"fresh {number}"), now=now)


@pytest.mark.threat(5)
def test_fresh_keys_by_one_connection_keep_out_nobody_not_even_newcomers(
    record_property: Callable[[str, object], None],
) -> None:
    crowd = Crowd()
    network, mallory = crowd.network, crowd.loud
    victim = next(iter(mallory.ends.values())).other.node
    late = crowd.honest[-3:]  # they speak for the first time while all this goes on
    early = [node for node in crowd.honest if node not in late]
    for node in early:
        network.announce(node, "before")
    network.run(2.0)

    for step in range(EFFORT.flood_envelopes):
        frame = fresh(step, network.now + step / 1_000)
        network.after(step / 1_000, network.inject, mallory, victim, frame)
    crowd.talk(times=3, every_s=FLOOD_S / 3)
    network.run(FLOOD_S + 2.0)

    crowd.assert_honest_heard_everything()
    crowd.assert_nobody_was_dropped()
    strangers = {d.effect.signer.id for d in victim.delivered} - {n.peer for n in crowd.nodes}
    record_property(
        "reached",
        f"{EFFORT.flood_envelopes:,} new keys in {FLOOD_S:g} s: {len(strangers)} of them taken, "
        "everything of the others, newcomers among them",
    )


def test_a_single_honest_neighbour_is_not_punished_for_what_it_passes_on() -> None:
    network, invariants = watched()
    mallory, relay, leaf = build(network, chain(3))
    for step in range(EFFORT.flood_envelopes):
        frame = fresh(step, network.now + step / 1_000)
        network.after(step / 1_000, network.inject, mallory, relay, frame)
        if not step % 250:
            say_later(network, step / 1_000, relay, f"{step}")

    network.run(FLOOD_S + 2.0)

    # All that the relay took is here as well: no drop, no remark, no strike.
    assert remarks(leaf) == []
    assert sorted(leaf.texts) == sorted([*relay.texts, *said_by(relay)])
    assert said_by(relay) == shown(leaf, relay)
    assert are_neighbours(relay, leaf)
    assert are_neighbours(mallory, relay)
    invariants.check_rest(network)


# --- Forgeries --------------------------------------------------------------------------------


@pytest.mark.threat(30)
def test_forgeries_in_somebody_s_name_end_their_connections_and_cost_her_nothing() -> None:
    network, invariants = watched()
    bob, alice, carol, *forgers = build(network, star(6))
    for number in range(40):
        say_later(network, number / 4, alice, f"{number}")
    for forger in forgers:
        for number in range(1_000):
            true = craft(alice, (f"forged {number}",), number=number, now=network.now)
            frame = msgspec.structs.replace(true, signature=bytes(64))
            network.after(0.5 + number / 1_000, inject_if_open, network, forger, bob, frame)

    network.run(2.5)
    closed = [not are_neighbours(forger, bob) for forger in forgers]
    network.run(15.0)

    assert closed == [True] * 3
    for node in (bob, carol):
        assert shown(node, alice) == [f"{number}" for number in range(40)]
    invariants.check_rest(network)


def inject_if_open(network: SimNetwork, sender: SimNode, to: SimNode, frame: Carry) -> None:
    if any(end.other.node is to for end in sender.ends.values()):
        network.inject(sender, to, frame)


# --- Who is honest loses nothing --------------------------------------------------------------


def test_five_thousand_lines_arrive_whole_and_in_order_within_ten_seconds() -> None:
    network, invariants = watched()
    author, *others = build(network, chain(4))
    lines = [f"{number} ".ljust(64, ".") for number in range(5_000)]

    for line in lines:
        network.announce(author, line)
    network.run(10.0)

    for node in others:
        assert node.texts == lines
        assert remarks(node) == []
    invariants.check_rest(network, everything_arrived=True)


def test_who_says_more_than_the_pace_allows_waits_and_loses_nothing() -> None:
    network, invariants = watched()
    author, *others = build(network, chain(4))
    for number in range(200):
        say_later(network, number / 20, author, f"{number}")

    network.run(12.0)

    for node in others:
        assert node.texts == [f"{number}" for number in range(200)]
    assert len(author.published) < 16 + 4 * 12
    invariants.check_rest(network, everything_arrived=True)


def test_one_message_now_and_then_is_never_delayed() -> None:
    network, _ = watched()
    author, other = build(network, chain(2))
    for number in range(60):
        say_later(network, float(number), author, f"{number}")

    network.run(61.0)

    said = {text.texts[0]: at for text, at in zip(author.published, range(60), strict=True)}
    assert all(d.at - said[d.effect.texts[0]] < 1.0 for d in other.delivered)
    assert len(other.delivered) == 60


def test_what_was_held_up_on_its_way_is_fetched_and_not_refused() -> None:
    network, invariants = watched()
    author, relay, leaf = build(network, chain(3))
    network.suspend(relay, 30.0)
    for number in range(100):
        say_later(network, number / 3.5, author, f"{number}")

    network.run(31.0)
    for number in range(100, 110):
        network.announce(author, f"{number}")
        network.run(1.0)
    network.run(40.0)

    for node in (relay, leaf):
        assert node.texts == [f"{number}" for number in range(110)]
        assert remarks(node) == []
    invariants.check_rest(network, everything_arrived=True)


def test_a_backlog_of_ten_minutes_apart_is_whole() -> None:
    network, invariants = watched()
    nodes = build(network, random_regular(10, 4, random.Random(1)))
    network.partition([nodes[:5], nodes[5:]])
    for number in range(600):
        say_later(network, float(number), nodes[number % 2 * 5], f"{number}")
    network.run(600.0)

    network.heal()
    network.run(90.0)

    for node in nodes:
        others = [number for number in range(600) if nodes[number % 2 * 5] is not node]
        assert sorted(map(int, node.texts)) == others
        assert remarks(node) == []
    invariants.check_rest(network, is_repaired=True)


def test_in_a_private_room_nobody_is_thinned() -> None:
    network, invariants = watched(is_private=True)
    alice, bob = build(network, chain(2))
    for number in range(1_000):
        say_later(network, number / 1_000, alice, f"{number}")

    network.run(2.0)

    assert bob.texts == [f"{number}" for number in range(1_000)]
    assert len(alice.published) == 1_000
    invariants.check_rest(network, everything_arrived=True)

"""Messages to one person past relays that drop, delay, alter, repeat, replay or redirect."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

import pytest

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.events import FrameReceived
from p2pchat.core.notices import Disconnected
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import chain, random_connected, random_regular, star
from tests.effort import EFFORT
from tests.sim.direct_support import (
    ATTEMPTS_S,
    DIAMOND,
    DIRECT_FRAMES,
    Lie,
    altered,
    deaf_to,
    late_by,
    make_crooked,
    post_network,
    receipts,
    silent,
    texts,
)
from tests.sim.support import are_neighbours

RUNS: Final = range(EFFORT.simulation_seeds)


def crooked_diamond(lie: Lie, *, seed: int = 0) -> tuple[SimNetwork, list[SimNode]]:
    """A network in which the shorter way leads over somebody who lies."""
    network, _, nodes, _ = post_network(DIAMOND, seed)
    network.announce(nodes[4], "here I am")
    network.run(1.0)
    make_crooked(nodes[1], lie)
    return network, nodes


@pytest.mark.parametrize("seed", RUNS)
@pytest.mark.parametrize(
    "lie",
    [silent, altered, deaf_to(Packet), deaf_to(KeyAnswer), deaf_to(Receipt), deaf_to(NoWay)],
    ids=["all", "altered", "packets", "keys", "receipts", "no ways"],
)
def test_a_relay_that_passes_nothing_on_wins_nothing(lie: Lie, seed: int) -> None:
    network, nodes = crooked_diamond(lie, seed=seed)

    name = network.write(nodes[0], nodes[4], "past him")
    network.run(ATTEMPTS_S)

    assert texts(nodes[4]) == ["past him"]
    assert receipts(nodes[0]) == [name.hex()]


@pytest.mark.parametrize("seed", RUNS)
def test_a_relay_that_falls_silent_between_two_messages_wins_nothing(seed: int) -> None:
    network, _, nodes, _ = post_network(DIAMOND, seed)
    network.write(nodes[0], nodes[4], "before")
    network.run(2.0)
    make_crooked(nodes[1], silent)

    network.write(nodes[0], nodes[4], "after")
    network.run(ATTEMPTS_S)

    assert texts(nodes[4]) == ["before", "after"]
    assert len(receipts(nodes[0])) == 2


def test_who_alters_a_packet_is_a_neighbour_no_more() -> None:
    network, nodes = crooked_diamond(altered)

    network.write(nodes[0], nodes[4], "untouched")
    network.run(ATTEMPTS_S)

    assert not are_neighbours(nodes[1], nodes[4])
    gone = [notice for notice in nodes[4].told if isinstance(notice, Disconnected)]
    assert len(gone) == 1


@pytest.mark.parametrize("seconds", [0.5, 2.0, 5.0])
def test_a_relay_that_is_late_makes_nothing_come_twice(seconds: float) -> None:
    network, nodes = crooked_diamond(lambda *_: ())
    make_crooked(nodes[1], late_by(network, nodes[1], seconds))

    network.write(nodes[0], nodes[4], "once")
    network.run(ATTEMPTS_S + 10 * seconds)

    assert texts(nodes[4]) == ["once"]
    assert len(receipts(nodes[0])) == 1


@pytest.mark.parametrize("seed", RUNS)
def test_a_message_is_shown_once_however_often_its_packets_are_repeated(seed: int) -> None:
    chance = random.Random(seed)
    network, post, nodes, _ = post_network(random_connected(8, 8, chance), seed)
    for relay in nodes[1:-1]:
        make_crooked(relay, lambda _receiver, frame: (frame,) * chance.randint(0, 3))

    for number in range(5):
        network.write(nodes[0], nodes[-1], str(number))
        network.run(2.0)
    network.run(150.0)

    assert all(len(times) == 1 for times in post.shown.values())
    assert sorted(texts(nodes[-1])) == sorted(set(texts(nodes[-1])))
    assert len(receipts(nodes[0])) == len(set(receipts(nodes[0])))


class Recorder:
    """Keeps every frame about direct messages that reaches anybody."""

    def __init__(self) -> None:
        self.heard: list[tuple[SimNode, object]] = []

    def on_start(self, node: SimNode) -> None:
        """Nothing is of interest there."""

    def on_step(self, node: SimNode, event: object, _effects: object, _now: float) -> None:
        """Keep it."""
        if isinstance(event, FrameReceived) and isinstance(event.frame, DIRECT_FRAMES):
            self.heard.append((node, event.frame))

    def of(self, kind: type) -> list[object]:
        """Frames of one kind, without repetitions."""
        return list(dict.fromkeys(f for _, f in self.heard if isinstance(f, kind)))


@pytest.mark.parametrize("away_s", [0.0, 50.0, 70.0, 3_700.0, 8_000.0])
def test_what_is_replayed_to_anybody_changes_nothing(away_s: float) -> None:
    recorder = Recorder()
    network = SimNetwork(watchers=[recorder])
    nodes = [network.add() for _ in range(4)]
    network.connect_all(nodes, chain(4).edges)
    network.write(nodes[0], nodes[3], "once")
    network.run(2.0)
    told = [list(node.told) for node in nodes]
    replayed = [frame for kind in DIRECT_FRAMES for frame in recorder.of(kind)]

    network.run(away_s)
    for sender, receiver in ((1, 0), (1, 2), (2, 3), (2, 1)):
        network.inject(nodes[sender], nodes[receiver], *replayed)  # type: ignore[arg-type]
    network.run(ATTEMPTS_S)

    assert [list(node.told) for node in nodes] == told
    assert all(are_neighbours(a, b) for a, b in pairwise(nodes))


def test_a_packet_that_is_led_to_somebody_else_is_not_opened_there() -> None:
    network, _, nodes, _ = post_network(star(4))
    hub, author, recipient, other = nodes
    packets: list[Packet] = []

    def redirect(_receiver: SimNode, frame: object) -> tuple[()]:
        if isinstance(frame, Packet):
            packets.append(frame)
        return ()

    network.write(author, recipient, "first")
    network.run(1.0)
    make_crooked(hub, redirect)
    network.write(author, recipient, "second")
    network.run(0.5)

    network.inject(hub, other, *packets)
    network.run(1.0)

    assert packets
    assert texts(other) == []
    assert texts(recipient) == ["first"]
    assert len(receipts(author)) == 1


def test_a_forged_receipt_convinces_nobody_and_does_not_keep_the_true_one_out() -> None:
    network, _, nodes, _ = post_network(chain(3))
    author, relay, recipient = nodes
    make_crooked(
        relay,
        lambda _receiver, frame: (
            (Receipt(frame.packet, bytes(32)), frame) if isinstance(frame, Receipt) else (frame,)
        ),
    )
    forged = Receipt(bytes(16), bytes(32))

    name = network.write(author, recipient, "hello")
    network.inject(relay, author, forged)
    network.run(1.0)

    assert receipts(author) == [name.hex()]
    assert are_neighbours(author, relay)


@pytest.mark.parametrize("seed", RUNS)
def test_a_message_finds_its_way_where_some_relays_are_silent(seed: int) -> None:
    chance = random.Random(seed)
    network, _, nodes, _ = post_network(random_regular(30, 5, chance), seed)
    author, recipient, *others = chance.sample(nodes, len(nodes))
    for relay in others[:3]:
        make_crooked(relay, silent)

    network.write(author, recipient, "past them")
    network.run(ATTEMPTS_S)

    assert texts(recipient) == ["past them"]

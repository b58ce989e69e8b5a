"""Messages to one person over many hops, past relays that misbehave, and through restarts."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.events import FrameReceived
from p2pchat.core.notices import Disconnected
from p2pchat.core.outbox import OUTBOX_SPREAD, OUTBOX_WAITS_S
from p2pchat.core.values import Person
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules, SimNode
from p2pchat.sim.scenarios import Graph, chain, random_connected, random_regular, ring, star
from tests.effort import EFFORT
from tests.sim.direct_support import (
    ATTEMPTS_S,
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
    told_to_wait,
    write,
)
from tests.sim.support import SEEDS, are_neighbours, connected_graphs

RUNS: Final = range(EFFORT.simulation_seeds)

FIRST_WAIT_S: Final = OUTBOX_WAITS_S[0] * (1 + OUTBOX_SPREAD)
"""Until somebody absent is asked for again, at the latest."""

DIAMOND: Final = Graph(5, ((0, 1), (1, 4), (0, 2), (2, 3), (3, 4)))
"""From 0 to 4 by 1, or the longer way by 2 and 3."""


# --- Ways -------------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [1, 3, 6])
def test_a_message_arrives_over_many_hops_and_its_author_learns_it(hops: int) -> None:
    network, _, nodes, _ = post_network(chain(hops + 1))

    name = network.write(nodes[0], nodes[-1], "for you alone")
    network.run(1.0)

    assert [texts(node) for node in nodes] == [[]] * hops + [["for you alone"]]
    assert receipts(nodes[0]) == [name.hex()]
    assert nodes[0].waiting == {}
    assert told_to_wait(nodes[0]) == []


def test_where_somebody_spoke_lately_his_key_alone_is_asked_for() -> None:
    network, post, nodes, _ = post_network(chain(4))
    network.write(nodes[0], nodes[3], "first")
    network.run(1.0)
    carried = sum(node.carried for node in nodes)

    network.write(nodes[0], nodes[3], "second")
    network.run(1.0)

    assert texts(nodes[3]) == ["first", "second"]
    assert sum(node.carried for node in nodes) == carried
    assert post.own_packets == {False: 2}


@settings(deadline=None, max_examples=max(10, EFFORT.property_examples // 5))
@given(connected_graphs(), SEEDS)
def test_a_message_arrives_in_any_connected_network(graph: Graph, seed: int) -> None:
    network, post, nodes, invariants = post_network(graph, seed)
    author, recipient = random.Random(seed).sample(nodes, 2)

    network.write(author, recipient, "hello")
    network.run(2.0)

    assert texts(recipient) == ["hello"]
    assert len(receipts(author)) == 1
    assert post.own_packets == {False: 1}
    invariants.check_rest(network)


def test_a_hub_passes_messages_of_everybody_to_everybody() -> None:
    network, post, nodes, invariants = post_network(star(20))
    leaves = nodes[1:]

    for author, recipient in pairwise([*leaves, leaves[0]]):
        network.write(author, recipient, f"to {recipient.name}")
    network.run(3.0)

    assert all(texts(leaf) == [f"to {leaf.name}"] for leaf in leaves)
    assert all(len(receipts(leaf)) == 1 for leaf in leaves)
    assert texts(nodes[0]) == []
    assert post.own_packets[True] == 0
    invariants.check_rest(network)


def test_several_messages_come_in_the_order_in_which_they_were_written() -> None:
    network, _, nodes, _ = post_network(chain(4))
    written = [str(number) for number in range(40)]

    for number, text in enumerate(written):
        network.after(0.05 * number, write, network, nodes[0], nodes[3], text)
    network.run(60.0)

    assert texts(nodes[3]) == written
    assert len(receipts(nodes[0])) == len(written)


def test_what_waited_arrives_before_what_is_written_later() -> None:
    network, _, nodes, _ = post_network(chain(3))
    network.crash(nodes[2])
    network.write(nodes[0], nodes[2], "while you were away")
    network.run(ATTEMPTS_S)
    network.restart(nodes[2])
    network.connect(nodes[2], nodes[1])
    network.run(1.0)

    network.write(nodes[0], nodes[2], "now that you are back")
    network.run(ATTEMPTS_S)

    assert texts(nodes[2]) == ["while you were away", "now that you are back"]


# --- Relays that misbehave --------------------------------------------------------------------


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
    network.run(2 * FIRST_WAIT_S)

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


# --- Ends and restarts ------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.15, 0.2, 0.3])
def test_the_death_of_a_relay_at_any_moment_loses_nothing(after_s: float) -> None:
    network, post, nodes, _ = post_network(DIAMOND)

    network.write(nodes[0], nodes[4], "whatever happens")
    network.run(after_s)
    network.crash(nodes[1])
    network.run(ATTEMPTS_S)

    assert texts(nodes[4]) == ["whatever happens"]
    assert len(receipts(nodes[0])) == 1
    assert all(len(times) == 1 for times in post.shown.values())


def test_a_message_to_somebody_absent_waits_and_goes_when_he_is_back() -> None:
    network, _, nodes, _ = post_network(chain(4))
    network.crash(nodes[3])

    name = network.write(nodes[0], nodes[3], "when you are back")
    network.run(ATTEMPTS_S)
    assert told_to_wait(nodes[0]) == [name.hex()]
    assert list(nodes[0].waiting) == [name]

    network.restart(nodes[3])
    network.connect(nodes[3], nodes[2])
    network.run(1.0)
    network.announce(nodes[3], "back again")
    network.run(ATTEMPTS_S)

    assert texts(nodes[3]) == ["when you are back"]
    assert receipts(nodes[0]) == [name.hex()]
    assert told_to_wait(nodes[0]) == [name.hex()]


def test_somebody_who_comes_back_and_says_nothing_is_found_a_minute_later() -> None:
    network, _, nodes, _ = post_network(chain(4))
    network.crash(nodes[3])
    network.write(nodes[0], nodes[3], "when you are back")
    network.run(ATTEMPTS_S)

    network.restart(nodes[3])
    network.connect(nodes[3], nodes[2])
    network.run(FIRST_WAIT_S)

    assert texts(nodes[3]) == ["when you are back"]


def test_somebody_who_comes_back_during_the_last_attempt_is_not_missed() -> None:
    network, _, nodes, _ = post_network(chain(3))
    network.crash(nodes[2])
    network.write(nodes[0], nodes[2], "just in time")
    network.run(1.0)

    network.restart(nodes[2])
    network.connect(nodes[2], nodes[1])
    network.run(0.5)
    network.announce(nodes[2], "back again")
    network.run(2 * ATTEMPTS_S)

    assert texts(nodes[2]) == ["just in time"]


def test_a_restarted_recipient_has_another_key_and_gets_what_comes_then() -> None:
    network, _, nodes, _ = post_network(chain(3))
    network.write(nodes[0], nodes[2], "before")
    network.run(1.0)
    network.crash(nodes[2])
    network.run(1.0)
    network.restart(nodes[2])
    network.connect(nodes[2], nodes[1])
    network.run(1.0)

    network.write(nodes[0], nodes[2], "after")
    network.run(ATTEMPTS_S)

    assert texts(nodes[2]) == ["before", "after"]
    assert len(receipts(nodes[0])) == 2


def test_a_recipient_who_lost_the_receipt_by_a_restart_shows_nothing_twice() -> None:
    network, post, nodes, _ = post_network(chain(3))
    make_crooked(nodes[1], deaf_to(Receipt))
    network.write(nodes[0], nodes[2], "once")
    network.run(1.0)
    assert texts(nodes[2]) == ["once"]

    network.crash(nodes[1])
    network.crash(nodes[2])
    for node, other in ((nodes[1], nodes[0]), (nodes[2], nodes[1])):
        network.restart(node)
        network.connect(node, other)
        network.run(1.0)
    network.run(2 * FIRST_WAIT_S)

    assert texts(nodes[2]) == ["once"]
    assert len(receipts(nodes[0])) == 1
    assert all(len(times) == 1 for times in post.shown.values())


def test_a_restarted_author_still_has_what_waits_and_delivers_it() -> None:
    network, _, nodes, _ = post_network(chain(3))
    network.crash(nodes[2])
    names = [network.write(nodes[0], nodes[2], text) for text in ("one", "two", "three")]
    network.run(ATTEMPTS_S)
    network.crash(nodes[0])
    network.run(1.0)

    network.restart(nodes[0])
    network.connect(nodes[0], nodes[1])
    network.restart(nodes[2])
    network.connect(nodes[2], nodes[1])
    network.run(FIRST_WAIT_S + ATTEMPTS_S)

    assert texts(nodes[2]) == ["one", "two", "three"]
    assert receipts(nodes[0]) == [name.hex() for name in names]
    assert nodes[0].waiting == {}


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.2, 0.4])
def test_an_author_who_dies_while_it_is_under_way_sends_it_again(after_s: float) -> None:
    network, post, nodes, _ = post_network(chain(4))
    network.write(nodes[0], nodes[3], "once")
    network.run(after_s)
    network.crash(nodes[0])
    network.run(1.0)

    network.restart(nodes[0])
    network.connect(nodes[0], nodes[1])
    network.run(FIRST_WAIT_S + ATTEMPTS_S)

    assert texts(nodes[3]) == ["once"]
    assert all(len(times) == 1 for times in post.shown.values())
    assert nodes[0].waiting == {}


def test_what_was_written_across_a_partition_arrives_after_it() -> None:
    network, post, nodes, invariants = post_network(ring(8))
    network.partition((nodes[:4], nodes[4:]))
    network.run(60.0)

    written = [network.write(nodes[0], nodes[5], f"number {number}") for number in range(3)]
    network.run(ATTEMPTS_S)
    assert told_to_wait(nodes[0]) == [name.hex() for name in written]
    network.heal()
    network.run(5.0)
    network.announce(nodes[5], "there you are")
    network.run(ATTEMPTS_S)

    assert texts(nodes[5]) == ["number 0", "number 1", "number 2"]
    assert receipts(nodes[0]) == [name.hex() for name in written]
    assert all(len(times) == 1 for times in post.shown.values())
    invariants.check_rest(network)


# --- Who is not to hear, or to be heard -------------------------------------------------------


def test_what_somebody_blocked_writes_is_neither_shown_nor_answered() -> None:
    network, post, nodes, _ = post_network(chain(3))
    author, _, recipient = nodes
    network.write(author, recipient, "before")
    network.run(1.0)
    recipient.core.contacts.block(Person(author.peer, author.name), 0)
    answered = post.frames[Receipt], post.frames[KeyAnswer]

    name = network.write(author, recipient, "after")
    network.run(2 * FIRST_WAIT_S)

    assert texts(recipient) == ["before"]
    assert told_to_wait(author) == [name.hex()]
    assert (post.frames[Receipt], post.frames[KeyAnswer]) == answered


def test_somebody_blocked_looks_to_its_author_like_somebody_absent() -> None:
    network, _, nodes, _ = post_network(chain(3))
    author, _, recipient = nodes
    recipient.core.contacts.block(Person(author.peer, author.name), 0)

    name = network.write(author, recipient, "hello?")
    network.run(ATTEMPTS_S)

    assert texts(recipient) == []
    assert told_to_wait(author) == [name.hex()]
    assert are_neighbours(author, nodes[1])


def test_a_blocked_person_still_passes_messages_of_others_on() -> None:
    network, _, nodes, _ = post_network(chain(3))
    for end in (nodes[0], nodes[2]):
        end.core.contacts.block(Person(nodes[1].peer, nodes[1].name), 0)

    network.write(nodes[0], nodes[2], "through him")
    network.run(1.0)

    assert texts(nodes[2]) == ["through him"]


# --- A large network --------------------------------------------------------------------------


@pytest.mark.parametrize("is_metered", [True, False], ids=["open", "private"])
def test_under_churn_a_message_to_somebody_present_arrives_within_ten_seconds(
    is_metered: bool,
) -> None:
    nodes, a_minute = min(1_000, EFFORT.simulation_nodes), 0.3
    graph = random_regular(nodes, 5, random.Random(1))
    network, post, people, _ = post_network(graph, 1, rules=Rules(is_metered=is_metered))
    chance = random.Random(2)
    everybody = chance.sample(people, nodes)
    steady, restless = everybody[: nodes // 10], everybody[nodes // 10 :]

    def come_back(node: SimNode) -> None:
        network.restart(node)
        for edge in graph.edges:
            if node.index in edge:
                other = people[sum(edge) - node.index]
                if other.is_running:
                    network.connect(node, other)

    def go() -> None:
        present = [node for node in restless if node.is_running]
        node = chance.choice(present)
        network.crash(node)
        network.after(10.0, come_back, node)

    for number in range(int(nodes * a_minute)):
        network.after(60.0 / (nodes * a_minute) * number, go)
    for number in range(100):
        author, recipient = chance.sample(steady, 2)
        network.after(0.5 * number, write, network, author, recipient, str(number))
    network.run(60.0 + ATTEMPTS_S)

    late = post.late(ATTEMPTS_S)
    assert late == [], f"{len(late)} of 100 late; by flood {post.own_packets[True]}"
    assert all(len(times) == 1 for times in post.shown.values())
    share = post.own_packets[False] / sum(post.own_packets.values())
    assert share > 0.9, f"only {share:.0%} went by trail"


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    digests = set()
    for _ in range(2):
        network, _, nodes, _ = post_network(ring(6), seed)
        network.write(nodes[0], nodes[3], "hello")
        network.run(5.0)
        digests.add(network.digest())

    assert len(digests) == 1

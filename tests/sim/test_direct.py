"""Messages to one person over many hops, past relays that misbehave, and through restarts."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.direct_frames import KeyAnswer, Receipt
from p2pchat.core.outbox import OUTBOX_SPREAD, OUTBOX_WAITS_S
from p2pchat.core.values import Person
from p2pchat.sim.scenarios import Graph, chain, ring, star
from tests.effort import EFFORT
from tests.sim.direct_support import (
    ATTEMPTS_S,
    DIAMOND,
    deaf_to,
    make_crooked,
    post_network,
    receipts,
    texts,
    told_to_wait,
    under_churn,
    write,
)
from tests.sim.support import SEEDS, are_neighbours, connected_graphs

FIRST_WAIT_S: Final = OUTBOX_WAITS_S[0] * (1 + OUTBOX_SPREAD)
"""Until somebody absent is asked for again, at the latest."""


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
    post = under_churn(min(1_000, EFFORT.simulation_nodes), 1, is_metered=is_metered)

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

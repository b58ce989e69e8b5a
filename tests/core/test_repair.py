from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.frames import Answered, Carry, Gone
from tests.core.repair_network import (
    RepairNetwork,
    connection_to,
    envelope,
    epoch,
    everything_but_own,
    peer,
)

GONE = Gone(peer("eve"), epoch("eve"), 2)


def test_a_message_lost_on_its_way_is_asked_for_and_shown_in_order() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    net.say(ann)
    ann.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    net.say(ann)
    ann.damage = lambda frame: [frame]
    net.say(ann)

    net.run(2.0)

    assert ben.shown == [(ann.me, 0), (ann.me, 1), (ann.me, 2)]
    assert ben.missing == []
    assert net.sent["Ask"] == 1


def test_own_messages_are_kept_for_others_whatever_is_held_against_their_author() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    ann.repair.refusals.mute(ann.me, net.now)  # somebody runs a copy of the profile
    net.say(ann)

    net.connect(ann, ben)
    net.run(5.0)

    assert ben.shown == [(ann.me, 0)]


def test_the_last_message_lost_comes_with_the_next_comparison() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    ann.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    net.say(ann)

    net.run(1.0 + 2 * limits.COMPARE_EVERY_S * (1 + limits.COMPARE_SPREAD))

    assert ben.shown == [(ann.me, 0)]


def test_a_message_that_nobody_has_is_waited_for_and_then_marked() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    first, last = envelope("eve", 0), envelope("eve", 2)
    connection = connection_to(ben, ann)
    for made in (first, last):
        net.inject(ben, connection, made.carried(0))

    net.run(1.0 + limits.ORDER_WAIT_S - 0.1)
    assert ben.shown == [(peer("eve"), 0)]
    net.run(1.0 + limits.ORDER_WAIT_S + 0.1)

    assert ben.shown == [(peer("eve"), 0), (peer("eve"), 2)]
    assert [(gap.first, gap.count) for gap in ben.missing] == [(1, 1)]


def test_a_burst_cut_in_the_middle_loses_nothing() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    for _ in range(50):
        net.say(ann)
    net.cut(ann, ben)
    for _ in range(50):
        net.say(ann)
    net.run(5.0)
    assert ben.shown == []

    net.connect(ann, ben)
    net.run(10.0)

    assert ben.shown == [(ann.me, number) for number in range(100)]


@given(st.integers(0, 2**32), st.integers(3, 6), st.floats(0.0, 0.3))
@settings(max_examples=25, deadline=None)
def test_whatever_frames_are_lost_everybody_ends_with_everything_once(
    seed: int, size: int, loss: float
) -> None:
    net = RepairNetwork(seed, loss)
    nodes = net.add(*(f"node {n}" for n in range(size)))
    rng = Random(seed)
    for index, node in enumerate(nodes[1:], 1):
        net.connect(node, nodes[rng.randrange(index)])
    net.run(1.0)
    for step in range(30):
        net.say(rng.choice(nodes), size=rng.randint(1, 3))
        net.run(1.0 + step * 0.2)
    net.loss = 0.0

    net.run(net.now + size * 2 * limits.COMPARE_EVERY_S)

    for node in nodes:
        assert len(node.shown) == len(set(node.shown)), "nothing twice"
        assert set(node.shown) == everything_but_own(net, node)
        assert node.closed_for == []


def test_the_same_seed_gives_the_same_run() -> None:
    def run() -> tuple[dict[str, int], list[object]]:
        net = RepairNetwork(seed=7, loss=0.2)
        nodes = net.add("ann", "ben", "cem", "dora")
        for one, other in pairwise(nodes):
            net.connect(one, other)
        for step in range(40):
            net.say(nodes[step % 4])
            net.run(step * 0.3)
        net.run(120.0)
        return net.sent, [node.shown for node in nodes]

    assert run() == run()


def test_an_idle_network_compares_now_and_then_in_one_small_frame() -> None:
    net = RepairNetwork()
    ann, ben, cem = net.add("ann", "ben", "cem")
    net.connect(ann, ben)
    net.connect(ben, cem)
    net.say(ann)
    net.run(10.0)
    before = dict(net.sent)

    net.run(10.0 + 600.0)

    sent = {name: net.sent[name] - before.get(name, 0) for name in net.sent}
    assert sum(sent.values()) == sent["Digests"], "nothing but digests"
    spread = limits.COMPARE_SPREAD
    rounds = 3 * 600.0 / limits.COMPARE_EVERY_S
    assert rounds / (1 + spread) - 3 <= sent["Digests"] <= rounds / (1 - spread) + 3


@pytest.mark.threat(18)
def test_who_was_behind_is_brought_up_to_date_when_its_queue_is_low_again() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(15.0)
    ann.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    connection = connection_to(ann, ben)
    net.perform(ann, ann.repair.on_queue(connection, net.now, net.wall_ms(), is_high=True))
    net.say(ann)
    net.run(16.0)
    assert ben.shown == []

    net.perform(ann, ann.repair.on_queue(connection, net.now, net.wall_ms(), is_high=False))
    net.run(16.5)

    assert ben.shown == [(ann.me, 0)]


def test_a_gap_that_nobody_can_fill_any_more_is_marked_at_once() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    connection = connection_to(ben, ann)
    ann.damage = lambda frame: [GONE, frame] if isinstance(frame, Answered) else [frame]

    for number in (0, 2):
        net.inject(ben, connection, envelope("eve", number).carried(0))
    net.run(1.0 + limits.GAP_WAIT_S + 0.1)

    assert ben.shown == [(peer("eve"), 0), (peer("eve"), 2)]
    assert len(ben.missing) == 1


def test_what_is_older_than_the_promise_is_forgotten() -> None:
    net = RepairNetwork()
    (ann,) = net.add("ann")
    net.say(ann)
    kept = ann.repair.holdings()[0]
    assert kept.count > 0

    net.run((limits.STORE_MINUTES + 3) * 60.0)

    assert ann.repair.holdings()[0].count == 0
    net.run(limits.RECEIVED_LIFE_S + 120.0)
    assert ann.repair.next_deadline() is None, "an idle node sleeps"


def test_a_minute_of_more_authors_than_three_rounds_hold_comes_whole() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben", is_metered=False)
    count = limits.FRUITLESS_LIMIT * limits.ROUND_PAGES * limits.LIST_LIMIT + 128
    for number in range(count):
        made = envelope(f"author {number}", 0)
        ann.repair.on_own(made, 0.0, net.wall_ms())

    net.connect(ann, ben)
    net.run(0.8 * limits.COMPARE_EVERY_S - 1.0)

    assert len(ben.shown) == count

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.frames import Carry, PageAsk
from tests.core.repair_network import Node, RepairNetwork, connection_to, envelope, in_author_order


def talk_then_join(net: RepairNetwork, minutes: int, **options: float) -> tuple[Node, Node, Node]:
    """Let two people talk that long, each every 10 s; then a third one comes."""
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    while net.now < minutes * 60:
        net.say(ann)
        net.say(ben)
        net.run(net.now + 10.0)
    (cem,) = net.add("cem", **options)
    net.connect(cem, ann)
    return ann, ben, cem


def test_a_newcomer_gets_the_last_ten_minutes_marked_as_earlier_and_in_order() -> None:
    net = RepairNetwork()
    ann, ben, cem = talk_then_join(net, 15)
    net.run(net.now + 10.0)
    said = ann.next_number

    tail = range(said - 60, said)
    assert cem.shown[0][1] == said - 60
    assert sorted(cem.shown) == sorted((who.me, n) for who in (ann, ben) for n in tail)
    assert in_author_order(cem)
    assert len(cem.earlier) == 2 * said, "what is not shown is kept all the same"
    assert cem.seams == []
    assert cem.missing == []


def test_what_is_said_while_a_newcomer_catches_up_waits_for_what_was_said_before() -> None:
    net = RepairNetwork(latency_s=0.4)  # so that the page of ben's beginning is long in coming
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    for minute in range(limits.BACKLOG_MINUTES):
        for _ in range(30):
            net.say(ann)
            if minute > 7:
                net.say(ben)
            net.run(net.now + 2.0)
    (cem,) = net.add("cem")
    net.connect(cem, ann)
    for _ in range(10):
        net.run(net.now + 1.0)
        net.say(ben)

    net.run(net.now + 2 * limits.ORDER_WAIT_S)

    assert len(cem.shown) == ann.next_number + ben.next_number
    assert in_author_order(cem)
    assert cem.missing == []


@pytest.mark.parametrize(("minutes", "messages"), [(0, 0), (2, 24)])
def test_how_much_a_newcomer_sees_can_be_chosen(minutes: int, messages: int) -> None:
    net = RepairNetwork()
    *_, cem = talk_then_join(net, 5, backlog_minutes=minutes)

    net.run(net.now + 10.0)

    assert len(cem.shown) == messages


def test_what_is_hidden_from_a_newcomer_is_passed_on_by_it() -> None:
    net = RepairNetwork()
    ann, ben, cem = talk_then_join(net, 5, backlog_minutes=0)
    net.run(net.now + 10.0)
    net.cut(cem, ann)
    (dora,) = net.add("dora")

    net.connect(dora, cem)
    net.run(net.now + 10.0)

    assert len(dora.shown) == ann.next_number + ben.next_number


def test_live_messages_and_backlog_reach_a_newcomer_in_their_author_s_order() -> None:
    net = RepairNetwork()
    ann, _, cem = talk_then_join(net, 3)
    for _ in range(5):
        net.say(ann)
        net.run(net.now + 0.01)

    net.run(net.now + 10.0)

    assert in_author_order(cem)
    assert [n for who, n in cem.shown if who == ann.me] == list(range(ann.next_number))
    assert cem.missing == []


def test_only_what_was_written_before_the_connection_is_earlier() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.say(ann)
    net.run(5.0)
    net.connect(ann, ben)
    net.say(ann)
    net.run(10.0)

    assert ben.shown == [(ann.me, 0), (ann.me, 1)]
    assert ben.earlier == [0]


def test_a_filled_gap_is_not_earlier() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    net.run(1.0)
    net.say(ann)
    ann.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    net.say(ann)
    ann.damage = lambda frame: [frame]
    net.say(ann)

    net.run(5.0)

    assert len(ben.shown) == 3
    assert ben.earlier == []


def test_what_a_first_comparison_brings_is_not_earlier_if_it_was_written_meanwhile() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.say(ann)
    net.run(5.0)
    ann.damage = lambda frame: [] if isinstance(frame, Carry) else [frame]
    net.connect(ann, ben)
    net.run(5.005)
    net.say(ann)

    net.run(6.0)

    assert ben.shown == [(ann.me, 0), (ann.me, 1)]
    assert ben.earlier == [0]


def test_a_newcomer_need_not_wait_for_the_end_of_a_long_backlog() -> None:
    net = RepairNetwork()
    *_, cem = talk_then_join(net, 19, backlog_minutes=20)

    net.run(net.now + 0.3)
    seen = len(cem.shown)
    net.run(net.now + 10.0)

    assert 0 < seen < len(cem.shown)
    assert in_author_order(cem)


def test_where_nothing_before_it_comes_a_live_message_is_shown_after_a_short_wait() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    made = envelope("eve", 70)
    net.inject(ben, connection_to(ben, ann), made.carried(0))
    assert ben.shown == [], "older ones may be on their way"

    net.run(limits.ORDER_WAIT_S)

    assert ben.shown == [(made.author, 70)]


def test_the_very_first_message_of_somebody_waits_for_nothing() -> None:
    net = RepairNetwork()
    ann, ben = net.add("ann", "ben")
    net.connect(ann, ben)
    made = envelope("eve", 0)

    net.inject(ben, connection_to(ben, ann), made.carried(0))

    assert ben.shown == [(made.author, 0)]


def test_of_two_neighbours_the_one_who_knows_more_says_where_an_author_begins() -> None:
    net = RepairNetwork()
    ann, ben, dan = net.add("ann", "ben", "dan")
    net.connect(ann, ben)
    for _ in range(10):
        net.say(ben)
    net.run(30.0)
    dan.damage = lambda frame: [] if isinstance(frame, PageAsk) else [frame]
    net.connect(dan, ben)  # learns nothing of what was said before
    net.run(60.0)
    net.say(ben)
    net.run(80.0)

    (cem,) = net.add("cem")
    net.connect(cem, dan)
    net.connect(cem, ann)
    net.run(90.0)

    assert cem.shown == [(ben.me, number) for number in range(11)]

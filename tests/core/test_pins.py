"""Pins: connections that the user typed are dialled again, until he or the other side ends them."""

from __future__ import annotations

import random

from p2pchat.core import limits
from p2pchat.core.pins import Pins
from p2pchat.core.values import Address
from p2pchat.sim.credentials import sim_peer_id

HERE, THERE = Address("10.1.0.2", 55555), Address("10.1.0.3", 55555)
BOB, CID = sim_peer_id("bob"), sim_peer_id("cid")


def pins() -> Pins:
    made = Pins(random.Random(1))
    made.add(BOB, HERE, 0.0)
    return made


def test_a_connection_that_breaks_is_dialled_again_at_once() -> None:
    one = pins()

    assert one.next_deadline() is None
    assert one.broke(BOB, 10.0)
    (dial,) = one.due(10.0)

    assert dial.addresses == (HERE,)
    assert dial.expected is None, "whoever answers there is meant"
    assert dial.attempt < 0
    assert one.due(10.0) == []


def test_each_failure_waits_longer_and_it_never_ends() -> None:
    one = pins()
    one.broke(BOB, 0.0)
    now, waits = 0.0, []

    for _ in range(12):
        (dial,) = one.due(now)
        one.on_failed(dial.attempt, now)
        at = one.next_deadline()
        assert at is not None
        waits.append(at - now)
        now = at

    assert waits[0] < waits[2] < waits[4]
    assert max(waits) <= limits.DIAL_BACKOFF_LONGEST_S * (1 + limits.DIAL_BACKOFF_SPREAD)


def test_a_connection_that_lasted_forgets_the_failures_before_it() -> None:
    one = pins()
    one.broke(BOB, 0.0)
    one.on_failed(one.due(0.0)[0].attempt, 0.0)

    (dial,) = one.due(1_000.0)
    one.on_open(dial.attempt, BOB, 1_000.0)
    one.broke(BOB, 2_000.0)

    assert one.next_deadline() == 2_000.0


def test_who_hangs_up_at_once_is_dialled_more_and_more_seldom() -> None:
    one, now, waits = pins(), 0.0, []

    for _ in range(6):
        one.broke(BOB, now)
        at = one.next_deadline()
        assert at is not None
        waits.append(at - now)
        now = at
        (dial,) = one.due(now)
        one.on_open(dial.attempt, BOB, now)

    assert waits[0] == 0.0, "most often only the connection is gone"
    assert limits.DIAL_BACKOFF_S * 0.8 <= waits[1] < waits[3] < waits[5]


def test_whoever_answers_there_now_takes_the_place() -> None:
    one = pins()
    one.broke(BOB, 0.0)
    (dial,) = one.due(0.0)

    assert one.holds(CID, dial.attempt)
    one.on_open(dial.attempt, CID, 1.0)

    assert CID in one
    assert BOB not in one
    assert not one.holds(BOB, 0)


def test_nobody_else_is_dialled_again() -> None:
    one = pins()

    assert not one.broke(CID, 0.0)
    assert one.due(0.0) == []
    assert not one.holds(CID, 0)
    assert not one.has_dialled(0)


def test_what_the_user_ends_is_not_dialled_again_even_where_a_dial_is_under_way() -> None:
    one = pins()
    one.broke(BOB, 0.0)
    (dial,) = one.due(0.0)

    one.drop(BOB)
    one.on_failed(dial.attempt, 1.0)

    assert one.next_deadline() is None
    assert not one.broke(BOB, 2.0)


def test_an_address_belongs_to_who_answered_there_last() -> None:
    one = pins()
    one.add(CID, HERE, 1.0)

    assert BOB not in one
    one.add(BOB, THERE, 2.0)
    one.drop_address(HERE)
    assert CID not in one
    assert BOB in one


def test_after_a_change_of_the_network_it_is_tried_at_once() -> None:
    one = pins()
    one.broke(BOB, 0.0)
    one.on_failed(one.due(0.0)[0].attempt, 0.0)

    one.retry_soon(1.0)

    assert len(one.due(1.0)) == 1

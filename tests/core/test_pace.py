from __future__ import annotations

import math

from p2pchat.core import limits
from p2pchat.core.events import AskWhoHas, Leave
from p2pchat.core.frames import Carry, Goodbye
from p2pchat.core.meter import Meter
from p2pchat.core.pace import Pace
from p2pchat.core.rates import AUTHOR
from tests.core.repair_network import envelope, peer
from tests.core.support import OneCore, sent

BEN = peer("ben")


def test_one_message_now_and_then_is_never_delayed() -> None:
    pace = Pace(is_metered=True)

    for now in range(100):
        assert pace.ready_at <= now
        pace.charge(limits.TEXT_LIMIT_BYTES, float(now))


def test_nobody_who_keeps_to_it_is_refused_even_where_a_second_arrives_at_once() -> None:
    pace, theirs = Pace(is_metered=True), Meter(AUTHOR)
    now = 0.0
    for _ in range(200):
        now = max(now, pace.ready_at)
        pace.charge(500, now)
        arrives_at = math.ceil(now)

        assert theirs.has_room(500, arrives_at)
        theirs.charge(500, arrives_at)


def test_large_ones_owe_their_bytes_and_stay_below_the_limit() -> None:
    pace, theirs = Pace(is_metered=True), Meter(AUTHOR)
    now = 0.0
    for _ in range(100):
        now = max(now, pace.ready_at)
        pace.charge(60_000, now)

        assert theirs.has_room(60_000, now)
        theirs.charge(60_000, now)


def test_passing_ones_wait_for_the_pace_in_their_order() -> None:
    pace = Pace(is_metered=True)
    many = [envelope("ann", number) for number in range(20)]
    for one in many:
        pace.hold(one, BEN)

    at_once = pace.release(0.0)
    at = pace.next_deadline()
    assert at is not None
    later = pace.release(at)

    assert at_once == [(one, BEN) for one in many[:16]]
    assert 0 < at <= 1 / (limits.AUTHOR_ENVELOPES_PER_S * limits.OWN_PACE) + 1e-9
    assert later == [(many[16], BEN)]


def test_what_waits_is_bounded() -> None:
    pace = Pace(is_metered=True)

    for number in range(200):
        pace.hold(envelope("ann", number), None)

    assert pace.held_count == limits.HELD_LIMIT_ENVELOPES


def test_in_a_private_room_nothing_waits() -> None:
    pace = Pace(is_metered=False)
    for number in range(60):
        pace.charge(60_000, 0.0)
        pace.hold(envelope("ann", number), None)

    assert len(pace.release(0.0)) == 60
    assert pace.ready_at == -math.inf
    assert pace.next_deadline() is None


def test_passing_envelopes_above_the_pace_wait_and_go_before_texts_and_the_goodbye() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.core.announce("asked about")
    subject.publish()
    asked = [frame for _ in range(20) for frame in sent(subject.feed(AskWhoHas(None)), bob)]
    subject.core.announce("the last")

    at_once = sent(subject.feed(Leave()), bob)
    later = [type(frame) for frame in sent(subject.wait(3.0), bob)]

    assert len(asked) == 15, "what is left of the burst"
    assert at_once == []
    assert later == [*[Carry] * 6, Goodbye]

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.events import (
    Close,
    Closing,
    ConnectionEnded,
    ConnectionSecured,
    Failed,
    FrameReceived,
    HangUp,
    Leave,
    Tell,
)
from p2pchat.core.frames import Goodbye, GoodbyeSeen, Hello, Ping, Pong, Refusal, Skipped
from p2pchat.core.notices import Direction
from p2pchat.core.values import ConnectionId
from p2pchat.errors import ConnectionEnded as DialEnded
from p2pchat.sim.credentials import sim_peer_id
from tests.core.support import OneCore, closed, disconnected, of, sent

IN, OUT = Direction.IN, Direction.OUT
BOB = sim_peer_id("bob")


# --- Talk about the connection ----------------------------------------------------------------


def test_a_ping_is_answered() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    assert sent(subject.frame(connection, Ping(7)), connection) == [Pong(7)]


def test_after_our_goodbye_not_even_a_ping_is_answered() -> None:
    subject = OneCore()
    connection, _ = subject.open()
    subject.feed(HangUp(connection))

    assert subject.frame(connection, Ping(7)) == []


def test_a_new_neighbour_is_pinged_so_that_its_distance_is_known() -> None:
    subject = OneCore()
    connection, opened = subject.open()
    subject.now += 0.25

    subject.answer(connection, opened)

    (status,) = subject.core.peers(subject.now).neighbours
    assert status.rtt_ms == pytest.approx(250.0)
    assert (status.connection, status.person.nick) == (connection, "bob")


def test_unknown_frames_are_skipped_up_to_their_rate() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    for _ in range(5):
        for _ in range(limits.UNKNOWN_FRAMES_PER_S):
            assert subject.frame(connection, Skipped(200)) == []
        subject.now += 1.0
    effects = [
        effect
        for _ in range(limits.UNKNOWN_FRAMES_PER_S + 1)
        for effect in subject.frame(connection, Skipped(200))
    ]

    assert closed(effects) == [connection]


def test_a_frame_out_of_turn_ends_the_connection_and_is_told() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    effects = subject.frame(connection, Hello(1, 1, (), bytes(8)))

    assert [(c.connection, c.how) for c in of(effects, Close)] == [(connection, Closing.AT_ONCE)]
    (notice,) = disconnected(effects)
    assert "unexpected Hello while open" in notice.reason
    assert subject.frame(connection, Ping(1)) == [], "what was under way is ignored"


def test_what_never_began_is_ignored() -> None:
    subject = OneCore()
    nobody = ConnectionId(99)

    assert subject.feed(FrameReceived(nobody, Ping(1))) == []
    assert subject.feed(ConnectionSecured(nobody, BOB, b"")) == []
    assert subject.feed(ConnectionEnded(nobody, "connection lost")) == []
    assert subject.feed(HangUp(nobody)) == []


# --- Silence ----------------------------------------------------------------------------------


def test_a_silent_neighbour_is_pinged_then_given_up() -> None:
    subject = OneCore()
    connection, opened = subject.open()
    subject.answer(connection, opened)

    pinged = subject.wait(limits.PING_AFTER_S)
    given_up = subject.wait(limits.DEAD_AFTER_PING_S)

    assert [f for f in sent(pinged, connection) if isinstance(f, Ping)]
    assert closed(pinged) == []
    assert closed(given_up) == [connection]
    (notice,) = disconnected(given_up)
    assert "silent for 40 s" in notice.reason
    assert not notice.left


def test_a_frame_that_comes_shortly_before_a_ping_is_due_brings_it_about() -> None:
    subject = OneCore()
    (bob, to_bob), (cem, to_cem) = (subject.open(name) for name in ("bob", "cem"))
    subject.answer(bob, to_bob)
    subject.answer(cem, to_cem)
    subject.now += limits.PING_AFTER_S - limits.TIMER_SLACK_S

    effects = subject.frame(cem, Ping(7))

    assert [type(frame) for frame in sent(effects, bob)] == [Ping]
    assert sent(effects, cem) == [Pong(7)]


# --- Ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [IN, OUT])
def test_an_end_before_the_welcome_fails_the_dial_only(direction: Direction) -> None:
    subject = OneCore()
    connection = subject.secure(direction=direction)

    effects = subject.feed(ConnectionEnded(connection, "connection lost"))

    errors = [type(failed.error) for failed in of(effects, Failed)]
    assert errors == ([DialEnded] if direction is OUT else [])
    assert of(effects, Tell) == []


def test_an_end_that_nobody_asked_for_is_told_as_a_loss() -> None:
    subject = OneCore()
    connection, _ = subject.open(direction=OUT)

    effects = subject.feed(ConnectionEnded(connection, "connection lost"))

    (notice,) = disconnected(effects)
    assert (notice.person.nick, notice.left, notice.direction) == ("bob", False, OUT)
    assert subject.core.neighbour_count == 0


def test_a_goodbye_is_answered_and_told_as_leaving() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    effects = subject.frame(connection, Goodbye())

    assert sent(effects, connection) == [GoodbyeSeen()]
    (notice,) = disconnected(effects)
    assert notice.left
    assert subject.feed(ConnectionEnded(connection, "connection lost")) == []


def test_who_says_goodbye_and_stays_is_ended() -> None:
    subject = OneCore()
    connection, _ = subject.open()
    subject.frame(connection, Goodbye())

    effects = subject.wait(limits.LEAVE_TIMEOUT_S)

    assert [close.how for close in of(effects, Close)] == [Closing.AT_ONCE]


def test_our_goodbye_closes_when_it_was_seen() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    said = subject.feed(HangUp(connection))
    seen = subject.frame(connection, GoodbyeSeen())

    assert sent(said, connection) == [Goodbye()]
    assert [notice.left for notice in disconnected(said)] == [False]
    assert [close.how for close in of(seen, Close)] == [Closing.AFTER_LAST_FRAME]
    assert subject.core.goodbyes_seen == 1


def test_both_may_say_goodbye_at_once() -> None:
    subject = OneCore()
    connection, _ = subject.open()
    subject.feed(HangUp(connection))

    theirs = subject.frame(connection, Goodbye())
    seen = subject.frame(connection, GoodbyeSeen())

    assert sent(theirs, connection) == [GoodbyeSeen()]
    assert closed(seen) == [connection]


def test_leaving_ends_everything_in_the_way_that_fits_it() -> None:
    subject = OneCore()
    neighbour, _ = subject.open("bob")
    spare, _ = subject.open("bob")
    dial, _ = subject.start(OUT)

    effects = subject.feed(Leave())

    assert sent(effects, neighbour) == [Goodbye()]
    how = {close.connection: close.how for close in of(effects, Close)}
    assert how == {spare: Closing.AFTER_LAST_FRAME, dial: Closing.AT_ONCE}
    assert [failed.connection for failed in of(effects, Failed)] == [dial]
    assert of(effects, Tell) == [], "who leaves need not be told that everybody is gone"


def test_leaving_twice_says_goodbye_once() -> None:
    subject = OneCore()
    connection, _ = subject.open()
    subject.feed(Leave())

    again = subject.wait(limits.LEAVE_TIMEOUT_S / 2)

    assert sent(again, connection) == []


def test_a_refusal_of_an_open_connection_ends_it() -> None:
    subject = OneCore()
    connection, _ = subject.open()

    effects = subject.frame(connection, Refusal(5))
    ended = subject.feed(ConnectionEnded(connection, "connection lost"))

    assert closed(effects) == [connection]
    assert len(disconnected(ended)) == 1


# --- Facts ------------------------------------------------------------------------------------


def test_statuses_are_listed_oldest_connection_first() -> None:
    subject = OneCore()
    subject.open("carol")
    subject.open("bob", OUT)

    statuses = subject.core.peers(subject.now).neighbours

    assert [(s.person.nick, s.direction) for s in statuses] == [("carol", IN), ("bob", OUT)]


def test_nothing_follows_a_goodbye_not_even_a_comparison_that_was_due() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.now += 2 * limits.COMPARE_EVERY_S

    frames = sent(subject.feed(Leave()), bob)

    assert isinstance(frames[-1], Goodbye)

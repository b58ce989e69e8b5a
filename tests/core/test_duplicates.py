from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.events import (
    Close,
    Closing,
    ConnectionEnded,
    Opened,
    Tell,
)
from p2pchat.core.frames import Goodbye, GoodbyeSeen, Ping
from p2pchat.core.notices import Connected, Direction, Disconnected
from p2pchat.core.values import Epoch
from p2pchat.sim.credentials import sim_peer_id
from tests.core.support import OneCore, closed, disconnected, of, sent

IN, OUT = Direction.IN, Direction.OUT
BOB = sim_peer_id("bob")
LOWER, HIGHER = ("alice", "bob") if sim_peer_id("alice") < BOB else ("bob", "alice")


def test_the_second_connection_waits_for_the_answer_of_the_first() -> None:
    subject = OneCore()
    first, _ = subject.open()

    _, effects = subject.open()

    assert [type(frame) for frame in sent(effects, first)] == [Ping]
    assert of(effects, Opened) == []
    assert subject.core.neighbours == {BOB: first}


def test_when_both_live_the_one_that_both_sides_rank_first_is_kept() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, effects = subject.open()

    settled = subject.answer(first, effects)
    drained = subject.wait(limits.DRAIN_S + limits.LEAVE_TIMEOUT_S)

    assert [(o.connection, o.already) for o in of(settled, Opened)] == [(second, True)]
    assert [(c.connection, c.how) for c in of(drained, Close)] == [
        (second, Closing.AFTER_LAST_FRAME)
    ]
    assert subject.core.neighbours == {BOB: first}


def test_when_the_old_one_does_not_answer_the_new_one_replaces_it() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open(epoch=Epoch(b"restart!"))

    effects = subject.wait(limits.DUPLICATE_PING_S)

    assert closed(effects) == [first]
    told = [tell.notice for tell in of(effects, Tell)]
    assert [type(notice) for notice in told] == [Disconnected, Connected]
    assert subject.core.neighbours == {BOB: second}


def test_a_replacement_within_one_run_is_not_told() -> None:
    subject = OneCore()
    subject.open()
    second, _ = subject.open()

    effects = subject.wait(limits.DUPLICATE_PING_S)

    assert of(effects, Tell) == []
    assert [opened.already for opened in of(effects, Opened)] == [True]
    assert subject.core.neighbours == {BOB: second}


def test_the_end_of_the_old_one_makes_the_new_one_count_at_once() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open()

    effects = subject.feed(ConnectionEnded(first, "connection lost"))

    assert subject.core.neighbours == {BOB: second}
    assert disconnected(effects) == []


def test_the_end_of_the_new_one_changes_nothing() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open()

    effects = subject.feed(ConnectionEnded(second, "connection lost"))
    later = subject.wait(limits.DUPLICATE_PING_S)

    assert of(effects, Tell) == []
    assert closed(later) == []
    assert subject.core.neighbours == {BOB: first}


def test_a_drained_connection_takes_over_when_the_kept_one_ends() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, effects = subject.open()
    subject.answer(first, effects)

    subject.feed(ConnectionEnded(first, "connection lost"))
    later = subject.wait(limits.DRAIN_S + limits.LEAVE_TIMEOUT_S)

    assert subject.core.neighbours == {BOB: second}
    assert closed(later) == [], "its draining is over"


@pytest.mark.parametrize("name", [LOWER, HIGHER])
def test_of_crossing_dials_the_lower_ids_is_kept_at_once(name: str) -> None:
    subject = OneCore(name)
    other = HIGHER if name == LOWER else LOWER
    accepted, _ = subject.open(other, IN)

    dialled, effects = subject.open(other, OUT)

    kept = dialled if name == LOWER else accepted
    assert subject.core.neighbours == {sim_peer_id(other): kept}
    assert [opened.already for opened in of(effects, Opened)][-1:] == [True]
    assert of(effects, Tell) == []


def test_of_crossing_dials_the_loser_is_closed_by_its_dialler() -> None:
    subject = OneCore(HIGHER)
    subject.open(LOWER, IN)
    dialled, _ = subject.open(LOWER, OUT)

    early = subject.wait(limits.DRAIN_S - 0.1)
    late = subject.wait(0.2)

    assert closed(early) == []
    assert closed(late) == [dialled]


def test_a_third_connection_replaces_the_second_while_the_first_is_asked() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open()

    third, effects = subject.open()
    subject.wait(limits.DUPLICATE_PING_S)

    assert [opened.connection for opened in of(effects, Opened)] == [third], "second ranks first"
    assert subject.core.neighbours == {BOB: second}
    assert first not in subject.core.neighbours.values()


def test_a_goodbye_while_another_connection_waits_harms_nobody() -> None:
    # A peer can do so on purpose: dial twice, leave on the first one, answer no ping.
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open()

    effects = subject.frame(first, Goodbye())
    later = subject.wait(60.0)

    assert closed(effects) == [second]
    assert first in closed(later)
    assert subject.core.neighbour_count == 0


def test_a_goodbye_on_the_waiting_connection_leaves_the_other_one() -> None:
    subject = OneCore()
    first, _ = subject.open()
    second, _ = subject.open()

    effects = subject.frame(second, Goodbye())
    later = subject.wait(limits.DUPLICATE_PING_S)

    assert sent(effects, second) == [GoodbyeSeen()]
    assert of(effects, Tell) == []
    assert closed(later) == [second]
    assert subject.core.neighbours == {BOB: first}


@pytest.mark.threat(26)
def test_a_copy_of_a_neighbours_profile_does_not_push_it_out() -> None:
    subject = OneCore()
    first, _ = subject.open()
    copy, effects = subject.open(epoch=Epoch(b"other-ep"))

    subject.answer(first, effects)
    subject.wait(60.0)

    assert copy not in subject.core.neighbours.values()

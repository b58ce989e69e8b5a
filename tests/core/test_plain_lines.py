from __future__ import annotations

import pytest

from p2pchat.core.events import (
    BytesReceived,
    Close,
    Closing,
    ConnectionEnded,
    Deliver,
    Effect,
    HangUp,
    Leave,
    LinesReceived,
    Opened,
    Published,
    Send,
    Tell,
    TreatAsGuest,
    WriteLine,
)
from p2pchat.core.guests import GUEST_NICK
from p2pchat.core.limits import (
    GUEST_BURST_LINES,
    GUEST_SILENCE_S,
    GUESTS_LIMIT,
    OPENING_TIMEOUT_S,
)
from p2pchat.core.notices import Connected, Direction, Disconnected
from p2pchat.core.setup import GuestPolicy
from p2pchat.core.values import GUEST, ConnectionId, Kind
from tests.core.support import OneCore, closed, of

LOCAL = "127.0.0.1"
REMOTE = "192.0.2.9"


def guest(subject: OneCore, ip: str = LOCAL) -> ConnectionId:
    connection, _ = subject.start(ip=ip)
    subject.feed(LinesReceived(connection, ()))
    return connection


def written(effects: list[Effect]) -> list[tuple[tuple[ConnectionId, ...], str, str]]:
    return [(w.connections, w.nick, w.text) for w in effects if isinstance(w, WriteLine)]


def test_lines_from_this_machine_make_a_guest() -> None:
    subject = OneCore()
    connection, _ = subject.start(ip=LOCAL)

    effects = subject.feed(LinesReceived(connection, ("hello",)))

    (tell,) = of(effects, Tell)
    assert isinstance(tell.notice, Connected)
    assert (tell.notice.person, tell.notice.guest) == (GUEST, True)
    (published,) = of(subject.publish(), Published)
    assert published.texts == ("hello",)
    assert published.envelope.header.kind == Kind.GUEST


@pytest.mark.parametrize(
    ("policy", "ip", "is_taken"),
    [
        (GuestPolicy.LOCAL, LOCAL, True),
        (GuestPolicy.LOCAL, REMOTE, False),
        (GuestPolicy.ANY, REMOTE, True),
        (GuestPolicy.OFF, LOCAL, False),
    ],
)
def test_the_policy_says_who_may_be_a_guest(
    policy: GuestPolicy, ip: str, *, is_taken: bool
) -> None:
    subject = OneCore(guests=policy)
    connection, _ = subject.start(ip=ip)

    effects = subject.feed(LinesReceived(connection, ("hello",)))

    assert closed(effects) == ([] if is_taken else [connection])
    assert len(subject.core.peers(subject.now).neighbours) == is_taken
    assert subject.core.waiting_texts == is_taken


def test_who_says_nothing_on_this_machine_is_a_guest_who_listens() -> None:
    subject = OneCore()
    connection, _ = subject.start(ip=LOCAL)

    early = subject.wait(GUEST_SILENCE_S - 0.1)
    late = subject.wait(0.2)

    assert early == []
    assert [effect.connection for effect in of(late, TreatAsGuest)] == [connection]
    assert [type(tell.notice) for tell in of(late, Tell)] == [Connected]


@pytest.mark.parametrize("ip", [LOCAL, REMOTE])
def test_who_begins_tls_or_comes_from_elsewhere_is_no_silent_guest(ip: str) -> None:
    subject = OneCore()
    connection, _ = subject.start(ip=ip)
    if ip == LOCAL:
        subject.feed(BytesReceived(connection))

    effects = subject.wait(OPENING_TIMEOUT_S + 1.0)

    assert of(effects, TreatAsGuest) == []
    assert closed(effects) == [connection]


def test_a_silent_stranger_beyond_the_guests_is_closed_like_any_unfinished_opening() -> None:
    subject = OneCore()
    for _ in range(GUESTS_LIMIT):
        guest(subject)
    connection, _ = subject.start(ip=LOCAL)

    effects = subject.wait(OPENING_TIMEOUT_S + 1.0)

    assert of(effects, TreatAsGuest) == []
    assert closed(effects) == [connection]


def test_what_a_guest_says_is_written_to_the_other_guests_at_once() -> None:
    subject = OneCore()
    one, two = guest(subject), guest(subject)

    effects = subject.feed(LinesReceived(one, ("hello",)))
    later = subject.publish()

    assert written(effects) == [((two,), GUEST_NICK, "hello")]
    assert written(later) == [], "not once more when it leaves for the neighbours"


def test_what_this_node_says_is_written_to_its_guests() -> None:
    subject = OneCore()
    connection = guest(subject)
    subject.core.announce("hi")
    subject.core.announce("waves", Kind.ACTION)

    effects = subject.publish()

    assert written(effects) == [
        ((connection,), "alice", "hi"),
        ((connection,), "alice", "* waves"),
    ]


def test_lines_above_the_rate_wait_and_come_out_by_themselves() -> None:
    subject = OneCore()
    connection = guest(subject)
    lines = tuple(f"line {number}" for number in range(GUEST_BURST_LINES + 2))

    subject.feed(LinesReceived(connection, lines))
    at_once = subject.core.waiting_texts
    effects = subject.wait(5.0)

    assert at_once == GUEST_BURST_LINES
    texts = [text for published in of(effects, Published) for text in published.texts]
    assert texts == list(lines)


def test_a_dialled_plain_peer_is_open_at_once_and_bridged() -> None:
    subject = OneCore()

    connection, effects = subject.start(Direction.OUT, plain=True)
    subject.feed(LinesReceived(connection, ("hello",)))

    assert [opened.person for opened in of(effects, Opened)] == [GUEST]
    (published,) = of(subject.publish(), Published)
    assert published.envelope.header.kind == Kind.BRIDGED


def test_the_end_of_a_guest_is_told() -> None:
    subject = OneCore()
    connection = guest(subject)

    effects = subject.feed(ConnectionEnded(connection, "connection lost"))

    (tell,) = of(effects, Tell)
    assert isinstance(tell.notice, Disconnected)
    assert tell.notice.guest
    assert subject.core.peers(subject.now).neighbours == ()


def test_guests_are_let_go_after_their_last_line() -> None:
    subject = OneCore()
    one, two = guest(subject), guest(subject)

    hung_up = subject.feed(HangUp(one))
    left = subject.feed(Leave())

    assert closed(hung_up) == [one]
    assert closed(left) == [one, two]
    assert {close.how for close in of(left, Close)} == {Closing.AFTER_LAST_FRAME}


def test_a_guest_that_was_hung_up_on_is_neither_heard_nor_written_to() -> None:
    subject = OneCore()
    one, two = guest(subject), guest(subject)
    subject.feed(HangUp(one))

    subject.feed(LinesReceived(one, ("hello",)))
    subject.core.announce("who is there?")
    effects = subject.publish()

    assert [published.texts for published in of(effects, Published)] == [("who is there?",)]
    assert written(effects) == [((two,), "alice", "who is there?")]


def test_guests_are_no_neighbours() -> None:
    subject = OneCore()
    guest(subject)

    assert subject.core.neighbour_count == 0
    (status,) = subject.core.peers(subject.now).neighbours
    assert status.guest
    assert status.rtt_ms is None


def test_what_others_say_is_delivered_and_written_to_guests() -> None:
    subject, other = OneCore("alice"), OneCore("bob")
    connection = guest(subject)
    neighbour, _ = subject.open("bob")
    other.open("alice")
    other.core.announce("hi")
    (carry,) = of(other.publish(), Send)

    effects = subject.frame(neighbour, carry.frame)
    effects += subject.wait(10.0)  # who is new may have said something before

    assert [delivered.texts for delivered in of(effects, Deliver)] == [("hi",)]
    assert written(effects) == [((connection,), "bob", "hi")]

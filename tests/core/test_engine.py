from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.events import (
    ClockSet,
    ConnectionEnded,
    ConnectionStarted,
    Deliver,
    FrameReceived,
    Leave,
    Note,
    Published,
    QueueFell,
    QueueRose,
    Rename,
    Send,
    Tell,
    Tick,
)
from p2pchat.core.frames import Carry, Goodbye, Welcome
from p2pchat.core.notices import Direction, NickChanged
from p2pchat.core.values import Address, ConnectionId, message_id
from p2pchat.errors import AnnounceOverflow, TextTooLong
from tests.core.support import WALL_S, OneCore, closed, of, sent


def carried_by(name: str, *texts: str) -> Carry:
    """What that peer's own core sends when it says those texts."""
    author = OneCore(name)
    author.open("somebody")
    for text in texts:
        author.core.announce(text)
    (send,) = [send for send in of(author.publish(), Send) if isinstance(send.frame, Carry)]
    assert isinstance(send.frame, Carry)
    return send.frame


# --- Own messages -----------------------------------------------------------------------------


def test_the_id_of_a_message_is_known_at_once() -> None:
    subject = OneCore()

    number, name = subject.core.announce("hi")
    (published,) = of(subject.publish(), Published)

    envelope = published.envelope
    assert name == message_id(envelope.author, envelope.epoch, number)
    assert list(envelope.numbers) == [number]


def test_a_message_leaves_with_the_next_tick_to_everybody() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    carol, _ = subject.open("carol")
    subject.core.announce("hi")

    deadline = subject.core.next_deadline()
    effects = subject.feed(Tick())

    assert deadline == -math.inf
    (published,) = of(effects, Published)
    assert (published.texts, published.neighbours) == (("hi",), 2)
    assert [send.connections for send in of(effects, Send)] == [(bob, carol)]
    assert subject.core.waiting_texts == 0


def test_a_message_without_neighbours_is_published_all_the_same() -> None:
    subject = OneCore()
    subject.core.announce("hi")

    (published,) = of(subject.publish(), Published)

    assert published.neighbours == 0


def test_the_authors_time_is_the_wall_clocks() -> None:
    subject = OneCore()
    subject.feed(ClockSet(WALL_S + 5.5))
    subject.core.announce("hi")

    (published,) = of(subject.publish(), Published)

    assert published.envelope.header.time_ms == int((subject.now + WALL_S + 5.5) * 1000)


def test_a_wall_clock_before_1970_is_no_crash() -> None:
    subject = OneCore()
    subject.feed(ClockSet(-1e9))
    subject.core.announce("hi")

    (published,) = of(subject.publish(), Published)

    assert published.envelope.header.time_ms == 0


def test_a_new_nick_goes_out_with_the_next_message() -> None:
    subject = OneCore()
    subject.core.announce("as alice")
    subject.feed(Rename("alicia"))
    subject.core.announce("as alicia")

    published = of(subject.publish(), Published)

    assert [(p.signer.nick, p.texts) for p in published] == [
        ("alice", ("as alice",)),
        ("alicia", ("as alicia",)),
    ]
    assert subject.core.me.nick == "alicia"


def test_a_refused_text_changes_nothing() -> None:
    subject = OneCore()

    with pytest.raises(TextTooLong):
        subject.core.announce("x" * (limits.TEXT_LIMIT_CHARACTERS + 1))

    assert subject.core.waiting_texts == 0
    assert subject.core.announce("hi")[0] == 0


def test_own_messages_gather_while_half_of_the_neighbours_are_behind() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.open("carol")
    subject.feed(QueueRose(bob))
    for number in range(10):
        subject.core.announce(str(number))

    deadline = subject.core.next_deadline()
    meanwhile = of(subject.feed(Tick()), Published)
    subject.feed(QueueFell(bob))
    (published,) = of(subject.publish(), Published)

    assert deadline != -math.inf
    assert meanwhile == []
    assert len(published.texts) == 10


def test_one_slow_neighbour_of_many_holds_nothing_up() -> None:
    subject = OneCore()
    connections = [subject.open(f"peer {number}")[0] for number in range(3)]
    subject.feed(QueueRose(connections[0]))
    subject.core.announce("hi")

    assert len(of(subject.publish(), Published)) == 1


def test_a_slow_neighbour_that_is_gone_holds_nothing_up() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.feed(QueueRose(bob))
    subject.core.announce("hi")

    subject.feed(ConnectionEnded(bob, "too slow"))

    assert len(of(subject.publish(), Published)) == 1


def test_a_flood_of_own_texts_ends_in_a_refusal_not_in_a_loss() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.feed(QueueRose(bob))
    for _ in range(limits.ANNOUNCEMENTS_LIMIT_TEXTS):
        subject.core.announce("x")

    with pytest.raises(AnnounceOverflow):
        subject.core.announce("one too many")
    subject.feed(QueueFell(bob))
    published = of(subject.wait(60.0), Published)

    assert sum(len(p.texts) for p in published) == limits.ANNOUNCEMENTS_LIMIT_TEXTS


def test_who_leaves_says_everything_first() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    for number in range(limits.ENVELOPE_TEXTS_LIMIT + 1):
        subject.core.announce(str(number))

    at_once = subject.feed(Leave())
    frames = sent(subject.publish(), bob)

    assert sent(at_once, bob) == []
    assert [type(frame) for frame in frames] == [Carry, Carry, Goodbye]


# --- What others say --------------------------------------------------------------------------


def test_what_comes_is_shown_and_passed_on_but_not_back() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    carol, _ = subject.open("carol")
    dave, _ = subject.open("dave")

    effects = subject.frame(bob, carried_by("eve", "hi"))
    shown = of(effects + subject.wait(10.0), Deliver)

    (send,) = [send for send in of(effects, Send) if isinstance(send.frame, Carry)]
    assert send.connections == (carol, dave)
    assert isinstance(send.frame, Carry)
    assert send.frame.hops == 1
    assert [(d.signer.nick, d.texts, d.hops) for d in shown] == [("eve", ("hi",), 1)]


def test_nothing_is_passed_on_to_its_author() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    carol, _ = subject.open("carol")

    effects = subject.frame(bob, carried_by("carol", "hi"))

    assert [f for f in sent(effects, carol) if isinstance(f, Carry)] == []


def test_a_copy_is_dropped() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    carol, _ = subject.open("carol")
    frame = carried_by("eve", "hi")
    subject.frame(bob, frame)

    effects = subject.frame(carol, frame)

    assert [send for send in of(effects, Send) if isinstance(send.frame, Carry)] == []


def test_hops_stop_at_their_limit_and_stop_nothing() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    carol, _ = subject.open("carol")
    frame = carried_by("eve", "hi")

    effects = subject.frame(bob, Carry(limits.HOPS_LIMIT, frame.id, frame.signature, frame.signed))

    (onward,) = [f for f in sent(effects, carol) if isinstance(f, Carry)]
    assert onward.hops == limits.HOPS_LIMIT


def test_a_forgery_is_noted_without_its_content() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    frame = carried_by("eve", "secret words")

    effects = subject.frame(bob, Carry(0, frame.id, bytes(64), frame.signed))

    (note,) = of(effects, Note)
    assert "signature is not its author's" in note.text
    assert "secret" not in note.text
    assert closed(effects) == [bob]
    assert of(effects, Deliver) == []


def test_a_change_of_nick_is_told() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    author = OneCore("eve")
    author.open("alice")
    author.core.announce("as eve")
    author.feed(Rename("eva"))
    author.core.announce("as eva")
    frames = [send.frame for send in of(author.publish(), Send)]

    effects = [effect for frame in frames for effect in subject.frame(bob, frame)]
    effects += subject.wait(10.0)

    changes = [t.notice for t in of(effects, Tell) if isinstance(t.notice, NickChanged)]
    assert [(change.old, change.who.nick) for change in changes] == [("eve", "eva")]


def test_who_was_heard_through_others_is_listed_apart_from_neighbours() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.frame(bob, carried_by("eve", "hi"))
    subject.wait(10.0)

    peers = subject.core.peers(subject.now)

    assert [status.person.nick for status in peers.neighbours] == ["bob"]
    assert [(status.person.nick, status.hops) for status in peers.heard] == [("eve", 1)]


# --- Time -------------------------------------------------------------------------------------


def test_an_idle_core_without_connections_wants_no_tick() -> None:
    assert OneCore().core.next_deadline() is None


def test_a_late_tick_blames_nobody() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.wait(limits.DEAD_AFTER_PING_S - 1.0)

    subject.now += 3_600.0  # the machine slept
    effects = subject.feed(Tick())

    assert closed(effects) == []
    assert bob in subject.core.neighbours.values()


def test_who_stays_silent_after_our_sleep_is_given_up_in_the_end() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    subject.now += 3_600.0
    subject.feed(Tick())

    effects = subject.wait(limits.PING_AFTER_S + limits.DEAD_AFTER_PING_S + limits.LATE_GRACE_S)

    assert bob in closed(effects)


def test_everything_that_strangers_can_grow_is_counted() -> None:
    subject = OneCore()
    subject.open("bob")

    holdings = {holding.what: holding for holding in subject.core.holdings()}

    assert {"accepted connections", "seen ids", "people", "alarms", "pulses"} <= set(holdings)
    assert holdings["accepted connections"].count == 1
    assert all(holding.count <= holding.limit for holding in holdings.values())


# --- Anything in any order --------------------------------------------------------------------

_STEPS = ["start", "greet", "prove", "welcome", "bye", "end", "tick", "say", "rise", "fall"]
_EVENTS = st.lists(
    st.tuples(st.sampled_from(_STEPS), st.integers(0, 5), st.floats(0.0, 12.0)), max_size=60
)


@settings(deadline=None, max_examples=200)
@given(_EVENTS)
def test_no_order_of_events_breaks_the_core(steps: list[tuple[str, int, float]]) -> None:
    subject = OneCore()
    connections: list[ConnectionId] = []

    for what, choice, pause_s in steps:
        subject.wait(pause_s)
        if what == "start":
            direction = Direction.OUT if choice % 2 else Direction.IN
            connections.append(subject.secure(f"peer {choice // 2}", direction))
        elif what == "say":
            subject.core.announce(f"text {choice}")
        elif connections:
            do(subject, what, connections[choice % len(connections)])
        assert all(h.count <= h.limit for h in subject.core.holdings())
    subject.wait(120.0)

    for connection in subject.core.neighbours.values():
        assert connection in connections


def do(subject: OneCore, what: str, connection: ConnectionId) -> None:
    match what:
        case "greet":
            subject.greet(connection)
        case "prove":
            subject.prove(connection)
        case "welcome":
            subject.welcome(connection)
        case "bye":
            subject.frame(connection, Goodbye())
        case "end":
            subject.feed(ConnectionEnded(connection, "connection lost"))
        case "rise":
            subject.feed(QueueRose(connection))
        case "fall":
            subject.feed(QueueFell(connection))
        case _:
            subject.feed(Tick())


def test_a_welcome_without_a_proof_shows_nothing_of_ours() -> None:
    subject = OneCore()
    connection, _ = subject.start()

    effects = subject.feed(FrameReceived(connection, Welcome("eve", 1, ())))

    assert sent(effects, connection) == []
    assert closed(effects) == [connection]


def test_a_plain_dial_is_told_from_an_ordinary_one() -> None:
    subject = OneCore()
    address = Address("192.0.2.1", 1, plain=True)

    effects = subject.feed(ConnectionStarted(ConnectionId(1), address, address.host, Direction.OUT))

    assert [type(tell.notice).__name__ for tell in of(effects, Tell)] == ["Connected"]
    assert subject.core.neighbour_count == 0

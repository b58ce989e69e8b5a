"""Who says that he is here, and when."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from p2pchat.core.broadcast import Broadcast
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import ConnectionEnded, Effect, Send, Tell
from p2pchat.core.limits import KNOWN_S
from p2pchat.core.notices import Joined, Left
from p2pchat.core.people import People
from p2pchat.core.presence import (
    PRESENCE_AFTER_LOSS_S,
    PRESENCE_AGAIN_S,
    PRESENCE_BELOW,
    PRESENCE_EVERY_S,
    PRESENCE_RENAMED_S,
    Doing,
    Here,
    Presence,
)
from p2pchat.core.setup import Setup
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, PeerId, Person
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from tests.core.support import WALL_S, OneCore, of

WALL_MS = 1_700_000_000_000
BOB, EVE = sim_peer_id("bob"), sim_peer_id("eve")


class OnePresence:
    """The presence of a node, and what it has said."""

    def __init__(self) -> None:
        self.people = People()
        self.said: list[tuple[float, int]] = []
        self.has_company = True
        codec = MemoCodec()
        setup = Setup(BOB, Epoch(b"an-epoch"), sim_network_id("lobby"), "bob")
        self._codec = codec
        self._broadcast = Broadcast(setup, codec, SimCredentials(BOB, "lobby"))
        self.presence = Presence(self.people, self._flood, codec, Random(1), is_told=True)

    def _flood(
        self, kind: int, body: bytes, nonce: bytes, _: PeerId | None, now: float, wall_ms: int
    ) -> tuple[EnvelopeId, list[Effect]]:
        envelope = self._broadcast.seal_passing(kind, body, nonce, wall_ms, now)
        if not self.has_company:
            return envelope.id, []
        self.said.append((now, self._codec.decode_presence(body).doing))
        return envelope.id, [Send((ConnectionId(1),), envelope.carried(0))]

    def company(self, now: float) -> None:
        self.presence.on_company("me", now, WALL_MS)

    def wait_until(self, until: float) -> None:
        """Let time pass to that moment."""
        while (at := self.presence.next_deadline()) is not None and at <= until:
            self.presence.on_time("me", at, WALL_MS)

    def envelope(self, doing: int, nonce: int, wall_ms: int = WALL_MS) -> Envelope:
        """What bob says of himself."""
        body = self._codec.encode_presence(Here("bob", doing))
        return self._broadcast.seal_passing(67, body, nonce.to_bytes(16, "big"), wall_ms, 0.0)


# --- Ourselves ------------------------------------------------------------------------------------


def test_a_node_says_that_it_comes_and_then_now_and_then_that_it_is_here() -> None:
    one = OnePresence()

    for now in (100.0, 101.0, 102.0):
        one.company(now)
    one.wait_until(100.0 + 2 * PRESENCE_EVERY_S)

    assert one.said == [
        (100.0, Doing.COMES),
        (100.0 + PRESENCE_EVERY_S, Doing.IS_HERE),
        (100.0 + 2 * PRESENCE_EVERY_S, Doing.IS_HERE),
    ]


def test_who_lost_a_neighbour_says_soon_that_he_is_here() -> None:
    one = OnePresence()
    one.company(0.0)

    one.presence.on_lost(200.0)
    one.wait_until(300.0)

    assert one.said[1:] == [(200.0 + PRESENCE_AFTER_LOSS_S, Doing.IS_HERE)]


def test_a_new_nick_is_told_within_seconds_and_of_several_the_last() -> None:
    one = OnePresence()
    one.company(0.0)

    for renamed_at in (10.0, 10.4, 10.8):
        one.presence.on_renamed(renamed_at)
    one.wait_until(20.0)

    assert one.said[1:] == [(10.0 + PRESENCE_RENAMED_S, Doing.IS_HERE)]


def test_who_loses_many_neighbours_says_so_seldom() -> None:
    one = OnePresence()
    one.company(0.0)

    for second in range(100, 160):
        one.wait_until(second)
        one.presence.on_lost(float(second))
    one.wait_until(300.0)

    times = [now for now, _ in one.said[1:]]
    assert len(times) == 3
    assert all(b - a >= PRESENCE_AGAIN_S for a, b in pairwise(times))


def test_what_nobody_could_hear_is_said_to_the_next_who_comes() -> None:
    one = OnePresence()
    one.company(0.0)
    one.has_company = False
    one.presence.on_lost(100.0)
    one.wait_until(200.0)

    one.has_company = True
    one.company(300.0)
    one.company(301.0)

    assert one.said[1:] == [(300.0, Doing.IS_HERE)]


def test_a_loss_before_anybody_came_says_nothing() -> None:
    one = OnePresence()

    one.presence.on_lost(100.0)

    assert one.presence.next_deadline() is None


def test_in_a_large_room_nobody_says_anything() -> None:
    one = OnePresence()
    for number in range(PRESENCE_BELOW):
        one.people.meet(PeerId(number.to_bytes(32, "big")), f"n{number}", 1, 0.0)

    one.company(0.0)
    one.presence.on_lost(10.0)
    one.wait_until(100.0)

    assert one.said == []


# --- Others ---------------------------------------------------------------------------------------


def test_who_only_says_that_he_is_here_is_told_to_come_once() -> None:
    # A presence is late by the timers and the hops on its way.
    one = OnePresence()
    told: list[Effect] = []

    for number in range(20):
        now = number * (PRESENCE_EVERY_S + 1.5)
        envelope = one.envelope(Doing.IS_HERE, number)
        told += one.presence.on_presence(envelope, Person(EVE, "eve"), 2, now)

    assert PRESENCE_EVERY_S + 1.5 < KNOWN_S
    assert [type(tell.notice) for tell in of(told, Tell)] == [Joined]


def test_who_says_that_he_leaves_is_gone_until_he_is_heard_again() -> None:
    one, eve = OnePresence(), Person(EVE, "eve")

    told = [
        *one.presence.on_presence(one.envelope(Doing.COMES, 1), eve, 2, 0.0),
        *one.presence.on_presence(one.envelope(Doing.LEAVES, 2), eve, 2, 1.0),
    ]

    assert [type(tell.notice) for tell in of(told, Tell)] == [Joined, Left]
    assert not one.people.is_around(BOB, 1.0)


def test_a_lost_neighbour_is_counted_nowhere() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    number, _ = subject.core.announce("hello", wants_acks=True)
    subject.publish()
    before = subject.core.seen(number, subject.now)

    subject.feed(ConnectionEnded(bob, "connection lost"))

    after = subject.core.seen(number, subject.now)
    assert before is not None
    assert after is not None
    assert (before.waiting, after.waiting) == ((sim_peer_id("bob"),), ())
    assert subject.core.peers(subject.now).neighbours == ()
    assert subject.core.peers(subject.now).heard == ()


def test_a_lost_neighbour_who_lives_is_counted_again_as_soon_as_others_bring_his_word() -> None:
    subject = OneCore()
    bob, _ = subject.open("bob")
    eve, _ = subject.open("eve")
    subject.feed(ConnectionEnded(bob, "connection lost"))
    assert subject.core.peers(subject.now).heard == ()

    word = OnePresence().envelope(Doing.IS_HERE, 1, round((WALL_S + subject.now) * 1000))
    effects = subject.frame(eve, word.carried(0))

    assert [type(tell.notice) for tell in of(effects, Tell)] == [Joined]
    heard = subject.core.peers(subject.now).heard
    assert [(status.person.id, status.hops) for status in heard] == [(BOB, 1)]


def test_who_is_blocked_is_marked_among_the_peers() -> None:
    subject = OneCore()
    subject.open("bob")
    subject.open("eve")
    subject.core.contacts.block(Person(BOB, "bob"), WALL_MS)

    peers = subject.core.peers(subject.now)

    assert len(peers.neighbours) == 2
    assert peers.blocked == {BOB}

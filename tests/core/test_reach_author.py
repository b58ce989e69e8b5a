from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Ack, Acks
from p2pchat.core.reach import Reach, ReachQuery, ack_bytes
from p2pchat.core.values import ACK_CONTEXT, ConnectionId, PeerId
from p2pchat.crypto.identity import Identity, is_peer_id, verify
from p2pchat.wire.codec import decode, encode

from .acks import ANN, BEN, CEM, ME, NOBODY, ToySignatures, ack, acks, flagged, query, reach_of
from .lazy_nodes import author, envelope

# --- The author -------------------------------------------------------------------------------


def test_an_author_counts_each_person_once() -> None:
    reach = reach_of(ANN, BEN)
    said = flagged(by=ME)
    reach.expect(said.id)

    reach.on_acks(ANN, acks(said, author(5), author(6)), 0.0)
    reach.on_acks(BEN, acks(said, author(5), author(7)), 0.0)
    seen = reach.seen(said.id, [author(n) for n in (4, 5, 6, 8)])

    assert seen.acknowledged == (author(5), author(6), author(7))
    assert seen.waiting == (author(4), author(8))
    assert seen.estimate == 3
    assert seen.is_exact


def test_an_author_is_told_of_each_acknowledgement_once() -> None:
    reach = reach_of(ANN)
    said = flagged(by=ME)
    reach.expect(said.id)
    reach.on_acks(ANN, acks(said, author(5)), 0.0)

    first = reach.take_news()
    reach.on_acks(ANN, acks(said, author(5)), 0.0)

    assert first == {said.id: (author(5),)}
    assert reach.take_news() == {}


def test_forged_words_count_for_nothing() -> None:
    reach = reach_of(ANN)
    said, other = flagged(1, by=ME), flagged(2, by=ME)
    reach.expect(said.id)
    true = ack(author(5), said)
    forged = [
        msgspec.structs.replace(true, signature=bytes(64)),
        msgspec.structs.replace(true, acknowledger=author(6)),
        msgspec.structs.replace(true, time_ms=8),
        ack(author(5), other),
        ack(ME, said),
    ]

    reach.on_acks(ANN, Acks(said.id, tuple(forged)), 0.0)
    before = reach.seen(said.id, ())
    reach.on_acks(ANN, Acks(said.id, (true,)), 0.0)

    assert before.acknowledged == ()
    assert reach.seen(said.id, ()).acknowledged == (author(5),)


def test_forgeries_cost_an_author_bounded_work() -> None:
    verified = []

    class Counting(ToySignatures):
        def is_valid_ack(self, acknowledger: PeerId, message: bytes, signature: bytes) -> bool:
            verified.append(acknowledger)
            return super().is_valid_ack(acknowledger, message, signature)

    reach = Reach(ME, Counting(ME), Random(1))
    reach.on_open(ANN)
    reach.on_open(BEN)
    said = flagged(by=ME)
    reach.expect(said.id)
    forged = Ack(said.id, author(5), 7, bytes(64))

    for _ in range(1_000):
        reach.on_acks(ANN, Acks(said.id, (forged,) * limits.LIST_LIMIT), 0.0)
    reach.on_acks(BEN, acks(said, author(6)), 0.0)

    assert len(verified) == limits.ACKS_PER_CONNECTION + 1
    assert reach.seen(said.id, ()).acknowledged == (author(6),)


def test_acknowledgements_kept_of_one_envelope_are_bounded() -> None:
    reach = reach_of(ANN, BEN, CEM)
    said = flagged(by=ME)
    reach.expect(said.id)

    for number in range(3 * limits.ACKS_PER_CONNECTION):
        connection = (ANN, BEN, CEM)[number % 3]
        reach.on_acks(connection, acks(said, author(1_000 + number)), 0.0)

    assert len(reach.seen(said.id, ()).acknowledged) == limits.ACKS_KEPT


def test_answers_to_a_query_count_for_what_it_asked_about() -> None:
    reach = reach_of(ANN)
    said, asking = envelope(1, by=ME), query(by=ME)
    reach.ask(asking.id, said.id)

    reach.on_acks(ANN, acks(said, author(5), way=asking.id), 0.0)
    reach.on_acks(ANN, acks(said, author(6), way=NOBODY), 0.0)

    assert reach.seen(said.id, ()).acknowledged == (author(5),)


def test_with_many_people_the_count_is_extrapolated() -> None:
    reach = reach_of(ANN)
    said = flagged(by=ME)
    reach.expect(said.id)
    for first in range(200, 400, 50):
        reach.on_acks(ANN, acks(said, *(author(n) for n in range(first, first + 50))), 0.0)

    seen = reach.seen(said.id, [author(n) for n in range(1_000, 2_024)])

    assert (len(seen.acknowledged), seen.estimate, seen.is_exact) == (200, 800, False)


def test_own_envelopes_that_are_counted_are_bounded() -> None:
    reach = reach_of(ANN)
    said = [flagged(n, by=ME) for n in range(limits.REACH_ENVELOPES + 1)]
    for one in said:
        reach.expect(one.id)

    for one in said:
        reach.on_acks(ANN, acks(one, author(5)), 0.0)

    assert reach.seen(said[0].id, ()).acknowledged == ()
    assert len(reach.take_news()) == limits.REACH_ENVELOPES


# --- The wire, and real signatures ------------------------------------------------------------


@given(st.integers(0, 2**53))
def test_an_acknowledgement_is_bound_to_envelope_person_and_time(time_ms: int) -> None:
    identity = Identity(b"7" * 32)
    message = ack_bytes(NOBODY, identity.peer, time_ms)

    signature = identity.sign(ACK_CONTEXT, message)

    assert is_peer_id(identity.peer)
    assert verify(identity.peer, ACK_CONTEXT, message, signature)
    assert not verify(
        identity.peer, ACK_CONTEXT, ack_bytes(NOBODY, identity.peer, time_ms + 1), signature
    )


def test_the_largest_frame_survives_the_wire_and_fits_a_frame() -> None:
    said = flagged()
    frame = acks(said, *(author(n) for n in range(limits.LIST_LIMIT)))

    assert decode(encode(frame)) == frame
    assert len(encode(frame)) <= limits.FRAME_LIMIT_BYTES // 4


def test_a_query_survives_the_wire() -> None:
    body = msgspec.msgpack.encode(ReachQuery(NOBODY))

    assert msgspec.msgpack.decode(body, type=ReachQuery) == ReachQuery(NOBODY)


# --- A network --------------------------------------------------------------------------------


@dataclass
class _Node:
    reach: Reach
    me: PeerId
    neighbours: dict[ConnectionId, int] = field(default_factory=dict)
    has: bool = False


class _Tree:
    """Nodes in a random tree with instant frames; time passes only at rest."""

    def __init__(self, size: int, seed: int) -> None:
        chance = Random(seed)
        self.now = 0.0
        self.nodes = [
            _Node(reach_of(me=author(n), seed=n), author(n)) for n in range(size)
        ]  # fmt: skip
        self.frames = 0
        for number in range(1, size):
            connection, parent = ConnectionId(number), chance.randrange(number)
            for one, other in ((number, parent), (parent, number)):
                self.nodes[one].neighbours[connection] = other
                self.nodes[one].reach.on_open(connection)

    def flood(self, said: Envelope, about: Envelope | None) -> None:
        """Let node 0 say that, and everybody pass it on."""
        waiting = deque([(0, ConnectionId(0))])
        while waiting:
            number, sender = waiting.popleft()
            node = self.nodes[number]
            if number:
                self.perform(number, self.take(node, said, about, sender))
            waiting += [(n, c) for c, n in node.neighbours.items() if c != sender]

    def take(
        self, node: _Node, said: Envelope, about: Envelope | None, sender: ConnectionId
    ) -> list[Effect]:
        known = len(self.nodes) - 1
        if about is None:
            node.has = True
            return node.reach.on_taken(said, sender, self.now, 7, known)
        held = about if node.has else None
        return node.reach.on_query(said, held, sender, self.now, 7, known)

    def settle(self) -> None:
        while True:
            due = [
                (at, n)
                for n, node in enumerate(self.nodes)
                if (at := node.reach.next_deadline()) is not None
            ]
            if not due:
                return
            at, number = min(due)
            self.now = max(self.now, at)
            self.perform(number, self.nodes[number].reach.on_time(self.now))

    def perform(self, number: int, effects: list[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, Send)
            for connection in effect.connections:
                self.frames += 1
                other = self.nodes[number].neighbours[connection]
                frame = decode(encode(effect.frame))
                assert isinstance(frame, Acks)
                self.perform(other, self.nodes[other].reach.on_acks(connection, frame, self.now))


@pytest.mark.parametrize("seed", range(5))
def test_everybody_is_counted_at_the_author_in_few_frames(seed: int) -> None:
    tree = _Tree(60, seed)
    said = flagged(by=author(0))
    tree.nodes[0].reach.expect(said.id)

    tree.flood(said, None)
    tree.settle()
    seen = tree.nodes[0].reach.seen(said.id, [node.me for node in tree.nodes])

    assert sorted(seen.acknowledged) == [author(n) for n in range(1, 60)]
    assert seen.waiting == ()
    assert tree.frames < 3 * 60
    assert tree.now < 60 * limits.ACK_JOIN_S


def test_asking_afterwards_counts_exactly_who_has_it() -> None:
    tree = _Tree(60, 1)
    said, asking = envelope(1, by=author(0)), query(by=author(0))
    for number in range(1, 60, 3):
        tree.nodes[number].has = True
    tree.nodes[0].reach.ask(asking.id, said.id)

    tree.flood(asking, said)
    tree.settle()
    seen = tree.nodes[0].reach.seen(said.id, [node.me for node in tree.nodes])

    assert sorted(seen.acknowledged) == [author(n) for n in range(1, 60, 3)]
    assert len(seen.waiting) == 59 - 20


def test_about_as_many_as_wanted_reach_an_author_in_a_crowd() -> None:
    tree = _Tree(1_000, 1)
    said = flagged(by=author(0))
    tree.nodes[0].reach.expect(said.id)

    tree.flood(said, None)
    tree.settle()
    seen = tree.nodes[0].reach.seen(said.id, [node.me for node in tree.nodes])

    assert limits.ACKS_AIM * 0.8 < len(seen.acknowledged) < limits.ACKS_AIM * 1.2
    assert seen.estimate == pytest.approx(1_000, rel=0.2)

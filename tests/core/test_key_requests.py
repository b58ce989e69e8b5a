"""Who gets a sealing key, along which ways, how often, and what a relay lets pass."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from p2pchat.core.direct_frames import KeyAnswer
from p2pchat.core.events import (
    Effect,
    Send,
)
from p2pchat.core.key_requests import (
    ANSWER_WAYS,
    REQUEST_S,
    REQUESTER_BURST,
    Asked,
    KeyRequests,
)
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId, Person
from tests.core.direct_support import CODEC, Far, Reader
from tests.core.support import closed, of, sent


@pytest.fixture
def alice() -> Reader:
    return Reader()


@pytest.fixture
def me() -> Far:
    """Alice as others know her; her first sealing key is drawn alike in every run."""
    return Far("alice")


def answers(effects: list[Effect]) -> list[KeyAnswer]:
    return [send.frame for send in of(effects, Send) if isinstance(send.frame, KeyAnswer)]


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_who_asks_gets_our_key_along_several_ways(alice: Reader, me: Far) -> None:
    bob = Far("bob")
    connections = [alice.open(name)[0] for name in ("a", "b", "c", "d", "e", "f", "g")]

    effects = alice.frame(connections[3], bob.request(me))

    (send,) = [s for s in of(effects, Send) if isinstance(s.frame, KeyAnswer)]
    assert send.connections[0] == connections[3]
    assert len(set(send.connections)) == ANSWER_WAYS
    (answer,) = answers(effects)
    assert bob.packets.key_in(answer, me.me, nonce(0)) == me.key


def test_a_neighbour_who_asks_is_answered_himself(alice: Reader, me: Far) -> None:
    bob, _ = alice.open("bob")
    alice.open("other")

    (send,) = [
        s
        for s in of(alice.frame(bob, Far("bob").request(me)), Send)
        if isinstance(s.frame, KeyAnswer)
    ]

    assert send.connections == (bob,)


def test_one_requester_is_answered_a_few_times_and_then_every_ten_seconds(
    alice: Reader, me: Far
) -> None:
    relay, _ = alice.open("relay")
    bob, carol = Far("bob"), Far("carol")

    given = [len(answers(alice.frame(relay, bob.request(me, nonce(n))))) for n in range(6)]
    assert given == [1] * REQUESTER_BURST + [0] * (6 - REQUESTER_BURST)
    assert len(answers(alice.frame(relay, carol.request(me)))) == 1
    alice.wait(10.0)
    assert len(answers(alice.frame(relay, bob.request(me, nonce(7))))) == 1


def test_a_blocked_requester_gets_no_key(alice: Reader, me: Far) -> None:
    relay, _ = alice.open("relay")
    bob = Far("bob")
    alice.core.contacts.block(Person(bob.me, "bob"), 0)

    assert answers(alice.frame(relay, bob.request(me))) == []


class Between:
    """Alice has passed a request of Bob, who is in the west, on to Carol, in the east."""

    def __init__(self) -> None:
        self.alice, self.bob, self.carol = Reader(), Far("bob"), Far("carol")
        self.west, _ = self.alice.open("west")
        self.east, _ = self.alice.open("east")
        request = self.bob.request(self.carol)
        assert sent(self.alice.frame(self.west, request), self.east)
        self.answer = self.carol.answer(request)

    def hop_to_carol(self) -> ConnectionId | None:
        return self.alice.core._direct._ways.next_hop(self.carol.me, self.alice.now)


def test_a_key_goes_back_along_its_request_and_leaves_a_trail() -> None:
    between = Between()
    assert between.hop_to_carol() is None

    effects = between.alice.frame(between.east, between.answer)

    assert sent(effects, between.west) == [between.answer]
    assert between.hop_to_carol() == between.east


def test_a_request_is_answered_once() -> None:
    between = Between()
    between.alice.frame(between.east, between.answer)
    other, _ = between.alice.open("other")

    assert between.alice.frame(other, between.answer) == []
    assert between.hop_to_carol() == between.east


def test_a_key_that_nobody_asked_for_is_not_even_verified() -> None:
    between = Between()
    unasked = replace(between.answer, way=bytes(16), signature=bytes(64))

    assert between.alice.frame(between.east, unasked) == []


def test_an_old_key_under_a_new_request_ends_its_connection_and_leaves_no_trail() -> None:
    between = Between()
    old = between.carol.packets.answer(between.answer.way, between.bob.me, nonce(9), 0.0, 0)

    assert closed(between.alice.frame(between.east, old)) == [between.east]
    assert between.hop_to_carol() is None


def test_a_key_of_somebody_else_ends_its_connection_and_leaves_no_trail() -> None:
    between = Between()
    mallory = Far("mallory")
    record = replace(CODEC.decode_sealing_key(between.answer.signed), key=mallory.key.key)
    signed = CODEC.encode_sealing_key(record)
    forged = KeyAnswer(between.answer.way, mallory.signatures.sign_sealing_key(signed), signed)

    assert closed(between.alice.frame(between.east, forged)) == [between.east]
    assert between.hop_to_carol() is None


def test_requests_that_nobody_may_answer_any_more_take_no_memory() -> None:
    requests = KeyRequests()
    for second in range(100):
        asked = Asked(PeerId(b"r"), PeerId(b"a"), b"", ConnectionId(1), second + REQUEST_S)
        requests.note(EnvelopeId(nonce(second)), asked, float(second))

    assert len(requests) == REQUEST_S
    assert requests.find(EnvelopeId(nonce(99)), 99.0) is not None

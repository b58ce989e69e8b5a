"""What a relay does with packets of others, and whom it lets answer them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.direct_frames import NoWay, Packet, Receipt
from p2pchat.core.direct_ways import Ways
from p2pchat.core.events import Send
from p2pchat.core.packet_relay import (
    AUTHOR_BURST,
    AUTHOR_BYTES_BURST,
    AUTHOR_PER_S,
    AUTHORS_LIMIT,
    CONNECTION_BURST,
    FLOODED_WEIGHT,
    PACKET_WAY_S,
    PACKET_WAYS_LIMIT,
    PacketRelay,
)
from p2pchat.core.values import ConnectionId, PeerId
from tests.effort import EFFORT

WEST, EAST, NORTH, SOUTH = (ConnectionId(number) for number in range(1, 5))
ANN, BOB = PeerId(b"a" * 32), PeerId(b"b" * 32)
NOW: Final = 100.0

_numbers = count(1)


class FakeWays:
    """Knows where everybody is, because the test says so."""

    def __init__(self) -> None:
        self.open = [WEST, EAST, NORTH, SOUTH]
        self.hop: ConnectionId | None = EAST

    def able(self) -> tuple[ConnectionId, ...]:
        return tuple(self.open)

    def next_hop(self, _peer: PeerId, _now: float) -> ConnectionId | None:
        return self.hop


class Relay(PacketRelay):
    """One whose surroundings the test can change."""

    def __init__(self) -> None:
        self.around = FakeWays()
        super().__init__(cast("Ways", self.around))

    def take_on(self, packet: Packet, now: float = NOW) -> list[Send]:
        """Let a packet come from the west."""
        self.take(packet, WEST, now)
        return cast("list[Send]", self.pass_on(packet, BOB, WEST, now))


def a_packet(*, is_flooded: bool = False, size_bytes: int = 100) -> Packet:
    return Packet(next(_numbers).to_bytes(16, "big"), bytes(64), bytes(size_bytes), is_flooded, 0)


def a_receipt(packet: Packet) -> Receipt:
    return Receipt(packet.id, bytes(32))


# --- Onward -----------------------------------------------------------------------------------


def test_a_packet_goes_one_step_further_and_counts_it() -> None:
    relay, packet = Relay(), a_packet()

    (send,) = relay.take_on(packet)

    assert send.connections == (EAST,)
    assert isinstance(send.frame, Packet)
    assert (send.frame.id, send.frame.hops) == (packet.id, 1)
    assert relay.was_here(packet)


@pytest.mark.parametrize("hop", [None, WEST], ids=["nowhere", "back"])
def test_without_a_way_its_sender_is_told(hop: ConnectionId | None) -> None:
    relay, packet = Relay(), a_packet()
    relay.around.hop = hop

    (send,) = relay.take_on(packet)

    assert send == Send((WEST,), NoWay(packet.id))


def test_a_flooded_packet_goes_to_everybody_but_its_sender() -> None:
    relay = Relay()

    (send,) = relay.take_on(a_packet(is_flooded=True))

    assert send.connections == (EAST, NORTH, SOUTH)


def test_a_flooded_packet_ends_where_there_is_nobody_else() -> None:
    relay = Relay()
    relay.around.open = [WEST]

    assert relay.take_on(a_packet(is_flooded=True)) == []


# --- Back -------------------------------------------------------------------------------------


def test_an_answer_goes_back_the_way_its_packet_came() -> None:
    relay, packet = Relay(), a_packet()
    relay.take_on(packet)

    assert relay.pass_back(a_receipt(packet), EAST, NOW) == [Send((WEST,), a_receipt(packet))]
    assert relay.pass_back(a_receipt(packet), EAST, NOW) == []


@pytest.mark.parametrize("answer", [a_receipt, lambda packet: NoWay(packet.id)])
@pytest.mark.parametrize("connection", [WEST, NORTH])
def test_nobody_answers_a_packet_that_went_to_another(
    connection: ConnectionId, answer: Callable[[Packet], NoWay | Receipt]
) -> None:
    relay, packet = Relay(), a_packet()
    relay.take_on(packet)

    assert relay.pass_back(answer(packet), connection, NOW) == []
    assert len(relay.pass_back(a_receipt(packet), EAST, NOW)) == 1


def test_a_made_up_answer_to_a_flooded_packet_does_not_keep_the_true_one_out() -> None:
    relay, packet = Relay(), a_packet(is_flooded=True)
    relay.take_on(packet)

    assert relay.pass_back(NoWay(packet.id), NORTH, NOW) == []
    assert len(relay.pass_back(a_receipt(packet), NORTH, NOW)) == 1
    assert relay.pass_back(a_receipt(packet), NORTH, NOW) == []
    assert len(relay.pass_back(a_receipt(packet), EAST, NOW)) == 1


def test_a_way_back_ends_after_a_minute_and_with_its_connection() -> None:
    relay, early, late = Relay(), a_packet(), a_packet()
    relay.take_on(early)
    relay.take_on(late, NOW + PACKET_WAY_S)

    assert relay.pass_back(a_receipt(early), EAST, NOW + PACKET_WAY_S) == []
    relay.around.open.remove(WEST)
    assert relay.pass_back(a_receipt(late), EAST, NOW + PACKET_WAY_S) == []


def test_a_packet_is_known_as_long_as_its_age_would_let_it_pass() -> None:
    relay, packet = Relay(), a_packet()
    relay.take(packet, WEST, NOW)

    relay.take(a_packet(), WEST, NOW + limits.AGE_PAST_S + limits.AGE_FUTURE_S)

    assert relay.was_here(packet)
    assert relay.on_copy(packet, EAST, NOW + PACKET_WAY_S) == []


def test_ways_that_have_ended_take_no_memory() -> None:
    relay = Relay()
    for number in range(100):
        relay.take(a_packet(), WEST, NOW + number)

    relay.take(a_packet(), WEST, NOW + 50 + PACKET_WAY_S)

    assert len(relay) == 50


def test_an_own_receipt_goes_to_everybody_who_brings_the_flooded_packet_once() -> None:
    relay, packet = Relay(), a_packet(is_flooded=True)
    relay.take(packet, WEST, NOW)

    assert relay.on_copy(packet, EAST, NOW) == []
    assert relay.answer(a_receipt(packet), WEST, NOW) == [Send((WEST,), a_receipt(packet))]
    assert relay.on_copy(packet, WEST, NOW) == []
    assert relay.on_copy(packet, EAST, NOW) == [Send((EAST,), a_receipt(packet))]
    assert relay.on_copy(packet, EAST, NOW) == []


def test_a_copy_of_what_went_by_trail_is_not_answered_again() -> None:
    relay, packet = Relay(), a_packet()
    relay.take(packet, WEST, NOW)
    relay.answer(a_receipt(packet), WEST, NOW)

    assert relay.on_copy(packet, EAST, NOW) == []


# --- Limits -----------------------------------------------------------------------------------


def test_an_author_has_a_burst_and_then_a_rate() -> None:
    relay = Relay()
    for _ in range(AUTHOR_BURST):
        assert relay.has_room(ANN, a_packet(), NOW)
        relay.charge(ANN, a_packet(), NOW)

    assert not relay.has_room(ANN, a_packet(), NOW)
    assert relay.has_room(BOB, a_packet(), NOW)
    assert relay.has_room(ANN, a_packet(), NOW + 1 / AUTHOR_PER_S)


def test_a_flooded_packet_costs_its_author_tenfold() -> None:
    relay = Relay()
    for _ in range(AUTHOR_BURST // FLOODED_WEIGHT):
        assert relay.has_room(ANN, a_packet(is_flooded=True), NOW)
        relay.charge(ANN, a_packet(is_flooded=True), NOW)

    assert not relay.has_room(ANN, a_packet(), NOW)


def test_an_author_has_a_rate_of_bytes_too() -> None:
    relay, large = Relay(), a_packet(size_bytes=AUTHOR_BYTES_BURST // 4)
    for _ in range(4):
        relay.charge(ANN, large, NOW)

    assert not relay.has_room(ANN, large, NOW)


def test_a_neighbour_has_a_burst_whatever_it_brings() -> None:
    relay = Relay()

    assert all(relay.may_look(WEST, NOW) for _ in range(CONNECTION_BURST))
    assert not relay.may_look(WEST, NOW)
    assert relay.may_look(EAST, NOW)
    relay.on_closed(WEST)
    assert relay.may_look(WEST, NOW)


@settings(deadline=None, max_examples=max(5, EFFORT.property_examples // 20))
@given(st.integers(1, 2 * PACKET_WAYS_LIMIT))
def test_what_a_relay_remembers_is_bounded(packets: int) -> None:
    relay = Relay()
    for number in range(packets):
        packet = a_packet()
        relay.charge(PeerId(number.to_bytes(32, "big")), packet, NOW)
        relay.take_on(packet)

    assert len(relay) == min(packets, PACKET_WAYS_LIMIT)
    assert relay.author_count == min(packets, AUTHORS_LIMIT)
    assert relay.was_here(packet)

"""What a node does with packets, requests and keys that come: as recipient, and as relay."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.direct_frames import NoWay, Packet, Receipt
from p2pchat.core.direct_values import Outside
from p2pchat.core.events import (
    Effect,
    KeepWaiting,
    NoteDelivered,
    Send,
)
from p2pchat.core.frames import Goodbye
from p2pchat.core.notices import DirectArrived, DirectGivenUp, DirectWaits
from p2pchat.core.outbox import OUTBOX_LIFE_S, DirectId
from p2pchat.core.packet_relay import AUTHOR_BURST
from p2pchat.core.values import Kind, Person
from tests.core.direct_support import CODEC, Far, Reader, packets, requests, told
from tests.core.support import closed, of, sent
from tests.effort import EFFORT

MESSAGE = DirectId(bytes(16))


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


def texts(effects: list[Effect]) -> list[str]:
    return [notice.message.text for notice in told(effects, DirectArrived)]  # type: ignore[union-attr]


def receipts(effects: list[Effect]) -> list[Receipt]:
    return [send.frame for send in of(effects, Send) if isinstance(send.frame, Receipt)]


@pytest.fixture
def alice() -> Reader:
    return Reader()


@pytest.fixture
def me() -> Far:
    """Alice as others know her; her first sealing key is drawn alike in every run."""
    return Far("alice")


@pytest.fixture
def bob(alice: Reader, me: Far) -> Far:
    """Somebody who asked Alice for her key already."""
    bob = Far("bob")
    connection, _ = alice.open("asker")
    alice.frame(connection, bob.request(me))
    return bob


# --- As recipient -----------------------------------------------------------------------------


def test_a_message_is_shown_and_noted_and_then_answered(alice: Reader, bob: Far, me: Far) -> None:
    relay, _ = alice.open("relay")
    packet = bob.write(me, "for you")

    effects = alice.frame(relay, packet)

    assert texts(effects) == ["for you"]
    assert of(effects, NoteDelivered) == [NoteDelivered(bob.me, MESSAGE)]
    assert receipts(effects) == []
    (receipt,) = receipts(alice.noted(effects))
    assert receipt.packet == packet.id


def test_another_attempt_with_the_same_message_is_answered_and_not_shown(
    alice: Reader, bob: Far, me: Far
) -> None:
    relay, _ = alice.open("relay")
    alice.noted(alice.frame(relay, bob.write(me)))
    again = bob.write(me)

    effects = alice.frame(relay, again)

    assert texts(effects) == []
    assert [receipt.packet for receipt in receipts(effects)] == [again.id]


def test_no_receipt_is_given_while_the_disk_does_not_take_it(
    alice: Reader, bob: Far, me: Far
) -> None:
    relay, _ = alice.open("relay")
    effects = alice.frame(relay, bob.write(me))
    alice.shown.add((bob.me, MESSAGE))  # in memory, but the disk refused
    assert texts(effects) == ["hello"]

    effects = alice.frame(relay, bob.write(me))

    assert texts(effects) == []
    assert receipts(effects) == []
    assert of(effects, NoteDelivered) == [NoteDelivered(bob.me, MESSAGE)]
    assert len(receipts(alice.noted(effects))) == 1


def test_a_repeated_packet_is_not_even_looked_at(alice: Reader, bob: Far, me: Far) -> None:
    relay, _ = alice.open("relay")
    other, _ = alice.open("other")
    packet = bob.write(me)
    alice.noted(alice.frame(relay, packet))

    assert alice.frame(relay, packet) == []
    assert alice.frame(other, packet) == []


@pytest.mark.parametrize("kind", [0, Kind.GUEST, Kind.BRIDGED, 5, 63, 127])
def test_a_kind_that_is_not_known_is_neither_shown_nor_answered(
    alice: Reader, bob: Far, me: Far, kind: int
) -> None:
    relay, _ = alice.open("relay")

    assert alice.frame(relay, bob.write(me, kind=kind)) == []


def test_a_blocked_author_is_neither_shown_nor_answered(alice: Reader, bob: Far, me: Far) -> None:
    relay, _ = alice.open("relay")
    alice.core.contacts.block(Person(bob.me, "bob"), 0)

    effects = alice.frame(relay, bob.write(me))

    assert texts(effects) == []
    assert of(effects, NoteDelivered) == []
    assert receipts(effects) == []
    assert closed(effects) == []


def test_what_was_sealed_to_another_key_blames_no_neighbour(alice: Reader, me: Far) -> None:
    relay, _ = alice.open("relay")
    bob = Far("bob")
    stale = bob.write(Far("somebody else"))
    outside = replace(CODEC.decode_outside(stale.signed), recipient=me.me)

    effects = alice.frame(relay, signed_by(bob, outside))

    assert effects == []


def test_what_somebody_else_was_told_can_not_be_passed_on_as_told_to_us(
    alice: Reader, bob: Far, me: Far
) -> None:
    relay, _ = alice.open("relay")
    carol = Far("carol")
    told_to_carol = bob.write(carol, "you are fired")
    outside = carol.packets.outside_of(told_to_carol)
    opened = carol.sealer.open_(outside.sealed, outside.bound, 0.0)

    resealed = replace(outside, author=carol.me, recipient=me.me, sealed=b"")
    sealed = carol.sealer.seal(me.key, opened, resealed.bound)
    effects = alice.frame(relay, signed_by(carol, replace(resealed, sealed=sealed)))

    assert effects == []


def signed_by(author: Far, outside: Outside) -> Packet:
    """A packet with that outside, signed by its author."""
    return author.packets._sign(outside, is_flooded=False)


@settings(deadline=None, max_examples=EFFORT.property_examples)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_altered_packet_is_taken(place: int, change: int) -> None:
    alice, bob, me = Reader(), Far("bob"), Far("alice")
    relay, _ = alice.open("relay")
    packet = bob.write(me)
    signed = bytearray(packet.signed)
    signed[place % len(signed)] ^= change

    effects = alice.frame(relay, replace(packet, signed=bytes(signed)))

    assert texts(effects) == []
    assert closed(effects) == [relay]


# --- As relay ---------------------------------------------------------------------------------


def test_a_packet_for_a_neighbour_goes_to_him_and_its_receipt_back(alice: Reader) -> None:
    west, _ = alice.open("west")
    east, _ = alice.open("carol")
    carol, bob = Far("carol"), Far("bob")
    packet = bob.write(carol)

    (onward,) = sent(alice.frame(west, packet), east)

    assert isinstance(onward, Packet)
    assert onward.hops == 1
    assert sent(alice.frame(east, carol.receipt(packet)), west) == [carol.receipt(packet)]


def test_a_packet_for_somebody_unknown_is_sent_back(alice: Reader) -> None:
    west, _ = alice.open("west")
    packet = Far("bob").write(Far("nobody"))

    assert sent(alice.frame(west, packet), west) == [NoWay(packet.id)]


def test_a_packet_in_anothers_name_ends_its_connection_and_costs_him_nothing(
    alice: Reader,
) -> None:
    carol, bob = Far("carol"), Far("bob")
    alice.open("carol")
    for number in range(30):
        west, _ = alice.open(f"west {number}", ip=f"10.0.0.{number}")
        forged = replace(bob.write(carol), signature=bytes(64))
        assert closed(alice.frame(west, forged)) == [west]
    honest, _ = alice.open("honest")

    assert packets(alice.frame(honest, bob.write(carol)))


@pytest.mark.threat(9)
@pytest.mark.parametrize("age_s", [limits.AGE_PAST_S + 200, -limits.AGE_FUTURE_S - 200])
def test_a_packet_of_another_time_is_neither_shown_nor_passed_on_nor_charged(
    alice: Reader, bob: Far, me: Far, age_s: float
) -> None:
    relay, _ = alice.open("relay")
    alice.open("carol")
    for _ in range(AUTHOR_BURST):
        assert alice.frame(relay, bob.write(me, age_s=age_s)) == []
        assert alice.frame(relay, bob.write(Far("carol"), age_s=age_s)) == []

    assert texts(alice.frame(relay, bob.write(me))) == ["hello"]


@pytest.mark.threat(9)
def test_a_packet_that_comes_again_goes_nowhere_however_late(alice: Reader) -> None:
    relay, _ = alice.open("relay")
    alice.open("carol")
    packet = Far("bob").write(Far("carol"))
    assert packets(alice.frame(relay, packet))

    alice.wait(limits.AGE_PAST_S - 200)
    relay, _ = alice.open("relay")
    alice.open("carol")

    assert alice.frame(relay, packet) == []
    assert packets(alice.frame(relay, Far("bob").write(Far("carol"), age_s=-100)))


def test_an_own_packet_that_comes_back_goes_nowhere(alice: Reader, me: Far) -> None:
    west, _ = alice.open("west")
    alice.open("carol")

    assert alice.frame(west, me.write(Far("carol"), is_flooded=True)) == []


def test_nothing_is_taken_on_a_connection_that_is_left(alice: Reader) -> None:
    west, _ = alice.open("west")
    alice.open("carol")
    alice.frame(west, Goodbye())

    assert packets(alice.frame(west, Far("bob").write(Far("carol")))) == []


def test_an_author_who_is_too_fast_is_not_passed_on(alice: Reader) -> None:
    west, _ = alice.open("west")
    alice.open("carol")
    bob, carol = Far("bob"), Far("carol")

    passed = sum(len(packets(alice.frame(west, bob.write(carol)))) for _ in range(50))

    assert passed == 20


# --- What waits -------------------------------------------------------------------------------


def test_a_week_later_a_message_is_given_up_aloud(alice: Reader) -> None:
    alice.open("relay")
    message, effects = alice.write(Far("nobody"))
    assert of(effects, KeepWaiting)

    effects = alice.wait(OUTBOX_LIFE_S + 2 * 3600.0)

    assert [notice.id for notice in told(effects, DirectWaits)] == [message.hex()]  # type: ignore[union-attr]
    assert [notice.id for notice in told(effects, DirectGivenUp)] == [message.hex()]  # type: ignore[union-attr]
    assert alice.core.waiting_count == 0
    assert alice.core._direct._told_waiting == set()


def test_somebody_who_is_heard_all_the_time_is_not_bothered_all_the_time(alice: Reader) -> None:
    relay, _ = alice.open("relay")
    bob, other = Far("bob"), Far("other")
    alice.write(bob)
    asked = 0
    for number in range(120):
        effects = alice.frame(relay, bob.request(other, nonce(number)))
        asked += len([r for r in requests(effects + alice.wait(1.0)) if is_ours(alice, r.signed)])

    assert 1 <= asked <= 6


def is_ours(alice: Reader, signed: bytes) -> bool:
    return CODEC.decode_header(signed).author == alice.me


def test_tables_stay_within_their_limits_whatever_strangers_send(alice: Reader) -> None:
    relay, _ = alice.open("relay")
    for number in range(100):
        stranger = Far(f"stranger {number}")
        alice.frame(relay, stranger.request(Far("alice")))
        alice.frame(relay, stranger.write(Far("nobody")))
        alice.frame(relay, Receipt(nonce(number), bytes(32)))
        alice.now += 0.05

    assert all(holding.count <= holding.limit for holding in alice.core.holdings())

"""How a message to one person is tried: by trail, by request, by flood, and then it waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.courier import FLOOD_WAIT_S, REQUEST_WAIT_S, SENT_WAIT_S, TRAIL_WAIT_S
from p2pchat.core.couriers import PACE_BURST, PACE_PER_S, REQUESTS_BURST
from p2pchat.core.direct import WrittenToOneself
from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.events import Close, Effect, ForgetWaiting, KeepWaiting, Send, Tell
from p2pchat.core.frames import Carry
from p2pchat.core.notices import DirectReceipt, DirectSent, DirectWaits
from p2pchat.core.outbox import OUTBOX_PER_RECIPIENT, OutboxFull
from p2pchat.core.values import PeerId
from tests.core.direct_support import CODEC, Far, Writer, packets, requests, told
from tests.core.support import of
from tests.effort import EFFORT

BOB, CAROL = Far("bob"), Far("carol")


# --- Without trouble --------------------------------------------------------------------------


def test_a_message_is_kept_on_the_disk_before_anybody_hears_of_it() -> None:
    alice = Writer()
    alice.open("relay")

    message, effects = alice.write(BOB)

    kinds = [type(effect) for effect in effects]
    assert kinds == [KeepWaiting, Tell, Send]
    assert told(effects, DirectSent)[0].message.id == message.hex()  # type: ignore[union-attr]
    assert len(requests(effects)) == 1


def test_the_key_brings_the_message_on_its_way() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    other, _ = alice.open("other")
    message, effects = alice.write(bob, "for you")

    effects = alice.frame(relay, bob.answer(requests(effects)[0]))

    (send,) = of(effects, Send)
    assert send.connections == (relay,) != (other,)
    (packet,) = packets(effects)
    assert (bob.open_(packet).text, bob.open_(packet).message) == ("for you", message)
    effects = alice.frame(relay, bob.receipt(packet))
    assert of(effects, ForgetWaiting) == [ForgetWaiting(message)]
    assert told(effects, DirectReceipt) == [
        DirectReceipt(message.hex(), alice.core.name_of(bob.me))
    ]
    assert packets(alice.wait(100.0)) == []


def test_a_neighbour_is_written_to_without_a_detour() -> None:
    alice, bob = Writer(), Far("bob")
    connection, _ = alice.open("bob")
    alice.open("relay")
    alice.write_with_key(bob, connection)

    _, effects = alice.write(bob, "again")

    assert [send.connections for send in of(effects, Send)] == [(connection,)]
    assert bob.open_(packets(effects)[0]).text == "again"


def test_what_is_written_while_the_key_is_awaited_goes_with_it_in_order() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    _, effects = alice.write(bob, "one")
    assert not alice.write(bob, "two")[1][2:]
    assert not alice.write(bob, "three")[1][2:]

    sent = packets(alice.frame(relay, bob.answer(requests(effects)[0])))

    assert [bob.open_(packet).text for packet in sent] == ["one", "two", "three"]


def test_every_attempt_has_its_time_and_then_the_message_waits() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    alice.write_with_key(bob, relay)

    effects = alice.wait(SENT_WAIT_S - 0.01)
    assert not packets(effects)
    (flooded,) = packets(alice.wait(0.02))
    assert flooded.is_flooded
    assert not told(alice.wait(FLOOD_WAIT_S - 0.05), DirectWaits)
    assert len(told(alice.wait(0.1), DirectWaits)) == 1
    assert alice.core.waiting_count == 1


def test_a_trail_that_leads_nowhere_is_left_after_a_second() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    alice.open("other")
    (packet,) = alice.write_with_key(bob, relay)
    alice.frame(relay, bob.receipt(packet))
    _, effects = alice.write(bob)
    assert len(packets(effects)) == 1

    effects = alice.wait(TRAIL_WAIT_S)

    (request,) = requests(effects)
    (send,) = [s for s in of(effects, Send) if s.frame is request]
    assert relay not in send.connections


def test_without_another_neighbour_the_request_goes_to_the_silent_one() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    (packet,) = alice.write_with_key(bob, relay)
    alice.frame(relay, bob.receipt(packet))
    alice.write(bob)

    effects = alice.wait(TRAIL_WAIT_S)

    (request,) = requests(effects)
    assert [s.connections for s in of(effects, Send) if s.frame is request] == [(relay,)]


def test_an_unanswered_request_is_repeated_once() -> None:
    alice = Writer()
    alice.open("relay")
    alice.write(BOB)

    assert len(requests(alice.wait(REQUEST_WAIT_S))) == 1
    effects = alice.wait(REQUEST_WAIT_S)

    assert not requests(effects)
    assert len(told(effects, DirectWaits)) == 1


def test_what_is_written_before_anybody_is_there_is_asked_for_when_somebody_comes() -> None:
    alice, bob = Writer(), Far("bob")
    _, effects = alice.write(bob)
    assert all(send.connections == () for send in of(effects, Send))
    alice.wait(0.5)

    relay, _ = alice.open("relay")
    (request,) = requests(alice.wait(0.0))

    assert len(packets(alice.frame(relay, bob.answer(request)))) == 1


def test_somebody_who_comes_while_he_is_asked_for_is_asked_at_once() -> None:
    alice, bob = Writer(), Far("bob")
    alice.open("relay")
    alice.write(bob)
    alice.wait(0.5)

    connection, _ = alice.open("bob")
    (request,) = requests(alice.wait(0.0))

    assert len(packets(alice.frame(connection, bob.answer(request)))) == 1


def test_what_is_written_during_the_flood_has_attempts_of_its_own() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    alice.write_with_key(bob, relay, "one")
    alice.wait(SENT_WAIT_S)
    late, _ = alice.write(bob, "two")

    effects = alice.wait(FLOOD_WAIT_S)

    assert late.hex() not in [notice.id for notice in told(effects, DirectWaits)]  # type: ignore[union-attr]
    (request,) = requests(effects)
    sent = packets(alice.frame(relay, bob.answer(request)))
    assert "two" in [bob.open_(packet).text for packet in sent]


def test_a_silent_relay_is_found_out_though_its_user_writes_on_and_on() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    alice.open("other")
    (packet,) = alice.write_with_key(bob, relay)
    alice.frame(relay, bob.receipt(packet))

    asked = 0
    for number in range(6):
        _, effects = alice.write(bob, str(number))
        asked += len(requests(effects + alice.wait(0.5)))

    assert asked >= 1


# --- Paces and bounds -------------------------------------------------------------------------


def test_an_author_keeps_to_what_relays_take_of_him() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    sent = alice.write_with_key(bob, relay)
    effects: list[Effect] = []
    for _ in range(OUTBOX_PER_RECIPIENT - 1):
        effects += alice.write(bob)[1]

    assert len(sent) + len(packets(effects)) == PACE_BURST
    later = packets(alice.wait(2.0))
    assert len(later) <= 2.0 * PACE_PER_S + 1


def test_one_message_too_many_is_refused_and_changes_nothing() -> None:
    alice = Writer()
    alice.open("relay")
    for _ in range(OUTBOX_PER_RECIPIENT):
        alice.write(BOB)

    with pytest.raises(OutboxFull):
        alice.write(BOB)

    assert alice.core.waiting_count == OUTBOX_PER_RECIPIENT


def test_who_writes_to_many_people_does_not_flood_the_room_at_once() -> None:
    alice = Writer()
    alice.open("relay")
    effects: list[Effect] = []
    for number in range(30):
        effects += alice.write(Far(f"friend {number}"))[1]

    assert len(requests(effects)) == REQUESTS_BURST
    assert len(requests(alice.wait(2.0))) <= 3
    assert not told(effects, DirectWaits)


def test_nobody_writes_to_himself() -> None:
    alice = Writer()

    with pytest.raises(WrittenToOneself, match="yourself"):
        alice.write(Far("alice"))

    assert alice.core.waiting_count == 0


# --- What others say --------------------------------------------------------------------------


def made_up(answer: KeyAnswer) -> KeyAnswer:
    """The answer with a key of somebody who signs for himself."""
    record = replace(CODEC.decode_sealing_key(answer.signed), key=CAROL.key.key)
    signed = CODEC.encode_sealing_key(record)
    return KeyAnswer(answer.way, CAROL.signatures.sign_sealing_key(signed), signed)


def of_another_request(answer: KeyAnswer) -> KeyAnswer:
    """An answer that its owner gave before, to the same person."""
    record = CODEC.decode_sealing_key(answer.signed)
    return Far("bob").packets.answer(answer.way, PeerId(record.requester), bytes(16), 0.0, 0)


def nonsense(answer: KeyAnswer) -> KeyAnswer:
    return KeyAnswer(answer.way, answer.signature, b"\xc1")


@pytest.mark.parametrize("forge", [made_up, of_another_request, nonsense])
def test_a_key_that_its_owner_did_not_sign_for_this_is_not_used(
    forge: Callable[[KeyAnswer], KeyAnswer],
) -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    _, effects = alice.write(bob)
    true = bob.answer(requests(effects)[0])

    assert alice.frame(relay, forge(true)) == []
    assert len(packets(alice.frame(relay, true))) == 1


def test_a_key_that_is_none_stops_neither_the_node_nor_its_neighbour() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    _, effects = alice.write(bob)
    answer = bob.answer(requests(effects)[0])
    record = replace(CODEC.decode_sealing_key(answer.signed), suite=99, key=bytes(32))
    signed = CODEC.encode_sealing_key(record)
    broken = KeyAnswer(answer.way, bob.signatures.sign_sealing_key(signed), signed)

    effects = alice.frame(relay, broken)
    effects += alice.wait(10.0)

    assert packets(effects) == []
    assert of(effects, Close) == []
    assert len(told(effects, DirectWaits)) == 1


def test_no_way_is_believed_of_whom_the_packet_went_to_alone() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    other, _ = alice.open("other")
    (packet,) = alice.write_with_key(bob, relay)

    assert alice.frame(other, NoWay(packet.id)) == []
    (flooded,) = packets(alice.frame(relay, NoWay(packet.id)))
    assert flooded.is_flooded
    assert alice.frame(relay, NoWay(flooded.id)) == []
    assert alice.frame(relay, NoWay(packet.id)) == []


def test_a_receipt_counts_though_somebody_said_that_there_is_no_way() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    (packet,) = alice.write_with_key(bob, relay)
    alice.frame(relay, NoWay(packet.id))

    effects = alice.frame(relay, bob.receipt(packet))

    assert len(told(effects, DirectReceipt)) == 1


@pytest.mark.parametrize("connection", ["the way", "another"])
def test_a_forged_receipt_changes_nothing(connection: str) -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    other, _ = alice.open("other")
    (packet,) = alice.write_with_key(bob, relay)
    where = relay if connection == "the way" else other

    assert alice.frame(where, Receipt(packet.id, bytes(32))) == []
    assert alice.frame(where, Receipt(bytes(16), bytes(32))) == []
    assert alice.core.waiting_count == 1
    assert len(told(alice.frame(relay, bob.receipt(packet)), DirectReceipt)) == 1
    assert alice.frame(relay, bob.receipt(packet)) == []


# --- Whatever happens -------------------------------------------------------------------------

HAPPENINGS = [
    "write",
    "write to carol",
    "wait a little",
    "wait",
    "key",
    "receipt",
    "no way",
    "heard",
]


@settings(deadline=None, max_examples=EFFORT.property_examples)
@given(st.lists(st.sampled_from(HAPPENINGS), max_size=30))
def test_whatever_happens_each_message_waits_or_has_its_receipt(happenings: list[str]) -> None:
    alice, bob, carol = Writer(), Far("bob"), Far("carol")
    relay, _ = alice.open("relay")
    alice.open("other")
    asked: list[Carry] = []
    sent: list[Packet] = []
    written = answered = 0

    for happening in happenings:
        effects: list[Effect] = []
        match happening:
            case "write":
                effects, written = alice.write(bob)[1], written + 1
            case "write to carol":
                effects, written = alice.write(carol)[1], written + 1
            case "wait a little":
                effects = alice.wait(0.4)
            case "wait":
                effects = alice.wait(5.0)
            case "key" if asked:
                effects = alice.frame(relay, bob.answer(asked[-1]))
            case "receipt" if sent:
                recipient = bob.packets.outside_of(sent[-1]).recipient
                reader = bob if recipient == bob.me else carol
                effects = alice.frame(relay, reader.receipt(sent[-1]))
            case "no way" if sent:
                effects = alice.frame(relay, NoWay(sent[-1].id))
            case "heard":
                alice.open("bob")
        asked += requests(effects)
        sent += packets(effects)
        answered += len(told(effects, DirectReceipt))
        deadline = alice.core.next_deadline()
        assert deadline is None or deadline > alice.now - limits.WOKE_AFTER_S
        assert all(holding.count <= holding.limit for holding in alice.core.holdings())

    assert alice.core.waiting_count == written - answered

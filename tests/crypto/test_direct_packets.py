"""A message reaches the one it was written for, as its author wrote it, or nobody at all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.direct_values import SEALING_KEY_LIFE_S
from p2pchat.core.values import Kind
from tests.crypto.direct_ends import (
    BOTH,
    MESSAGE,
    NONCE,
    NOW,
    OTHER_NONCE,
    WALL_MS,
    WAY,
    Ends,
    real,
    simulated,
)
from tests.effort import EFFORT


@BOTH
def test_a_message_arrives_as_it_was_written(end: Ends) -> None:
    alice, bob, relay = end("alice"), end("bob"), end("relay")
    answer = bob.packets.answer(WAY, alice.me, NONCE, NOW, WALL_MS)
    key = alice.packets.key_in(answer, bob.me, NONCE)
    inside = alice.packets.write(bob.me, key, MESSAGE, Kind.ACTION, "waves", WALL_MS)

    packet = alice.packets.pack(inside, key, NONCE, WALL_MS, is_flooded=True)

    assert relay.packets.is_valid(packet, relay.packets.outside_of(packet))
    assert bob.receive(packet) == inside
    assert (inside.text, inside.kind, inside.author) == ("waves", Kind.ACTION, alice.me)
    assert (packet.is_flooded, packet.hops) == (True, 0)


@BOTH
def test_a_receipt_proves_that_this_message_was_opened(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    inside, other = alice.write(bob), alice.write(bob)
    packet = alice.packets.pack(inside, bob.key, NONCE, WALL_MS, is_flooded=False)

    receipt = bob.packets.receipt(packet.id, bob.receive(packet))

    assert receipt.packet == packet.id
    assert alice.packets.is_receipt(receipt, inside)
    assert not alice.packets.is_receipt(receipt, other)
    assert not alice.packets.is_receipt(replace(receipt, proof=bytes(32)), inside)


@BOTH
def test_another_attempt_is_another_packet_with_the_same_message(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    inside = alice.write(bob)

    first, second = (
        alice.packets.pack(inside, bob.key, nonce, WALL_MS, is_flooded=False)
        for nonce in (NONCE, OTHER_NONCE)
    )

    assert first.id != second.id
    assert bob.receive(first) == bob.receive(second) == inside


@settings(max_examples=EFFORT.property_examples)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=limits.TEXT_LIMIT_CHARACTERS))
def test_any_text_within_its_limits_arrives_exactly(text: str) -> None:
    alice, bob = simulated("alice"), simulated("bob")

    assert bob.receive(alice.send(bob, text)).text == text


def test_the_size_of_a_packet_tells_nothing_of_a_short_text() -> None:
    alice, bob = real("alice"), real("bob")

    sizes = {len(alice.send(bob, "y" * length).signed) for length in (0, 1, 3, 500, 700)}

    assert len(sizes) == 1


def test_real_and_simulated_packets_are_equally_large() -> None:
    sizes = {
        tuple(len(ben.send(ann, "x" * length).signed) for length in (1, 900, 4_000))
        for ben, ann in ((real("ben"), real("ann")), (simulated("ben"), simulated("ann")))
    }

    assert len(sizes) == 1


def test_a_simulated_sealer_draws_the_same_in_every_run() -> None:
    first, second = simulated("alice").sealer, simulated("alice").sealer

    assert first.public(NOW) == second.public(NOW)
    assert first.new_receipt_key() == second.new_receipt_key() != first.new_receipt_key()
    assert first.next_deadline() == NOW + SEALING_KEY_LIFE_S

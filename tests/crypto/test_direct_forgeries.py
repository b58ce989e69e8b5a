"""No byte of what is signed or sealed can be changed, redirected, or sealed again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core.direct_frames import KeyAnswer, Packet
from p2pchat.core.direct_values import (
    SEALING_KEY_FRESH_S,
    SEALING_KEY_LIFE_S,
    Outside,
    SignedInside,
    packet_id,
)
from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity, is_peer_id
from p2pchat.crypto.sealing import DirectCredentials
from p2pchat.errors import FrameMalformed, SealBroken
from tests.crypto.direct_ends import (
    BOTH,
    CODEC,
    NETWORK,
    NONCE,
    NOW,
    OTHER_NETWORK,
    OTHER_NONCE,
    WALL_MS,
    WAY,
    End,
    Ends,
    real,
    refused,
)
from tests.effort import EFFORT


def test_every_altered_byte_of_a_packet_is_refused() -> None:
    alice, bob = real("alice"), real("bob")
    packet = alice.send(bob)
    whole = packet.signature + packet.signed

    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        signature, signed = bytes(altered[:64]), bytes(altered[64:])
        forged = Packet(packet_id(signed), signature, signed, False, 0)
        assert refused(bob, forged), place


def test_every_altered_byte_inside_is_refused_though_sealed_well() -> None:
    alice, bob = real("alice"), real("bob")
    inside = alice.sign_inside(alice.write(bob))
    whole = inside.signature + inside.signed
    assert not refused(bob, alice.sealed(inside, alice.me, bob))

    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        forged = SignedInside(bytes(altered[:64]), bytes(altered[64:]))
        assert refused(bob, alice.sealed(forged, alice.me, bob)), place


@BOTH
def test_the_id_of_another_packet_is_refused(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")

    with pytest.raises(SealBroken, match="id"):
        bob.receive(replace(alice.send(bob), id=bytes(16)))


@BOTH
def test_a_packet_of_another_network_is_refused(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    alice.network = OTHER_NETWORK

    with pytest.raises(SealBroken, match="network"):
        bob.receive(alice.send(bob))


@pytest.mark.parametrize(
    "changed",
    [
        {"recipient": real("carol").me},
        {"author": real("carol").me},
        {"nonce": OTHER_NONCE},
        {"network": OTHER_NETWORK},
    ],
    ids=["recipient", "author", "nonce", "network"],
)
def test_a_seal_does_not_open_with_something_else_around_it(changed: dict[str, bytes]) -> None:
    alice, bob = real("alice"), real("bob")
    outside = CODEC.decode_outside(alice.send(bob).signed)

    with pytest.raises(SealBroken):
        bob.packets.open_(replace(outside, **changed), NOW)


@BOTH
def test_what_was_sealed_for_one_can_not_be_redirected_to_another(end: Ends) -> None:
    alice, bob, carol = end("alice"), end("bob"), end("carol")
    outside = CODEC.decode_outside(alice.send(bob).signed)

    assert refused(carol, alice.signed(outside))
    assert refused(carol, alice.signed(replace(outside, recipient=carol.me)))


@BOTH
def test_a_recipient_can_not_seal_it_again_for_somebody_else(end: Ends) -> None:
    alice, bob, carol = end("alice"), end("bob"), end("carol")
    opened = bob.unsealed(alice.send(bob))

    in_his_own_name = bob.sealed(opened, bob.me, carol)
    in_hers = bob.sealed(opened, alice.me, carol)

    assert refused(carol, in_his_own_name)
    assert refused(carol, in_hers)
    # Even with a valid signature outside, what is inside says who it is for.
    with pytest.raises(SealBroken, match="somebody else"):
        carol.packets.open_(CODEC.decode_outside(in_hers.signed), NOW)


@BOTH
def test_an_own_message_can_not_be_told_to_have_come_under_another_key(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    opened = bob.unsealed(alice.send(bob))

    bob.sealer.public(NOW + SEALING_KEY_FRESH_S)
    later = End(bob.me, bob.signatures, bob.sealer)
    packet = alice.packets.pack(
        CODEC.decode_inside(opened.signed),
        later.sealer.public(NOW + SEALING_KEY_FRESH_S),
        NONCE,
        WALL_MS,
        is_flooded=False,
    )

    with pytest.raises(SealBroken, match="somebody else"):
        bob.receive(packet, NOW + SEALING_KEY_FRESH_S)


@BOTH
def test_nobody_can_put_words_into_the_mouth_of_another(end: Ends) -> None:
    alice, bob, mallory = end("alice"), end("bob"), end("mallory")
    words = mallory.sign_inside(alice.write(bob, "I quit"))

    packet = mallory.sealed(words, alice.me, bob)

    outside = bob.packets.outside_of(packet)
    assert not bob.packets.is_valid(packet, outside)
    with pytest.raises(SealBroken, match="inside"):
        bob.packets.open_(outside, NOW)


@BOTH
def test_a_message_to_a_forgotten_key_is_refused(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    packet = alice.send(bob)

    assert bob.receive(packet, NOW + SEALING_KEY_LIFE_S - 1).text == "hello"
    with pytest.raises(SealBroken):
        bob.receive(packet, NOW + SEALING_KEY_LIFE_S)


@BOTH
def test_what_is_sealed_and_no_message_is_refused(end: Ends) -> None:
    alice, bob = end("alice"), end("bob")
    outside = Outside(NETWORK, alice.me, bytes(8), bob.me, NONCE, WALL_MS, b"")
    garbage = alice.sealer.seal(bob.key, b"\xc1garbage", outside.bound)
    no_inside = SignedInside(bytes(64), b"\xc1garbage")

    for packet in (
        alice.signed(replace(outside, sealed=garbage)),
        alice.sealed(no_inside, alice.me, bob),
    ):
        with pytest.raises(SealBroken, match="no message"):
            bob.receive(packet)


def test_signed_bytes_of_nothing_are_refused() -> None:
    bob = real("bob")
    packet = Packet(packet_id(b"\xc1"), bytes(64), b"\xc1", False, 0)

    with pytest.raises(FrameMalformed):
        bob.receive(packet)


# --- Sealing keys -----------------------------------------------------------------------------


@BOTH
def test_a_sealing_key_answers_its_own_request_only(end: Ends) -> None:
    alice, bob, carol = end("alice"), end("bob"), end("carol")
    answer = bob.packets.answer(WAY, alice.me, NONCE, NOW, WALL_MS)

    assert alice.packets.key_in(answer, bob.me, NONCE) == bob.key
    with pytest.raises(SealBroken, match="another request"):
        alice.packets.key_in(answer, bob.me, OTHER_NONCE)
    with pytest.raises(SealBroken, match="another request"):
        alice.packets.key_in(answer, carol.me, NONCE)
    with pytest.raises(SealBroken, match="another request"):
        carol.packets.key_in(answer, bob.me, NONCE)
    alice.network = OTHER_NETWORK
    with pytest.raises(SealBroken, match="another request"):
        alice.packets.key_in(answer, bob.me, NONCE)


def test_every_altered_byte_of_a_sealing_key_is_refused() -> None:
    alice, bob = real("alice"), real("bob")
    answer = bob.packets.answer(WAY, alice.me, NONCE, NOW, WALL_MS)
    whole = answer.signature + answer.signed

    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        forged = KeyAnswer(WAY, bytes(altered[:64]), bytes(altered[64:]))
        with pytest.raises((SealBroken, FrameMalformed)):
            alice.packets.key_in(forged, bob.me, NONCE)


@BOTH
def test_a_relay_can_not_put_its_own_key_into_an_answer(end: Ends) -> None:
    alice, bob, relay = end("alice"), end("bob"), end("relay")
    record = CODEC.decode_sealing_key(bob.packets.answer(WAY, alice.me, NONCE, NOW, WALL_MS).signed)

    signed = CODEC.encode_sealing_key(replace(record, key=relay.key.key))
    forged = KeyAnswer(WAY, relay.signatures.sign_sealing_key(signed), signed)

    with pytest.raises(SealBroken, match="signature"):
        alice.packets.key_in(forged, bob.me, NONCE)


@BOTH
def test_a_signature_for_one_purpose_is_none_for_another(end: Ends) -> None:
    alice = end("alice")
    signatures, checks = alice.signatures, alice.signatures
    made = [
        signatures.sign_direct(b"x"),
        signatures.sign_inside(b"x"),
        signatures.sign_sealing_key(b"x"),
    ]

    valid = [
        (
            checks.is_valid_direct(alice.me, b"x", signature),
            checks.is_valid_inside(alice.me, b"x", signature),
            checks.is_valid_sealing_key(alice.me, b"x", signature),
        )
        for signature in made
    ]

    assert valid == [(True, False, False), (False, True, False), (False, False, True)]


def test_keys_that_nobody_owns_sign_nothing() -> None:
    neutral_signature = (1).to_bytes(32, "little") + bytes(32)
    checks = DirectCredentials(Identity(bytes(32)))

    for key in (bytes(32), (1).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little")):
        assert not is_peer_id(key)
        for number in range(20):
            text = b"anything %d" % number
            assert not checks.is_valid_direct(PeerId(key), text, neutral_signature)
            assert not checks.is_valid_inside(PeerId(key), text, neutral_signature)
            assert not checks.is_valid_sealing_key(PeerId(key), text, neutral_signature)


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=300), st.binary(min_size=64, max_size=64))
def test_arbitrary_signed_bytes_are_refused_by_the_known_errors(
    signed: bytes, signature: bytes
) -> None:
    alice, bob = real("alice"), real("bob")

    assert refused(bob, Packet(packet_id(signed), signature, signed, False, 0))
    with pytest.raises((SealBroken, FrameMalformed)):
        alice.packets.key_in(KeyAnswer(WAY, signature, signed), bob.me, NONCE)

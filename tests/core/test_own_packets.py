"""What is remembered of own packets, so that their receipts are recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.core.couriers import RECEIPT_S
from p2pchat.core.direct_values import PacketId
from tests.core.direct_support import Far, Writer

if TYPE_CHECKING:
    from p2pchat.core.direct_frames import Packet
    from p2pchat.core.direct_values import Inside


def remembered(writer: Writer, packet: Packet) -> Inside | None:
    return writer.core._direct._couriers.receipt_of(PacketId(packet.id))


def test_nothing_that_was_sent_is_kept_in_memory_for_its_receipt() -> None:
    alice, bob = Writer(), Far("bob")
    relay, _ = alice.open("relay")
    (packet,) = alice.write_with_key(bob, relay, "secret words")

    kept = remembered(alice, packet)

    assert kept is not None
    assert kept.text == ""


def test_a_packet_is_forgotten_when_its_receipt_cannot_come_any_more() -> None:
    alice = Writer()
    written = []
    for name, wait_s in (("bob", RECEIPT_S - 1), ("carol", 1.0), ("dave", 0.0)):
        relay, _ = alice.open("relay")
        recipient = Far(name)
        (packet,) = alice.write_with_key(recipient, relay)
        alice.frame(relay, recipient.receipt(packet))
        written.append(packet)
        alice.wait(wait_s)

    known = [remembered(alice, packet) is not None for packet in written]

    assert known == [False, True, True]

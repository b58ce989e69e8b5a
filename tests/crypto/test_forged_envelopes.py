"""Whatever byte of an envelope is changed, and to whatever: nobody takes it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from p2pchat.core.announcements import Batch
from p2pchat.core.broadcast import Broadcast
from p2pchat.core.setup import Setup
from p2pchat.core.values import Epoch, Kind, envelope_id
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room
from p2pchat.errors import EnvelopeForged, EnvelopeRefused, FrameMalformed
from p2pchat.wire.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p2pchat.core.frames import Carry

WALL_MS: Final = 1_700_000_000_000
CHANGES: Final = 10


def member(room: str = "lobby") -> Broadcast:
    identity, own_room = Identity.generate(), Room(room, None)
    setup = Setup(identity.peer, Epoch(bytes(8)), own_room.network_id, "somebody")
    return Broadcast(setup, Codec(), NodeCredentials(identity, own_room))


def said_in(room: str) -> Carry:
    said = Batch(Kind.TEXT, "bob", 0, ("pay him",))
    return member(room).seal(said, 0, WALL_MS, 0.0).carried(0)


def altered(content: bytes, chance: random.Random) -> Iterator[bytes]:
    """Yield the content with ten other values for each of its bytes, one at a time."""
    for place, byte in enumerate(content):
        for value in chance.sample([other for other in range(256) if other != byte], CHANGES):
            yield content[:place] + bytes([value]) + content[place + 1 :]


def forgeries(true: Carry, chance: random.Random) -> Iterator[Carry]:
    for changed in altered(true.id, chance):
        yield replace(true, id=changed)
    for changed in altered(true.signature, chance):
        yield replace(true, signature=changed)
    for changed in altered(true.signed, chance):
        yield replace(true, signed=changed)
        yield replace(true, signed=changed, id=envelope_id(changed))


def is_taken(node: Broadcast, frame: Carry) -> bool:
    try:
        return node.check(node.open_(frame), WALL_MS)
    except (EnvelopeForged, EnvelopeRefused, FrameMalformed):
        return False


@pytest.mark.threat(11)
def test_ten_changes_of_every_byte_are_refused(
    record_property: Callable[[str, object], None],
) -> None:
    true, alice = said_in("lobby"), member()

    taken = [is_taken(alice, forged) for forged in forgeries(true, random.Random(11))]

    assert not any(taken)
    assert is_taken(alice, true), "after all of them"
    record_property("reached", f"none of {len(taken):,} altered envelopes taken")


@pytest.mark.threat(11)
def test_what_was_said_in_another_room_is_refused() -> None:
    assert not is_taken(member("lobby"), said_in("elsewhere"))
    assert is_taken(member("elsewhere"), said_in("elsewhere"))

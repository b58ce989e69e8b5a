from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.announcements import Batch
from p2pchat.core.broadcast import Broadcast
from p2pchat.core.envelopes import Envelope, Header, is_consistent
from p2pchat.core.frames import Carry
from p2pchat.core.setup import Setup
from p2pchat.core.values import PASSING, EnvelopeId, Epoch, Kind, NetworkId, envelope_id
from p2pchat.errors import EnvelopeForged, EnvelopeRefused, FrameMalformed
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.wire.codec import Codec

ALICE, BOB = sim_peer_id("alice"), sim_peer_id("bob")
WALL_MS = 1_700_000_000_000


def broadcast_of(name: str, room: str = "lobby") -> Broadcast:
    peer = sim_peer_id(name)
    setup = Setup(peer, Epoch(name.encode().ljust(8)), sim_network_id(room), name)
    return Broadcast(setup, Codec(), SimCredentials(peer, room))


def batch(*texts: str, kind: Kind = Kind.TEXT) -> Batch:
    return Batch(kind, "bob", 0, texts or ("hi",))


def sealed(room: str = "lobby", wall_ms: int = WALL_MS) -> Envelope:
    return broadcast_of("bob", room).seal(batch(), 0, wall_ms, 0.0)


def changed(frame: Carry, **changes: object) -> Carry:
    return msgspec.structs.replace(frame, **changes)


def take(broadcast: Broadcast, frame: Carry, wall_ms: int = WALL_MS) -> Envelope | None:
    """Do what is done on arrival where there are no rates."""
    envelope = broadcast.open_(frame)
    if broadcast.knows(envelope.id) or not broadcast.check(envelope, wall_ms):
        return None
    broadcast.remember(envelope, 0.0)
    return envelope


def test_what_one_seals_the_other_takes_once() -> None:
    alice = broadcast_of("alice")
    frame = sealed().carried(0)

    taken = take(alice, frame)

    assert taken is not None
    assert taken.author == BOB
    assert take(alice, frame) is None


def test_the_signed_bytes_stay_as_they_came() -> None:
    # An encoding that ours would never choose: a small number in more bytes than it needs.
    strange = sealed().signed.replace(b"\x01\x00\x01", b"\xcc\x01\x00\x01")
    assert len(strange) == len(sealed().signed) + 1
    frame = Carry(3, envelope_id(strange), SimCredentials(BOB, "lobby").sign(strange), strange)

    taken = take(broadcast_of("alice"), frame)

    assert taken is not None
    assert taken.carried(4) == changed(frame, hops=4)


def test_an_own_envelope_that_comes_back_is_a_copy() -> None:
    bob = broadcast_of("bob")

    own = bob.seal(batch(), 0, WALL_MS, 0.0)

    assert take(bob, own.carried(5)) is None


def test_texts_can_be_read_again() -> None:
    alice = broadcast_of("alice")
    envelope = broadcast_of("bob").seal(batch("one", "two"), 0, WALL_MS, 0.0)

    texts = alice.read(envelope)

    assert texts is not None
    assert (texts.nick, texts.texts) == ("bob", ("one", "two"))
    assert list(envelope.numbers) == [0, 1]


@pytest.mark.threat(30)
def test_a_forgery_is_not_remembered() -> None:
    alice = broadcast_of("alice")
    true = sealed().carried(0)

    with pytest.raises(EnvelopeForged):
        take(alice, changed(true, signature=bytes(64)))

    assert take(alice, true) is not None


def test_another_id_in_front_is_refused() -> None:
    with pytest.raises(EnvelopeRefused, match="id in front"):
        take(broadcast_of("alice"), changed(sealed().carried(0), id=bytes(16)))


@pytest.mark.threat(11)
def test_another_network_is_refused() -> None:
    with pytest.raises(EnvelopeRefused, match="another network"):
        take(broadcast_of("alice"), sealed(room="elsewhere").carried(0))


def test_unreadable_signed_bytes_are_a_fault() -> None:
    signed = b"\x93nonsense"
    frame = Carry(0, envelope_id(signed), bytes(64), signed)

    with pytest.raises(FrameMalformed):
        take(broadcast_of("alice"), frame)


@given(st.integers(-(2**32), 2**32))
def test_only_timely_envelopes_are_taken_and_others_are_no_fault(age_ms: int) -> None:
    alice = broadcast_of("alice")
    frame = sealed(wall_ms=WALL_MS - age_ms).carried(0)

    taken = take(alice, frame)

    is_timely = -limits.AGE_FUTURE_S * 1000 <= age_ms <= limits.AGE_PAST_S * 1000
    assert (taken is not None) == is_timely
    assert alice.too_old_or_new == (not is_timely)


def test_an_untimely_envelope_is_taken_when_its_time_has_come() -> None:
    alice = broadcast_of("alice")
    frame = sealed(wall_ms=WALL_MS + 700_000).carried(0)

    assert take(alice, frame) is None
    assert take(alice, frame, WALL_MS + 200_000) is not None


def test_texts_of_another_number_than_announced_are_refused() -> None:
    envelope = sealed()
    lying = msgspec.structs.replace(
        envelope, header=msgspec.structs.replace(envelope.header, count=2)
    )

    with pytest.raises(EnvelopeRefused, match="another number"):
        broadcast_of("alice").read(lying)


def test_what_was_passed_over_is_known_and_bounded() -> None:
    alice = broadcast_of("alice")

    for number in range(limits.LOOKED_AT_LIMIT_IDS + 1):
        alice.pass_over(EnvelopeId(number.to_bytes(16, "big")))

    assert alice.looked_at_count == limits.LOOKED_AT_LIMIT_IDS
    assert alice.knows(EnvelopeId((1).to_bytes(16, "big")))
    assert not alice.knows(EnvelopeId(bytes(16)))


def test_unknown_kinds_are_not_read() -> None:
    envelope = broadcast_of("bob").seal_passing(100, b"?", bytes(16), WALL_MS, 0.0)
    alice = broadcast_of("alice")

    taken = take(alice, envelope.carried(0))

    assert taken is not None
    assert alice.read(taken) is None


@pytest.mark.parametrize(
    ("kind", "first", "count", "nonce", "is_right"),
    [
        (Kind.TEXT, 0, 1, b"", True),
        (Kind.TEXT, 0, 0, b"", False),
        (Kind.TEXT, 0, 1, bytes(16), False),
        (PASSING - 1, 5, 2, b"", True),
        (PASSING, 0, 0, bytes(16), True),
        (PASSING, 0, 0, b"", False),
        (PASSING, 0, 0, bytes(15), False),
        (PASSING, 1, 0, bytes(16), False),
        (PASSING, 0, 1, bytes(16), False),
    ],
)
def test_kept_kinds_have_numbers_and_passing_ones_a_nonce(
    kind: int, first: int, count: int, nonce: bytes, *, is_right: bool
) -> None:
    ours, other = NetworkId(bytes(16)), NetworkId(b"x" * 16)
    header = Header(ours, BOB, bytes(8), 0, kind, first, count, nonce, b"")

    assert is_consistent(header, ours) is is_right
    assert not is_consistent(header, other)

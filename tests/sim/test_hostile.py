from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.frames import Carry, Hello, Incoming, Ping, Skipped
from p2pchat.core.notices import Disconnected
from p2pchat.core.values import envelope_id
from p2pchat.errors import ConnectionEnded
from p2pchat.sim.node import SimNode
from tests.sim.support import are_neighbours, craft, resigned, watched

_MINUTE_S = 60.0


class Room:
    """Mallory is a neighbour of Alice, who has two honest ones."""

    def __init__(self) -> None:
        self.network, self.invariants = watched()
        self.alice, self.bob, self.carol, self.mallory = (
            self.network.add(name) for name in ("alice", "bob", "carol", "mallory")
        )
        for other in (self.bob, self.carol, self.mallory):
            self.network.connect(other, self.alice)
        self.network.run_until_quiet()

    @property
    def honest(self) -> tuple[SimNode, SimNode, SimNode]:
        return self.alice, self.bob, self.carol

    def inject(self, *frames: Incoming) -> None:
        self.network.inject(self.mallory, self.alice, *frames)
        self.network.run_until_quiet()

    def assert_honest_go_on(self) -> None:
        before = len(self.bob.texts)
        self.network.announce(self.carol, "still here")
        self.network.run_until_quiet()
        assert self.bob.texts[before:] == ["still here"]
        assert are_neighbours(self.alice, self.bob)
        assert are_neighbours(self.alice, self.carol)
        self.invariants.check_rest(self.network)


@pytest.fixture
def room() -> Room:
    return Room()


def altered(frame: Carry, **changes: object) -> Carry:
    return msgspec.structs.replace(frame, **changes)


def flipped(content: bytes, place: int) -> bytes:
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# --- What ends the connection -----------------------------------------------------------------


def forged(room: Room) -> Carry:
    return altered(craft(room.bob), signature=bytes(64))


def signed_by_another(room: Room) -> Carry:
    return altered(craft(room.bob), signature=craft(room.mallory).signature)


def altered_text(room: Room) -> Carry:
    frame = craft(room.bob)
    return altered(frame, signed=frame.signed.replace(b"crafted", b"altered"))


def altered_text_under_its_own_id(room: Room) -> Carry:
    signed = craft(room.bob).signed.replace(b"crafted", b"altered")
    return altered(craft(room.bob), id=envelope_id(signed), signed=signed)


def wrong_id(room: Room) -> Carry:
    return altered(craft(room.bob), id=craft(room.bob, number=7).id)


def of_another_room(room: Room) -> Carry:
    return craft(room.mallory, room="elsewhere")


def no_header(room: Room) -> Carry:
    return resigned(room.mallory, b"nonsense")


def no_texts(room: Room) -> Carry:
    return craft(room.mallory, body=b"nonsense")


def fewer_texts_than_numbers(room: Room) -> Carry:
    body = msgspec.msgpack.encode(["mallory", ["only one"]])
    return craft(room.mallory, ("one", "two"), body=body)


def second_hello(room: Room) -> Incoming:
    return Hello(1, 1, (), bytes(room.mallory.epoch))


@pytest.mark.threat(3)
@pytest.mark.parametrize(
    "make",
    [
        forged,
        signed_by_another,
        altered_text,
        altered_text_under_its_own_id,
        wrong_id,
        of_another_room,
        no_header,
        no_texts,
        fewer_texts_than_numbers,
        second_hello,
    ],
)
def test_a_fault_ends_its_connection_and_nothing_else(
    room: Room, make: Callable[[Room], Incoming]
) -> None:
    room.inject(make(room))

    assert not are_neighbours(room.alice, room.mallory)
    assert [node.texts for node in room.honest] == [[], [], []]
    room.assert_honest_go_on()


@pytest.mark.threat(11)
@settings(deadline=None, max_examples=150)
@given(st.sampled_from(["id", "signature", "signed"]), st.integers(0, 10_000))
def test_no_altered_byte_of_an_envelope_is_accepted(field: str, place: int) -> None:
    room = Room()
    frame = craft(room.bob)

    room.inject(altered(frame, **{field: flipped(getattr(frame, field), place)}))

    assert [node.texts for node in room.honest] == [[], [], []]
    assert not are_neighbours(room.alice, room.mallory)


@pytest.mark.threat(11)
def test_a_forged_copy_does_not_keep_the_true_one_out(room: Room) -> None:
    true = craft(room.bob)

    room.inject(altered(true, signature=bytes(64)))
    room.network.inject(room.bob, room.alice, true)
    room.network.run_until_quiet()

    assert room.alice.texts == room.carol.texts == ["crafted"]


def test_a_flood_of_unknown_frames_ends_its_connection(room: Room) -> None:
    room.inject(*[Skipped(200)] * limits.UNKNOWN_FRAMES_PER_S)
    was_tolerated = are_neighbours(room.alice, room.mallory)
    room.inject(*[Skipped(200)] * (limits.UNKNOWN_FRAMES_PER_S + 1))

    assert was_tolerated
    assert not are_neighbours(room.alice, room.mallory)
    room.assert_honest_go_on()


@pytest.mark.threat(30)
def test_an_address_that_brings_forgeries_again_and_again_is_refused_for_a_while(
    room: Room,
) -> None:
    for _ in range(limits.FORGERIES_LIMIT):
        room.inject(forged(room))
        room.network.connect(room.mallory, room.alice)
        room.network.run(1.0)
    was_refused = not are_neighbours(room.alice, room.mallory)
    room.network.run(limits.FORGERIES_BAN_S + 60)
    room.network.connect(room.mallory, room.alice)
    room.network.run(1.0)

    assert was_refused
    assert isinstance(room.mallory.failed[-1].error, ConnectionEnded)
    assert are_neighbours(room.alice, room.mallory)
    room.assert_honest_go_on()


# --- What is ignored --------------------------------------------------------------------------


def test_a_replayed_envelope_is_shown_and_passed_on_once(room: Room) -> None:
    frame = craft(room.bob)

    room.inject(frame)
    carried = room.alice.carried
    room.inject(frame, frame)
    room.network.inject(room.carol, room.alice, frame)
    room.network.run_until_quiet()

    assert room.alice.texts == room.carol.texts == ["crafted"]
    assert room.alice.carried == carried
    assert are_neighbours(room.alice, room.mallory)


@pytest.mark.parametrize(
    ("age_s", "is_taken"),
    [
        (limits.AGE_PAST_S - _MINUTE_S, True),
        (limits.AGE_PAST_S + _MINUTE_S, False),
        (-limits.AGE_FUTURE_S + _MINUTE_S, True),
        (-limits.AGE_FUTURE_S - _MINUTE_S, False),
    ],
)
def test_an_envelope_is_taken_within_its_time_only(
    room: Room, age_s: float, *, is_taken: bool
) -> None:
    room.inject(craft(room.mallory, age_s=age_s, now=room.network.now))

    assert room.alice.carried == (2 if is_taken else 0)
    assert is_taken or room.alice.texts == room.bob.texts == []
    assert are_neighbours(room.alice, room.mallory), "clocks differ; it is nobody's fault"


@pytest.mark.threat(9)
@pytest.mark.parametrize("later_s", [1.0, 15 * 60.0, 31 * 60.0, 33 * 60.0, 3 * 3600.0])
def test_a_replay_is_never_shown_again_however_late(room: Room, later_s: float) -> None:
    # From the future as far as possible, so that it stays timely for longest.
    frame = craft(room.bob, age_s=-limits.AGE_FUTURE_S + 1, now=room.network.now)
    room.inject(frame)
    first = [list(node.texts) for node in room.honest]

    room.network.run(later_s)
    # The memory turns with what is remembered, so something has to be said meanwhile.
    room.network.announce(room.carol, "meanwhile")
    room.network.run_until_quiet()
    room.inject(frame)

    assert first[0] == first[2] == ["crafted"]
    assert all(node.texts.count("crafted") <= 1 for node in room.honest)


@pytest.mark.parametrize("kind", [9, 63, 70, 127])
def test_unknown_kinds_are_passed_on_and_not_shown(room: Room, kind: int) -> None:
    room.inject(craft(room.mallory, kind=kind))

    assert [node.texts for node in room.honest] == [[], [], []]
    assert room.alice.carried == 2
    assert are_neighbours(room.alice, room.mallory)


def test_a_nick_that_breaks_the_rules_is_replaced(room: Room) -> None:
    body = msgspec.msgpack.encode(["\x1b[31m@root", ["hi"]])

    room.inject(craft(room.mallory, body=body))

    (delivery,) = room.bob.delivered
    assert "\x1b" not in delivery.effect.signer.nick
    assert "@" not in delivery.effect.signer.nick
    assert delivery.effect.texts == ("hi",)


# --- Who is let in ----------------------------------------------------------------------------


def test_two_rooms_refuse_each_other_on_both_sides() -> None:
    network, invariants = watched()
    alice, bob = network.add("alice", room="one"), network.add("bob", room="two")

    network.connect(alice, bob)
    network.run(10.0)

    assert "in another room" in str(alice.failed[0].error)
    assert "another room" in str(bob.told)
    assert not alice.ends
    assert not bob.ends
    invariants.check_rest(network)


@pytest.mark.threat(13)
def test_another_key_than_the_expected_one_is_refused() -> None:
    network, _ = watched()
    alice, bob, eve = network.add("alice"), network.add("bob"), network.add("eve")

    network.connect(alice, eve, expected=bob.peer)
    network.connect(alice, bob, expected=bob.peer)
    network.run(10.0)

    assert "not who the invite names" in str(alice.failed[0].error)
    assert not eve.core.neighbours
    assert are_neighbours(alice, bob)


def test_who_says_nothing_after_tls_is_given_up_in_time() -> None:
    network, invariants = watched()
    alice, bob = network.add("alice"), network.add("bob")
    link = network.connect(alice, bob)
    while not bob.ends:
        network.run(0.001)
    link.is_silent = True

    network.run(limits.OPENING_TIMEOUT_S + 1.0)

    assert not bob.ends
    assert not bob.told
    invariants.check_rest(network)


@pytest.mark.threat(22)
def test_nobody_takes_more_than_its_limit_of_neighbours() -> None:
    network, invariants = watched()
    hub = network.add("hub")
    others = [network.add() for _ in range(limits.CONNECTIONS_LIMIT + 20)]
    network.connect_all([hub, *others], [(i, 0) for i in range(1, len(others) + 1)])
    network.run(10.0)

    assert hub.core.neighbour_count == limits.CONNECTIONS_LIMIT
    refused = [node for node in others if not node.core.neighbours]
    assert all("no room" in str(node.failed[0].error) for node in refused)
    invariants.check_rest(network)


@pytest.mark.threat(1)
def test_a_crowd_of_silent_newcomers_keeps_nobody_out() -> None:
    network, _ = watched()
    hub = network.add("hub")
    for _ in range(3 * limits.OPENING_LIMIT):
        silent = network.add()
        link = network.connect(silent, hub)
        while not link.acceptor.is_started:
            network.run(0.005)
        link.is_silent = True
    honest = network.add("honest")

    network.connect(honest, hub)
    network.run(2.0)

    assert are_neighbours(honest, hub)


# --- Wrong clocks -----------------------------------------------------------------------------


@pytest.mark.parametrize("offset_s", [-10 * 60.0, 9 * 60.0])
def test_a_clock_that_is_some_minutes_off_hurts_nobody(offset_s: float) -> None:
    network, invariants = watched()
    alice, bob = network.add("alice"), network.add("bob", clock_offset_s=offset_s)
    network.connect(alice, bob)
    network.run_until_quiet()

    network.announce(alice, "from alice")
    network.announce(bob, "from bob")
    network.run_until_quiet()

    assert (alice.texts, bob.texts) == (["from bob"], ["from alice"])
    invariants.check_rest(network, everything_arrived=True)


def test_messages_of_a_clock_that_is_a_day_off_are_not_taken() -> None:
    network, _ = watched()
    alice, bob = network.add("alice"), network.add("bob", clock_offset_s=86_400.0)
    network.connect(alice, bob)
    network.run_until_quiet()

    network.announce(bob, "from tomorrow")
    network.run_until_quiet()

    assert alice.texts == []
    assert are_neighbours(alice, bob)


def lost(node: SimNode) -> list[Disconnected]:
    return [notice for notice in node.told if isinstance(notice, Disconnected)]


def test_pings_are_answered_for_whoever_asks(room: Room) -> None:
    sent = room.alice.sent_frames

    room.inject(*[Ping(number) for number in range(5)])

    assert room.alice.sent_frames == sent + 5
    assert not lost(room.alice)

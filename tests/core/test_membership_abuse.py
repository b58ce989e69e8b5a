"""Membership among people who lie: the view keeps its bounds, whoever says what."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MembershipFrame,
    PlaceAnswer,
    PlaceAsk,
    Release,
    Shuffle,
    ShuffleAnswer,
    Walk,
)
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import (
    OneView,
    frames,
    of,
    parted,
    passed,
    record_of,
    told,
)
from tests.effort import EFFORT

TOKEN = bytes(16)
STEPS = limits.WALK_STEPS


def members(view: OneView) -> int:
    return len(view.membership.view.members)


def joined(view: OneView, count: int) -> list[Link]:
    """Strangers who have joined through alice."""
    links = [view.introduced(f"stranger{n}") for n in range(count)]
    for link in links:
        view.frame(link, Join(False))
    return links


@pytest.mark.threat(7)
def test_twenty_who_join_do_not_replace_the_view() -> None:
    view = OneView()
    own = view.fill(3)
    first = joined(view, limits.ACTIVE_ACCEPTED_LIMIT)
    assert members(view) == limits.ACTIVE_LIMIT

    released = []
    for number in range(20):
        link = view.introduced(f"attacker{number}")
        released += frames(view.frame(link, Join(False)), Release)

    assert len(released) == limits.EVICT_BURST
    assert all(link.is_in_view for link in own)
    assert sum(link.is_in_view for link in first) >= limits.PROTECTED_OLDEST
    assert members(view) == limits.ACTIVE_LIMIT


def test_joining_again_and_again_evicts_one_in_ten_seconds() -> None:
    view = OneView()
    joined(view, limits.ACTIVE_ACCEPTED_LIMIT)

    released = 0
    for number in range(100):
        link = view.introduced(f"attacker{number}")
        released += len(frames(view.frame(link, Join(False)), Release))
        view.now += 1.0

    most = limits.EVICT_BURST + 100 / limits.EVICT_EVERY_S
    assert limits.EVICT_BURST < released <= most


@pytest.mark.threat(7)
def test_the_protected_ones_stay_whoever_joins() -> None:
    view = OneView()
    links = joined(view, limits.ACTIVE_ACCEPTED_LIMIT)
    for useful in links[2:4]:
        view.membership.view.note_useful(useful.connection, view.now)

    for number in range(50):
        view.frame(view.introduced(f"attacker{number}"), Join(False))
        view.now += limits.EVICT_EVERY_S

    assert [link.is_in_view for link in links] == [True, True, True, True, False]


def test_an_answer_that_nobody_asked_for_gives_no_place_and_teaches_nothing() -> None:
    view = OneView()
    bob = view.introduced("bob")
    before = len(view.heard)

    view.frame(bob, PlaceAnswer(True, (passed("heard"),)))

    assert not bob.is_in_view
    assert sim_peer_id("heard") not in view.membership.passive
    assert len(view.heard) == before


def test_a_pinned_connection_learns_from_the_answer_to_its_join() -> None:
    view = OneView()
    pinned, _ = view.open("pinned", is_dialled=True, is_pinned=True)

    for name in ("first", "second"):
        view.frame(pinned, PlaceAnswer(False, (passed(name, "10.2.0.1:55555"),)))

    assert [owner for owner, _ in view.heard] == [sim_peer_id("first")]


def test_who_takes_no_part_is_not_heard_about_membership() -> None:
    view = OneView()
    view.fill(2)
    manual, opened = view.open("manual", takes_part=False)
    spoken: list[MembershipFrame] = [
        Introduce(record_of("manual")),
        Join(False),
        Join(True),
        PlaceAsk(),
        PlaceAnswer(True, (passed("heard"),)),
        Release((passed("heard"),)),
        Walk(TOKEN, STEPS, record_of("newcomer")),
        Found(TOKEN, record_of("newcomer")),
        Shuffle(TOKEN, 0, record_of("manual"), (passed("heard"),)),
        ShuffleAnswer(TOKEN, (passed("heard"),)),
    ]

    answers = [view.frame(manual, frame) for frame in spoken]

    assert told(opened, manual) == []
    assert answers == [[]] * len(spoken)
    assert view.heard == []
    assert manual.record is None, "his address is never passed on"
    view.close(manual)
    assert manual.peer not in view.membership.passive


def test_ten_thousand_frames_in_a_second_are_mostly_not_looked_at() -> None:
    view = OneView()
    view.fill(2)
    bob = view.introduced("bob")

    handled = 0
    for number in range(10_000):
        token = number.to_bytes(16, "big")
        handled += bool(view.frame(bob, Walk(token, STEPS, record_of("newcomer"))))
        view.now += 0.0001

    assert handled <= 256 + 10


def test_frames_on_a_connection_that_does_not_count_are_ignored() -> None:
    view = OneView()
    bob = view.introduced("bob")
    view.close(bob)

    assert view.frame(bob, Join(False)) == []


FRAMES = st.sampled_from(
    [
        Join(False), Join(True), PlaceAsk(), PlaceAnswer(True, ()), PlaceAnswer(False, ()),
        Release(()), Introduce(record_of("n1")), Walk(TOKEN, 0, record_of("n2")),
        Walk(b"1" * 16, 9, record_of("n9")), Found(TOKEN, record_of("n3")),
        Shuffle(TOKEN, 0, record_of("n4"), (passed("n5"),)), ShuffleAnswer(TOKEN, ()),
    ]
)  # fmt: skip


@pytest.mark.parametrize("is_dialled", [False, True])
@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(st.tuples(st.integers(0, 7), FRAMES, st.floats(0.0, 20.0)), max_size=60),
    st.integers(0, 2**32),
)
def test_whatever_neighbours_say_the_view_keeps_its_bounds(
    is_dialled: bool, said: list[tuple[int, MembershipFrame, float]], seed: int
) -> None:
    view = OneView(seed)
    chance = random.Random(seed)
    links = [
        view.open(f"n{n}", is_dialled=is_dialled, is_pinned=chance.random() < 0.1)[0]
        for n in range(8)
    ]

    for number, frame, later_s in said:
        moves = view.frame(links[number], frame) + view.wait(later_s)
        for connection in parted(moves):
            gone = view.membership.view.of(connection)
            if gone is not None:
                assert not gone.is_pinned
                view.close(gone)
        for dial in of(moves, Dial):
            view.membership.on_dial_failed(dial.attempt, view.now)

        inside = view.membership.view.members
        assert len(inside) <= limits.ACTIVE_LIMIT
        accepted = sum(not link.is_dialled for link in inside)
        assert accepted <= limits.ACTIVE_ACCEPTED_LIMIT
        assert not any(link.is_in_view and link.is_pinned for link in inside)
        for holding in view.membership.holdings():
            assert holding.count <= holding.limit
        at = view.membership.next_deadline()
        assert at is None or at >= view.now - 1e-9

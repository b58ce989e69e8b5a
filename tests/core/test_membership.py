"""Membership: who gets a place, who is let go and when, whatever strangers say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.membership import MembershipFrame
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
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
    dialled,
    frames,
    known_of,
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


# --- Asking and giving ------------------------------------------------------------------------


def test_who_has_nobody_joins_and_later_only_asks() -> None:
    view = OneView()

    bob, first = view.open("bob", is_dialled=True)
    view.frame(bob, PlaceAnswer(True, ()))
    cid, second = view.open("cid", is_dialled=True)

    assert [type(frame) for frame in told(first, bob)] == [Introduce, Join]
    assert [type(frame) for frame in told(second, cid)] == [Introduce, PlaceAsk]


def test_who_is_dialled_says_nothing_but_who_he_is() -> None:
    view = OneView()

    bob, moves = view.open("bob")

    assert [type(frame) for frame in told(moves, bob)] == [Introduce]


def test_a_place_is_given_up_to_six_and_more_only_to_who_has_nobody() -> None:
    view = OneView()
    view.fill(limits.REINTRODUCE_BELOW - 1)
    bob, cid, dan = (view.introduced(name) for name in ("bob", "cid", "dan"))

    answers = [told(view.frame(link, PlaceAsk()), link)[0] for link in (bob, cid)]
    urgent = told(view.frame(dan, Join(False)), dan)[0]

    assert [a.is_given for a in (*answers, urgent) if isinstance(a, PlaceAnswer)] == [
        True,
        False,
        True,
    ]


def test_a_full_answer_names_others() -> None:
    view = OneView()
    view.fill()
    for number in range(12):
        view.membership.passive.put(known_of(f"n{number}", f"10.2.0.{number}"))
    bob = view.introduced("bob")

    (answer,) = frames(view.frame(bob, PlaceAsk()), PlaceAnswer)

    assert not answer.is_given
    assert len(answer.records) == limits.RECORDS_PER_FRAME


def test_a_place_that_is_no_longer_free_when_the_answer_comes_is_given_back() -> None:
    view = OneView()
    bob, _ = view.open("bob", is_dialled=True)
    view.fill()

    moves = view.frame(bob, PlaceAnswer(True, ()))

    assert frames(moves, Release)
    assert parted(moves) == [bob.connection]
    assert not bob.is_in_view


def test_who_refused_is_asked_later_and_later() -> None:
    view = OneView()
    waits = []

    for _ in range(6):
        view.membership.passive.reset_waits(view.now)
        bob = view.introduced("bob", is_dialled=True)
        view.frame(bob, PlaceAnswer(False, ()))
        view.close(bob)
        known = view.membership.passive.get(bob.peer)
        assert known is not None
        waits.append(known.not_before - view.now)

    assert waits[0] < waits[2] < waits[4]
    assert waits[4] > 8 * limits.DIAL_BACKOFF_S


# --- Who goes ---------------------------------------------------------------------------------


def test_who_got_no_place_goes_after_half_a_minute_however_often_he_asks() -> None:
    view = OneView()
    view.fill()
    bob = view.introduced("bob")
    gone: list[int] = []

    for _ in range(6):
        view.frame(bob, PlaceAsk())
        gone += parted(view.wait(limits.JOINER_S / 5))

    assert gone == [bob.connection]


def test_who_gives_his_place_back_and_stays_is_let_go() -> None:
    view = OneView()
    (bob,) = joined(view, 1)
    view.wait(limits.JOINER_S + 1)
    assert bob.is_in_view

    view.frame(bob, Release(()))
    moves = view.wait(limits.JOINER_S + 1)

    assert bob.connection in parted(moves)


def test_the_places_beside_the_view_do_not_fill_up_with_who_released_us() -> None:
    view = OneView()
    links = joined(view, 3)
    view.wait(limits.JOINER_S + 1)

    for link in links:
        view.frame(link, Release(()))

    assert set(parted(view.wait(limits.JOINER_S + 1))) >= {link.connection for link in links}


def test_who_is_pinned_by_either_side_stays() -> None:
    view = OneView()
    ours, moves = view.open("ours", is_dialled=True, is_pinned=True)
    theirs = view.introduced("theirs")

    answer = told(view.frame(theirs, Join(True)), theirs)[0]

    assert Join(True) in told(moves, ours)
    assert isinstance(answer, PlaceAnswer)
    assert not answer.is_given, "he stays beside the view"
    assert parted(view.wait(10 * limits.JOINER_S)) == []
    assert members(view) == 0


def test_a_released_pin_stays_open_on_our_side() -> None:
    view = OneView()
    pinned, _ = view.open("pinned", is_dialled=True, is_pinned=True)

    view.frame(pinned, Release(()))

    assert parted(view.wait(10 * limits.JOINER_S)) == []
    assert pinned.is_released, "so that nobody calls him back when he ends it"


def test_who_was_refused_and_is_then_typed_counts_as_pinned_and_nothing_else() -> None:
    view = OneView()
    view.frame(view.introduced("friend", is_dialled=True), PlaceAnswer(True, ()))
    bob = view.introduced("bob", is_dialled=True)
    view.frame(bob, PlaceAnswer(False, ()))
    assert bob.is_released

    moves = view.membership.pin(bob.peer, view.now)

    assert told(moves, bob) == [Join(True)]
    assert not bob.is_released
    assert parted(view.wait(10 * limits.JOINER_S)) == []


def test_a_visit_that_is_over_is_no_failed_dial() -> None:
    view = OneView()
    view.fill()
    visitor = view.introduced("visitor")

    view.close(visitor, left=True)

    known = view.membership.passive.get(visitor.peer)
    assert known is not None
    assert known.failures == 0


def test_who_left_from_the_view_is_dialled_only_after_a_wait() -> None:
    view = OneView()
    (bob,) = joined(view, 1)

    moves = view.close(bob, left=True)

    known = view.membership.passive.get(bob.peer)
    assert known is not None
    assert known.failures == 1
    assert bob.peer not in dialled(moves)


def test_whoever_is_lost_is_replaced_at_once_by_somebody_else() -> None:
    view = OneView()
    friends = view.fill(limits.ACTIVE_AIM)
    view.membership.passive.put(known_of("spare", "10.2.0.1"))

    moves = view.close(friends[0])

    assert dialled(moves) == [sim_peer_id("spare")]
    (dial,) = of(moves, Dial)
    assert dial.timeout_s == limits.REPLACE_TIMEOUT_S


# --- Who lies ---------------------------------------------------------------------------------


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


# --- Over time --------------------------------------------------------------------------------


def test_once_a_minute_somebody_known_who_is_no_neighbour_is_dialled() -> None:
    view = OneView()
    view.fill(limits.ACTIVE_AIM)
    for number in range(20):
        view.membership.passive.put(known_of(f"n{number}", f"10.2.0.{number}"))

    dials = of(view.wait(600.0), Dial)

    assert 8 <= len(dials) <= 13
    assert all(view.membership.attempt(dial.attempt) for dial in dials[-1:])


def test_a_visit_only_swaps_samples_where_the_view_is_full() -> None:
    view = OneView()
    view.fill()
    view.membership.passive.put(known_of("bob"))
    dial = of(view.wait(2 * limits.SHUFFLE_EVERY_S), Dial)[-1]

    bob, moves = view.open("bob", is_dialled=True, attempt=dial.attempt)

    assert [type(frame) for frame in told(moves, bob)] == [Introduce, Shuffle]
    assert bob.connection in parted(view.wait(limits.JOINER_S + 1))


def test_who_was_out_of_reach_is_asked_urgently_when_he_is_back() -> None:
    view = OneView()
    view.fill(limits.ACTIVE_AIM)
    view.membership.passive.put(known_of("bob"))
    view.membership.passive.note_failure(sim_peer_id("bob"), view.now)
    dial = of(view.wait(2 * limits.SHUFFLE_EVERY_S), Dial)[-1]

    bob, moves = view.open("bob", is_dialled=True, attempt=dial.attempt)

    assert Join(False) in told(moves, bob), "he may come from another part of the network"


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

"""Membership: who gets a place, who is let go and when, whatever strangers say."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.mesh_frames import (
    Introduce,
    Join,
    PlaceAnswer,
    PlaceAsk,
    Release,
    Shuffle,
)
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import (
    OneView,
    dialled,
    frames,
    known_of,
    of,
    parted,
    told,
)

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


def test_who_has_few_joins_and_later_only_asks() -> None:
    view = OneView()
    begun = []

    for number in range(limits.ACTIVE_DIALLED_AIM + 1):
        link, moves = view.open(f"friend{number}", is_dialled=True)
        begun.append([type(frame) for frame in told(moves, link)])
        view.frame(link, PlaceAnswer(True, ()))

    assert begun == [[Introduce, Join]] * limits.ACTIVE_DIALLED_AIM + [[Introduce, PlaceAsk]]


def test_who_has_strangers_only_still_joins_for_two_of_his_own_choice() -> None:
    view = OneView()
    joined(view, limits.ACTIVE_ACCEPTED_LIMIT)
    begun = []

    for number in range(limits.ACTIVE_DIALLED_AIM):
        link, moves = view.open(f"friend{number}", is_dialled=True)
        begun.append(told(moves, link)[-1])
        view.frame(link, PlaceAnswer(True, ()))

    joins: list[object] = [Join(False)] * limits.ACTIVE_DIALLED_LEAST
    assert begun == [*joins, PlaceAsk()]


def test_who_has_just_started_joins_by_each_dial_of_its_own() -> None:
    view = OneView()
    begun = []

    for number in range(limits.ACTIVE_AIM):
        moves = view.membership.learn(known_of(f"friend{number}"), view.now)
        (dial,) = of(moves, Dial)
        link, moves = view.open(f"friend{number}", is_dialled=True, attempt=dial.attempt)
        begun.append(told(moves, link)[-1])
        view.frame(link, PlaceAnswer(True, ()))

    assert begun == [Join(False)] * limits.ACTIVE_AIM


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

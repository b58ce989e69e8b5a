"""Walks: a newcomer's record goes through the network, and an answer comes back once."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.filling import Purpose
from p2pchat.core.mesh_frames import Found, Join, Walk
from p2pchat.core.records import UNDIALLABLE
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import OneView, frames, of, record_of, signed, told
from tests.core.mesh import header_of as header

TOKEN = b"t" * 16
STEPS = limits.WALK_STEPS + limits.WALK_EXTRA_STEPS


def crowd(view: OneView, count: int, *, ip: str = "10.1.0.7") -> list[Link]:
    """Neighbours with a place, so that walks may go on to them."""
    links = [view.open(f"friend{n}", ip=ip)[0] for n in range(count)]
    for link in links:
        link.is_in_view, link.is_asked = True, False
    return links


def test_a_newcomers_record_goes_on_by_each_neighbour_with_a_token_of_its_own() -> None:
    view = OneView()
    friends = crowd(view, 7)
    newcomer = view.introduced("newcomer")

    walks = frames(view.frame(newcomer, Join(False)), Walk)

    assert len(walks) == limits.ACTIVE_AIM
    assert len({walk.token for walk in walks}) == limits.ACTIVE_AIM
    assert {walk.steps for walk in walks} == {STEPS}
    assert {walk.record for walk in walks} == {record_of("newcomer", "10.1.0.7:55555")}
    assert friends


def test_who_joins_again_and_again_sends_no_walks_for_half_a_minute() -> None:
    view = OneView()
    crowd(view, 3)
    newcomer = view.introduced("newcomer")

    walks = [len(frames(view.frame(newcomer, Join(False)), Walk)) for _ in range(20)]
    view.now += limits.WALK_S

    assert walks == [3, *[0] * 19]
    assert len(frames(view.frame(newcomer, Join(False)), Walk)) == 3


def test_a_walk_goes_one_step_further_and_never_back() -> None:
    view = OneView()
    bob, cid = crowd(view, 2)

    moves = view.frame(bob, Walk(TOKEN, STEPS, record_of("newcomer")))

    assert told(moves, bob) == []
    assert told(moves, cid) == [Walk(TOKEN, STEPS - 1, record_of("newcomer"))]


def test_a_walk_that_comes_again_is_dropped() -> None:
    view = OneView()
    bob, cid = crowd(view, 2)
    walk = Walk(TOKEN, STEPS, record_of("newcomer"))

    view.frame(bob, walk)

    assert view.frame(bob, walk) == []
    assert view.frame(cid, walk) == []


def test_a_forged_or_private_record_goes_nowhere() -> None:
    view = OneView()
    bob, far = crowd(view, 1)[0], view.open("far", ip="8.8.8.8", is_dialled=True)[0]
    far.is_in_view = True

    forged = view.frame(bob, Walk(TOKEN, STEPS, signed(header("newcomer"), by="bob")))
    private = view.frame(bob, Walk(TOKEN, STEPS, record_of("newcomer", "10.3.3.3:55555")))

    assert forged == []
    assert told(private, far) == []


def test_who_lacks_somebody_dials_the_newcomer_at_the_end_of_the_walk() -> None:
    view = OneView()
    bob, _ = crowd(view, 2)

    moves = view.frame(bob, Walk(TOKEN, limits.WALK_EXTRA_STEPS, record_of("newcomer")))

    (dial,) = of(moves, Dial)
    assert dial.expected == sim_peer_id("newcomer")


def test_who_walks_here_is_one_to_choose_from_as_long_as_own_dials_are_lacking() -> None:
    purposes = []
    for own in (0, limits.ACTIVE_DIALLED_AIM):
        view = OneView()
        bob, *_ = crowd(view, 4)
        for friend in tuple(view.membership.view)[:own]:
            friend.is_dialled = True

        (dial,) = of(view.frame(bob, Walk(TOKEN, 0, record_of("newcomer"))), Dial)
        attempt = view.membership.attempt(dial.attempt)
        assert attempt is not None
        purposes.append(attempt.purpose)

    assert purposes == [Purpose.PLACE, Purpose.WALK]


def test_who_has_his_five_passes_the_walk_on_and_takes_the_newcomer_only_at_its_very_end() -> None:
    view = OneView()
    bob, *others = crowd(view, limits.ACTIVE_AIM)

    onward = view.frame(bob, Walk(TOKEN, limits.WALK_EXTRA_STEPS, record_of("newcomer")))
    at_the_end = view.frame(bob, Walk(b"u" * 16, 0, record_of("newcomer")))

    assert len(frames(onward, Walk)) == 1
    assert not of(onward, Dial)
    assert len(of(at_the_end, Dial)) == 1
    assert others


def test_who_has_no_place_at_all_lets_the_walk_end() -> None:
    view = OneView()
    bob, *_ = crowd(view, limits.ACTIVE_LIMIT)

    assert view.frame(bob, Walk(TOKEN, 0, record_of("newcomer"))) == []


def test_a_newcomer_that_cannot_be_dialled_is_told_where_there_is_a_place_once() -> None:
    view = OneView()
    bob, _ = crowd(view, 2)

    moves = view.frame(bob, Walk(TOKEN, 0, record_of("newcomer", flags=UNDIALLABLE)))

    (found,) = frames(moves, Found)
    assert found.token == TOKEN
    assert not of(moves, Dial)


def test_a_dial_that_fails_is_told_back_along_the_walk() -> None:
    view = OneView()
    bob, *_ = crowd(view, 4)
    for friend in tuple(view.membership.view)[1:]:
        friend.is_dialled = True
    (dial,) = of(view.frame(bob, Walk(TOKEN, 0, record_of("newcomer"))), Dial)

    moves = view.membership.on_dial_failed(dial.attempt, view.now)

    assert [frame.token for frame in frames(moves, Found)] == [TOKEN]
    assert told(moves, bob) == frames(moves, Found)


def test_an_answer_goes_back_along_its_walk_once() -> None:
    view = OneView()
    bob, cid = crowd(view, 2)
    view.frame(bob, Walk(TOKEN, STEPS, record_of("newcomer")))
    found = Found(TOKEN, record_of("dan"))

    assert told(view.frame(cid, found), bob) == [found]
    assert view.frame(cid, found) == [], "a token serves for one answer"


def test_a_private_address_does_not_go_back_to_a_public_peer() -> None:
    view = OneView()
    far, near = crowd(view, 1, ip="8.8.8.8")[0], view.open("near", is_dialled=True)[0]
    near.is_in_view = True
    moves = view.frame(far, Walk(TOKEN, STEPS, record_of("newcomer", "9.9.9.9:55555")))
    assert told(moves, near), "the walk has gone on"

    assert view.frame(near, Found(TOKEN, record_of("shy", "10.2.2.2:55555"))) == []


def test_an_answer_that_nobody_asked_for_has_nobody_dialled() -> None:
    view = OneView()
    (bob,) = crowd(view, 1)

    assert view.frame(bob, Found(TOKEN, record_of("victim", "10.9.9.9:55555"))) == []


def test_who_joined_dials_at_most_eight_that_the_answers_name() -> None:
    view = OneView()
    bob, _ = view.open("bob", is_dialled=True)  # alice has nobody: she joins through him

    dials = []
    for number in range(40):
        record = record_of(f"n{number}", f"10.9.9.{number}:55555")
        moves = view.frame(bob, Found(number.to_bytes(16, "big"), record))
        for dial in of(moves, Dial):
            dials.append(dial)
            view.membership.on_dial_failed(dial.attempt, view.now)

    assert len(dials) == limits.ACTIVE_LIMIT


def test_answers_to_a_walk_do_not_fill_more_places_than_are_lacking() -> None:
    view = OneView()
    bob, _ = view.open("bob", is_dialled=True)
    crowd(view, limits.ACTIVE_AIM - 1)

    found = Found(TOKEN, record_of("stranger", "10.9.9.9:55555"))

    assert of(view.frame(bob, found), Dial) == []


def test_who_says_himself_that_he_cannot_be_dialled_is_not() -> None:
    view = OneView()
    bob, _ = view.open("bob", is_dialled=True)

    assert view.frame(bob, Found(TOKEN, record_of("hidden", flags=UNDIALLABLE))) == []

"""What `/who` says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.attendance import Attendance, Attendee
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import tame_nick
from p2pchat.sanitize import visible_line
from p2pchat.ui.attendance import NAMES_SHOWN, lines_of_attendance
from tests.effort import EFFORT

from .maps import ANN, ANYTHING, BOB, CAROL, DAVE, person


def test_a_small_room_is_named_by_distance_and_the_verified_are_marked() -> None:
    found = Attendance((Attendee(ANN, 1), Attendee(BOB, 1), Attendee(CAROL, 3)), (), 3)

    assert lines_of_attendance(found, is_verified=lambda peer: peer == BOB.id) == [
        "3 people answered",
        "1 hop: ann, bob (verified)",
        "3 hops: carol",
    ]


def test_who_is_known_and_did_not_answer_is_not_said_to_be_gone() -> None:
    assert lines_of_attendance(Attendance((Attendee(ANN, 1),), (BOB,), 1)) == [
        "1 person answered",
        "1 hop: ann",
        "heard in the last 10 minutes, no answer now: bob",
    ]


def test_nobody_answered() -> None:
    assert lines_of_attendance(Attendance((), (), 0)) == ["no one answered"]


def test_blocked_people_are_counted_and_not_named() -> None:
    assert lines_of_attendance(Attendance((Attendee(ANN, 1),), (), 2, blocked=1)) == [
        "2 people answered",
        "1 hop: ann",
        "not named because you block them: 1",
    ]


def test_an_estimate_says_that_it_is_one_and_has_two_digits() -> None:
    many = tuple(Attendee(person(f"n{number}", number), 2) for number in range(1, 241))
    heading, _ = lines_of_attendance(Attendance(many, (), 3_123))

    assert heading == "about 3,100 people are here; 240 of them answered"


def test_people_of_one_nick_are_told_apart_also_from_those_known_before() -> None:
    other = Person(PeerId(b"\xf0" * 32), "bob")
    found = Attendance((Attendee(BOB, 1),), (), 1)

    _, line = lines_of_attendance(found, (other, DAVE))

    assert line.startswith("1 hop: bob#")


def test_liars_make_no_more_than_so_many_names() -> None:
    many = tuple(
        Attendee(Person(PeerId(number.to_bytes(32, "big")), f"liar{number}"), 1)
        for number in range(1_024)
    )

    _, line = lines_of_attendance(Attendance(many, (), 1_024))

    assert line.count("liar") == NAMES_SHOWN
    assert line.endswith(f" and {1_024 - NAMES_SHOWN} more")


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(ANYTHING, st.integers(1, 255)), max_size=20), st.integers(0, 10**9))
def test_every_line_is_clean_whatever_people_are_called(
    people: list[tuple[str, int]], estimate: int
) -> None:
    answered = []
    for number, (nick, hops) in enumerate(people):
        peer = PeerId(number.to_bytes(32, "big"))
        answered.append(Attendee(Person(peer, tame_nick(nick, peer)), hops))
    answered.sort(key=lambda each: each.hops)

    lines = lines_of_attendance(Attendance(tuple(answered), (), max(estimate, len(people))))

    assert all(visible_line(line) == line for line in lines)

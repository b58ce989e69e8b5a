"""The lookout: what is found on the LAN, whom of it to dial, what the user reads of it."""

from __future__ import annotations

import pytest

from p2pchat.core.lookout import ANSWER_S, GATHER_S, HINTS_LIMIT, LanPolicy, Lookout
from p2pchat.core.notices import How
from p2pchat.core.values import Address


def at(number: int) -> tuple[Address, ...]:
    return (Address(f"10.1.{number >> 8}.{number & 255}", 55555),)


def lookout(policy: LanPolicy = LanPolicy.ASK) -> Lookout:
    return Lookout(policy, "lobby")


def find(one: Lookout, number: int, now: float = 0.0, *, is_same_room: bool = True) -> None:
    one.note(at(number), How.LAN, now, is_same_room=is_same_room)


def words(one: Lookout, now: float, *, company: int = 0) -> list[str]:
    return one.take_words(now, lambda _: False, company=company)


def test_strangers_are_told_of_together_and_not_dialled_without_consent() -> None:
    one = lookout()
    for number in range(3):
        find(one, number, now=0.5 * number)

    assert one.next_deadline() == GATHER_S
    assert words(one, GATHER_S) == ["3 people are in lobby on this network. Type connect to join"]
    assert words(one, GATHER_S) == []
    assert one.due(100.0) == []


def test_who_is_found_again_is_not_told_of_again() -> None:
    one = lookout()
    find(one, 1)
    words(one, GATHER_S)

    for now in range(10, 100, 5):
        find(one, 1, float(now))
    assert words(one, 200.0) == []
    assert one.found == 1


def test_with_consent_they_are_dialled_and_the_lan_may_find_us_once() -> None:
    one = lookout()
    find(one, 1)

    assert one.consent(1.0)
    assert not one.consent(2.0)
    assert [hint.addresses for hint in one.due(2.0)] == [at(1)]
    assert words(one, 1.0 + GATHER_S) == [], "he has joined, so nobody invites him"


def test_who_looked_around_in_vain_is_told_what_to_do_next() -> None:
    one = lookout()
    one.consent(0.0)

    (nobody,) = words(one, ANSWER_S)

    assert "nobody was found" in nobody
    one.consent(10.0)
    find(one, 1, is_same_room=False)
    (others,) = words(one, 10.0 + ANSWER_S)
    assert "1 person is in another room" in others


def test_a_dial_that_failed_waits_longer_each_time() -> None:
    one = lookout(LanPolicy.AUTO)
    find(one, 1)
    now, waits = 0.0, []

    for attempt in range(1, 9):
        (hint,) = one.due(now)
        hint.attempt = attempt
        assert one.due(now) == []
        one.on_failed(attempt, now)
        waits.append(hint.not_before - now)
        now = hint.not_before

    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= 300.0
    one.retry_soon(now)
    assert len(one.due(now)) == 1


def test_connections_that_are_none_of_its_dials_leave_what_was_found_alone() -> None:
    one = lookout(LanPolicy.AUTO)
    find(one, 1)
    find(one, 2)

    one.on_open(0)
    one.on_failed(0, 1.0)
    one.on_open(77)

    assert len(one) == 2
    assert len(one.due(1.0)) == 2


def test_where_a_dial_has_led_to_somebody_is_no_hint_any_more() -> None:
    one = lookout(LanPolicy.AUTO)
    find(one, 1)
    one.due(0.0)[0].attempt = 5

    one.on_open(5)

    assert len(one) == 0


@pytest.mark.threat(29)
def test_a_thousand_forged_services_take_a_bounded_place() -> None:
    one = lookout(LanPolicy.AUTO)

    for number in range(1_000):
        find(one, number)
        find(one, number, is_same_room=False)

    assert len(one) == HINTS_LIMIT
    assert one.found <= HINTS_LIMIT
    assert one.others_rooms <= HINTS_LIMIT

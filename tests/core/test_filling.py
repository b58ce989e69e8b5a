"""Filling the view: whom to dial, how often, and that no dial is lost count of."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.events import Dial
from p2pchat.core.filling import Filling, Purpose
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known, PassiveView
from p2pchat.core.values import Address, ConnectionId
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import known_of
from tests.effort import EFFORT


class OneFilling:
    """A view that is empty, with whoever is known."""

    def __init__(self, *known: Known, older: tuple[Known, ...] = ()) -> None:
        rng = random.Random(1)
        self.asked_for: list[int] = []
        self.passive = PassiveView(rng)
        for one in known:
            self.passive.put(one)
        self.view = ActiveView(rng)
        self.filling = Filling(self.view, self.passive, self._refill)
        self._older = older

    def _refill(self, count: int) -> list[Known]:
        self.asked_for.append(count)
        return list(self._older[:count])


def link(number: int, *, is_dialled: bool) -> Link:
    how = How.MESH if is_dialled else How.CALLED
    address = Address(f"10.3.0.{number}", 55555)
    return Link(sim_peer_id(f"x{number}"), ConnectionId(number), is_dialled, address, 0.0, how)


def peers(dials: list[Dial]) -> set[bytes | None]:
    return {dial.expected for dial in dials}


def is_urgent(one: OneFilling, number: int, purpose: Purpose, now: float) -> bool:
    known = known_of(f"n{number}", f"10.1.0.{number}")
    (dial,) = one.filling.dial(known.addresses, known.peer, known.how, now, purpose)
    attempt = one.filling.attempt(dial.attempt)
    assert attempt is not None
    return attempt.is_urgent


def test_as_many_are_dialled_as_the_view_lacks_each_once() -> None:
    one = OneFilling(*(known_of(f"n{n}", f"10.1.0.{n}") for n in range(20)))

    dials = one.filling.fill(1.0)

    assert len(dials) == len(peers(dials)) == limits.ACTIVE_AIM
    assert one.filling.fill(1.0) == []
    assert one.filling.next_fill(1.0) is None


def test_a_dial_that_failed_is_followed_by_another_one_at_once() -> None:
    one = OneFilling(*(known_of(f"n{n}", f"10.1.0.{n}") for n in range(20)))
    first = one.filling.fill(1.0)

    attempt = one.filling.settle(first[0].attempt, 2.0, is_open=False)

    assert attempt is not None
    (second,) = one.filling.fill(2.0)
    assert second.expected not in peers(first)


def test_who_failed_is_dialled_again_after_his_wait() -> None:
    one = OneFilling(known_of("bob"))
    (first,) = one.filling.fill(1.0)
    one.filling.settle(first.attempt, 1.0, is_open=False)

    assert one.filling.fill(1.0) == []
    due = one.filling.next_fill(1.0)
    assert due is not None
    (second,) = one.filling.fill(due)
    assert second.expected == sim_peer_id("bob")
    attempt = one.filling.attempt(second.attempt)
    assert attempt is not None
    assert attempt.is_urgent, "he may come from another part of the network"


@pytest.mark.parametrize(
    ("purpose", "at_once", "later"),
    [
        (Purpose.PLACE, True, False),
        (Purpose.WALK, False, False),
        (Purpose.EXCHANGE, True, True),
        (Purpose.REINTRODUCE, False, False),
    ],
)
def test_a_newcomer_asks_for_another_ones_place_wherever_it_dials_for_one(
    purpose: Purpose, at_once: bool, later: bool
) -> None:
    one = OneFilling()
    one.filling.begin(1.0)
    until = 1.0 + limits.NEWCOMER_S

    asks = [is_urgent(one, n, purpose, at) for n, at in enumerate((1.0, until - 0.1, until))]

    assert asks == [at_once, at_once, later]


def test_ten_thousand_addresses_of_one_victim_have_it_dialled_three_times() -> None:
    one, now, dials = OneFilling(), 1.0, 0

    for number in range(10_000):
        now += limits.DIALS_PER_IP_S / 10_000
        one.passive.put(known_of(f"n{number}", "8.8.8.8") if number < 64 else known_of("n1"))
        for dial in one.filling.dial(
            (Address("8.8.8.8", 1024 + number),), sim_peer_id(f"n{number}"), How.MESH, now
        ):
            dials += 1
            one.filling.settle(dial.attempt, now, is_open=False)

    assert dials == limits.DIALS_PER_IP


def test_who_was_known_before_is_looked_up_when_nobody_else_is_left_and_not_all_the_time() -> None:
    one = OneFilling(older=(known_of("bob"),))

    (dial,) = one.filling.fill(1.0)
    for now in range(2, 30):
        one.filling.fill(float(now))

    assert dial.expected == sim_peer_id("bob")
    assert one.asked_for == [limits.PASSIVE_LIMIT // 2]


def test_somebody_without_an_address_holds_up_nobody() -> None:
    one = OneFilling(Known(sim_peer_id("ghost"), (), How.MESH), known_of("bob"))

    assert peers(one.filling.fill(1.0)) == {sim_peer_id("bob")}
    assert one.filling.fill(1.0) == []


def test_a_visit_takes_no_place_of_those_that_are_expected() -> None:
    one = OneFilling()
    one.filling.dial((Address("10.1.0.2", 55555),), None, How.LAN, 1.0, Purpose.REINTRODUCE)

    assert one.filling.expected == 0
    one.filling.dial((Address("10.1.0.3", 55555),), None, How.LAN, 1.0)
    assert one.filling.expected == 1


def test_where_only_own_dials_are_lacking_one_after_another_is_tried() -> None:
    one = OneFilling(*(known_of(f"n{n}", f"10.1.0.{n}") for n in range(20)))
    strangers = [link(n, is_dialled=False) for n in range(limits.ACTIVE_ACCEPTED_LIMIT)]
    for stranger in strangers:
        stranger.is_in_view = True
        one.view.put(stranger)
    dials = one.filling.fill(1.0)

    for dial in dials:
        one.filling.settle(dial.attempt, 1.0, is_open=True)
    refused = link(99, is_dialled=True)
    refused.is_refused = True
    one.view.put(refused)

    assert len(dials) == limits.ACTIVE_DIALLED_AIM
    assert one.filling.fill(1.0) == [], "until he who refused has gone"
    one.view.pop(refused.connection)
    assert len(one.filling.fill(1.0)) == limits.ACTIVE_DIALLED_AIM


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 30.0)), max_size=60))
def test_every_dial_that_ends_gives_its_place_back(ends: list[tuple[bool, float]]) -> None:
    one, now = OneFilling(*(known_of(f"n{n}", f"10.1.0.{n}") for n in range(64))), 1.0
    under_way: list[Dial] = []

    for is_open, later_s in ends:
        now += later_s
        under_way += one.filling.fill(now)
        assert len(one.filling.budget) == len(under_way) <= limits.ACTIVE_AIM
        if under_way:
            one.filling.settle(under_way.pop(0).attempt, now, is_open=is_open)
    for dial in under_way:
        one.filling.settle(dial.attempt, now, is_open=False)

    assert len(one.filling.budget) == one.filling.expected == 0
    assert one.filling.settle(1, now, is_open=True) is None

"""The active view: who has a place, who gives way, who goes when there are too many."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.notices import How
from p2pchat.core.records import Scope
from p2pchat.core.values import Address, ConnectionId
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import read_record
from tests.effort import EFFORT


def link(number: int, *, is_dialled: bool = False, ip: str = "10.1.0.7", host_ip: str = "") -> Link:
    how = How.MESH if is_dialled else How.CALLED
    return Link(
        sim_peer_id(f"n{number}"),
        ConnectionId(number),
        is_dialled,
        Address(ip, 55555),
        float(number),
        how,
        host_ip,
    )


def view_of(*links: Link) -> ActiveView:
    view = ActiveView(random.Random(1))
    for one in links:
        view.put(one)
    return view


NEWCOMER: Final = link(99)
"""From a private network, to which no limit of its own applies."""


def members(count: int, *, is_dialled: bool = False, first: int = 0) -> list[Link]:
    links = [link(first + n, is_dialled=is_dialled) for n in range(count)]
    for one in links:
        one.is_in_view = True
    return links


def victims_of(view: ActiveView, now: float, count: int) -> set[ConnectionId]:
    """Who gives way, asked that often, as seldom as it is allowed."""
    found = (view.victim(NEWCOMER, now + 2 * limits.EVICT_EVERY_S * n) for n in range(count))
    return {one.connection for one in found if one is not None}


# --- Places -----------------------------------------------------------------------------------


def test_five_of_eight_places_go_to_connections_that_others_dialled() -> None:
    view = view_of(*members(limits.ACTIVE_ACCEPTED_LIMIT))

    assert not view.has_place_for(link(99))
    assert view.has_place_for(link(99, is_dialled=True))


def test_nobody_fits_into_a_view_of_eight() -> None:
    view = view_of(*members(limits.ACTIVE_LIMIT, is_dialled=True))

    assert not view.has_place_for(link(99, is_dialled=True))


def test_a_place_that_was_asked_for_is_taken() -> None:
    asked = members(4, is_dialled=True)
    asked[0].is_in_view, asked[0].is_asked = False, True
    view = view_of(*asked)

    assert (view.taken, view.dialled) == (4, 4)
    assert not view.has_place_for(link(99), 4)
    assert view.has_place_for(asked[0], 4), "he has that place himself"


def test_another_connection_of_a_neighbour_takes_over_what_he_is_here_for() -> None:
    old, new = link(1, is_dialled=True), link(1)
    old.is_in_view, old.is_pinned_there, old.useful, old.refusals = True, True, 3, 2
    old.record = read_record("n1")
    new.connection = ConnectionId(2)
    view = view_of(old)

    view.put(new)
    new.carry_over(old)

    assert view.of(ConnectionId(1)) is None
    assert view.of(ConnectionId(2)) is view.get(new.peer) is new
    assert len(view) == 1
    assert new.is_dialled, "he is still our own choice"
    assert (new.is_in_view, new.is_pinned_there, new.useful, new.refusals) == (True, True, 3, 2)
    assert new.record is old.record


def test_what_he_may_still_send_is_not_renewed_by_another_connection() -> None:
    old, new = link(1), link(1)
    while old.frames.spend(1, 0.0):
        pass

    new.carry_over(old)

    assert not new.frames.spend(1, 0.0)


def test_how_far_away_somebody_is_tells_his_ip_whatever_name_was_typed() -> None:
    named = link(1, is_dialled=True, ip="localhost", host_ip="127.0.0.1")

    assert named.scope is Scope.MACHINE
    assert link(2, ip="::ffff:10.0.0.1").scope is Scope.PRIVATE
    assert link(3, ip="8.8.8.8").scope is Scope.PUBLIC


def test_own_dials_are_counted_by_the_networks_that_they_lead_to() -> None:
    view = view_of(
        link(1, is_dialled=True, ip="8.8.8.8"),
        link(2, is_dialled=True, ip="name.example", host_ip="9.9.9.9"),
        link(3, ip="1.1.1.1"),
        link(4, is_dialled=True, ip="10.0.0.1"),
    )

    assert view.groups() == {"8.8.0.0/16", "9.9.0.0/16"}


# --- Who gives way ----------------------------------------------------------------------------


def test_own_dials_and_protected_ones_never_give_way() -> None:
    accepted, dialled = members(5), members(3, is_dialled=True, first=10)
    for useful in accepted[2:4]:
        useful.useful = 1
    view = view_of(*accepted, *dialled)

    victims = victims_of(view, 0.0, 50)

    assert victims == {ConnectionId(4)}, "two are the oldest, two are useful, three we dialled"


def test_somebody_gives_way_three_times_at_once_and_then_every_ten_seconds() -> None:
    view = view_of(*members(5))

    given_way = [now for now in range(105) if view.victim(NEWCOMER, float(now)) is not None]

    assert len([now for now in given_way if now <= 2]) == limits.EVICT_BURST
    between_s = [later - now for now, later in pairwise(given_way[limits.EVICT_BURST :])]
    assert all(s >= limits.EVICT_EVERY_S for s in between_s)
    assert len(given_way) <= limits.EVICT_BURST + 10


def test_a_view_without_anybody_to_spare_costs_no_eviction() -> None:
    view = view_of(*members(2))

    assert [view.victim(NEWCOMER, 0.0) for _ in range(9)] == [None] * 9
    for more in members(3, first=20):
        view.put(more)
    assert view.victim(NEWCOMER, 0.0) is not None


def test_first_deliveries_protect_for_ten_minutes_and_no_longer() -> None:
    view = view_of(*members(4))
    useful = ConnectionId(3)
    view.note_useful(useful, 1_000.0)

    half = limits.USEFUL_S / 2
    before = victims_of(view, 1_000.0, 9)
    for turn in (1, 2):
        view.note_useful(ConnectionId(2), 1_000.0 + turn * (half + 1))

    assert before == {ConnectionId(2)}
    assert victims_of(view, 5_000.0, 9) == {useful}


def test_deliveries_by_a_connection_that_is_gone_are_nobodys() -> None:
    view_of(link(1)).note_useful(ConnectionId(9), 1.0)


# --- Too many beside the view -----------------------------------------------------------------


def test_of_those_pinned_by_others_the_oldest_go_where_there_are_too_many() -> None:
    links = [link(n) for n in range(limits.BESIDE_LIMIT + 2)]
    for one in links:
        one.is_pinned_there = True
    view = view_of(*links)

    assert view.crowd(links[-1]) == [links[0]]


def test_joiners_go_for_a_newcomer_only_where_all_connections_are_nearly_taken() -> None:
    few = [link(n) for n in range(limits.CONNECTIONS_LIMIT - limits.ACTIVE_LIMIT)]
    one_more = link(99)

    assert view_of(*few).crowd(few[-1]) == []
    assert view_of(*few, one_more).crowd(one_more) == few[:1]


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(*[st.booleans()] * 5), max_size=64))
def test_whoever_has_a_place_or_is_pinned_never_goes(
    kinds: list[tuple[bool, bool, bool, bool, bool]],
) -> None:
    links = []
    for number, (is_in_view, is_pinned, is_pinned_there, takes_part, is_dialled) in enumerate(
        kinds
    ):
        one = link(number, is_dialled=is_dialled)
        one.is_in_view, one.is_pinned = is_in_view, is_pinned
        one.is_pinned_there, one.takes_part = is_pinned_there, takes_part
        links.append(one)
    newcomer = link(100)
    view = view_of(*links, newcomer)

    gone = view.crowd(newcomer)

    assert newcomer not in gone
    assert len(gone) == len({one.connection for one in gone})
    assert all(one.is_beside for one in gone)
    kept = [one for one in links if one.is_beside and one not in gone]
    staying = [one for one in kept if one.is_pinned_there or not one.takes_part]
    assert len(staying) <= limits.BESIDE_LIMIT


def test_a_network_may_have_somebody_evicted_once_and_so_leaves_the_others_their_turn() -> None:
    view = view_of(*members(5))
    crowd = [link(100 + n, ip=f"20.7.0.{n + 1}") for n in range(8)]
    other = link(200, ip="20.9.0.1")

    evicting = [view.victim(one, limits.EVICT_EVERY_S * n) for n, one in enumerate(crowd)]
    later_s = limits.EVICT_EVERY_S * len(crowd)

    assert [one is not None for one in evicting] == [True] + [False] * 7
    assert view.victim(other, later_s) is not None
    assert view.victim(crowd[1], limits.EVICT_PER_GROUP_S) is not None


def test_the_network_with_most_places_gives_way_first() -> None:
    hosts = ("8.8.0.1", "9.9.0.1", "20.7.0.1", "20.7.0.2", "1.1.1.1", "10.1.0.1")
    accepted = [link(n, ip=host) for n, host in enumerate(hosts)]
    for one in accepted:
        one.is_in_view = True
    view = view_of(*accepted)

    assert victims_of(view, 0.0, 20) == {ConnectionId(2), ConnectionId(3)}


def test_a_newcomer_counts_for_his_own_network_and_protection_goes_before_networks() -> None:
    hosts = ("20.7.0.1", "20.7.0.2", "20.8.0.1", "20.9.0.1", "1.1.1.1")
    accepted = [link(n, ip=host) for n, host in enumerate(hosts)]
    for one in accepted:
        one.is_in_view = True
    view = view_of(*accepted)

    victim = view.victim(link(99, ip="20.9.0.2"), 0.0)

    assert victim is accepted[3], "the two oldest are safe, and then 20.9 has most"


def test_neighbours_who_dialled_us_do_not_count_instead_of_own_dials() -> None:
    accepted = members(limits.ACTIVE_ACCEPTED_LIMIT)
    own = members(limits.ACTIVE_DIALLED_LEAST, is_dialled=True, first=10)

    assert view_of(*accepted).is_needy
    assert not view_of(*accepted, *own).is_needy
    assert view_of(*own).is_needy, "there are too few of all"

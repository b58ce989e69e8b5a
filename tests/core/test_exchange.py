"""Places that are lent only, and own dials that are exchanged."""

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial
from p2pchat.core.membership import Move
from p2pchat.core.mesh_frames import Join, PlaceAnswer, PlaceAsk, Release
from p2pchat.sim.credentials import sim_peer_id
from tests.core.mesh import OneView, frames, known_of, of, parted, told


def insist(view: OneView, network: str) -> None:
    """Strangers of that /16 join until it is insistent, and stays so for some minutes."""
    for number in range(limits.INSISTENT_JOINS + 1):
        view.frame(view.introduced(f"{network} {number}", ip=f"{network}.1.{number}"), Join(False))


def besieged() -> tuple[OneView, list[Link], list[Link]]:
    """Three own dials, and five places that strangers of one network have."""
    view = OneView()
    own = view.fill(limits.ACTIVE_DIALLED_AIM)
    insist(view, "20.7")
    lent = [link for link in view.membership.view.members if not link.is_dialled]
    assert len(lent) == limits.ACTIVE_ACCEPTED_LIMIT
    return view, own, lent


def exchange(view: OneView, name: str) -> tuple[Link, list[Move]]:
    """Let an exchange become due, and then that peer be known and dialled for it."""
    view.wait(1.5 * limits.EXCHANGE_EVERY_S)
    view.membership.passive.put(known_of(name, "20.9.0.1"))
    dials = of(view.wait(2 * limits.SHUFFLE_EVERY_S), Dial)
    dial = next(dial for dial in dials if dial.expected == sim_peer_id(name))
    return view.open(name, ip="20.9.0.1", is_dialled=True, attempt=dial.attempt)


# --- Places that are lent ---------------------------------------------------------------------


@pytest.mark.threat(7)
@pytest.mark.parametrize("ask", [PlaceAsk(), Join(False)], ids=["asks", "joins"])
def test_a_place_of_an_insistent_network_goes_to_whoever_asks_from_another(
    ask: PlaceAsk | Join,
) -> None:
    view, own, lent = besieged()
    bob = view.introduced("bob", ip="20.9.0.1")

    moves = view.frame(bob, ask)

    assert bob.is_in_view
    assert len(frames(moves, Release)) == 1
    assert sum(link.is_in_view for link in lent) == len(lent) - 1
    assert all(link.is_in_view for link in own)


@pytest.mark.threat(7)
def test_nobody_of_an_insistent_network_gets_a_place_by_asking_once_more() -> None:
    view, _, lent = besieged()
    eve = view.introduced("eve", ip="20.7.9.9")

    moves = view.frame(eve, Join(False))

    assert not eve.is_in_view
    assert not frames(moves, Release)
    assert all(link.is_in_view for link in lent)


# --- Own dials --------------------------------------------------------------------------------


def test_an_own_dial_is_exchanged_now_and_then_once_the_other_one_has_given_a_place() -> None:
    view = OneView()
    own = view.fill(limits.ACTIVE_LIMIT)

    bob, moves = exchange(view, "bob")
    asked = told(moves, bob)[-1]
    kept_until_then = all(link.is_in_view for link in own)
    moves = view.frame(bob, PlaceAnswer(True, ()))

    assert asked == Join(False)
    assert kept_until_then
    assert bob.is_in_view
    (gone,) = [link for link in own if not link.is_in_view]
    assert parted(moves) == [gone.connection]


def test_who_has_no_place_for_us_costs_no_own_dial() -> None:
    view = OneView()
    own = view.fill(limits.ACTIVE_LIMIT)

    bob, _ = exchange(view, "bob")
    view.frame(bob, PlaceAnswer(False, ()))

    assert all(link.is_in_view for link in own)
    assert not bob.is_in_view


def test_who_has_few_own_dials_gets_one_more_and_ends_none() -> None:
    view = OneView()
    own = view.fill(limits.ACTIVE_DIALLED_AIM - 1)

    bob, _ = exchange(view, "bob")
    view.frame(bob, PlaceAnswer(True, ()))

    assert bob.is_in_view
    assert all(link.is_in_view for link in own)


@pytest.mark.threat(7)
def test_an_own_dial_to_an_insistent_network_is_exchanged_at_the_next_visit() -> None:
    view = OneView()
    own = view.fill(limits.ACTIVE_DIALLED_AIM)
    eve, _ = view.open("eve", ip="20.7.0.1", is_dialled=True)
    view.frame(eve, PlaceAnswer(True, ()))
    insist(view, "20.7")
    view.membership.passive.put(known_of("mallory", "20.7.3.1"))
    view.membership.passive.put(known_of("bob", "20.9.0.1"))

    dials = of(view.wait(2 * limits.SHUFFLE_EVERY_S), Dial)
    attempt = next(dial.attempt for dial in dials if dial.expected == sim_peer_id("bob"))
    bob, _ = view.open("bob", ip="20.9.0.1", is_dialled=True, attempt=attempt)
    view.frame(bob, PlaceAnswer(True, ()))

    assert not eve.is_in_view
    assert all(link.is_in_view for link in (*own, bob))

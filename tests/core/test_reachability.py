"""Reachability: knocking for each other, and believing only what was asked for."""

from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Probe, Send
from p2pchat.core.mesh_frames import ReachabilityAnswer, ReachabilityAsk
from p2pchat.core.notices import How
from p2pchat.core.reachability import Reachability
from p2pchat.core.values import Address, ConnectionId
from p2pchat.sim.credentials import sim_peer_id

PORT = 55555


def link(
    number: int,
    ip: str = "8.8.8.8",
    *,
    is_dialled: bool = True,
    takes_part: bool = True,
    host: str = "",
) -> Link:
    how = How.MESH if is_dialled else How.CALLED
    return Link(
        sim_peer_id(f"n{number}"),
        ConnectionId(number),
        is_dialled,
        Address(host or ip, PORT),
        0.0,
        how,
        ip,
        takes_part=takes_part,
    )


def asked(one: Reachability, of: Link, now: float = 0.0) -> bool:
    return one.ask(of, now) == [Send((of.connection,), ReachabilityAsk(PORT))]


# --- Ourselves --------------------------------------------------------------------------------


def test_only_who_was_dialled_takes_part_and_is_elsewhere_is_asked() -> None:
    one = Reachability(PORT)

    assert not asked(one, link(1, is_dialled=False))
    assert not asked(one, link(2, "127.0.0.1"))
    assert not asked(one, link(3, takes_part=False))
    assert not asked(one, link(4, "127.0.0.1", host="localhost"))
    assert asked(one, link(5))


def test_one_who_could_dial_us_is_enough() -> None:
    one = Reachability(PORT)
    assert one.verdict(0.0) is None

    for number, is_reachable in enumerate([False, True, False]):
        asked(one, link(number), 20.0 * number)
        one.on_answer(link(number), 20.0 * number, is_reachable=is_reachable)

    assert one.verdict(60.0) is True
    assert one.verdict(60.0 + 2 * limits.REACHABILITY_EVERY_S) is None


def test_an_answer_counts_once_and_only_from_who_was_asked() -> None:
    one = Reachability(PORT)
    asked(one, link(1))

    assert not one.on_answer(link(2), 0.0, is_reachable=False)
    assert one.verdict(0.0) is None
    assert one.on_answer(link(1), 0.0, is_reachable=True)
    assert not one.on_answer(link(1), 0.0, is_reachable=False)
    assert one.verdict(0.0) is True


def test_who_is_gone_owes_no_answer_any_more() -> None:
    one = Reachability(PORT)
    asked(one, link(1))

    one.on_closed(link(1).peer, ConnectionId(1))

    assert not one.on_answer(link(1), 0.0, is_reachable=False)


def test_after_two_answers_nobody_is_asked_for_ten_minutes() -> None:
    one = Reachability(PORT)

    times = []
    for now in range(0, 1_000, 5):
        if asked(one, link(now), float(now)):
            times.append(now)
            one.on_answer(link(now), float(now), is_reachable=True)

    assert times == [0, 10, 10 + limits.REACHABILITY_EVERY_S]


def test_what_two_neighbours_of_different_networks_see_is_believed() -> None:
    one = Reachability(PORT)

    assert not one.note_sighting(link(1, "8.8.8.8"), "1.2.3.4")
    assert not one.note_sighting(link(2, "8.8.9.9"), "1.2.3.4"), "they share a /16"
    assert one.note_sighting(link(3, "9.9.9.9"), "::ffff:1.2.3.4")
    assert one.outside() == (Address("1.2.3.4", PORT),)
    one.forget()
    assert one.outside() == ()


@pytest.mark.parametrize(
    "seen_as",
    ["", "example.org", "nonsense", "127.0.0.1", "10.0.0.1", "224.0.0.1", "0.0.0.0", "fe80::1",
     "255.255.255.255", "8.8.8.8:55555", "\x1b[2J"],
)  # fmt: skip
def test_what_is_no_public_address_is_nowhere_that_we_are_seen(seen_as: str) -> None:
    one = Reachability(PORT)

    for number, ip in enumerate(["8.8.8.8", "9.9.9.9", "1.1.1.1"]):
        assert not one.note_sighting(link(number, ip), seen_as)
    assert one.outside() == ()


# --- Others -----------------------------------------------------------------------------------


@pytest.mark.threat(8)
def test_we_knock_only_where_the_connection_comes_from() -> None:
    one = Reachability(PORT)

    named = link(1, "9.9.9.9", host="victim.example")
    mapped = link(2, "::ffff:8.8.8.8", is_dialled=False)

    assert one.on_ask(named, ReachabilityAsk(2000), 0.0) == [Probe(1, Address("9.9.9.9", 2000))]
    assert one.on_ask(mapped, ReachabilityAsk(2000), 0.0) == [Probe(2, Address("8.8.8.8", 2000))]
    assert one.on_probed(1, is_open=True) == [Send((named.connection,), ReachabilityAnswer(True))]
    assert one.on_probed(1, is_open=True) == []


def test_nobody_has_us_knock_more_than_once_a_minute_by_whatever_connection() -> None:
    one = Reachability(PORT)
    ask = ReachabilityAsk(2000)

    first = one.on_ask(link(1), ask, 0.0)
    again = Link(link(1).peer, ConnectionId(9), False, Address("8.8.8.8", 0), 1.0, How.CALLED)

    assert first
    assert one.on_ask(again, ask, 59.0) == []
    assert one.on_ask(again, ask, 60.0)


def test_a_crowd_of_askers_is_bounded() -> None:
    one = Reachability(PORT)

    knocks = [one.on_ask(link(n), ReachabilityAsk(2000), 0.0) for n in range(1_000)]

    assert sum(bool(knock) for knock in knocks) == 256
    assert one.on_ask(link(2_000), ReachabilityAsk(2000), limits.REACHABILITY_ANSWERS_S)


def test_who_takes_no_part_has_nobody_knock() -> None:
    assert Reachability(PORT).on_ask(link(1, takes_part=False), ReachabilityAsk(2000), 0.0) == []


def test_nothing_is_answered_on_a_connection_that_is_gone() -> None:
    one = Reachability(PORT)
    one.on_ask(link(1), ReachabilityAsk(2000), 0.0)

    one.on_closed(link(1).peer, ConnectionId(1))

    assert one.on_probed(1, is_open=True) == []

"""What `/doctor` makes of the facts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from p2pchat.core import limits
from p2pchat.core.notices import Finding, Health, Standing
from p2pchat.core.values import Address
from p2pchat.examining import FILES_ENOUGH, Facts, Lan, findings
from tests.effort import EFFORT

HOME, AWAY = Address("127.0.0.1", 5000), Address("192.168.1.5", 5000)
OUTSIDE = Address("20.1.1.1", 5000)

WELL = Facts(
    standing=Standing(
        is_reachable=True,
        outside=(OUTSIDE,),
        clock_ahead_s=0.2,
        neighbours=3,
        known_before=7,
        found=2,
        others_rooms=0,
        joins=True,
        has_lan_consent=True,
    ),
    port=5000,
    addresses=(AWAY, HOME),
    machine=(AWAY,),
    lan=Lan(None, 2, is_advertised=True),
    room="lobby",
    is_open=True,
    profile="default",
    folder="/home/ann/p2pchat/default",
    files=1024,
)
"""A node that lacks nothing."""


def facts(standing: dict[str, Any] | None = None, **changes: Any) -> Facts:
    stands = structs.replace(WELL.standing, **(standing or {}))
    return dataclasses.replace(WELL, standing=stands, **changes)


def alone(standing: dict[str, Any] | None = None, **changes: Any) -> Facts:
    nobody = {"neighbours": 0, "found": 0, "is_reachable": None, "clock_ahead_s": None}
    return facts({**nobody, **(standing or {})}, **changes)


def one(what: str, given_facts: Facts) -> Finding:
    (found,) = [finding for finding in findings(given_facts) if finding.what == what]
    return found


def test_a_node_that_lacks_nothing_has_nothing_to_do() -> None:
    found = findings(WELL)

    assert {finding.health for finding in found} == {Health.GOOD}
    assert not any(finding.advice for finding in found)
    assert [finding.what for finding in found] == [
        "port", "network", "LAN", "reachable", "people", "room", "clock", "profile", "book",
        "files", "run",
    ]  # fmt: skip


def test_others_are_told_the_addresses_that_lead_here_from_afar() -> None:
    assert "connect 192.168.1.5:5000" in one("port", WELL).text
    assert "127.0.0.1" not in one("port", WELL).text
    assert "on this machine, others type: connect 127.0.0.1:5000" in (
        one("port", facts(addresses=(HOME,))).text
    )


def test_no_network_alone_in_a_room_and_nobody_here_are_told_apart() -> None:
    said = {
        "no network": one("people", alone(machine=(), addresses=(HOME,))),
        "other room": one("people", alone({"others_rooms": 2})),
        "not joined": one("people", alone({"found": 2, "has_lan_consent": False})),
        "apart": one("people", alone({"found": 2})),
        "manual": one("people", alone({"joins": False})),
        "nobody": one("people", alone()),
    }

    assert len({(finding.text, finding.advice) for finding in said.values()}) == len(said)
    assert all(finding.advice for finding in said.values())
    assert "no network" in said["no network"].text
    assert "alone in lobby" in said["other room"].text
    assert "--room" in said["other room"].advice
    assert "type connect" in said["not joined"].advice
    assert "firewall" in said["apart"].advice
    assert "--manual" in said["manual"].text
    assert "nobody was found" in said["nobody"].text


def test_no_network_keeps_only_those_from_chatting_who_have_nobody_on_the_machine() -> None:
    assert one("network", alone(machine=())).health is Health.BAD
    assert one("network", facts(machine=())).health is Health.UNSURE


def test_a_node_on_loopback_by_choice_is_told_how_to_be_reached() -> None:
    found = one("network", facts(addresses=(HOME,)))

    assert found.health is Health.UNSURE
    assert "192.168.1.5" in found.text
    assert "--host" in found.advice


@pytest.mark.parametrize(
    ("lan", "health", "text", "advice"),
    [
        (Lan(None, 1, is_advertised=True), Health.GOOD, "1 person is on this network", ""),
        (Lan(None, 3, is_advertised=False), Health.GOOD, "typed connect", ""),
        (Lan(None, 0, is_advertised=True), Health.UNSURE, "nobody has answered", "invite"),
        (
            Lan(None, 3, is_advertised=False, may_advertise=False),
            Health.GOOD,
            "a room with a passphrase is not advertised",
            "",
        ),
        (Lan("no multicast", 0, is_advertised=True), Health.UNSURE, "no multicast", "invite"),
        (None, Health.GOOD, "not looked at", ""),
    ],
)
def test_the_lan_works_is_silent_fails_or_is_off(
    lan: Lan | None, health: Health, text: str, advice: str
) -> None:
    found = one("LAN", facts(lan=lan))

    assert found.health is health
    assert text in found.text
    assert advice in found.advice
    assert bool(found.advice) is (health is not Health.GOOD)


def test_without_a_network_no_firewall_is_blamed_for_a_silent_lan() -> None:
    silent = Lan(None, 0, is_advertised=True)

    assert one("LAN", alone(lan=silent, machine=())).advice == ""


def test_whether_others_can_dial_us_is_known_or_not() -> None:
    unknown = one("reachable", facts({"is_reachable": None}))
    unreachable = one("reachable", facts({"is_reachable": False}))

    assert "20.1.1.1:5000" in one("reachable", WELL).text
    assert one("reachable", alone(was_dialled=True)).health is Health.GOOD
    assert (unknown.health, unknown.advice) == (Health.UNSURE, "")
    assert "no neighbour" not in unknown.text
    assert "no neighbour" in one("reachable", alone()).text
    assert unreachable.health is Health.UNSURE
    assert "port 5000" in unreachable.advice
    assert "works nevertheless" in unreachable.advice


def test_a_dial_that_failed_is_bad_and_says_so_in_its_own_words() -> None:
    found = one("connect", facts(failed_dials=("could not connect to a:1: it is off.",)))

    assert found == Finding("connect", Health.BAD, "could not connect to a:1: it is off.")


@pytest.mark.parametrize(
    ("ahead_s", "health", "text"),
    [
        (None, Health.UNSURE, "three neighbours"),
        (-60.0, Health.GOOD, "within 60 s"),
        (90.0, Health.UNSURE, "90 s ahead of"),
        (-300.0, Health.UNSURE, "5 min behind"),
        (limits.AGE_FUTURE_S + 1, Health.BAD, "not taken"),
        (-limits.AGE_FUTURE_S - 1, Health.BAD, "not taken"),
        (-10 * 3600.0, Health.BAD, "10 h behind"),
    ],
)
def test_a_clock_is_bad_once_messages_are_not_taken(
    ahead_s: float | None, health: Health, text: str
) -> None:
    found = one("clock", facts({"clock_ahead_s": ahead_s}))

    assert found.health is health
    assert text in found.text


def test_who_can_read_a_room_is_said() -> None:
    assert "open" in one("room", WELL).text
    assert "only who has its secret" in one("room", facts(is_open=False)).text


def test_a_profile_is_kept_ephemeral_or_can_not_be_written() -> None:
    full = one("profile", facts(disk_problem="No space left on device"))

    assert WELL.folder in one("profile", WELL).text
    assert "ephemeral" in one("profile", facts(folder="")).text
    assert full.health is Health.UNSURE
    assert "No space left on device" in full.text
    assert full.advice


def test_people_of_the_address_book_are_counted() -> None:
    assert "7 people are" in one("book", WELL).text
    assert "1 person is" in one("book", facts({"known_before": 1})).text
    assert "nobody" in one("book", facts({"known_before": 0})).text


def test_whatever_asyncio_reported_is_told_and_to_be_reported() -> None:
    well = one("run", facts(tasks=12))
    ill = one("run", facts(tasks=12, unexpected=2))

    assert (well.health, well.text) == (
        Health.GOOD, "12 tasks, and nothing unexpected has happened",
    )  # fmt: skip
    assert ill.health is Health.UNSURE
    assert "2 times" in ill.text
    assert "log" in ill.advice


def test_few_files_are_raised_by_ulimit() -> None:
    assert one("files", facts(files=FILES_ENOUGH)).health is Health.GOOD
    assert one("files", facts(files=None)).health is Health.GOOD
    few = one("files", facts(files=FILES_ENOUGH - 1))
    assert few.health is Health.UNSURE
    assert "ulimit -n" in few.advice


_ADDRESSES = st.lists(st.sampled_from([HOME, AWAY, OUTSIDE]), min_size=1, max_size=3).map(tuple)
_COUNTS = st.integers(0, 3)
_STANDINGS = st.builds(
    Standing,
    is_reachable=st.none() | st.booleans(),
    outside=st.just(()) | _ADDRESSES,
    clock_ahead_s=st.none() | st.floats(-1e9, 1e9),
    neighbours=_COUNTS,
    known_before=_COUNTS,
    found=_COUNTS,
    others_rooms=_COUNTS,
    joins=st.booleans(),
    has_lan_consent=st.booleans(),
)
_FACTS = st.builds(
    Facts,
    standing=_STANDINGS,
    port=st.integers(1, 65_535),
    addresses=_ADDRESSES,
    machine=st.just(()) | _ADDRESSES,
    lan=st.none() | st.builds(Lan, st.none() | st.text(min_size=1), _COUNTS, st.booleans()),
    room=st.text(min_size=1),
    is_open=st.booleans(),
    profile=st.text(),
    folder=st.text(),
    was_dialled=st.booleans(),
    disk_problem=st.text(),
    files=st.none() | st.integers(0, 2_000),
    tasks=_COUNTS,
    unexpected=_COUNTS,
    failed_dials=st.lists(st.text(min_size=1), max_size=2).map(tuple),
)


@settings(max_examples=EFFORT.property_examples)
@given(_FACTS)
def test_every_fact_has_one_line_that_says_something(found: Facts) -> None:
    lines = findings(found)
    dials = [line for line in lines if line.what == "connect"]

    assert len(lines) - len(dials) == 11
    assert len(dials) == len(found.failed_dials)
    assert all(line.what and line.text for line in lines)
    assert len({line.what for line in lines} - {"connect"}) == 11


@settings(max_examples=EFFORT.property_examples)
@given(_FACTS)
def test_only_what_keeps_somebody_from_chatting_is_bad(found: Facts) -> None:
    bad = {line.what for line in findings(found) if line.health is Health.BAD}

    assert bad <= {"network", "clock", "connect"}
    assert not (found.standing.neighbours and "network" in bad)

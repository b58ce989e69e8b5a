"""Nodes find each other by multicast DNS; all of it happens in networks of the tests' own."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from p2pchat.net.discovery import CANDIDATES_LIMIT, SERVICES_BURST, SERVICES_PER_S
from tests.deadline import DEADLINE_S
from tests.e2e import network_namespace, virtual_lan
from tests.net.lan import looking
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())

LOCAL = "127.0.0.1"
SECRET = "of-random-bytes!"
"""As long as a generated one; others are never advertised."""
FORGED_PER_S = 1_000
FORGED = 6_000
"""More than the names after which discovery rests."""


@pytest.fixture
def inside() -> Iterator[tuple[str, ...]]:
    with network_namespace.network_namespace() as namespace:
        yield namespace


@pytest.fixture
def lone_host() -> Iterator[virtual_lan.LanHost]:
    with virtual_lan.virtual_lan(1) as (host,):
        yield host


def test_two_on_one_machine_find_each_other_over_its_loopback(inside: tuple[str, ...]) -> None:
    with looking(inside, LOCAL, 5555) as ann, looking(inside, LOCAL, 5556) as bob:
        ann.ask("advertise")
        seen = bob.wait_for_found(ann.instance)
        bob.ask("advertise")
        ann.wait_for_found(bob.instance)

        assert seen["addresses"] == ["127.0.0.1:5555"]
        assert seen["same"]
        assert ann.ask()["problem"] is None


def test_who_only_looks_is_not_found(inside: tuple[str, ...]) -> None:
    with looking(inside, LOCAL, 5555) as ann, looking(inside, LOCAL, 5556) as bob:
        ann.ask("advertise")
        bob.wait_for_found(ann.instance)

        assert ann.ask()["live"] == 0
        assert [line["found"] for line in ann.found] == []


def test_members_of_a_private_room_recognise_each_other_and_others_do_not(
    inside: tuple[str, ...],
) -> None:
    with (
        looking(inside, LOCAL, 5555, "den", SECRET) as ann,
        looking(inside, LOCAL, 5556, "den", SECRET) as bob,
        looking(inside, LOCAL, 5557, "den", SECRET[::-1]) as eve,
        looking(inside, LOCAL, 5558, "den") as mallory,
    ):
        ann.ask("advertise")

        assert bob.wait_for_found(ann.instance)["same"]
        assert not eve.wait_for_found(ann.instance)["same"]
        assert not mallory.wait_for_found(ann.instance)["same"]


def test_who_ends_is_forgotten_and_who_begins_later_is_found(inside: tuple[str, ...]) -> None:
    with looking(inside, LOCAL, 5555) as ann:
        with looking(inside, LOCAL, 5556) as bob:
            bob.ask("advertise")
            ann.wait_for_found(bob.instance)
        deadline = time.monotonic() + DEADLINE_S
        while ann.ask()["live"]:
            assert time.monotonic() < deadline, "he said no goodbye"
        with looking(inside, LOCAL, 5557) as cid:
            cid.ask("advertise")
            ann.wait_for_found(cid.instance)


def test_on_a_card_its_addresses_are_advertised_and_loopback_is_not(
    lone_host: virtual_lan.LanHost,
) -> None:
    with looking(lone_host.inside, "::", 5555) as ann, looking(lone_host.inside, "::") as bob:
        ann.ask("advertise")

        addresses = bob.wait_for_found(ann.instance)["addresses"]

    assert f"{lone_host.ip}:5555" in addresses
    assert not [address for address in addresses if "127.0.0.1" in address or "::1]" in address]


def test_bound_to_loopback_nothing_leaves_the_machine_and_nothing_comes_in() -> None:
    with (
        virtual_lan.virtual_lan(2) as (here, there),
        looking(here.inside, LOCAL, 5555) as ann,
        looking(here.inside, here.ip, 5556) as bob,
    ):
        ann.ask("advertise")
        bob.ask("advertise")
        with looking(there.inside, "::", 5557) as eve:
            eve.ask("advertise")
            # Bob's card is in the group, so the system would hand Eve's questions to Ann as well.
            eve.wait_for_found(bob.instance)
            bob.wait_for_found(eve.instance)

            assert eve.ask()["live"] == 1
            assert ann.ask()["live"] == 0


@pytest.mark.parametrize(("host", "expected"), [(LOCAL, "refused"), ("0.0.0.0", "answered")])
def test_bound_to_loopback_not_even_a_direct_question_is_answered(host: str, expected: str) -> None:
    with (
        virtual_lan.virtual_lan(2) as (here, there),
        looking(here.inside, host, 5555) as ann,
    ):
        ann.ask("advertise")
        with looking(here.inside, LOCAL, 5556) as bob:
            bob.wait_for_found(ann.instance)

        answer = subprocess.run(
            [*there.inside, sys.executable, "-m", "tests.net.asker", here.ip],
            cwd=ROOT, check=True, capture_output=True, text=True,
            timeout=DEADLINE_S,
        )  # fmt: skip

    assert answer.stdout.strip() == expected


def test_without_any_multicast_there_is_a_problem_and_no_crash(inside: tuple[str, ...]) -> None:
    with looking(inside, "::1") as ann:
        deadline = time.monotonic() + DEADLINE_S
        while not (problem := ann.ask()["problem"]):
            assert time.monotonic() < deadline

        assert problem == "no interface can do multicast"


def test_a_card_that_comes_back_is_used_again(lone_host: virtual_lan.LanHost) -> None:
    with looking(lone_host.inside, "0.0.0.0", 5555) as ann:
        lone_host.do("ip link set eth0 down")
        assert ann.wait_for_change() == [LOCAL]
        lone_host.do("ip link set eth0 up")
        assert ann.wait_for_change() == [lone_host.ip, LOCAL]
        lone_host.do("ip addr add 10.77.0.99/24 dev eth0")
        assert set(ann.wait_for_change()) == {lone_host.ip, "10.77.0.99", LOCAL}
        ann.ask("advertise")
        with looking(lone_host.inside, lone_host.ip, 5556) as bob:
            addresses = bob.wait_for_found(ann.instance)["addresses"]

    assert set(addresses) == {f"{lone_host.ip}:5555", "10.77.0.99:5555"}


@pytest.mark.threat(29)
def test_a_thousand_forged_answers_a_second_cost_little(lone_host: virtual_lan.LanHost) -> None:
    with looking(lone_host.inside, lone_host.ip) as ann:
        began_at, before = time.monotonic(), ann.ask()
        after = before
        while after["dropped"] <= FORGED / 2 or not after["problem"]:
            # Once more where the system had no room for all of them, on a busy machine.
            subprocess.run(
                [*lone_host.inside, sys.executable, "-m", "tests.net.forger", lone_host.ip,
                 str(FORGED), str(FORGED_PER_S)],
                cwd=ROOT, check=True, timeout=DEADLINE_S,
            )  # fmt: skip
            after = ann.ask()
        took_s = time.monotonic() - began_at

    share = (after["cpu_s"] - before["cpu_s"]) / took_s
    assert share < 0.5, f"busy {share:.0%} of the time"
    assert after["peak_kib"] - before["peak_kib"] < 40 * 1024
    assert after["live"] <= CANDIDATES_LIMIT
    assert 0 < len(ann.found) <= SERVICES_BURST + SERVICES_PER_S * took_s
    assert "floods" in after["problem"]

"""Machines on one LAN find one another; the LAN consists of network namespaces."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.e2e import virtual_lan
from tests.net.lan import Looking, looking

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())

Seat = tuple[virtual_lan.LanHost, Looking]


@pytest.fixture
def seats() -> Iterator[list[Seat]]:
    with ExitStack() as stack:
        hosts = stack.enter_context(virtual_lan.virtual_lan(3))
        yield [(host, stack.enter_context(looking(host.inside, "::"))) for host in hosts]


def test_three_machines_find_one_another(seats: list[Seat]) -> None:
    for _, seat in seats:
        seat.ask("advertise")

    for host, seat in seats:
        for _, other in seats:
            if other is not seat:
                seen = other.wait_for_found(seat.instance)
                assert f"{host.ip}:5555" in seen["addresses"]
                assert seen["same"]


def test_who_is_plugged_in_later_finds_who_is_there_and_is_found(seats: list[Seat]) -> None:
    (_, ann), (_, bob), (host, cid) = seats
    host.do("ip link set eth0 down")
    cid.wait_for_change()
    for _, seat in seats:
        seat.ask("advertise")
    ann.wait_for_found(bob.instance)
    assert cid.ask()["live"] == 0

    host.do("ip link set eth0 up")
    cid.wait_for_change()

    cid.wait_for_found(ann.instance)
    ann.wait_for_found(cid.instance)

"""A node knows where it listens, and notices when that changes."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.values import Address
from p2pchat.net import interfaces
from p2pchat.net.interfaces import InterfaceAddress, InterfaceWatch, own_addresses
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = "127.0.0.1"


def made_up(device: str, text: str) -> InterfaceAddress:
    found = ipaddress.ip_interface(text)
    return InterfaceAddress(device, str(found.ip), found.network)


LOOPBACK = [made_up("lo", "127.0.0.1/8"), made_up("lo", "::1/128")]
CARD = [made_up("eth0", "fe80::5/64"), made_up("eth0", "fd00::5/64"), made_up("eth0", "10.0.0.5/8")]


class Machine:
    """Stands in for the interfaces of this one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.addresses = [*LOOPBACK, *CARD]
        self.looks = 0
        monkeypatch.setattr(interfaces, "_all_addresses", self.look)

    def look(self) -> list[InterfaceAddress]:
        self.looks += 1
        return list(self.addresses)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("::", ["10.0.0.5", "fd00::5", LOCAL, "::1"]),
        ("0.0.0.0", ["10.0.0.5", LOCAL]),
        (LOCAL, [LOCAL]),
        ("10.0.0.5", ["10.0.0.5"]),
        ("192.0.2.9", ["192.0.2.9"]),
    ],
)
def test_a_node_listens_on_the_addresses_it_is_bound_to(host: str, expected: list[str]) -> None:
    assert own_addresses(Address(host, 5)) == tuple(Address(ip, 5) for ip in expected)


def test_this_machine_has_its_loopback() -> None:
    assert Address(LOCAL, 5) in own_addresses(Address("0.0.0.0", 5))


# --- Changes ----------------------------------------------------------------------------------


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Watch as on a system that does not tell of changes."""
    monkeypatch.setattr(sys, "platform", "elsewhere")
    monkeypatch.setattr(interfaces, "_POLL_S", 0.001)
    yield
    monkeypatch.undo()


async def _looks(machine: Machine, count: int) -> None:
    wanted = machine.looks + count
    async with asyncio.timeout(DEADLINE_S):
        while machine.looks < wanted:  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0)


@pytest.mark.usefixtures("polling")
async def test_elsewhere_changes_are_found_by_looking(machine: Machine) -> None:
    told: list[tuple[Address, ...]] = []
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(InterfaceWatch(Address("0.0.0.0", 5)).run(told.append))
        await _looks(machine, 3)
        assert told == []

        machine.addresses = LOOPBACK
        await _looks(machine, 3)
        watching.cancel()

    assert told == [(Address(LOCAL, 5),)]


@pytest.mark.usefixtures("polling")
async def test_a_change_of_an_interface_where_a_node_does_not_listen_is_none(
    machine: Machine,
) -> None:
    told: list[tuple[Address, ...]] = []
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(InterfaceWatch(Address(LOCAL, 5)).run(told.append))
        await _looks(machine, 1)
        machine.addresses = LOOPBACK
        await _looks(machine, 3)
        watching.cancel()

    assert told == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of changes")
async def test_while_nothing_changes_nobody_looks(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interfaces, "_POLL_S", 0.0)
    monkeypatch.setattr(interfaces, "_NETLINK_GROUPS", 0)  # this machine may change meanwhile

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(InterfaceWatch(Address("::", 5)).run(lambda _: None))
        for _ in range(100):
            await asyncio.sleep(0)
        watching.cancel()

    assert machine.looks == 1

"""A LAN that can be torn in two: machines that are network namespaces, and two switches.

Nothing of it is connected to anything outside. Whoever is on the other switch is not refused but
silent, as behind a cable that was pulled.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.e2e.network_namespace import network_namespace
from tests.e2e.virtual_lan import LanHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class SplitLan:
    """Machines, each with a cable to one of two switches."""

    def __init__(self, switches: LanHost, hosts: list[LanHost]) -> None:
        self.hosts = hosts
        self._switches = switches

    def split(self, apart: Iterable[int]) -> None:
        """Plug those machines into the other switch."""
        for place in apart:
            self._plug(place, "right")

    def heal(self) -> None:
        """Plug everybody into one switch."""
        for place in range(len(self.hosts)):
            self._plug(place, "left")

    def _plug(self, place: int, switch: str) -> None:
        self._switches.do(f"ip link set port{place} master {switch}")


@contextmanager
def split_lan(hosts: int) -> Iterator[SplitLan]:
    """Make one for a while; everybody is on one switch."""
    with ExitStack() as stack:
        switches = LanHost(stack.enter_context(network_namespace()), "")
        for name in ("left", "right"):
            switches.do(f"ip link add {name} type bridge mcast_snooping 0")
            switches.do(f"ip link set {name} up")
        machines = [
            LanHost(stack.enter_context(network_namespace()), f"10.77.{n // 250}.{n % 250 + 1}")
            for n in range(hosts)
        ]
        for place, machine in enumerate(machines):
            process = machine.inside[1].split("/")[2]
            switches.do(f"ip link add port{place} type veth peer name eth0 netns {process}")
            switches.do(f"ip link set port{place} master left up")
            machine.do(f"ip addr add {machine.ip}/16 dev eth0")
            machine.do("ip link set eth0 up")
        yield SplitLan(switches, machines)

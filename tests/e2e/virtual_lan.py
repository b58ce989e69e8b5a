"""A LAN of some machines that consists of network namespaces only: a switch, and cables to it."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e import network_namespace
from tests.e2e.network_namespace import network_namespace as make_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import JsonProgram, Programs


@dataclass(frozen=True)
class LanHost:
    """One machine on it; its card is called eth0."""

    inside: tuple[str, ...]
    """What to put in front of a command to run it there."""
    ip: str

    def do(self, command: str) -> None:
        """Run a command there and wait for it."""
        subprocess.run([*self.inside, *command.split()], check=True, capture_output=True)


def start(programs: Programs, host: LanHost, nick: str, *flags: str) -> JsonProgram:
    """Start a program as people do, with neither address nor port, at a machine of its own."""
    home = programs.home().parent / nick
    program = programs.json(
        "-n", nick, *flags, home=home, wrapper=host.inside, host=None, port=None
    )
    program.wait_for_object("ready")
    return program


def why_not() -> str:
    """Tell why there can be none here; an empty text when there can."""
    if why := network_namespace.why_not():
        return why
    with make_namespace() as inside:
        making = "ip link add v0 type veth peer name v1 && ip link add s0 type bridge"
        tried = subprocess.run([*inside, "sh", "-c", making], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this system has no virtual cables and switches"


@contextmanager
def virtual_lan(hosts: int) -> Iterator[list[LanHost]]:
    """Make one for a while; nothing of it is connected to anything outside."""
    with ExitStack() as stack:
        switch = LanHost(stack.enter_context(make_namespace()), "")
        switch.do("ip link add switch type bridge mcast_snooping 0")
        switch.do("ip link set switch up")
        found = []
        for number in range(1, hosts + 1):
            host = LanHost(stack.enter_context(make_namespace()), f"10.77.0.{number}")
            _plug_in(switch, host, number)
            found.append(host)
        yield found


def _plug_in(switch: LanHost, host: LanHost, number: int) -> None:
    process = host.inside[1].split("/")[2]
    switch.do(f"ip link add port{number} type veth peer name eth0 netns {process}")
    switch.do(f"ip link set port{number} master switch up")
    host.do(f"ip addr add {host.ip}/24 dev eth0")
    host.do("ip link set eth0 up")

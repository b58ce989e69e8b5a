"""Addresses of this machine: those that others can type, and those that it has right now."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from p2pchat.core.values import Address
from p2pchat.net.readiness import until_readable

# Addresses set aside for documentation (RFC 5737, RFC 3849): connecting a UDP socket sends
# nothing, it only asks the routing table which own address would be used.
_SOMEWHERE: Final = (
    (socket.AF_INET, "192.0.2.1", "127.0.0.1"),
    (socket.AF_INET6, "2001:db8::1", "::1"),
)

_SETTLE_S: Final = 0.25
"""One change comes as several messages; they are read together after so long."""

_POLL_S: Final = 5.0
"""Between two looks where the system does not tell of changes."""

_NETLINK_GROUPS: Final = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR of linux/rtnetlink.h."""

_SIOCGIFFLAGS: Final = 0x8913
_RUNNING: Final = 0x1 | 0x40
"""IFF_UP and IFF_RUNNING of linux/if.h: switched on, with a cable in it."""


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of one interface."""

    device: str
    ip: str
    """Without a scope."""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network

    @property
    def is_loopback(self) -> bool:
        """Whether it leads to this machine only."""
        return ipaddress.ip_address(self.ip).is_loopback

    @property
    def is_ipv6(self) -> bool:
        """Whether it is of the newer family."""
        return ":" in self.ip

    @property
    def is_link_local(self) -> bool:
        """Whether it means nothing without the interface."""
        return ipaddress.ip_address(self.ip).is_link_local


def reachable_addresses(bound: Address) -> tuple[Address, ...]:
    """Return what others can type to reach a node that is bound there, IPv4 first."""
    if not bound.is_any:
        return (bound,)
    families = _SOMEWHERE if bound.host == "::" else _SOMEWHERE[:1]
    own = [(_own_address(family, far), loopback) for family, far, loopback in families]
    if not any(host for host, _ in own):
        return own_addresses(bound)  # no way out, but perhaps others on the same wire
    hosts = [host for host, _ in own if host] + [loopback for _, loopback in own]
    return tuple(Address(host, bound.port) for host in dict.fromkeys(hosts))


def own_addresses(bound: Address) -> tuple[Address, ...]:
    """Return where a node that is bound there listens, IPv4 first, loopback last.

    Those of interfaces that are off or link-local are left out.
    """
    if not bound.is_any:
        return (bound,)
    listening = [own for own in interface_addresses(bound) if not own.is_link_local]
    listening.sort(key=lambda own: (own.is_loopback, own.is_ipv6))
    return tuple(dict.fromkeys(Address(own.ip, bound.port) for own in listening))


def interface_addresses(bound: Address) -> list[InterfaceAddress]:
    """Return the addresses of the interfaces that are on and where a node so bound listens."""
    found = [own for own in _all_addresses() if bound.is_any or own.ip == bound.host]
    if bound.host == "0.0.0.0":
        return [own for own in found if not own.is_ipv6]
    return found


class InterfaceWatch:
    """Tells when the addresses change on which a node listens.

    On Linux the system says so, and nothing wakes up while nothing changes; elsewhere it looks
    every 5 seconds.
    """

    def __init__(self, bound: Address) -> None:
        self._bound = bound

    async def run(self, on_change: Callable[[tuple[Address, ...]], None]) -> None:
        """Watch until cancelled; what is handed over is the answer of `own_addresses`."""
        with _netlink() as link:
            known = interface_addresses(self._bound)
            while True:
                await _until_news(link)
                found = interface_addresses(self._bound)
                if found != known:
                    known = found
                    on_change(own_addresses(self._bound))


async def _until_news(link: socket.socket | None) -> None:
    if link is None:
        await asyncio.sleep(_POLL_S)
        return
    await until_readable(link)
    await asyncio.sleep(_SETTLE_S)
    # Read empty before the addresses are read, so that no change falls in between.
    while _takes_one(link):
        pass


def _takes_one(link: socket.socket) -> bool:
    try:
        link.recv(65_536)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno == errno.ENOBUFS  # more was said than fits; the rest is still there
    return True


@contextmanager
def _netlink() -> Iterator[socket.socket | None]:
    """Open what Linux tells of changes by; None where there is no such thing."""
    if sys.platform != "linux":
        yield None
        return
    try:
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError:
        yield None  # a sandbox may forbid it
        return
    with link:
        link.setblocking(False)
        link.bind((0, _NETLINK_GROUPS))
        yield link


def _all_addresses() -> list[InterfaceAddress]:
    # Imported here because it loads ctypes, which a program that never starts a node does not
    # need.
    import ifaddr  # noqa: PLC0415

    found = []
    for adapter in ifaddr.get_adapters():
        if not _is_running(adapter.name):
            continue
        for own in adapter.ips:
            ip = own.ip[0] if isinstance(own.ip, tuple) else own.ip
            plain = ip.partition("%")[0]
            network = ipaddress.ip_network((plain, own.network_prefix), strict=False)
            found.append(InterfaceAddress(adapter.name, plain, network))
    return found


def _is_running(device: str) -> bool:
    """Tell whether an interface is on; where the system can't be asked, it is."""
    if sys.platform != "linux":
        return True
    import fcntl  # noqa: PLC0415 - there is none on Windows

    request = struct.pack("16s16x", device.encode()[:15])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, request)
    except OSError:
        return False  # it has gone meanwhile
    (flags,) = struct.unpack("16xH14x", answer)
    return bool(flags & _RUNNING == _RUNNING)


def _own_address(family: socket.AddressFamily, far: str) -> str | None:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((far, 9))
        return str(probe.getsockname()[0])
    return None

"""Addresses of this machine that others can type."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

from p2pchat.core.values import Address

# Addresses set aside for documentation (RFC 5737, RFC 3849): connecting a UDP socket sends
# nothing, it only asks the routing table which own address would be used.
_SOMEWHERE: Final = (
    (socket.AF_INET, "192.0.2.1", "127.0.0.1"),
    (socket.AF_INET6, "2001:db8::1", "::1"),
)


def reachable_addresses(bound: Address) -> tuple[Address, ...]:
    """Return what others can type to reach a node that is bound there, IPv4 first."""
    if not bound.is_any:
        return (bound,)
    families = _SOMEWHERE if bound.host == "::" else _SOMEWHERE[:1]
    own = [(_own_address(family, far), loopback) for family, far, loopback in families]
    hosts = [host for host, _ in own if host] + [loopback for _, loopback in own]
    return tuple(Address(host, bound.port) for host in dict.fromkeys(hosts))


def _own_address(family: socket.AddressFamily, far: str) -> str | None:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((far, 9))
        return str(probe.getsockname()[0])
    return None

"""Peers, addresses and records for the tests of the address book."""

from __future__ import annotations

from hashlib import blake2b

from p2pchat.core.records import AddressRecord, Scope
from p2pchat.core.values import Address, PeerId

WALL_MS = 1_700_000_000_000
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS


def peer_id(name: object) -> PeerId:
    """An id that is always the same for one name."""
    return PeerId(blake2b(str(name).encode(), digest_size=32).digest())


def public_ip(network: int, machine: int) -> str:
    """An address in one of 5,000 netgroups; nothing is ever sent there."""
    return f"{20 + network // 250}.{network % 250}.{machine // 250}.{machine % 250 + 1}"


def record_of(
    name: object,
    *ips: str,
    time_ms: int = WALL_MS,
    port: int = 55555,
    is_diallable: bool = True,
) -> AddressRecord:
    """A record as if it had been verified."""
    addresses = tuple(Address(ip, port) for ip in ips)
    return AddressRecord(
        peer_id(name), time_ms, addresses, Scope.PUBLIC, is_diallable, bytes(64), b"signed"
    )

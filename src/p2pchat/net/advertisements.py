"""What a node says of itself on a LAN, and what of that is believed."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from p2pchat.core import limits
from p2pchat.core.records import is_offerable, normal_ip
from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.net.interfaces import InterfaceAddress

SERVICE_TYPE: Final = "_p2pchat._tcp.local."
"""By RFC 6763; what people see in a browser for services too."""

INSTANCE_BYTES: Final = 8
_INSTANCE: Final = re.compile(r"[0-9a-f]{16}")
"""A name is drawn at each start, so that nobody is followed by it from one network to another."""

_VERSION: Final = b"1"
_ROOM_BYTES: Final = 4
_TAG_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class LanService:
    """Something on the LAN that says that it is a node; only dialling it proves anything."""

    instance: str
    """16 hex digits, drawn at its start."""
    addresses: tuple[Address, ...]
    """One or more of this network or machine."""
    is_same_room: bool


class Resolved(Protocol):
    """What DNS-SD has found out about a service; zeroconf's ServiceInfo is one."""

    @property
    def name(self) -> str:
        """Instance and type."""
        ...

    @property
    def port(self) -> int | None:
        """TCP port."""
        ...

    @property
    def properties(self) -> Mapping[bytes, bytes | None]:
        """The TXT record."""
        ...

    def parsed_scoped_addresses(self) -> list[str]:
        """IP addresses; link-local ones with `%` and their scope."""
        ...


def text_record(room: Room, instance: str) -> dict[str, str]:
    """Return what an advertisement says besides addresses and port: neither nick nor id.

    The name of an open room is no secret; a private one is recognised by its members only.
    """
    key, mark = _mark(room, instance)
    return {"v": _VERSION.decode(), key: mark}


def instance_of(name: str) -> str | None:
    """Return the instance in a full service name; None where it is none of ours."""
    instance = name.removesuffix(f".{SERVICE_TYPE}")
    return instance if _INSTANCE.fullmatch(instance) and instance != name else None


def read_service(found: Resolved, room: Room, is_near: Callable[[str], bool]) -> LanService | None:
    """Check what somebody says on the LAN; None when there is nothing to dial.

    Args:
        found: What DNS-SD knows about it; all of it may be a lie.
        room: Our own.
        is_near: Whether an IP address may be dialled because somebody on this LAN says so.
    """
    instance = instance_of(found.name)
    if instance is None or found.properties.get(b"v") != _VERSION:
        return None
    port = found.port or 0
    if not limits.LEAST_PORT <= port <= 65_535:
        return None
    near = [_normal(ip) for ip in found.parsed_scoped_addresses() if is_near(ip)]
    addresses = tuple(Address(ip, port) for ip in dict.fromkeys(near))[: limits.RECORD_ADDRESSES]
    if not addresses:
        return None
    return LanService(instance, addresses, _is_marked(found.properties, room, instance))


def is_near(ip: str, own: list[InterfaceAddress]) -> bool:
    """Tell whether an address is on this LAN, as far as our own addresses show.

    Private ones, and all of our own networks. Link-local ones need their scope or an own address
    of that kind; loopback ones count where we have nothing else, for they are another machine's.
    """
    plain, _, scope = ip.partition("%")
    try:
        address = ipaddress.ip_address(normal_ip(plain))
    except ValueError:
        return False
    if address.is_loopback:
        return all(one.is_loopback for one in own)
    if address.is_link_local and address.version == 6:
        return bool(scope)
    if any(address in one.network for one in own if not one.is_loopback):
        return not address.is_multicast
    return address.is_private and is_offerable(Address(str(address), limits.DEFAULT_PORT))


def _normal(ip: str) -> str:
    """Keep the scope of a link-local address, without which it can't be dialled."""
    return ip if ip.startswith("fe") and "%" in ip else normal_ip(ip)


def _mark(room: Room, instance: str) -> tuple[str, str]:
    if room.is_open:
        return "room", blake2b(room.network_id, digest_size=_ROOM_BYTES).hexdigest()
    tag = hmac.digest(room.discovery_key, instance.encode(), "sha256")
    return "tag", tag[:_TAG_BYTES].hex()


def _is_marked(properties: Mapping[bytes, bytes | None], room: Room, instance: str) -> bool:
    key, mark = _mark(room, instance)
    return hmac.compare_digest(properties.get(key.encode()) or b"", mark.encode())

"""Address records: where their owners say that they can be dialled, and who may learn that."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Final, Protocol

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.fields import AddressText, Id16, Key, Number
from p2pchat.core.values import Address, PeerId
from p2pchat.errors import BadAddress

_REMEMBERED: Final = 4_096
"""Answers about addresses that are kept: reading one costs more than all else done with it."""

_OFTEN_REMEMBERED: Final = 16_384
"""The same for how far and in which network they are, which is asked for again and again. At most
3 MiB each."""

UNDIALLABLE: Final = 1
"""Bit in the flags of a record whose owner knows that others can't dial it."""


class Scope(IntEnum):
    """How far a peer, or what an address is good for, is from here."""

    MACHINE = 0
    PRIVATE = 1
    PUBLIC = 2


class RecordHeader(Struct, frozen=True, array_like=True):
    """What the owner of a record signs, as one msgpack array."""

    network: Id16
    peer: Key
    time_ms: Number
    """The owner's clock; the later of two records counts."""
    addresses: Annotated[tuple[AddressText, ...], Meta(max_length=limits.RECORD_ADDRESSES)]
    flags: Annotated[int, Meta(ge=0, le=255)] = 0


class AddressRecord(Struct, frozen=True):
    """A record that was verified, together with the very bytes that were signed."""

    peer: PeerId
    time_ms: int
    addresses: tuple[Address, ...]
    """Only those that may be dialled because somebody says so."""
    scope: Scope
    """The nearest of its addresses: nobody farther away may learn them."""
    is_diallable: bool
    signature: bytes
    signed: bytes


class RecordCodec(Protocol):
    """Bytes to values and back for what is inside a record."""

    def encode_record(self, header: RecordHeader) -> bytes:
        """Make the bytes to be signed."""
        ...

    def decode_record(self, signed: bytes) -> RecordHeader:
        """Read signed bytes; FrameMalformed when they are no record."""
        ...


class RecordSignatures(Protocol):
    """Signs this node's records, checks those of all."""

    def sign_record(self, message: bytes) -> bytes:
        """Return this node's 64-byte signature, with ADDRESS_CONTEXT."""
        ...

    def is_valid_record(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that peer, and nobody else who could be, signed those bytes."""
        ...


@lru_cache(_OFTEN_REMEMBERED)
def scope_of(ip: str) -> Scope:
    """Tell how far an IP address reaches; whatever is none reaches everywhere."""
    try:
        address = _normal(ip)
    except ValueError:
        return Scope.PUBLIC
    if address.is_loopback:
        return Scope.MACHINE
    return Scope.PRIVATE if address.is_private else Scope.PUBLIC


@lru_cache(_REMEMBERED)
def normal_ip(ip: str) -> str:
    """Return an IP address in its shortest form, an IPv4-mapped one as IPv4; others as they are.

    The scope of a link-local one stays: without it, nobody can be reached there.
    """
    try:
        address = _normal(ip)
    except ValueError:
        return ip
    scope = ip.partition("%")[2]
    return f"{address}%{scope}" if scope and address.is_link_local else str(address)


@lru_cache(_OFTEN_REMEMBERED)
def netgroup(ip: str) -> str | None:
    """Return the /16 of IPv4 or /32 of IPv6 that an address is in; None for private ones.

    Whoever wants addresses in many groups has to rent them from many.
    """
    try:
        address = _normal(ip)
    except ValueError:
        return None
    if address.is_private or address.is_loopback:
        return None
    size = 16 if isinstance(address, ipaddress.IPv4Address) else 32
    return str(ipaddress.ip_network((address, size), strict=False))


def is_netgroup(text: str) -> bool:
    """Tell whether a text is what `netgroup` returns for some address."""
    return netgroup(text.partition("/")[0]) == text


@lru_cache(_REMEMBERED)
def is_offerable(address: Address) -> bool:
    """Tell whether an address may be dialled because somebody else says so.

    Numeric, no multicast, unspecified, reserved or link-local one, and none of the ports that
    other people's services have.
    """
    if address.plain or address.port < limits.LEAST_PORT:
        return False
    try:
        ip = _normal(address.host)
    except ValueError:
        return False
    return not (ip.is_multicast or ip.is_unspecified or ip.is_reserved or ip.is_link_local)


def offerable(addresses: Iterable[Address], farthest: Scope) -> tuple[Address, ...]:
    """Return those that a peer so far away may learn, or may tell us, without repetition.

    Loopback stays on this machine, private ranges go to private peers only.
    """
    found = {
        Address(normal_ip(address.host), address.port): None
        for address in addresses
        if is_offerable(address) and scope_of(address.host) >= farthest
    }
    return tuple(found)[: limits.RECORD_ADDRESSES]


def read_addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses among those texts; what is none is left out."""
    addresses = []
    for text in texts:
        try:
            addresses.append(Address.parse(text))
        except BadAddress:
            continue
    return tuple(addresses)


def is_current(time_ms: int, wall_ms: int) -> bool:
    """Tell whether a record of that time is valid by our own clock."""
    age_s = (wall_ms - time_ms) / 1000
    return -limits.RECORD_AHEAD_S <= age_s <= limits.RECORD_LIFE_S


def _normal(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address

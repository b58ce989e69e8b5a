"""What the address book knows about a peer, and how one entry is judged."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.records import AddressRecord, is_current, netgroup, normal_ip
from p2pchat.core.values import PEER_ID_BYTES, Address, PeerId

FAILURES_LIMIT: Final = 1_000
"""Failures are counted so far; more make nobody worse."""

HOST_LIMIT_CHARACTERS: Final = 253
"""Longest host name (RFC 1035)."""

_FAILED_CHANCE: Final = 0.66
_FAILURES_WEIGHED: Final = 8
"""Each failure makes a peer so much less likely to be chosen in its network, up to 8 (addrman's).
Never impossible: to forget who failed keeps healed partitions apart."""

_SIGNATURE_BYTES: Final = 64
_RECORD_TIME_LIMIT_MS: Final = 2**53
"""As in a record on the wire; a file may hold a number that no division takes."""


class BookEntry(Struct, frozen=True):
    """What the book knows about one peer; times are of our wall clock, in ms, 0 for never."""

    peer: PeerId
    addresses: tuple[Address, ...]
    """Where it was dialled, or will have been; empty where only its record tells."""
    record: AddressRecord | None
    source: PeerId | None
    """Who told us; None for those that we dialled."""
    is_tried: bool
    heard_ms: int
    """When its record came."""
    last_success_ms: int = 0
    last_try_ms: int = 0
    failures: int = 0
    """Dials that failed since the last success."""

    @property
    def all_addresses(self) -> tuple[Address, ...]:
        """Those that worked, then those that its owner tells, at most RECORD_ADDRESSES."""
        told = self.record.addresses if self.record else ()
        return tuple(dict.fromkeys(self.addresses + told))[: limits.RECORD_ADDRESSES]

    @property
    def known_ms(self) -> int:
        """When we last had a reason to believe in it."""
        return max(self.heard_ms, self.last_success_ms)

    def is_expired(self, wall_ms: int) -> bool:
        """Tell whether it is too old to be dialled."""
        if self.last_success_ms:
            return wall_ms - self.last_success_ms > limits.BOOK_LIFE_S * 1000
        return self.record is None or not is_current(self.record.time_ms, wall_ms)


class Candidate(Struct, frozen=True):
    """Somebody to dial, the most promising address first."""

    peer: PeerId
    addresses: tuple[Address, ...]
    record: AddressRecord | None
    """Only while it is valid."""


class BookState(Struct, frozen=True):
    """A whole book as plain values, to be written down."""

    key: bytes
    entries: tuple[BookEntry, ...]
    anchors: tuple[PeerId, ...]
    insistent: tuple[str, ...] = ()
    """Networks that wanted each place that became free; they are dialled last."""


def candidate(entry: BookEntry, wall_ms: int) -> Candidate:
    """Return what a dialler has to know."""
    record = entry.record
    if record is not None and not is_current(record.time_ms, wall_ms):
        record = None
    return Candidate(entry.peer, entry.all_addresses, record)


def chance(entry: BookEntry) -> float:
    """Weigh an entry against others of its network."""
    return float(_FAILED_CHANCE ** min(entry.failures, _FAILURES_WEIGHED))


def worst_of(entries: Iterable[BookEntry], wall_ms: int) -> BookEntry:
    """Return the one to do without: expired, else failed most, else known for longest."""
    return max(entries, key=lambda e: (e.is_expired(wall_ms), e.failures, -e.known_ms))


def is_worth_adding(record: AddressRecord, wall_ms: int) -> bool:
    """Tell whether a record is valid and leads somewhere."""
    return bool(record.addresses) and record.is_diallable and is_current(record.time_ms, wall_ms)


def later(one: AddressRecord | None, other: AddressRecord | None) -> AddressRecord | None:
    """Return the record that its owner made later."""
    if one is None or other is None:
        return one or other
    return one if one.time_ms >= other.time_ms else other


def diallable(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Return those that a peer can be dialled at, without repetition, RECORD_ADDRESSES at most."""
    found = {
        Address(normal_ip(address.host), address.port): None
        for address in addresses
        if not address.plain
        and not address.is_any
        and 0 < address.port < 2**16
        and len(address.host) <= HOST_LIMIT_CHARACTERS
    }
    return tuple(found)[: limits.RECORD_ADDRESSES]


def sound(entry: BookEntry, wall_ms: int) -> BookEntry | None:
    """Cut an entry that was read to its bounds; None when nothing of use is left.

    Times that are yet to come become now, or they would be believed for ever.
    """
    addresses, record = diallable(entry.addresses), _sound_record(entry)
    success_ms = _past(entry.last_success_ms, wall_ms)
    is_tried = entry.is_tried and success_ms > 0 and bool(addresses)
    has_source = not is_tried and entry.source and len(entry.source) == PEER_ID_BYTES
    kept = replace(
        entry,
        addresses=addresses if success_ms else (),
        record=record,
        source=entry.source if has_source else None,
        is_tried=is_tried,
        heard_ms=_past(entry.heard_ms, wall_ms),
        last_success_ms=success_ms,
        last_try_ms=_past(entry.last_try_ms, wall_ms),
        failures=min(max(entry.failures, 0), FAILURES_LIMIT),
    )
    is_lost = not kept.all_addresses or kept.is_expired(wall_ms)
    return None if is_lost or len(entry.peer) != PEER_ID_BYTES else kept


def _sound_record(entry: BookEntry) -> AddressRecord | None:
    record = entry.record
    if record is None or record.peer != entry.peer:
        return None
    is_bounded = (
        0 < len(record.addresses) <= limits.RECORD_ADDRESSES
        and len(record.signed) <= limits.RECORD_LIMIT_BYTES
        and len(record.signature) == _SIGNATURE_BYTES
        and 0 <= record.time_ms <= _RECORD_TIME_LIMIT_MS
    )
    return record if is_bounded and record.addresses == diallable(record.addresses) else None


def _past(time_ms: int, wall_ms: int) -> int:
    return min(max(time_ms, 0), wall_ms)


@lru_cache(maxsize=4096)
def subnet(host: str) -> str:
    """Name the network that fills buckets together: private ones by /24 or /64, names alone."""
    return netgroup(host) or _local_network(host)


@lru_cache(maxsize=4096)
def spread_group(host: str) -> str:
    """Name what is chosen together: a netgroup, or one private address or name."""
    return netgroup(host) or normal_ip(host)


def _local_network(host: str) -> str:
    try:
        address = ipaddress.ip_address(normal_ip(host).partition("%")[0])
    except ValueError:
        return host.lower()
    if address.is_loopback:
        return str(address)
    size = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((str(address), size), strict=False))

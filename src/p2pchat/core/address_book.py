"""Who could be dialled tomorrow: peers with their addresses, bounded against whoever lies.

After the idea of Bitcoin Core's addrman. Two tables: *tried* (we dialled the peer and its key
appeared) and *new* (somebody handed on what the peer signed). Each has buckets, and a secret key
chooses the bucket by where the address is. Keys of peers cost nothing, so neither the peer nor
its source may choose more than one of the few buckets that its network can reach; what a source
may bring is a count. What comes into *new* never displaces anything in *tried*.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.book_entries import (
    FAILURES_LIMIT,
    BookEntry,
    BookState,
    Candidate,
    candidate,
    diallable,
    is_worth_adding,
    later,
    sound,
    spread_group,
    subnet,
    worst_of,
)
from p2pchat.core.book_tables import BookPool, BookTable
from p2pchat.core.holdings import Holding
from p2pchat.core.records import AddressRecord, is_current, is_netgroup
from p2pchat.core.values import Address, PeerId

if TYPE_CHECKING:
    from random import Random

KEY_BYTES: Final = 32
"""Length of the key that chooses buckets; whoever knew it could aim at one bucket."""

GROUP_BUCKETS: Final = 4
"""Buckets of a table that one netgroup reaches: 64 peers of a local network are remembered, and
8 netgroups of an attacker reach 40 % of a table (addrman's share is smaller, of more buckets)."""


class AddressBook:
    """Peers that could be dialled; at most 2 x BOOK_BUCKETS x BOOK_BUCKET_ENTRIES."""

    def __init__(self, rng: Random) -> None:
        """Start empty.

        Args:
            rng: Draws the secret key of the book: nobody else may be able to foresee it.
        """
        self._key = rng.randbytes(KEY_BYTES)
        self._tried = BookTable()
        self._new = BookTable()
        # The peers in `new` by who told us of them.
        self._told_by: dict[PeerId, dict[PeerId, None]] = {}
        self._anchors: tuple[PeerId, ...] = ()
        self._insistent: tuple[str, ...] = ()
        self._is_changed = False

    def __len__(self) -> int:
        return len(self._tried) + len(self._new)

    def __contains__(self, peer: PeerId) -> bool:
        return self._find(peer) is not None

    @property
    def is_changed(self) -> bool:
        """Whether there is something that was not written yet."""
        return self._is_changed

    @property
    def anchors(self) -> tuple[PeerId, ...]:
        """Who is dialled first after the next start."""
        return self._anchors

    @property
    def insistent(self) -> tuple[str, ...]:
        """Networks that wanted each place that became free."""
        return self._insistent

    def take_changed(self) -> bool:
        """Tell whether the book has changed since the last call."""
        changed, self._is_changed = self._is_changed, False
        return changed

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        size = limits.BOOK_BUCKETS * limits.BOOK_BUCKET_ENTRIES
        most = max((len(told) for told in self._told_by.values()), default=0)
        return (
            Holding("peers dialled before", len(self._tried), size),
            Holding("peers heard of", len(self._new), size),
            Holding("sources of addresses", len(self._told_by), size),
            Holding("peers heard of from one source", most, limits.BOOK_PER_SOURCE),
            Holding("insistent networks", len(self._insistent), limits.INSISTENT_KEPT),
        )

    def add(self, record: AddressRecord, source: PeerId, wall_ms: int) -> bool:
        """Take a verified record that somebody handed on; tell whether anything was learnt.

        The later record of a known peer replaces the earlier one. Refused are those that are not
        current or lead nowhere, and those of a source that has told us of enough peers, unless
        one of these has turned out to be worthless.
        """
        if not is_worth_adding(record, wall_ms):
            return False
        known = self._find(record.peer)
        if known is not None:
            return self._renew(known, record, wall_ms)
        if not self._has_room(source, wall_ms):
            return False
        entry = BookEntry(record.peer, (), record, source, is_tried=False, heard_ms=wall_ms)
        self._put_new(entry, wall_ms)
        return True

    def note_success(
        self,
        peer: PeerId,
        addresses: tuple[Address, ...],
        record: AddressRecord | None,
        wall_ms: int,
    ) -> None:
        """Remember that we dialled a peer and its key appeared.

        Args:
            peer: Whose key it was.
            addresses: Where, the one that led to him first; empty to keep those known.
            record: His own, verified; None when he has shown none.
            wall_ms: Our wall clock.
        """
        known = self._find(peer)
        worked = diallable(addresses) or (known.all_addresses if known else ())
        if record is None or record.peer != peer or not is_current(record.time_ms, wall_ms):
            record = None
        record = later(record, known.record if known else None)
        worked = worked or (record.addresses if record else ())
        if not worked:
            return
        self._remove(peer)
        entry = BookEntry(
            peer, worked, record, None, is_tried=True,
            heard_ms=wall_ms, last_success_ms=wall_ms, last_try_ms=wall_ms,
        )  # fmt: skip
        self._put_tried(entry, wall_ms)

    def note_failure(self, peer: PeerId, wall_ms: int) -> None:
        """Remember that a dial led to nobody; the peer stays, and is chosen less often."""
        known = self._find(peer)
        if known is None:
            return
        failures = min(known.failures + 1, FAILURES_LIMIT)
        self._update(replace(known, failures=failures, last_try_ms=wall_ms))

    def forget(self, peer: PeerId) -> None:
        """Drop a peer, for instance one whose address shows another key."""
        if self._find(peer) is None:
            return
        self._remove(peer)
        self._is_changed = True
        self.set_anchors(anchor for anchor in self._anchors if anchor != peer)

    def set_anchors(self, peers: Iterable[PeerId]) -> None:
        """Name the neighbours that are dialled first after the next start.

        Args:
            peers: The best first; of those that we dialled ANCHORS are taken.
        """
        dialled = [peer for peer in dict.fromkeys(peers) if peer in self._tried]
        anchors = tuple(dialled[: limits.ANCHORS])
        self._is_changed |= anchors != self._anchors
        self._anchors = anchors

    def set_insistent(self, networks: Iterable[str]) -> None:
        """Name the networks whose peers come last; INSISTENT_KEPT of them are taken."""
        insistent = tuple(sorted(networks)[: limits.INSISTENT_KEPT])
        self._is_changed |= insistent != self._insistent
        self._insistent = insistent

    def candidates(
        self, count: int, rng: Random, wall_ms: int, without: Container[PeerId] = ()
    ) -> list[Candidate]:
        """Choose whom to dial: the anchors, then by chance from both tables.

        A netgroup is chosen first and then somebody in it, so that many ids in few networks
        weigh no more than few. Those of insistent networks come last. Nobody expired, nobody twice.

        Args:
            count: At most so many.
            rng: The caller's.
            wall_ms: Our wall clock.
            without: Whom not to choose.
        """
        welcome, insistent = self._split(without, wall_ms)
        anchors = [welcome.pop(peer) for peer in self._anchors if peer in welcome]
        chosen = anchors[: max(count, 0)]
        for entries in (welcome, insistent):
            if len(chosen) < count:
                chosen += _drawn(entries, count - len(chosen), rng)
        return [candidate(entry, wall_ms) for entry in chosen]

    def _split(
        self, without: Container[PeerId], wall_ms: int
    ) -> tuple[dict[PeerId, BookEntry], dict[PeerId, BookEntry]]:
        """Return whom to dial, and whom only then: those of insistent networks."""
        welcome: dict[PeerId, BookEntry] = {}
        insistent: dict[PeerId, BookEntry] = {}
        for entry in (*self._tried, *self._new):
            if entry.peer not in without and not entry.is_expired(wall_ms):
                is_last = spread_group(entry.all_addresses[0].host) in self._insistent
                (insistent if is_last else welcome)[entry.peer] = entry
        return welcome, insistent

    def snapshot(self) -> BookState:
        """Return all that is known; `restore` makes the same book of it."""
        return BookState(self._key, (*self._tried, *self._new), self._anchors, self._insistent)

    def restore(self, state: BookState, wall_ms: int) -> None:
        """Take over what an earlier run knew, in the place of what this book knows.

        The file may be old or damaged: what is out of bounds is left out or cut, what has expired
        is left out. Signatures are not checked again.
        """
        if len(state.key) == KEY_BYTES:
            self._key = state.key
        self._tried, self._new, self._told_by = BookTable(), BookTable(), {}
        for entry in state.entries:
            kept = sound(entry, wall_ms)
            if kept is not None and kept.peer not in self:
                self._take_over(kept, wall_ms)
        self.set_anchors(state.anchors)
        self.set_insistent(filter(is_netgroup, state.insistent))
        self._is_changed = self.snapshot() != state

    def _take_over(self, entry: BookEntry, wall_ms: int) -> None:
        if entry.is_tried:
            self._put_tried(entry, wall_ms)
        elif entry.source is None or self._has_room(entry.source, wall_ms):
            self._put_new(entry, wall_ms)

    def _find(self, peer: PeerId) -> BookEntry | None:
        return self._tried.get(peer) or self._new.get(peer)

    def _renew(self, known: BookEntry, record: AddressRecord, wall_ms: int) -> bool:
        if known.record is not None and record.time_ms <= known.record.time_ms:
            return False
        renewed = replace(known, record=record, heard_ms=wall_ms)
        if known.is_tried:
            self._update(renewed)
        else:  # its addresses may be elsewhere now, and so its bucket
            self._remove(known.peer)
            self._put_new(renewed, wall_ms)
        return True

    def _has_room(self, source: PeerId, wall_ms: int) -> bool:
        """Tell whether a source may tell of one more; the worst of his makes room if it can."""
        told = self._told_by.get(source, {})
        if len(told) < limits.BOOK_PER_SOURCE:
            return True
        worst = worst_of((entry for peer in told if (entry := self._new.get(peer))), wall_ms)
        if not worst.is_expired(wall_ms) and not worst.failures:
            return False
        self._remove(worst.peer)
        return True

    def _put_tried(self, entry: BookEntry, wall_ms: int) -> None:
        bucket = self._bucket(entry, str(entry.addresses[0]).encode())
        held = self._tried.bucket(bucket)
        if len(held) >= limits.BOOK_BUCKET_ENTRIES:
            worst = worst_of((e for e in held if e.peer not in self._anchors), wall_ms)
            is_expired = worst.is_expired(wall_ms)
            if not is_expired and worst.last_success_ms > entry.last_success_ms:
                self._demote(entry, wall_ms)
                return
            self._remove(worst.peer)
            if not is_expired:
                self._demote(worst, wall_ms)
        self._tried.put(entry, bucket)
        self._is_changed = True

    def _demote(self, entry: BookEntry, wall_ms: int) -> None:
        # It was true once: it has to hold its own among the new ones.
        self._put_new(replace(entry, is_tried=False), wall_ms)

    def _put_new(self, entry: BookEntry, wall_ms: int) -> None:
        bucket = self._bucket(entry, entry.source or b"")
        held = self._new.bucket(bucket)
        if len(held) >= limits.BOOK_BUCKET_ENTRIES:
            self._remove(worst_of(held, wall_ms).peer)
        self._new.put(entry, bucket)
        if entry.source is not None:
            self._told_by.setdefault(entry.source, {})[entry.peer] = None
        self._is_changed = True

    def _update(self, entry: BookEntry) -> None:
        (self._tried if entry.is_tried else self._new).update(entry)
        self._is_changed = True

    def _remove(self, peer: PeerId) -> None:
        self._tried.remove(peer)
        entry = self._new.remove(peer)
        if entry is None or entry.source is None:
            return
        told = self._told_by[entry.source]
        del told[peer]
        if not told:
            del self._told_by[entry.source]

    def _bucket(self, entry: BookEntry, chooser: bytes) -> int:
        """Choose one of the few buckets of the netgroup; what strangers pick only says which."""
        table = b"tried" if entry.is_tried else b"new"
        group = subnet(entry.all_addresses[0].host).encode()
        place = self._number(table, group, chooser) % GROUP_BUCKETS
        return self._number(table, group, bytes((place,))) % limits.BOOK_BUCKETS

    def _number(self, *parts: bytes) -> int:
        # Each part behind its length, or two lists of parts could be one text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return int.from_bytes(blake2b(text, key=self._key, digest_size=8).digest(), "big")


def _drawn(entries: dict[PeerId, BookEntry], count: int, rng: Random) -> list[BookEntry]:
    """Draw so many at most, from both tables by chance."""
    pools = [
        BookPool(e for e in entries.values() if e.is_tried is tried) for tried in (True, False)
    ]
    drawn: list[BookEntry] = []
    while len(drawn) < count and (full := [pool for pool in pools if pool]):
        drawn.append(rng.choice(full).draw(rng))
    return drawn

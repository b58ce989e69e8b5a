"""The two shapes in which the address book holds its entries: in buckets, and to be drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from p2pchat.core import limits
from p2pchat.core.book_entries import BookEntry, chance, spread_group
from p2pchat.core.values import PeerId

if TYPE_CHECKING:
    from random import Random


class BookTable:
    """Buckets of entries, each peer in one of them; who puts sees to it that none overflows."""

    def __init__(self) -> None:
        self._buckets: list[dict[PeerId, BookEntry]] = [{} for _ in range(limits.BOOK_BUCKETS)]
        self._bucket_of: dict[PeerId, int] = {}

    def __len__(self) -> int:
        return len(self._bucket_of)

    def __contains__(self, peer: PeerId) -> bool:
        return peer in self._bucket_of

    def __iter__(self) -> Iterator[BookEntry]:
        for bucket in self._buckets:
            yield from bucket.values()

    def get(self, peer: PeerId) -> BookEntry | None:
        """Return what is known of a peer."""
        bucket = self._bucket_of.get(peer)
        return None if bucket is None else self._buckets[bucket][peer]

    def bucket(self, bucket: int) -> tuple[BookEntry, ...]:
        """Return the entries of one bucket."""
        return tuple(self._buckets[bucket].values())

    def put(self, entry: BookEntry, bucket: int) -> None:
        """Add an entry whose peer is in no bucket, or in this one."""
        self._bucket_of[entry.peer] = bucket
        self._buckets[bucket][entry.peer] = entry

    def update(self, entry: BookEntry) -> None:
        """Put an entry in the place of what was known of its peer; KeyError without it."""
        self.put(entry, self._bucket_of[entry.peer])

    def remove(self, peer: PeerId) -> BookEntry | None:
        """Take a peer out; None when he is not here."""
        bucket = self._bucket_of.pop(peer, None)
        return None if bucket is None else self._buckets[bucket].pop(peer)


class BookPool:
    """Entries by netgroup, each drawn once; a network first, then somebody in it."""

    def __init__(self, entries: Iterable[BookEntry]) -> None:
        groups: dict[str, list[BookEntry]] = {}
        for entry in entries:
            groups.setdefault(spread_group(entry.all_addresses[0].host), []).append(entry)
        self._groups = list(groups.values())

    def __bool__(self) -> bool:
        return bool(self._groups)

    def draw(self, rng: Random) -> BookEntry:
        """Take out one; within a network, those that failed are less likely."""
        place = rng.randrange(len(self._groups))
        group = self._groups[place]
        (index,) = rng.choices(range(len(group)), [chance(entry) for entry in group])
        entry = group.pop(index)
        if not group:
            self._groups[place] = self._groups[-1]
            self._groups.pop()
        return entry

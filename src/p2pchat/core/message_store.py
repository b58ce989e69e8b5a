"""Keeps recent envelopes whole, to repair with."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.frames import Filled
from p2pchat.core.intervals import Span
from p2pchat.core.series import Series, author_of
from p2pchat.core.values import EnvelopeId, PeerId

DIGEST_BYTES: Final = 8
_MINUTE_MS: Final = 60_000

_KEPT_WHEN_FULL: Final = 15 / 16
"""A full store is emptied down to this share, so that a flood does not evict with every step."""


def minute_of(time_ms: int) -> int:
    """Return which minute since 1970 a time belongs to."""
    return time_ms // _MINUTE_MS


class Stored(Struct, frozen=True, gc=False):
    """What is kept of an envelope: the bytes to send again, without a second copy of its body."""

    id: bytes
    signature: bytes
    signed: bytes
    time_ms: int
    first: int
    count: int
    hops: int

    @classmethod
    def of(cls, envelope: Envelope, hops: int) -> Stored:
        """Take from an envelope what has to be kept."""
        header = envelope.header
        return cls(
            envelope.id, envelope.signature, envelope.signed, header.time_ms,
            header.first, header.count, hops,
        )  # fmt: skip

    @property
    def stop(self) -> int:
        """One more than the last of its numbers."""
        return self.first + self.count

    @property
    def size_bytes(self) -> int:
        """What it costs in memory."""
        return len(self.signed) + limits.STORED_OVERHEAD_BYTES

    def filled(self) -> Filled:
        """The frame that answers a request for it."""
        return Filled(self.hops, self.id, self.signature, self.signed)


class _Numbering:
    """Envelopes of one series by their first number; their spans never overlap."""

    __slots__ = ("by_first", "firsts")

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.by_first: dict[int, Stored] = {}


class _Minute:
    """What was written in one minute of its authors' time."""

    __slots__ = ("by_author", "digest", "firsts", "ordered")

    def __init__(self) -> None:
        self.firsts: dict[Series, list[int]] = {}
        self.by_author: dict[PeerId, int] = {}
        self.digest: bytes | None = None
        self.ordered: list[Series] | None = None


class MessageStore:
    """Recent envelopes, found by id, by author and number, or by minute of their author's time.

    Bounded by bytes; when full, the oldest of the author with the most bytes goes, so that
    who talks much pushes out nobody but himself. Whoever adds sees to it that the spans of one
    series never overlap.
    """

    def __init__(self, limit_bytes: int = limits.STORE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._by_id: dict[bytes, Stored] = {}
        self._series: dict[Series, _Numbering] = {}
        self._minutes: dict[int, _Minute] = {}
        # For each author a heap with its oldest envelope on top: nothing else is ever removed.
        self._ages: dict[PeerId, list[tuple[int, Series, int]]] = {}
        self._bytes: dict[PeerId, int] = {}
        self._empty_digest = blake2b(b"", digest_size=DIGEST_BYTES).digest()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, series: Series, stored: Stored) -> None:
        """Keep an envelope; makes room where there is none."""
        author = author_of(series)
        numbering = self._series.get(series)
        if numbering is None:
            numbering = self._series[series] = _Numbering()
        if not numbering.firsts or stored.first > numbering.firsts[-1]:
            numbering.firsts.append(stored.first)
        else:
            insort(numbering.firsts, stored.first)
        numbering.by_first[stored.first] = self._by_id[stored.id] = stored
        minute = self._minutes.get(minute_of(stored.time_ms))
        if minute is None:
            minute = self._minutes[minute_of(stored.time_ms)] = _Minute()
        minute.firsts.setdefault(series, []).append(stored.first)
        minute.by_author[author] = minute.by_author.get(author, 0) + 1
        minute.digest = minute.ordered = None
        heapq.heappush(self._ages.setdefault(author, []), (stored.time_ms, series, stored.first))
        self._bytes[author] = self._bytes.get(author, 0) + stored.size_bytes
        self.size_bytes += stored.size_bytes
        if self.size_bytes > self._limit_bytes:
            self._make_room()

    def named(self, name: EnvelopeId) -> Stored | None:
        """Return the envelope of that id."""
        return self._by_id.get(name)

    # --- By author ------------------------------------------------------------------------------

    def within(self, series: Series, start: int, stop: int) -> Iterator[Stored]:
        """Iterate over the envelopes that hold any number of that span, lowest first."""
        numbering = self._series.get(series)
        if numbering is None or start >= stop:
            return
        index = max(0, bisect_right(numbering.firsts, start) - 1)
        while index < len(numbering.firsts) and numbering.firsts[index] < stop:
            stored = numbering.by_first[numbering.firsts[index]]
            if stored.stop > start:
                yield stored
            index += 1

    # --- By minute of the author's time ---------------------------------------------------------

    @property
    def newest_minute(self) -> int | None:
        """The latest minute with anything in it."""
        return max(self._minutes, default=None)

    def digest(self, minute: int) -> bytes:
        """Return BLAKE2b-64 over the sorted ids of that minute; kept until it changes."""
        found = self._minutes.get(minute)
        if found is None:
            return self._empty_digest
        if found.digest is None:
            ids = sorted(
                self._series[series].by_first[first].id
                for series, firsts in found.firsts.items()
                for first in firsts
            )
            found.digest = blake2b(b"".join(ids), digest_size=DIGEST_BYTES).digest()
        return found.digest

    def is_empty(self, minute: int) -> bool:
        """Tell whether nothing of that minute is kept."""
        return minute not in self._minutes

    def series_after(self, minute: int, after: bytes) -> Iterator[Series]:
        """Iterate in alphabetical order over the series of that minute behind that place."""
        found = self._minutes.get(minute)
        if found is None:
            return
        if found.ordered is None:
            found.ordered = sorted(found.firsts)
        ordered = found.ordered
        for index in range(bisect_right(ordered, Series(after)), len(ordered)):
            yield ordered[index]

    def spans(self, minute: int, series: Series) -> list[Span]:
        """Return the numbers of that series written in that minute, neighbours joined."""
        found = self._minutes.get(minute)
        firsts = None if found is None else found.firsts.get(series)
        if firsts is None:
            return []
        by_first = self._series[series].by_first
        joined: list[Span] = []
        for first in sorted(firsts):
            stop = by_first[first].stop
            if joined and joined[-1][1] == first:
                joined[-1] = (joined[-1][0], stop)
            else:
                joined.append((first, stop))
        return joined

    def count(self, minute: int, author: PeerId) -> int:
        """Count the envelopes of that author written in that minute."""
        found = self._minutes.get(minute)
        return 0 if found is None else found.by_author.get(author, 0)

    # --- Removing -------------------------------------------------------------------------------

    def forget_before(self, minute: int) -> None:
        """Drop all that was written before that minute."""
        for old in [known for known in self._minutes if known < minute]:
            # An author's oldest goes first, so its other old minutes may be empty by now.
            for author in list(self._minutes[old].by_author if old in self._minutes else ()):
                ages = self._ages.get(author, [])
                while ages and minute_of(ages[0][0]) < minute:
                    self._remove_oldest(author)

    def _make_room(self) -> None:
        goal = int(self._limit_bytes * _KEPT_WHEN_FULL)
        fullest = [(-size, author) for author, size in self._bytes.items()]
        heapq.heapify(fullest)
        while self.size_bytes > goal:
            _, author = fullest[0]
            self._remove_oldest(author)
            left = self._bytes.get(author)
            if left is None:
                heapq.heappop(fullest)
            else:
                heapq.heapreplace(fullest, (-left, author))

    def _remove_oldest(self, author: PeerId) -> None:
        ages = self._ages[author]
        time_ms, series, first = heapq.heappop(ages)
        numbering = self._series[series]
        stored = numbering.by_first.pop(first)
        del self._by_id[stored.id]
        del numbering.firsts[bisect_left(numbering.firsts, first)]
        if not numbering.firsts:
            del self._series[series]
        self._leave_minute(minute_of(time_ms), author, series, first)
        self.size_bytes -= stored.size_bytes
        self._bytes[author] -= stored.size_bytes
        if not ages:
            del self._ages[author], self._bytes[author]

    def _leave_minute(self, number: int, author: PeerId, series: Series, first: int) -> None:
        minute = self._minutes[number]
        minute.digest = None
        minute.firsts[series].remove(first)
        if not minute.firsts[series]:
            del minute.firsts[series]
            minute.ordered = None
        minute.by_author[author] -= 1
        if not minute.by_author[author]:
            del minute.by_author[author]
        if not minute.firsts:
            del self._minutes[number]

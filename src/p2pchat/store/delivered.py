"""The file that remembers which direct messages were shown, so that none is shown twice.

A header, then records of one length: author, message id, time, the beginning of a hash over these.
A record is on the disk before its message gets a receipt; a message that comes again, because its
receipt was lost, is then answered again and not shown again. Whatever is no whole record counts
for nothing: a crash leaves at most one such behind, for which no receipt was given. Who calls
holds the lock of the profile.
"""

from __future__ import annotations

import os
import re
import struct
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Final

from p2pchat.core.outbox import DIRECT_ID_BYTES, DirectId
from p2pchat.core.values import PEER_ID_BYTES, PeerId
from p2pchat.store.bounded import read_bounded
from p2pchat.store.durable import replace_durably

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_NAME: Final = "delivered"

DELIVERED_LIMIT: Final = 10_000
DELIVERED_PER_AUTHOR: Final = 500
DELIVERED_LIFE_S: Final = 14 * 24 * 3600.0
"""What is remembered; the oldest go. Twice as long as messages wait at their author, so that what
he sends again is known. With less, an old message could be shown twice."""

SPENT_LIMIT: Final = 5_000
"""Records in the file that nobody needs any more; one more, and it is written anew."""

_BODY: Final = struct.Struct(f">{PEER_ID_BYTES}s{DIRECT_ID_BYTES}sQ")
_CHECK_BYTES: Final = 8
RECORD_BYTES: Final = _BODY.size + _CHECK_BYTES

HEADER: Final = b"p2pchat delivered 1\n"
_NEWER: Final = re.compile(rb"p2pchat delivered ([2-9]|[1-9][0-9]{1,3})\n")

FILE_LIMIT_BYTES: Final = len(HEADER) + (DELIVERED_LIMIT + SPENT_LIMIT) * RECORD_BYTES
"""Larger files are none of ours."""

Delivery = tuple[PeerId, DirectId]
"""An author with the id that he gave to a message."""


class Memory:
    """What was shown, within the bounds; the oldest make room."""

    def __init__(self) -> None:
        # By author, then the other way round: the oldest of one and the oldest of all are first.
        self._by_author: dict[PeerId, dict[DirectId, None]] = {}
        self._times: dict[Delivery, int] = {}

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, delivery: object) -> bool:
        return delivery in self._times

    def records(self) -> list[tuple[Delivery, int]]:
        """Return each delivery with its time in ms, the oldest first."""
        return list(self._times.items())

    def add(self, delivery: Delivery, wall_ms: int) -> bool:
        """Remember; False when it was known."""
        if delivery in self._times:
            return False
        author, message_id = delivery
        ids = self._by_author.setdefault(author, {})
        if len(ids) >= DELIVERED_PER_AUTHOR:
            self._remove((author, next(iter(ids))))
        elif len(self._times) >= DELIVERED_LIMIT:
            self._remove(next(iter(self._times)))
        # Again, because the author may have lost all that was known of him.
        self._by_author.setdefault(author, {})[message_id] = None
        self._times[delivery] = wall_ms
        return True

    def expire(self, wall_ms: int) -> None:
        """Forget what is older than DELIVERED_LIFE_S."""
        oldest_ms = wall_ms - int(DELIVERED_LIFE_S * 1000)
        while self._times:
            delivery = next(iter(self._times))
            if self._times[delivery] > oldest_ms:
                return
            self._remove(delivery)

    def _remove(self, delivery: Delivery) -> None:
        author, message_id = delivery
        del self._times[delivery]
        ids = self._by_author[author]
        del ids[message_id]
        if not ids:
            del self._by_author[author]


class Delivered:
    """Remembers at once, writes when told to; both may happen at the same time.

    For each message that comes: show it if `remember` says that it is new, `flush` in a thread,
    and give the receipt if that returned None.
    """

    def __init__(self, folder: Path | None) -> None:
        """Know nothing yet.

        Args:
            folder: The profile's; None for an ephemeral one, which remembers until it ends.
        """
        self._path = None if folder is None else folder / FILE_NAME
        self._memory = Memory()
        # Bounded by whoever flushes after each message: a flush empties it, even one that fails.
        self._unsaved: list[tuple[Delivery, int]] = []
        self._is_owed = False
        """Whether the last write failed."""
        self._remembering = Lock()
        self._writing = Lock()
        self._is_whole = False
        """Whether the file may be appended to; else it is written anew."""
        self._written = 0
        """Records in the file."""

    def __len__(self) -> int:
        return len(self._memory)

    def __contains__(self, delivery: object) -> bool:
        return delivery in self._memory

    @property
    def is_unsaved(self) -> bool:
        """Whether something is not on the disk; its messages may have no receipt."""
        return self._is_owed or bool(self._unsaved)

    def load(self, wall_ms: int) -> list[str]:
        """Read what earlier runs remembered; before anything else, once.

        Returns:
            What the user should be told, a line each.
        """
        if self._path is None:
            return []
        try:
            content = read_bounded(self._path, FILE_LIMIT_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            return self._give_up(self._path, f"could not be read ({error.strerror})")
        if content is not None and _NEWER.match(content):
            return self._give_up(self._path, "was written by a newer p2pchat")
        if content is None or not content.startswith(HEADER[: len(content)]):
            return self._set_aside(self._path)
        records = decode(content)
        for delivery, at_ms in records:
            self._memory.add(delivery, at_ms)
        self._memory.expire(wall_ms)
        self._written = len(records)
        # What is no whole record goes with the next write, not before: that one may fail too.
        self._is_whole = encode(records) == content
        return []

    def remember(self, author: PeerId, message_id: DirectId, wall_ms: int) -> bool:
        """Note a message without waiting for the disk; False when it was shown before."""
        delivery = author, message_id
        with self._remembering:
            self._memory.expire(wall_ms)
            if not self._memory.add(delivery, wall_ms):
                return False
            if self._path is not None:
                self._unsaved.append((delivery, wall_ms))
        return True

    def flush(self) -> str | None:
        """Write all that was remembered before this call; waits for the disk.

        Returns:
            None when it is there for good, else what to tell the user: then no receipt may be
            given. The next call tries again, as it should each minute while `is_unsaved`.
        """
        if self._path is None:
            return None
        # Who finds nothing left to write has to wait for whoever is writing it.
        with self._writing:
            return self._flush(self._path)

    def add(self, author: PeerId, message_id: DirectId, wall_ms: int) -> str | None:
        """Remember and write one message; returns what `flush` does."""
        self.remember(author, message_id, wall_ms)
        return self.flush()

    def _flush(self, path: Path) -> str | None:
        with self._remembering:
            batch, self._unsaved = self._unsaved, []
            all_records = self._memory.records()
        if not batch and not self._is_owed:
            return None
        try:
            self._write(path, batch, all_records)
        except OSError as error:
            # After a failed sync nobody knows what is on the disk, and a second one may succeed
            # without having written it: next time all that is remembered is written anew.
            self._is_whole, self._is_owed = False, True
            return (
                f"what was received could not be noted on the disk ({error.strerror}); "
                "its author gets no receipt before that works, and sends it again."
            )
        self._is_owed = False
        return None

    def _write(
        self,
        path: Path,
        batch: list[tuple[Delivery, int]],
        all_records: list[tuple[Delivery, int]],
    ) -> None:
        spent = self._written + len(batch) - len(all_records)
        if self._is_whole and spent <= SPENT_LIMIT:
            _append(path, len(HEADER) + self._written * RECORD_BYTES, _records(batch))
            self._written += len(batch)
            return
        replace_durably(path, encode(all_records))
        self._written, self._is_whole = len(all_records), True

    def _give_up(self, path: Path, why: str) -> list[str]:
        # As an ephemeral profile from here on: the file may still be of use to another program.
        self._path = None
        return [f"{path} {why}; messages received now may be shown again after the next start."]

    def _set_aside(self, path: Path) -> list[str]:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            path.replace(aside)
        except OSError as error:
            return self._give_up(path, f"is damaged and can't be set aside ({error.strerror})")
        return [f"{path} was damaged; it was set aside as {aside}."]


def encode(records: Iterable[tuple[Delivery, int]]) -> bytes:
    """Return the content of a file with these records."""
    return HEADER + _records(records)


def decode(content: bytes) -> list[tuple[Delivery, int]]:
    """Return the whole records of a file, in their order; what is none is left out."""
    records = []
    for start in range(len(HEADER), len(content) - RECORD_BYTES + 1, RECORD_BYTES):
        body = content[start : start + _BODY.size]
        if content[start + _BODY.size : start + RECORD_BYTES] != _check(body):
            continue
        author, message_id, at_ms = _BODY.unpack(body)
        records.append(((PeerId(author), DirectId(message_id)), at_ms))
    return records


def _records(records: Iterable[tuple[Delivery, int]]) -> bytes:
    bodies = (_BODY.pack(*delivery, at_ms) for delivery, at_ms in records)
    return b"".join(body + _check(body) for body in bodies)


def _check(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK_BYTES).digest()


def _append(path: Path, size_bytes: int, records: bytes) -> None:
    """Add to a file of that size and wait until it is on the disk.

    Raises:
        OSError: Some of it may be there.
    """
    flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "wb") as file:
        file.seek(size_bytes)
        file.write(records)
        file.flush()
        os.fsync(file.fileno())

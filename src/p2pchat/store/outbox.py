"""The folder of direct messages that wait for their recipient: one sealed file for each.

`ID.bin` is the version, then the message sealed under the profile's key together with version and
id: nobody without the key can read it, put another in its place or give it another name. A write
returns when the message survives a loss of power; one that fails is kept in memory and made up
for by `retry`. Who calls holds the lock of the profile and makes one call at a time, in the order
of the core's effects, where waiting for the disk stops nobody.
"""

from __future__ import annotations

import os
import re
import struct
from collections import Counter
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import TEXT_LIMIT_BYTES
from p2pchat.core.outbox import (
    DIRECT_ID_BYTES,
    OUTBOX_LIMIT,
    OUTBOX_LIMIT_BYTES,
    DirectId,
    Waiting,
)
from p2pchat.core.values import PEER_ID_BYTES, PeerId
from p2pchat.crypto.at_rest import SEALING_BYTES, open_, seal
from p2pchat.store.bounded import read_bounded
from p2pchat.store.durable import replace_durably, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_NAME: Final = "outbox"

KEY_PURPOSE: Final = b"outbox"
"""What the key is derived from the identity for."""

RETRY_S: Final = 60.0
"""Between attempts to write what a full or failing disk did not take. Design."""

_HEADER: Final = b"p2pchat outbox 1\n"
_NEWER: Final = re.compile(rb"p2pchat outbox ([2-9]|[1-9][0-9]{1,3})\n")
_NAME: Final = re.compile(rf"(?P<id>[0-9a-f]{{{2 * DIRECT_ID_BYTES}}})\.bin(?P<unfinished>\.new)?")

_FIXED: Final = struct.Struct(f">{PEER_ID_BYTES}sQQB")
"""Recipient, time and beginning of the wait in ms, kind; the text in UTF-8 follows."""

FILE_LIMIT_BYTES: Final = len(_HEADER) + SEALING_BYTES + _FIXED.size + TEXT_LIMIT_BYTES
"""Larger files are none of ours."""


class _Fault(Enum):
    """Why a file gives no message, each with what the user is told."""

    DAMAGED = "could not be opened and got set aside as *.damaged"
    STUCK = "could not be opened, nor set aside"
    UNREADABLE = "could not be read; nothing was changed"
    NEWER = "came from a newer p2pchat; nothing was changed"
    BEYOND = "found no room and will be tried at the next start"


class OutboxFolder:
    """Writes what has to survive a crash, and reads it again."""

    def __init__(self, folder: Path | None, key: bytes) -> None:
        """Do nothing yet.

        Args:
            folder: The profile's; None for an ephemeral one, which keeps nothing.
            key: 32 secret bytes: `Identity.derive_key(KEY_PURPOSE)`.
        """
        self._folder = None if folder is None else folder / FOLDER_NAME
        self._key = key
        # Bounded by the outbox itself: each is a message that waits, or the file of one that did.
        self._unsaved: dict[DirectId, Waiting | None] = {}

    @property
    def unsaved(self) -> int:
        """How much the disk did not take; while there is something, call `retry` each RETRY_S."""
        return len(self._unsaved)

    def load(self) -> tuple[list[Waiting], list[str]]:
        """Read what earlier runs left.

        Returns:
            At most OUTBOX_LIMIT messages with OUTBOX_LIMIT_BYTES of text, the longest waiting
            first; and what the user should be told, a line each.
        """
        if self._folder is None:
            return [], []
        try:
            ids, faults = self._ids(self._folder)
        except FileNotFoundError:
            return [], []
        except OSError as error:
            return [], [f"the outbox {self._folder} could not be read ({error.strerror})."]
        found: list[Waiting] = []
        room_bytes = OUTBOX_LIMIT_BYTES
        for message_id in ids:
            read = self._read(self._path(self._folder, message_id), message_id)
            if isinstance(read, Waiting) and read.size_bytes > room_bytes:
                read = _Fault.BEYOND
            if isinstance(read, _Fault):
                faults[read] += 1
                continue
            room_bytes -= read.size_bytes
            found.append(read)
        found.sort(key=lambda waiting: (waiting.created_ms, waiting.message_id))
        return found, [
            _line(self._folder, fault, faults[fault]) for fault in _Fault if faults[fault]
        ]

    def keep(self, waiting: Waiting) -> str | None:
        """Write a message down; waits for the disk.

        Returns:
            None when it is there for good, else what to tell the user.
        """
        if self._folder is None:
            return None
        try:
            self._write(self._folder, waiting)
        except OSError as error:
            self._unsaved[waiting.message_id] = waiting
            return (
                f"a message that waits could not be written to the disk ({error.strerror}); "
                "it is in memory only, and lost if p2pchat ends before there is room."
            )
        self._unsaved.pop(waiting.message_id, None)
        return None

    def forget(self, message_id: DirectId) -> str | None:
        """Remove a message, if it is there.

        Returns:
            What to tell the user when it could not be done, once until it can be; else None.
        """
        if self._folder is None:
            return None
        self._unsaved.pop(message_id, None)
        try:
            self._remove(self._folder, message_id)
        except OSError as error:
            is_told = None in self._unsaved.values()
            self._unsaved[message_id] = None
            if is_told:
                return None
            return (
                f"what was delivered could not be removed from the disk ({error.strerror}); "
                "it may be sent again at the next start, but is not shown twice."
            )
        return None

    def retry(self) -> str | None:
        """Make up for what the disk did not take, until it refuses again.

        Returns:
            What to tell the user when all of it is done now, else None.
        """
        if self._folder is None or not self._unsaved:
            return None
        for message_id, waiting in list(self._unsaved.items()):
            try:
                if waiting is None:
                    self._remove(self._folder, message_id)
                else:
                    self._write(self._folder, waiting)
            except OSError:
                return None
            del self._unsaved[message_id]
        return "the disk takes the outbox again: nothing of it is in memory only."

    def _ids(self, folder: Path) -> tuple[list[DirectId], Counter[_Fault]]:
        """Return the ids of the files that may be read; removes what killed runs were writing."""
        with os.scandir(folder) as entries:
            matches = [found for entry in entries if (found := _NAME.fullmatch(entry.name))]
        for found in matches:
            if found["unfinished"]:
                with suppress(OSError):
                    (folder / found.string).unlink()
        ids = sorted(DirectId(bytes.fromhex(m["id"])) for m in matches if not m["unfinished"])
        beyond = max(0, len(ids) - OUTBOX_LIMIT)
        return ids[:OUTBOX_LIMIT], Counter({_Fault.BEYOND: beyond})

    def _read(self, path: Path, message_id: DirectId) -> Waiting | _Fault:
        try:
            content = read_bounded(path, FILE_LIMIT_BYTES)
        except OSError:
            return _Fault.UNREADABLE  # it may still be whole: it is not set aside
        if content is not None and _NEWER.match(content):
            return _Fault.NEWER
        waiting = None if content is None else decode(self._key, message_id, content)
        if waiting is not None:
            return waiting
        try:
            # A key that was lost may come back, and with it what is sealed under it.
            path.replace(path.with_name(f"{path.name}.damaged"))
        except OSError:
            return _Fault.STUCK
        return _Fault.DAMAGED

    def _write(self, folder: Path, waiting: Waiting) -> None:
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            sync_folder(folder.parent)
        # In the place of what an attempt may have left that failed at its last step.
        replace_durably(self._path(folder, waiting.message_id), encode(self._key, waiting))

    def _remove(self, folder: Path, message_id: DirectId) -> None:
        # Not synced: if a loss of power brings it back, its recipient knows that he has had it.
        self._path(folder, message_id).unlink(missing_ok=True)

    @staticmethod
    def _path(folder: Path, message_id: DirectId) -> Path:
        return folder / f"{message_id.hex()}.bin"


def encode(key: bytes, waiting: Waiting) -> bytes:
    """Return the content of the message's file."""
    fixed = _FIXED.pack(waiting.recipient, waiting.time_ms, waiting.created_ms, waiting.kind)
    return _HEADER + seal(key, fixed + waiting.text.encode(), _HEADER + waiting.message_id)


def decode(key: bytes, message_id: DirectId, content: bytes) -> Waiting | None:
    """Return the message of that id; None for anything that `encode` did not make."""
    if not content.startswith(_HEADER):
        return None
    opened = open_(key, content[len(_HEADER) :], _HEADER + message_id)
    if opened is None or len(opened) < _FIXED.size:
        return None
    recipient, time_ms, created_ms, kind = _FIXED.unpack_from(opened)
    try:
        text = opened[_FIXED.size :].decode()
    except UnicodeDecodeError:
        return None
    return Waiting(PeerId(recipient), message_id, time_ms, kind, text, created_ms)


def _line(folder: Path, fault: _Fault, count: int) -> str:
    messages = "1 message" if count == 1 else f"{count} messages"
    return f"{messages} in the outbox {folder} {fault.value}."

"""The files that keep address books, one for each room.

A book is a convenience: whatever is wrong with a file, a new one is begun. Who calls holds the lock
of the folder.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from p2pchat.core.values import NetworkId
from p2pchat.store.book_text import read_state, write_state
from p2pchat.store.checked_file import FileKind, load, save, unsaved
from p2pchat.store.durable import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat.core.book_entries import BookState

FOLDER_NAME: Final = "addresses"

ROOMS_LIMIT: Final = 8
"""Rooms whose books are kept; the one written longest ago goes first."""

FILE_LIMIT_BYTES: Final = 8 * 1024 * 1024
"""Larger files are not read. A full book whose records are all of the longest has 7 MiB."""

_KIND: Final = FileKind("addresses", "the address book", FILE_LIMIT_BYTES)
_NAME_DIGITS: Final = 16
_NAME: Final = re.compile(r"[0-9a-f]{16}")


def load_book(folder: Path | None, network: NetworkId) -> tuple[BookState | None, list[str]]:
    """Read what earlier runs knew of a room.

    Args:
        folder: The profile's; None for an ephemeral one, which knows nothing.
        network: The room.

    Returns:
        The book as it was written, None without one that can be used; and what the user should
        be told, a line each. Nothing in it is checked but its form.
    """
    if folder is None:
        return None, []
    loaded = load(_path(folder, network), _KIND, partial(read_state, network))
    return loaded.value, list(loaded.messages)


def save_book(folder: Path | None, network: NetworkId, state: BookState) -> str | None:
    """Write a book in the place of what was known before; waits for the disk.

    Args:
        folder: The profile's; None to keep nothing.
        network: The room.
        state: The book.

    Returns:
        What to tell the user when it could not be written, else None. Then the old file is still
        there, and the next attempt may succeed.
    """
    if folder is None:
        return None
    path = _path(folder, network)
    try:
        _make_folder(path.parent)
        is_first = not path.exists()
        problem = save(path, _KIND, write_state(network, state))
        if problem is None and is_first:
            _forget_oldest(path)
    except OSError as error:
        return unsaved(_KIND, error)
    return problem


def _path(folder: Path, network: NetworkId) -> Path:
    return folder / FOLDER_NAME / network.hex()[:_NAME_DIGITS]


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def _forget_oldest(kept: Path) -> None:
    """Remove the books written longest ago, with what was set aside of them."""
    rooms = [path for path in kept.parent.iterdir() if _NAME.fullmatch(path.name) and path != kept]
    rooms.sort(key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    for path in rooms[ROOMS_LIMIT - 1 :]:
        with suppress(OSError):
            path.unlink()
            path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)

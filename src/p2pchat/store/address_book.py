"""The files that keep address books, one for each room.

Three parts of text: the version, the book in JSON on one line, the beginning of a hash over both.
A book is a convenience: whatever is wrong with a file, the program goes on without it, and says
so. A damaged file is set aside; one that others could have written is not believed. Who calls
holds the lock of the folder.
"""

from __future__ import annotations

import errno
import hmac
import os
import re
import stat
import sys
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from p2pchat.core.values import NetworkId
from p2pchat.store.book_text import read_state, write_state
from p2pchat.store.durable import replace_durably, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat.core.book_entries import BookState

FOLDER_NAME: Final = "addresses"

ROOMS_LIMIT: Final = 8
"""Rooms whose books are kept; the one written longest ago goes first."""

FILE_LIMIT_BYTES: Final = 8 * 1024 * 1024
"""Larger files are not read. A full book whose records are all of the longest has 7 MiB."""

_VERSION: Final = 1
_CHECK_BYTES: Final = 16
_NAME_DIGITS: Final = 16

_FORMAT: Final = re.compile(
    rb"(?P<checked>p2pchat addresses 1\n(?P<book>[^\n]*)\n)check (?P<check>[0-9a-f]{32})\n"
)
_NEWER: Final = re.compile(rb"p2pchat addresses ([2-9]|[1-9][0-9]{1,3})\n")
_HEADER_LIMIT_BYTES: Final = 32
_NAME: Final = re.compile(r"[0-9a-f]{16}")
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class _Unusable(Exception):
    """Why a file is not used, in words."""


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
    path = _path(folder, network)
    try:
        content = _read(path)
        if content is None:
            return None, []
        state = _parse(content, network)
        return state, [] if state is not None else [_set_aside(path)]
    except _Unusable as problem:
        return None, [str(problem)]


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
        if _is_newer(path):
            return f"{path} was written by a newer p2pchat; what is learnt now is not saved."
        _make_folder(path.parent)
        is_first = not path.exists()
        replace_durably(path, _format(network, state))
        if is_first:
            _forget_oldest(path)
    except OSError as error:
        return f"the address book could not be saved ({error.strerror}); the last one is kept."
    return None


def _path(folder: Path, network: NetworkId) -> Path:
    return folder / FOLDER_NAME / network.hex()[:_NAME_DIGITS]


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def _format(network: NetworkId, state: BookState) -> bytes:
    book = write_state(network, state)
    checked = f"p2pchat addresses {_VERSION}\n{book}\n".encode()
    return checked + b"check " + _check(checked) + b"\n"


def _check(checked: bytes) -> bytes:
    return blake2b(checked, digest_size=_CHECK_BYTES).hexdigest().encode()


def _parse(content: bytes, network: NetworkId) -> BookState | None:
    """Return the book of that room; None for anything else.

    Raises:
        _Unusable: A newer program wrote it.
    """
    if _NEWER.match(content):
        raise _Unusable("the address book was written by a newer p2pchat; it is left as it is.")
    found = _FORMAT.fullmatch(content)
    if found is None or not hmac.compare_digest(_check(found["checked"]), found["check"]):
        return None
    return read_state(network, found["book"])


def _read(path: Path) -> bytes | None:
    """Return the content; None without a file, and nothing of one that is too large to be one."""
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        status = os.fstat(descriptor)
        _check_access(path, status)
        if status.st_size > FILE_LIMIT_BYTES:
            return b""
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    # Non-blocking, because to open a named pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0))


def _unusable(path: Path, error: OSError) -> _Unusable:
    # A file that the disk does not give us may still be whole: it is not set aside.
    if error.errno == errno.ELOOP:
        return _Unusable(f"the address book {path} is a symbolic link; it is not used.")
    return _Unusable(f"the address book {path} can't be read ({error.strerror}); it is not used.")


def _check_access(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable(f"the address book {path} is not a file; it is not used.")
    if sys.platform == "win32":
        return  # there the folder of the user is closed to others by default
    if status.st_uid != os.geteuid() or status.st_mode & _OPEN_TO_OTHERS:
        raise _Unusable(f"the address book {path} was open to other users; a new one is begun.")


def _set_aside(path: Path) -> str:
    # One of a room is enough, unlike keys: what is in it can be learnt again.
    aside = path.with_name(f"{path.name}.damaged")
    try:
        path.replace(aside)
        sync_folder(path.parent)
    except OSError as error:
        return f"the address book {path} is damaged and can't be set aside: {error.strerror}."
    return f"the address book was damaged; it was set aside as {aside}."


def _is_newer(path: Path) -> bool:
    try:
        descriptor = _open(path)
    except OSError:
        return False  # what can't be read is replaced, or is in the way of that
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        return _NEWER.match(os.read(descriptor, _HEADER_LIMIT_BYTES)) is not None
    finally:
        os.close(descriptor)


def _forget_oldest(kept: Path) -> None:
    """Remove the books written longest ago, with what was set aside of them."""
    rooms = [path for path in kept.parent.iterdir() if _NAME.fullmatch(path.name) and path != kept]
    rooms.sort(key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    for path in rooms[ROOMS_LIMIT - 1 :]:
        with suppress(OSError):
            path.unlink()
            path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)

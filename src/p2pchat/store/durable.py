"""Small files that a crash leaves either as they were or as they should be.

Whoever calls holds the lock of the folder, so one temporary name is enough.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE_MODE: Final = 0o600


def create_durably(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; only its owner may read it.

    Raises:
        FileExistsError: There is one; it is untouched.
        OSError: It could not be written; nothing is left behind.
    """
    temporary = _write_temporary(path, content)
    try:
        move_without_replacing(temporary, path)
    except OSError:
        _forget(temporary)
        raise
    sync_folder(path.parent)


def replace_durably(path: Path, content: bytes) -> None:
    """Write a file, or put new content in the place of the old; only its owner may read it.

    Raises:
        OSError: It could not be written; the old file is still there.
    """
    temporary = _write_temporary(path, content)
    try:
        temporary.replace(path)
    except OSError:
        _forget(temporary)
        raise
    sync_folder(path.parent)


def move_without_replacing(source: Path, target: Path) -> None:
    """Rename a file unless the new name is taken.

    A crash in the midst of it may leave the file under both names, never under none.

    Raises:
        FileExistsError: The name is taken; both files are untouched.
        OSError: It could not be renamed.
    """
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links, and each has its own word for that. Here only
        # the caller's lock keeps the name free between asking and renaming.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    else:
        source.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power.

    Raises:
        OSError: The disk did not take them.
    """
    if sys.platform == "win32":
        return  # Windows has no such call; NTFS writes names to its journal by itself
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_left_over(path: Path) -> None:
    """Remove what a run that was killed has written for this file and not put in its place."""
    _forget(_temporary(path))


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _write_temporary(path: Path, content: bytes) -> Path:
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)  # left by a run that was killed
    # O_EXCL follows no symbolic link that somebody may have put there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        _forget(temporary)
        raise
    return temporary


def _forget(temporary: Path) -> None:
    # Nobody can do more about it; the next write removes what is left.
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)

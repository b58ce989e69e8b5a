"""One process at a time in a folder, on every system.

The lock ends with the process, however that ends; the file itself stays, because removing it
would let two processes lock two files of one name.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN: Final = frozenset((errno.EAGAIN, errno.EACCES, errno.EDEADLK))


class FileLock:
    """A lock that is held until `release`."""

    def __init__(self, path: Path) -> None:
        """Take the lock without waiting.

        Raises:
            BlockingIOError: Somebody holds it, be it another thread of this process.
            OSError: The file can't be made or locked.
        """
        self._descriptor = _open(path)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            if error.errno in _TAKEN:
                raise BlockingIOError(error.errno, error.strerror, str(path)) from None
            raise

    def release(self) -> None:
        """Let others have it; a second call does nothing."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # On a disk that can't be written to, a file from better times can still be locked.
        return os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

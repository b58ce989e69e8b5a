"""Reads small files of a profile, never waiting for one and never more of it than is asked for."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_bounded(path: Path, limit_bytes: int) -> bytes | None:
    """Return the content of a file; None when it is larger, or no file but a folder or a pipe.

    Raises:
        OSError: It is not there or can't be read, or it is a symbolic link.
    """
    # Non-blocking, because to open a named pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit_bytes:
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read(limit_bytes + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= limit_bytes else None

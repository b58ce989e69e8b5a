"""How many more files this process may open: sockets are files, and their number is limited."""

from __future__ import annotations

import os
import sys
from typing import Final

FILES_KEPT_FREE: Final = 16
"""Numbers of files that no accepted connection gets: they are for own dials, for the profile and
for the log. Without them a crowd at the door would also keep this node from writing its files."""

PLENTY: Final = 1_000_000
"""Files left where the system sets no limit that one could ask for."""


def files_left() -> int:
    """Return how many file numbers are above the lowest one that is free, that one included.

    A new file always gets the lowest free number, so opening one tells; counting all open files
    would cost more with each of them.
    """
    limit = _limit()
    if limit is None:
        return PLENTY
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return 0
    os.close(lowest)
    return max(0, limit - lowest)


def _limit() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft

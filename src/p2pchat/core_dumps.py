"""Keeps pictures of this process's memory, which holds keys, off the disk."""

from __future__ import annotations

import sys


def forbid() -> None:
    """Let the system write no core dump of this process, whatever its limits were.

    Windows has none to forbid. Where core dumps go to a program of the system (Linux with
    `core_pattern` beginning with a bar), that program decides; systemd's heeds the limit.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

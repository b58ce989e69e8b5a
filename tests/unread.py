"""What has come for a socket, and nobody has read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


def unread_bytes(of: socket.socket) -> int:
    """Return how much the system holds for whoever reads that socket; not on Windows."""
    import fcntl  # noqa: PLC0415 - there is none on Windows
    import termios  # noqa: PLC0415 - likewise

    return int.from_bytes(fcntl.ioctl(of.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)

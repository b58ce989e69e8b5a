"""Ports of this machine that tests choose before somebody listens there."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 where nobody listens, and that nobody else is given meanwhile.

    On Linux whoever asks for just this port may listen there, again and again, because both allow
    binding it again. Elsewhere that is not so: there the port is only likely to stay free.
    """
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        port = int(holding.getsockname()[1])
        if sys.platform != "linux":
            holding.close()
        yield port

"""A stand-in for the original article's node, to be run as a process of its own.

It accepts plain TCP connections on 127.0.0.1, dials those it is told to, sends each line of its
standard input to all of them, and prints each line it receives as it is.  It relays nothing.

    python article_node.py [--port PORT] [--connect HOST:PORT]...

It prints `Listening on 127.0.0.1:PORT` first, `Connected HOST:PORT` for each connection it
dialled, and on standard error what went wrong.  The line `connect HOST:PORT` on its standard
input dials too.  At the end of its input it closes everything and ends with 0.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
from typing import Final

DIAL_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 1.0
"""For each connection's other side to close too, so that its last words are not cut off."""

CONNECT: Final = "connect "


class ArticleNode:
    """Plain connections, and what is typed going to all of them."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def accept_all(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed: we are leaving
            while True:
                connection, _ = self._listener.accept()
                self._start(connection)

    def dial(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            connection = socket.create_connection((host.strip("[]"), int(port)), DIAL_TIMEOUT_S)
        except (OSError, ValueError) as error:
            print(f"Error: {address}: {error}", file=sys.stderr, flush=True)
            return
        connection.settimeout(None)
        self._start(connection)
        print(f"Connected {address}", flush=True)

    def send(self, line: str) -> None:
        with self._guard:
            connections = tuple(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # its reader notices and forgets it
                connection.sendall(line.encode() + b"\n")

    def close(self) -> None:
        # A close alone does not wake a thread that waits in accept or recv.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._guard:
            connections = dict(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        for reader in connections.values():
            reader.join(CLOSE_TIMEOUT_S)

    def _start(self, connection: socket.socket) -> None:
        reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
        with self._guard:
            self._connections[connection] = reader
        reader.start()

    def _read(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                # As it is, escapes included: that is what the article's node does.
                sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")
                sys.stdout.buffer.flush()
        with self._guard:
            self._connections.pop(connection, None)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--connect", action="append", default=[], metavar="HOST:PORT")
    arguments = parser.parse_args()
    node = ArticleNode(arguments.port)
    print(f"Listening on 127.0.0.1:{node.port}", flush=True)
    threading.Thread(target=node.accept_all, daemon=True).start()
    for address in arguments.connect:
        node.dial(address)
    for line in sys.stdin:
        if line.startswith(CONNECT):
            node.dial(line.removeprefix(CONNECT).strip())
        else:
            node.send(line.rstrip("\n"))
    node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

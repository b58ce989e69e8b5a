"""What a connection took is free when it has ended, without the garbage collector's help.

That comes round so seldom, where little is made that may be in cycles, that hours of ended
connections would wait for it: some 70 KiB each, most of them OpenSSL's.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import weakref
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.events import Event
from p2pchat.core.values import Address, ConnectionId
from p2pchat.crypto.identity import Identity
from p2pchat.net.connection import Connection
from p2pchat.net.conversation import SecureConversation
from p2pchat.net.stream import wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDRESS = Address("127.0.0.1", 4242)
IDENTITY = Identity.generate()


@pytest.fixture(autouse=True)
def _no_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def hang_up(_connection: Connection, there: socket.socket) -> None:
    there.close()


def reset(_connection: Connection, there: socket.socket) -> None:
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    there.close()


def say_nonsense(_connection: Connection, there: socket.socket) -> None:
    there.sendall(b"220 mail ready\r\n")


def abort(connection: Connection, _there: socket.socket) -> None:
    connection.abort("silent")


def abort_backed_up(connection: Connection, there: socket.socket) -> None:
    there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while not connection._stream.is_backed_up:
        connection._stream.write(bytes(1 << 20))
    connection.abort("too slow")


def write_to_nobody(connection: Connection, there: socket.socket) -> None:
    reset(connection, there)
    for _ in range(3):
        connection._stream.write(b"anybody there?")


@pytest.mark.parametrize(
    "end", [hang_up, reset, say_nonsense, abort, abort_backed_up, write_to_nobody]
)
async def test_an_ended_connection_is_freed_at_once(
    end: Callable[[Connection, socket.socket], None],
) -> None:
    traces = await ended(end)
    for _ in range(10):
        await asyncio.sleep(0)  # asyncio's own last callbacks

    assert [trace() for trace in traces] == [None, None, None]


async def ended(
    end: Callable[[Connection, socket.socket], None],
) -> tuple[weakref.ref[object], ...]:
    """Let a connection begin and end; return what would lead to its parts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    here.setblocking(False)
    stream = await wrap(here)
    conversation = SecureConversation(ConnectionId(1), IDENTITY, dialling=True)
    events: list[Event] = []
    connection = Connection(ConnectionId(1), ADDRESS, stream, conversation, events.extend)
    with there:
        async with asyncio.timeout(10):
            running = asyncio.create_task(connection.run())
            await asyncio.sleep(0)
            end(connection, there)
            await running
    return weakref.ref(connection), weakref.ref(stream), weakref.ref(conversation)

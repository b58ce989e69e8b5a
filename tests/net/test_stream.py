"""A stream over real sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.net.stream import TcpStream, wrap
from tests.deadline import DEADLINE_S
from tests.unread import unread_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCAL = "127.0.0.1"


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[TcpStream, socket.socket]]:
    """Connect a stream to a bare socket."""
    with socket.create_server((LOCAL, 0)) as server:
        dialling = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    dialling.setblocking(False)
    there.setblocking(False)
    stream = await wrap(dialling)
    with there:
        async with asyncio.timeout(DEADLINE_S):
            yield stream, there
        stream.abort()
        await asyncio.sleep(0)


async def test_bytes_go_both_ways_and_the_ends_too() -> None:
    loop = asyncio.get_running_loop()
    async with pair() as (here, there):
        here.write(b"hello")
        here.write_end()
        assert await loop.sock_recv(there, 100) == b"hello"
        assert await loop.sock_recv(there, 100) == b""

        await loop.sock_sendall(there, b"still speaking")
        assert await here.read() == b"still speaking"
        there.shutdown(socket.SHUT_WR)
        assert await here.read() == b""
        assert await here.read() == b"", "and again, for whoever asks"


async def test_it_knows_who_the_other_end_is() -> None:
    async with pair() as (here, there):
        assert here.remote == Address(*there.getsockname())


async def test_nothing_is_taken_from_the_system_while_the_reader_is_behind() -> None:
    loop = asyncio.get_running_loop()
    sent = bytes(range(256)) * 4 * 8192
    async with pair() as (here, there), asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.sock_sendall(there, sent))
        received = b""
        while len(received) < len(sent):
            for _ in range(10):
                await asyncio.sleep(0)  # time enough to take it all, if it were taken
            piece = await here.read()
            assert len(piece) < 2 * limits.READ_BYTES
            received += piece

    assert received == sent


async def test_a_peer_that_does_not_read_backs_it_up_until_it_reads() -> None:
    loop = asyncio.get_running_loop()
    async with pair() as (here, there), asyncio.TaskGroup() as tasks:
        here.write(bytes(64 * 1024 * 1024))
        assert here.is_backed_up

        draining = tasks.create_task(here.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        while not draining.done():
            await loop.sock_recv(there, 1024 * 1024)
        assert not here.is_backed_up


@pytest.mark.threat(18)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold what they like")
async def test_the_system_holds_little_for_who_does_not_read() -> None:
    async with pair() as (here, there):
        written_bytes = 8 * 1024 * 1024
        here.write(bytes(written_bytes))
        taken: set[int] = set()
        while len(taken) < 2 or written_bytes - here.waiting_bytes not in taken:
            taken.add(written_bytes - here.waiting_bytes)
            await asyncio.sleep(0.05)  # nothing tells when it takes no more

        arrived = unread_bytes(there)
        assert max(taken) - arrived < 256 * 1024


async def test_a_broken_connection_ends_reading_and_draining_behind_what_came() -> None:
    loop = asyncio.get_running_loop()
    async with pair() as (here, there), asyncio.TaskGroup() as tasks:
        here.write(bytes(64 * 1024 * 1024))
        draining = tasks.create_task(asyncio.wait([asyncio.ensure_future(here.drain())]))
        await loop.sock_sendall(there, b"last words")
        # Closing so, without lingering, breaks the connection.
        while not here._received:  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()

        ((drained,), _) = await draining
        assert isinstance(drained.exception(), OSError)
        assert await here.read() == b"last words"
        with pytest.raises(OSError):
            await here.read()
        with pytest.raises(OSError):
            await here.drain()


async def test_whoever_reads_sees_the_end_when_it_is_aborted() -> None:
    async with pair() as (here, _), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(here.read())
        await asyncio.sleep(0)

        here.abort()
        here.write_end()
        here.abort()

        assert await reading == b""
        with pytest.raises(ConnectionResetError):
            await here.drain()

"""A two-way stream of bytes to one other end, and the one over TCP.

A second transport has to offer what `ByteStream` does, and nothing else has to change.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from p2pchat.core import limits
from p2pchat.core.values import Address

_UNSENT_BYTES: Final = 32 * 1024
"""What the system itself may hold for a peer besides what is on its way.

It takes megabytes of its own accord: then seconds pass until anybody sees that a peer reads no
more, and it takes again only when a third of them has left, so that a slow peer looks like one that
stands still. It asks for more when half of this has left: 1.6 KiB a second in STALLED_S.
"""

_landings: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview]] = WeakKeyDictionary()
"""Where bytes land first: one for all streams of a loop, which copy them out before it goes on."""


class ByteStream(Protocol):
    """A two-way stream of bytes to one other end."""

    remote: Address
    """Numeric address and port of the other end."""

    async def read(self) -> bytes:
        """Wait for bytes and take all that came; b"" at the end of the stream."""
        ...

    def write(self, content: bytes) -> None:
        """Hand bytes over; never waits."""
        ...

    async def drain(self) -> None:
        """Wait while anything that was written has not left yet."""
        ...

    @property
    def waiting_bytes(self) -> int:
        """What was written and has not left yet."""
        ...

    @property
    def is_backed_up(self) -> bool:
        """Whether `drain()` would wait."""
        ...

    def write_end(self) -> None:
        """Say that nothing more comes; reading goes on."""
        ...

    def abort(self) -> None:
        """Close at once and throw away what was not sent."""
        ...


class TcpStream(asyncio.BufferedProtocol):
    """A `ByteStream` over TCP.

    asyncio's own streams receive into 256 KiB that are mapped and unmapped for every read, which
    costs ten times what the read does. This one receives into a buffer that is kept.
    """

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.remote = Address("", 0)
        self._loop = asyncio.get_running_loop()
        self._landing = _landing_of(self._loop)
        self._received: list[bytes] = []  # bounded: reading pauses at READ_BYTES
        self._received_bytes = 0
        self._is_reading = True
        self._is_at_end = False
        self._is_lost = False
        self._fault: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._relief: asyncio.Future[None] | None = None
        self.is_backed_up = False

    # --- What a connection uses ---------------------------------------------------------------

    async def read(self) -> bytes:
        """Wait for bytes and take all that came; b"" at the end of the stream.

        Raises:
            OSError: The connection broke; after all that had come before was taken.
        """
        if not self._received and not self._is_at_end:
            self._arrival = self._loop.create_future()
            await self._arrival
        if not self._received and self._fault is not None:
            raise _again(self._fault)
        return self._take()

    def write(self, content: bytes) -> None:
        """Hand bytes over; never waits."""
        self.transport.write(content)

    @property
    def waiting_bytes(self) -> int:
        """What was written and the system has not taken yet."""
        return self.transport.get_write_buffer_size()

    async def drain(self) -> None:
        """Wait while the system has not taken all that was written.

        Raises:
            OSError: The connection is gone.
        """
        if self.is_backed_up and not self._is_lost:
            self._relief = self._loop.create_future()
            await self._relief
        if self._is_lost:
            raise _again(self._fault or ConnectionResetError("connection lost"))

    def write_end(self) -> None:
        """Say that nothing more comes; reading goes on."""
        if self.transport.can_write_eof() and not self.transport.is_closing():
            with suppress(OSError):
                self.transport.write_eof()

    def abort(self) -> None:
        """Close at once and throw away what was not sent."""
        self.transport.abort()

    def _take(self) -> bytes:
        pieces, self._received, self._received_bytes = self._received, [], 0
        if not self._is_reading and not self._is_at_end:
            self._is_reading = True
            self.transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # --- What asyncio calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=0)
        _hold_little(transport.get_extra_info("socket"))
        if peername := transport.get_extra_info("peername"):
            self.remote = _address_of(peername)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to put what comes."""
        return self._landing

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came; nothing more while the reader leaves too much lying here."""
        self._received.append(bytes(self._landing[:nbytes]))
        self._received_bytes += nbytes
        if self._received_bytes >= limits.READ_BYTES:
            self._is_reading = False
            self.transport.pause_reading()
        self._wake(self._arrival)

    def eof_received(self) -> bool:
        """Let the reader see the end, and keep open for what we have to say."""
        self._is_at_end = True
        self._wake(self._arrival)
        return True

    def pause_writing(self) -> None:
        """Something waits to leave."""
        self.is_backed_up = True

    def resume_writing(self) -> None:
        """All of it has left."""
        self.is_backed_up = False
        self._wake(self._relief)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait any longer."""
        self._is_at_end = self._is_lost = True
        # Without the frames that it came through: see _again().
        self._fault = None if exc is None else exc.with_traceback(None)
        self._wake(self._arrival)
        self._wake(self._relief)

    @staticmethod
    def _wake(waiter: asyncio.Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


async def wrap(connected: socket.socket) -> TcpStream:
    """Make a stream of a connected socket, which it owns from then on.

    Raises:
        OSError: The other side has hung up already; the socket is still the caller's.
    """
    _, stream = await asyncio.get_running_loop().create_connection(TcpStream, sock=connected)
    return stream


def _again(fault: Exception) -> Exception:
    """Make another one like it: raised itself, what is kept would keep the frames that it crosses.

    They lead back to the stream, so that nothing of the connection would be freed at its end.
    """
    return type(fault)(*fault.args)


def _hold_little(connected: socket.socket) -> None:
    """Let the system hold little for the peer, where it can be told so: Linux and macOS."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT") and connected.family != socket.AF_UNIX:
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def _landing_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    if loop not in _landings:
        _landings[loop] = memoryview(bytearray(limits.READ_BYTES))
    return _landings[loop]


def _address_of(name: tuple[object, ...]) -> Address:
    host, port = str(name[0]), int(str(name[1]))
    return Address(host.removeprefix("::ffff:") if "." in host else host, port)

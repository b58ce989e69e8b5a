"""All that is TCP about a connection: listening, dialling, and a stream of bytes.

A second transport has to offer what `ByteStream` does, and nothing else has to change.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Protocol

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import ListenFailed, NoAnswer, NobodyListening, Unreachable
from p2pchat.net.race import connect_by_name

_KERNEL_BUFFER_BYTES: Final = 128 * 1024
"""What asyncio holds for a peer above the kernel's own buffer before `drain()` waits."""

_PORT_0_TRIES: Final = 16
"""Free ports of one family that are tried on the other one."""

_HANDING_OVER_TURNS: Final = 4
"""Turns of the loop that asyncio needs to hand over what it took in, and to close it.

Read in its source: a task, `connection_made`, `connection_lost`, with one to spare. When the loop
ends sooner, the socket is left to the garbage collector.
"""


class ByteStream(Protocol):
    """A two-way stream of bytes to one other end."""

    remote: Address
    """Numeric address and port of the other end."""

    async def read(self, most_bytes: int) -> bytes:
        """Wait for bytes; b"" at the end of the stream."""
        ...

    def write(self, content: bytes) -> None:
        """Hand bytes over; never waits."""
        ...

    async def drain(self) -> None:
        """Wait while too much that was written has not left yet."""
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


class TcpStream:
    """A `ByteStream` over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=_KERNEL_BUFFER_BYTES)
        peername = writer.get_extra_info("peername")
        self.remote = _address_of(peername) if peername else Address("", 0)

    async def read(self, most_bytes: int) -> bytes:
        """Wait for bytes; b"" at the end of the stream."""
        return await self._reader.read(most_bytes)

    def write(self, content: bytes) -> None:
        """Hand bytes over; never waits."""
        self._writer.write(content)

    async def drain(self) -> None:
        """Wait while too much that was written has not left yet."""
        await self._writer.drain()

    @property
    def is_backed_up(self) -> bool:
        """Whether `drain()` would wait."""
        return self._writer.transport.get_write_buffer_size() > _KERNEL_BUFFER_BYTES

    def write_end(self) -> None:
        """Say that nothing more comes; reading goes on."""
        if self._writer.can_write_eof() and not self._writer.transport.is_closing():
            with suppress(OSError):
                self._writer.write_eof()

    def abort(self) -> None:
        """Close at once and throw away what was not sent."""
        self._writer.transport.abort()


async def dial(address: Address) -> TcpStream:
    """Open a TCP connection; host names with several addresses are tried as in RFC 8305.

    Raises:
        DialFailed: With the reason and what to do.
    """
    host = "localhost" if address.is_any else address.host
    try:
        async with asyncio.timeout(limits.DIAL_TIMEOUT_S):
            reader, writer = await (
                asyncio.open_connection(host, address.port, limit=limits.READ_BYTES)
                if _is_ip(host)
                else connect_by_name(host, address.port)
            )
    except TimeoutError:
        raise NoAnswer(address, limits.DIAL_TIMEOUT_S) from None
    except (OSError, UnicodeError) as error:
        raise _dial_failed(address, error) from None
    return TcpStream(reader, writer)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _dial_failed(address: Address, error: Exception) -> Exception:
    if isinstance(error, ConnectionRefusedError):
        return NobodyListening(address)
    if isinstance(error, socket.gaierror | UnicodeError):
        return Unreachable(address, "no machine of that name is known")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return NoAnswer(address, limits.DIAL_TIMEOUT_S)
    if isinstance(error, OSError) and error.errno:
        # asyncio replaces the system's words by "Connect call failed" with the address.
        return Unreachable(address, os.strerror(error.errno))
    return Unreachable(address, str(error))


class Listener:
    """The listening sockets of a node: both families on one port, where both exist."""

    def __init__(self, host: str, port: int | None) -> None:
        """Bind at once; nothing is accepted before `serve()`.

        Args:
            host: Address to listen on; empty for all interfaces, IPv6 and IPv4.
            port: 0 for any, None for the first free one from DEFAULT_PORT up.

        Raises:
            ListenFailed: The port, or every port that may be tried, is taken.
        """
        self._sockets = _bind_first_free(host, port)
        self._servers: list[asyncio.Server] = []
        self._has_stopped = False

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._sockets[0].getsockname()[1])

    @property
    def address(self) -> Address:
        """The address as bound: `[::]` stands for both families."""
        return Address(str(self._sockets[0].getsockname()[0]), self.port)

    async def serve(self, on_accept: Callable[[TcpStream], None]) -> None:
        """Accept until cancelled; whoever comes is handed over at once."""

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A plain function: asyncio would wrap a coroutine in a task that nobody owns.
            stream = TcpStream(reader, writer)
            if self._has_stopped:
                # asyncio took it in before we stopped, but hands it over only now.
                stream.abort()
                return
            on_accept(stream)

        try:
            for listening in self._sockets:
                # Kept before it starts: a server that is cancelled at its start is lost.
                server = await asyncio.start_server(
                    accept, sock=listening, limit=limits.READ_BYTES, start_serving=False
                )
                self._servers.append(server)
                await server.start_serving()
            await asyncio.Event().wait()
        finally:
            self.stop()
            await self._close_late()

    def stop(self) -> None:
        """Hand nobody over from now on; connections that are there stay."""
        if self._has_stopped:
            return
        self._has_stopped = True
        for listening in self._sockets:
            # There is no reader with Windows' proactor, which hands over at once.
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_reader(listening)

    def close(self) -> None:
        """Give the port back; `serve()` does so by itself when it is cancelled."""
        self._has_stopped = True
        for server in self._servers:
            server.close()
        for listening in self._sockets:
            listening.close()

    async def _close_late(self) -> None:
        # A server that is closed loses the sockets that it has not handed over yet.
        try:
            for _ in range(_HANDING_OVER_TURNS):
                await asyncio.sleep(0)
        finally:
            self.close()


def _bind_first_free(host: str, port: int | None) -> list[socket.socket]:
    last = OSError(errno.EADDRINUSE, "no free port")
    for candidate in _candidates(port):
        try:
            return _bind(host, candidate)
        except OSError as error:
            last = error
            if error.errno != errno.EADDRINUSE:
                break
    shown = limits.DEFAULT_PORT if port is None else port
    if last.errno == errno.EADDRINUSE:
        raise ListenFailed(host, shown, "it is in use. Choose another one with --port") from None
    raise ListenFailed(host, shown, last.strerror or str(last)) from None


def _candidates(port: int | None) -> Iterator[int]:
    if port is None:
        yield from range(limits.DEFAULT_PORT, limits.DEFAULT_PORT + limits.PORT_TRIES)
    elif port == 0:
        yield from [0] * _PORT_0_TRIES
    else:
        yield port


def _bind(host: str, port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for family, where in _places(host):
            bound.append(_bind_one(family, where, port))
            port = int(bound[0].getsockname()[1])
    except OSError:
        for opened in bound:
            opened.close()
        raise
    return bound


def _places(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host in ("", "::", "0.0.0.0"):
        families = [(socket.AF_INET6, "::")] if _has_ipv6() and host != "0.0.0.0" else []
        return [*families, (socket.AF_INET, "0.0.0.0")]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(found[0][0], str(found[0][4][0]))]


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::", 0))
        return True
    return False


def _bind_one(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # A port in TIME_WAIT may be taken again; on Windows the option means theft.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        # Two sockets may bind one port with SO_REUSEADDR; only one may listen on it.
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _address_of(name: tuple[object, ...]) -> Address:
    host, port = str(name[0]), int(str(name[1]))
    return Address(host.removeprefix("::ffff:") if "." in host else host, port)

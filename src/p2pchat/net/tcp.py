"""Listening on TCP, and dialling."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import DialFailed, ListenFailed
from p2pchat.net.files import FILES_KEPT_FREE, files_left
from p2pchat.net.race import connect_first
from p2pchat.net.readiness import until_readable
from p2pchat.net.stream import TcpStream, wrap

_PORT_0_TRIES: Final = 16
"""Free ports of one family that are tried on the other one."""

_CLOSING_TURNS: Final = 4
"""Turns of the loop that asyncio needs to close what came in while we stopped.

Read in its source: `connection_made`, `connection_lost`, with two to spare. When the loop ends
sooner, the socket is left to the garbage collector.
"""

_PROBE_TIMEOUT_S: Final = 3.0
"""Of a mere knock; whoever asked for it waits for the answer."""

_CROWDED_PAUSE_S: Final = 0.05
"""Wait while files are scarce. Looking again costs microseconds, and of a crowd that has gone
another few leave the queue each time."""

_REFUSED_PAUSE_S: Final = 1.0
"""Wait when the system itself refuses: as asyncio's, but once for all who are at the door."""

_COMPLAINT_EVERY_S: Final = 20.0
"""Between two lines in the log about that."""

log = logging.getLogger(__name__)


async def dial(address: Address) -> TcpStream:
    """Open a TCP connection; host names with several addresses are tried as in RFC 8305.

    Raises:
        DialFailed: With the reason and what to do.
    """
    return await dial_first((address,), limits.DIAL_TIMEOUT_S)


async def dial_first(addresses: Sequence[Address], timeout_s: float) -> TcpStream:
    """Open a TCP connection to the first of several addresses of one host that answers.

    Args:
        addresses: One or more, numbers or names.
        timeout_s: For all of them together.

    Raises:
        DialFailed: The reason that tells most, with the address that it is about.
    """
    return await connect_first(addresses, timeout_s)


async def probe(address: Address, timeout_s: float = _PROBE_TIMEOUT_S) -> bool:
    """Tell whether anything accepts TCP connections there; sends nothing, closes at once."""
    try:
        stream = await dial_first((address,), timeout_s)
    except DialFailed:
        return False
    stream.abort()
    return True


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
        bound_host, bound_port, *_ = self._sockets[0].getsockname()
        # Kept, for people are still told of it while the sockets close.
        self.address: Final = Address(str(bound_host), int(bound_port))
        """The address as bound: `[::]` stands for both families."""
        self._complained_at = -math.inf
        self._has_stopped = False

    @property
    def port(self) -> int:
        """The port that was bound."""
        return self.address.port

    async def serve(self, on_accept: Callable[[TcpStream], None]) -> None:
        """Accept until cancelled; whoever comes is handed over at once.

        One at a time a socket, so that no connection is lost when it ends; nobody while files are
        scarce: those who come then wait in the system's own queue.
        """
        try:
            async with asyncio.TaskGroup() as others:
                for listening in self._sockets[1:]:
                    others.create_task(self._accept_all(listening, on_accept), name="listener")
                await self._accept_all(self._sockets[0], on_accept)
        finally:
            self.stop()
            await self._close_late()

    def stop(self) -> None:
        """Hand nobody over from now on; connections that are there stay."""
        self._has_stopped = True

    def close(self) -> None:
        """Give the port back; `serve()` does so by itself when it is cancelled."""
        self._has_stopped = True
        for listening in self._sockets:
            listening.close()

    async def _accept_all(
        self, listening: socket.socket, on_accept: Callable[[TcpStream], None]
    ) -> None:
        while not self._has_stopped:
            await until_readable(listening)
            if files_left() < FILES_KEPT_FREE:
                await self._pause("too many files are open", _CROWDED_PAUSE_S)
                continue
            try:
                accepted = await _accept(listening)
            except OSError as error:
                # asyncio's own servers try again at once, in vain and for each connection that
                # waits: the processor is busy with that alone (cpython issue 151615).
                await self._pause(error.strerror or str(error), _REFUSED_PAUSE_S)
                continue
            if accepted is not None:
                await self._hand_over(accepted, on_accept)

    async def _hand_over(
        self, accepted: socket.socket, on_accept: Callable[[TcpStream], None]
    ) -> None:
        try:
            stream = await wrap(accepted)
        except OSError:
            accepted.close()  # it has hung up already
            return
        except BaseException:
            accepted.close()
            raise
        if self._has_stopped:
            stream.abort()
            return
        on_accept(stream)

    async def _pause(self, why: str, length_s: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained_at >= _COMPLAINT_EVERY_S:
            self._complained_at = now
            log.warning("accepts nobody for a while: %s", why)
        await asyncio.sleep(length_s)

    async def _close_late(self) -> None:
        try:
            for _ in range(_CLOSING_TURNS):
                await asyncio.sleep(0)
        finally:
            self.close()


async def _accept(listening: socket.socket) -> socket.socket | None:
    """Accept one connection; None when who knocked has gone again.

    Where it waited to be readable, nothing is awaited here, so that a cancellation can't come
    between the socket and its owner.

    Raises:
        OSError: The system can't give one now.
    """
    try:
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            accepted, _ = listening.accept()
        else:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
    except (BlockingIOError, InterruptedError, ConnectionError):
        return None
    accepted.setblocking(False)
    return accepted


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

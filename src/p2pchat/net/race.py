"""Which of the addresses of one host answers first, as in RFC 8305."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import DialFailed, NoAnswer, NobodyListening, Unreachable
from p2pchat.net.stream import TcpStream, wrap

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""As the system gives it: with IPv6 the scope goes along, which text would lose."""

_TELLING: Final = (NobodyListening, NoAnswer, Unreachable, DialFailed)
"""The most telling failure first: who refuses is there, who is silent may be."""


class Place(NamedTuple):
    """One address to try, with the one that it was found by."""

    address: Address
    family: socket.AddressFamily
    where: SocketAddress


async def connect_first(addresses: Sequence[Address], timeout_s: float) -> TcpStream:
    """Connect to the first of the addresses that answers; one host has them all.

    Names are looked up; the families take turns. The next address is tried after
    HAPPY_EYEBALLS_DELAY_S seconds, or as soon as one fails. asyncio can do that too, but when it
    is cancelled it may lose a connected socket.

    Args:
        addresses: One or more.
        timeout_s: For all of them together, looking them up included.

    Raises:
        DialFailed: No address answers; it is the failure that tells most.
    """
    failures: list[DialFailed] = []
    try:
        async with asyncio.timeout(timeout_s):
            places = await _look_up_all(addresses, failures)
            if stream := await _race(_alternating(places), failures):
                return stream
    except TimeoutError:
        failures.append(NoAnswer(addresses[0], timeout_s))
    raise _most_telling(failures)


def dial_failed(address: Address, error: Exception) -> DialFailed:
    """Say what an error of the system means for whoever wanted to be connected."""
    if isinstance(error, ConnectionRefusedError):
        return NobodyListening(address)
    if isinstance(error, socket.gaierror | UnicodeError):
        return Unreachable(address, "no machine of that name is known")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return NoAnswer(address, limits.DIAL_TIMEOUT_S)
    if isinstance(error, OSError) and error.errno:
        return Unreachable(address, os.strerror(error.errno))
    return Unreachable(address, str(error))


async def _look_up_all(addresses: Sequence[Address], failures: list[DialFailed]) -> list[Place]:
    places: list[Place] = []
    for address in dict.fromkeys(addresses):
        try:
            found = await _look_up(address)
        except (OSError, UnicodeError) as error:
            failures.append(dial_failed(address, error))
            continue
        places += [Place(address, family, where) for family, where in found]
    return places


async def _look_up(address: Address) -> list[tuple[socket.AddressFamily, SocketAddress]]:
    host = "localhost" if address.is_any else address.host
    try:
        # At once, without a thread: nobody is asked for what is a number already.
        found = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return [(family, where) for family, *_, where in found]


def _alternating(places: Iterable[Place]) -> list[Place]:
    """Take turns between the families, so that one that is broken costs one delay only."""
    by_family: dict[socket.AddressFamily, list[Place]] = {}
    for place in places:
        by_family.setdefault(place.family, []).append(place)
    return [place for turn in zip_longest(*by_family.values()) for place in turn if place]


async def _race(places: list[Place], failures: list[DialFailed]) -> TcpStream | None:
    connected: list[TcpStream] = []

    async def attempt(place: Place) -> None:
        try:
            connected.append(await _connect(place))
        except OSError as error:
            failures.append(dial_failed(place.address, error))

    try:
        async with asyncio.TaskGroup() as attempts:
            running: set[asyncio.Task[None]] = set()
            for place in places:
                running.add(attempts.create_task(attempt(place)))
                running = await _next_end(running, limits.HAPPY_EYEBALLS_DELAY_S)
                if connected:
                    break
            while running and not connected:
                running = await _next_end(running, None)
            for late in running:
                late.cancel()
    except BaseException:
        _abort(connected)
        raise
    _abort(connected[1:])
    return connected[0] if connected else None


async def _next_end(
    running: set[asyncio.Task[None]], delay_s: float | None
) -> set[asyncio.Task[None]]:
    """Wait for one to end, or for the delay, and return those that go on."""
    _, going_on = await asyncio.wait(running, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
    return going_on


async def _connect(place: Place) -> TcpStream:
    connecting = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, place.where)
        return await wrap(connecting)
    except BaseException:
        connecting.close()
        raise


def _abort(losers: list[TcpStream]) -> None:
    for stream in losers:
        stream.abort()


def _most_telling(failures: list[DialFailed]) -> DialFailed:
    def rank(failure: DialFailed) -> int:
        return next(n for n, kind in enumerate(_TELLING) if isinstance(failure, kind))

    return min(failures, key=rank)

"""Which of the addresses of one host answers first, as in RFC 8305."""

from __future__ import annotations

import asyncio
import socket
from itertools import zip_longest

from p2pchat.core import limits

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""As the system gives it: with IPv6 the scope goes along, which text would lose."""

Place = tuple[socket.AddressFamily, SocketAddress]


async def connect_by_name(host: str, port: int) -> Streams:
    """Look a host name up and connect to the first of its addresses that answers.

    The next address is tried after HAPPY_EYEBALLS_DELAY_S seconds, or as soon as one fails.
    asyncio can do that too, but when it is cancelled it may lose a connected socket.

    Raises:
        OSError: The name is unknown, or no address answers: then a refusal, if there was one.
        UnicodeError: That can't be a name.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await _race(_alternating([(family, where) for family, *_, where in found]))


def _alternating(places: list[Place]) -> list[Place]:
    """Take turns between the families, so that one that is broken costs one delay only."""
    by_family: dict[socket.AddressFamily, list[Place]] = {}
    for place in places:
        by_family.setdefault(place[0], []).append(place)
    return [place for turn in zip_longest(*by_family.values()) for place in turn if place]


async def _race(places: list[Place]) -> Streams:
    connected: list[Streams] = []
    failures: list[OSError] = []

    async def attempt(place: Place) -> None:
        try:
            connected.append(await _connect(place))
        except OSError as error:
            failures.append(error)

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
    if not connected:
        raise _most_telling(failures)
    return connected[0]


async def _next_end(
    running: set[asyncio.Task[None]], delay_s: float | None
) -> set[asyncio.Task[None]]:
    """Wait for one to end, or for the delay, and return those that go on."""
    _, going_on = await asyncio.wait(running, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
    return going_on


async def _connect(place: Place) -> Streams:
    family, where = place
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, where)
        return await asyncio.open_connection(sock=connecting, limit=limits.READ_BYTES)
    except BaseException:
        connecting.close()
        raise


def _abort(losers: list[Streams]) -> None:
    for _, writer in losers:
        writer.transport.abort()


def _most_telling(failures: list[OSError]) -> OSError:
    refusals = [error for error in failures if isinstance(error, ConnectionRefusedError)]
    return (refusals or failures)[0]

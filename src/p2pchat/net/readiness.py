"""Waiting until a socket has something to take."""

from __future__ import annotations

import asyncio
import socket


async def until_readable(waiting: socket.socket) -> None:
    """Wait until something can be taken from a socket, without taking it.

    Nothing gets lost when that is cancelled. Returns at once on Windows, whose event loop can't
    tell: what takes something has to wait there itself.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(waiting, ready.set)
    except NotImplementedError:
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(waiting)

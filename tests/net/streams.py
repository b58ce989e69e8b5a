"""A `ByteStream` without a socket."""

from __future__ import annotations

import asyncio

from p2pchat.core.values import Address


class FakeStream:
    """Bytes in from a list, bytes out to one; a test decides when it is backed up."""

    def __init__(self) -> None:
        self.remote = Address("127.0.0.1", 4242)
        self.written = b""
        self.is_backed_up = False
        self.left_bytes = 1_000
        """What has not left, while it is backed up."""
        self.has_ended = False
        self.is_aborted = False
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue(maxsize=100)
        self._drained = asyncio.Event()

    def arrive(self, content: bytes) -> None:
        """Let bytes arrive; b"" is the end."""
        self._incoming.put_nowait(content)

    async def read(self) -> bytes:
        if self.is_aborted:
            raise ConnectionAbortedError
        return await self._incoming.get()

    def write(self, content: bytes) -> None:
        self.written += content

    @property
    def waiting_bytes(self) -> int:
        return self.left_bytes if self.is_backed_up and not self.is_aborted else 0

    async def drain(self) -> None:
        if self.is_backed_up:
            await self._drained.wait()
        if self.is_aborted:
            raise ConnectionAbortedError

    def let_go(self) -> None:
        """Take in what was written."""
        self.is_backed_up = False
        self._drained.set()

    def write_end(self) -> None:
        self.has_ended = True

    def abort(self) -> None:
        """Throw away what has not left, at once; whoever waits is told a little later."""
        self.is_aborted = True
        asyncio.get_running_loop().call_soon(self._drained.set)
        self._incoming.put_nowait(b"")

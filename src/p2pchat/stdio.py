"""Standard input and output without a terminal, on daemon threads.

An event loop can neither wait for a regular file nor write to a full pipe without standing
still, so a thread does either; a daemon thread, because nobody can wake it at the end.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

READ_BYTES: Final = 64 * 1024

LINE_LIMIT_BYTES: Final = 1024 * 1024
"""Longest line that is held; the rest of a longer one is dropped, and it is too long anyway."""

OUTPUT_LIMIT_BYTES: Final = 1024 * 1024
"""Output that waits for a slow reader; above, the one who writes waits as well."""


class LineCutter:
    """Cuts bytes into lines of text; pure."""

    def __init__(self) -> None:
        self._unfinished = bytearray()

    def feed(self, received: bytes) -> list[str]:
        """Return the lines that the bytes complete, without their ends."""
        first, *more = received.split(b"\n")
        self._hold(first)
        lines: list[str] = []
        for following in more:
            lines.append(self._finished())
            self._hold(following)
        return lines

    def finish(self) -> list[str]:
        """Return a last line that has no end."""
        return [self._finished()] if self._unfinished else []

    def _hold(self, piece: bytes) -> None:
        room = LINE_LIMIT_BYTES - len(self._unfinished)
        self._unfinished += piece[:room]

    def _finished(self) -> str:
        line = bytes(self._unfinished).removesuffix(b"\r")
        self._unfinished.clear()
        return line.decode("utf-8", "replace")


class StandardInput:
    """Lines of standard input as they come; ends with the input."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor

    async def lines(self) -> AsyncIterator[str]:
        """Yield each line; the reading thread waits while the last piece is worked on."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[list[str] | None] = asyncio.Queue(maxsize=1)
        is_wanted = threading.Semaphore()

        def hand_over(piece: list[str] | None) -> None:
            is_wanted.acquire()
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def read() -> None:
            cutter = LineCutter()
            # RuntimeError: the loop has ended while we waited for input.
            with suppress(RuntimeError):
                while received := self._read():
                    if lines := cutter.feed(received):
                        hand_over(lines)
                hand_over(cutter.finish())
                hand_over(None)

        threading.Thread(target=read, name="standard input", daemon=True).start()
        while (piece := await pieces.get()) is not None:
            for line in piece:
                yield line
            is_wanted.release()

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except OSError:
            return b""  # there is no input: as good as its end


class StandardOutput:
    """Writes texts in their order; `write()` never waits, `keep_up()` does."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._is_writing = False
        self._is_broken = False
        # bounded: the next job is put in when the last one is done
        self._jobs: SimpleQueue[bytes | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._went_on = asyncio.Event()
        self._patience_s: float | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.broken = asyncio.Event()
        """Set when nobody reads any more."""
        threading.Thread(target=self._work, name="standard output", daemon=True).start()

    def write(self, text: str) -> None:
        """Take a text; all that comes while the thread writes goes out in one piece."""
        if self._is_broken:
            return
        content = text.encode("utf-8", "backslashreplace")
        self._waiting.append(content)
        self._waiting_bytes += len(content)
        self._start()

    def offer(self, text: str) -> None:
        """Take a text, or drop it while a reader is too far behind."""
        if self._waiting_bytes <= OUTPUT_LIMIT_BYTES:
            self.write(text)

    async def keep_up(self, most_bytes: int = OUTPUT_LIMIT_BYTES) -> None:
        """Wait until no more than that waits to be written."""
        while (self._waiting_bytes > most_bytes or (not most_bytes and self._is_writing)) and (
            not self._is_broken
        ):
            self._went_on.clear()
            await self._went_on.wait()

    async def flush(self) -> None:
        """Wait until everything was written."""
        await self.keep_up(0)

    def hurry(self, patience_s: float) -> None:
        """From now on give up a reader that does not take a piece within that time."""
        self._patience_s = patience_s
        if self._is_writing:
            self._lose_patience_later()

    def give_up(self) -> None:
        """Drop what nobody has read yet, and wait for nobody any more."""
        self._is_broken = True
        self._waiting.clear()
        self._waiting_bytes = 0
        self._went_on.set()

    def _start(self) -> None:
        if self._is_writing or not self._waiting:
            return
        content = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._is_writing = True
        self._jobs.put(content)
        self._lose_patience_later()

    def _lose_patience_later(self) -> None:
        if self._patience_s is None:
            return
        if self._patience is not None:
            self._patience.cancel()  # hurried twice
        self._patience = self._loop.call_later(self._patience_s, self.give_up)

    def _work(self) -> None:
        while (content := self._jobs.get()) is not None:
            is_broken = False
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                is_broken = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._on_written, is_broken)

    def _on_written(self, is_broken: bool) -> None:
        self._is_writing = False
        if self._patience is not None:
            self._patience.cancel()
        if is_broken:
            self.give_up()
            self.broken.set()
            return
        self._went_on.set()
        self._start()

"""A terminal that nobody looks at, for measures of the program at one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from tests.benchmarks.hosts import NotMeasured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_READ_BYTES: Final = 65_536
_WHERE_IS_THE_CURSOR: Final = b"\x1b[6n"
_CURSOR: Final = b"\x1b[1;1R"


class Screen:
    """What was written so far to a terminal; it answers where its cursor is, as they all do."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._written = b""
        self._changed = asyncio.Event()

    def read(self) -> None:
        """Take what is there to be read."""
        try:
            written = os.read(self._terminal, _READ_BYTES)
        except OSError:  # nobody holds the other end any more
            asyncio.get_running_loop().remove_reader(self._terminal)
            return
        os.write(self._terminal, _CURSOR * written.count(_WHERE_IS_THE_CURSOR))
        self._written += written
        self._changed.set()

    async def shows(self, text: bytes) -> None:
        """Wait until it has shown a text."""
        while text not in self._written:
            self._changed.clear()
            await self._changed.wait()


@contextlib.asynccontextmanager
async def at_terminal(
    *arguments: str, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Screen]]:
    """Run a command at a terminal of its own; end it by force."""
    if sys.platform == "win32":
        raise NotMeasured("needs pseudo-terminals")
    terminal, inside = os.openpty()
    loop = asyncio.get_running_loop()
    with contextlib.closing(os.fdopen(terminal, "rb", buffering=0)):
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=inside,
                stdout=inside,
                stderr=inside,
                env={**environment, "TERM": "xterm-256color"},
            )
        finally:
            os.close(inside)
        screen = Screen(terminal)
        loop.add_reader(terminal, screen.read)
        try:
            yield process, screen
        finally:
            loop.remove_reader(terminal)
            if process.returncode is None:
                process.kill()
            await process.wait()

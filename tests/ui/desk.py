"""A terminal whose keyboard is a pipe, whose screen is a list of lines."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from p2pchat.ui.completion import Candidate
from p2pchat.ui.model import Toolbar
from p2pchat.ui.terminal import Terminal
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from prompt_toolkit.input.base import PipeInput

    from p2pchat.ui.completion import Candidate

LOBBY = Toolbar("lobby", 2, 55555)


class Paper(DummyOutput):
    """Keeps what is printed above the prompt, and what else happens to a terminal."""

    def __init__(self) -> None:
        self.raw = ""
        self.bells = 0
        self.screens_erased = 0
        self.columns = 80

    def write_raw(self, data: str) -> None:
        self.raw += data

    def bell(self) -> None:
        self.bells += 1

    def erase_screen(self) -> None:
        self.screens_erased += 1

    def get_size(self) -> Size:
        return Size(rows=24, columns=self.columns)

    @property
    def printed(self) -> list[str]:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.raw)
        return plain.split("\r\n")[:-1]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A terminal with a pipe for a keyboard and paper for a screen."""

    def __init__(self, terminal: Terminal, keys: PipeInput, paper: Paper, clock: Clock) -> None:
        self.terminal = terminal
        self.keys = keys
        self.paper = paper
        self.clock = clock
        self._lines = terminal.lines()

    async def line(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return await anext(self._lines)

    async def has_ended(self) -> bool:
        async with asyncio.timeout(DEADLINE_S):
            return await anext(self._lines, None) is None

    async def until(self, claim: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not claim():
                await _one_turn_of_the_loop()

    async def opened_for_writing(self, fifo: Path) -> int:
        """Open it as soon as somebody reads it."""
        descriptors: list[int] = []

        def is_open() -> bool:
            with suppress(OSError):
                descriptors.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            return bool(descriptors)

        await self.until(is_open)
        return descriptors[0]


async def _one_turn_of_the_loop() -> None:
    turned = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turned.set_result, None)
    await turned


@asynccontextmanager
async def desk(
    complete: Callable[[str], list[Candidate]] | None = None,
    question: Callable[[str], str | None] = lambda _: None,
) -> AsyncIterator[Desk]:
    paper, clock = Paper(), Clock()
    with create_pipe_input() as keys:
        terminal = Terminal(
            "alice",
            LOBBY,
            complete=complete,
            question=question,
            input=keys,
            output=paper,
            clock=clock,
        )
        async with terminal:
            yield Desk(terminal, keys, paper, clock)

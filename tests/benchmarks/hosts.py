"""Processes of a measure, seen from the process that measures."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from tests.benchmarks.commands import Collect, Collected, Command, Connect, Done, Ready, Start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

ROOT: Final = Path(__file__).parents[2]
ANSWER_TIMEOUT_S: Final = 300.0
STOP_TIMEOUT_S: Final = 3.0
REPLY_LIMIT_BYTES: Final = 1 << 26

_Reply = TypeVar("_Reply", Ready, Done, Collected)


class NotMeasured(Exception):
    """A measure could not be taken; the text says why."""


class HostProcess:
    """A started process that answers one command at a time; leaves with its `async with`."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its number, to look it up in /proc."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> HostProcess:
        """Start it, then wait until it has imported what it hosts."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.benchmarks.host",
            self._system,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=REPLY_LIMIT_BYTES,
        )
        try:
            ready = await self._read(Ready)
            if ready.fault:
                raise NotMeasured(ready.fault)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, by force when it takes too long."""
        await self._stop()

    async def start(self, nodes: int) -> list[int]:
        """Start nodes; returns their ports."""
        return (await self.do(Start(nodes))).ports

    async def connect(self, edges: list[tuple[int, int]]) -> None:
        """Connect its nodes, by place, to ports."""
        await self.do(Connect(edges))

    async def do(self, command: Command) -> Done:
        """Carry out any command but Collect."""
        self._write(command)
        return await self._read(Done)

    async def collect(self) -> Collected:
        """Wait for the count of what arrived."""
        self._write(Collect())
        return await self._read(Collected)

    def _write(self, command: Command) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")

    async def _read(self, kind: type[_Reply]) -> _Reply:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            line = await self._process.stdout.readline()
        if not line:
            raise NotMeasured(f"a process that hosted {self._system} ended by itself")
        return msgspec.json.decode(line, type=kind)

    async def _stop(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def hosted(system: str, processes: int) -> AsyncIterator[list[HostProcess]]:
    """Run so many processes of one system."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(HostProcess(system)) for _ in range(processes)]

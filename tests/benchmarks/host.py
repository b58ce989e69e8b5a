"""A process that hosts nodes of one system for a measure in another process."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from tests.benchmarks.commands import (
    Announce,
    Collect,
    Collected,
    Command,
    Connect,
    Done,
    Expect,
    Pace,
    Ready,
    Start,
)
from tests.benchmarks.systems import SYSTEMS
from tests.benchmarks.tally import Tally, numbered_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.system import System

QUIET_S: Final = 5.0
"""When nothing came for so long, the rest is counted as lost."""

LINGER_S: Final = 0.2
"""How long duplicates are looked for after the last text."""


class Host:
    """The nodes of this process, with what each of them received."""

    def __init__(self, make: Callable[[], System], tasks: asyncio.TaskGroup) -> None:
        self._make = make
        self._tasks = tasks
        self._consumers: list[asyncio.Task[None]] = []
        self._nodes: list[System] = []
        self._tallies: list[Tally] = []

    async def carry_out(self, command: Command) -> Done | Collected:
        """Do what a measure asks."""
        match command:
            case Start(nodes):
                return await self._start(nodes)
            case Connect(edges):
                for node, port in edges:
                    await self._nodes[node].connect(port)
                return Done()
            case Expect(texts, each, delays):
                self._tallies[:] = [Tally(texts, wanted, delays=delays) for wanted in each]
                return Done()
            case Announce():
                return await self._announce(command)
            case Collect():
                return await self._collect()
            case _:
                assert_never(command)

    async def stop(self) -> None:
        """Stop every node."""
        for consumer in self._consumers:
            consumer.cancel()
        for node in reversed(self._nodes):
            await node.stop()

    async def _start(self, nodes: int) -> Done:
        for _ in range(nodes):
            node = self._make()
            await node.start()
            self._nodes.append(node)
            self._tallies.append(Tally(0, 0, delays=False))
            consumer = self._consume(len(self._nodes) - 1)
            self._consumers.append(self._tasks.create_task(consumer))
        return Done([node.port for node in self._nodes])

    async def _consume(self, place: int) -> None:
        async for message in self._nodes[place].messages():
            self._tallies[place].add(message.text)

    async def _announce(self, command: Announce) -> Done:
        numbers = [n for n in range(command.texts) if n % command.authors in command.mine]
        nodes = [self._nodes[command.mine[n % command.authors]] for n in numbers]
        if command.pace is Pace.BURST:
            return await self._burst(nodes, numbers)
        started_ns = time.monotonic_ns()
        for node, number in zip(nodes, numbers, strict=True):
            if command.pace is Pace.STEADY:
                due_s = started_ns / 1e9 + number / command.per_s
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            while not node.announce(numbered_text(number)):
                await node.drain()
            if command.pace is Pace.TURNS:
                await asyncio.sleep(0)
                await node.drain()
        return Done(at_ns=started_ns)

    async def _burst(self, nodes: list[System], numbers: list[int]) -> Done:
        # Where delays count, each text needs its own time; elsewhere all are written before
        # the clock starts, because writing them is no work of what is measured.
        has_delays = any(tally.keeps_delays for tally in self._tallies)
        texts = [] if has_delays else [numbered_text(number) for number in numbers]
        started_ns = time.monotonic_ns()
        for turn, node in enumerate(nodes):
            text = numbered_text(numbers[turn]) if has_delays else texts[turn]
            while not node.announce(text):
                await node.drain()
        return Done(at_ns=started_ns)

    async def _collect(self) -> Collected:
        for tally in self._tallies:
            await self._until_ended(tally)
        await asyncio.sleep(LINGER_S)
        return Collected(
            distinct=sum(t.distinct for t in self._tallies),
            duplicates=sum(t.duplicates for t in self._tallies),
            garbled=sum(t.garbled for t in self._tallies),
            last_ns=max(t.last_ns for t in self._tallies),
            delays_ms=[delay for t in self._tallies for delay in t.delays_ms],
        )

    async def _until_ended(self, tally: Tally) -> None:
        while not tally.ended.is_set():
            before = self._progress()
            try:
                async with asyncio.timeout(QUIET_S):
                    await tally.ended.wait()
            except TimeoutError:
                if self._progress() == before:
                    tally.end()

    def _progress(self) -> int:
        return sum(t.distinct + t.duplicates for t in self._tallies)


async def serve(system: str) -> None:
    """Answer commands from standard input until it ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    decoder = msgspec.json.Decoder(Command)
    async with asyncio.TaskGroup() as tasks:
        host = Host(SYSTEMS[system], tasks)
        _reply(_try_out(system))
        while line := await lines.readline():
            _reply(await host.carry_out(decoder.decode(line)))
        await host.stop()


def _try_out(system: str) -> Ready:
    # Makes one and drops it: whatever is imported late must not count as memory of a node.
    try:
        SYSTEMS[system]()
    except (ImportError, AttributeError) as fault:
        return Ready(f"{system} is not there: {fault}")
    return Ready()


def _reply(reply: Ready | Done | Collected) -> None:
    sys.stdout.write(msgspec.json.encode(reply).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

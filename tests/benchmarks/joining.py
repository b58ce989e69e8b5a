"""Measures of programs that join by themselves: many at once, then a third of them killed."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import secrets
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import ACTIVE_AIM
from tests.benchmarks import linux
from tests.benchmarks.flood import MEBIBYTE
from tests.benchmarks.hosts import NotMeasured
from tests.benchmarks.program import command, compile_package
from tests.benchmarks.pseudo_terminal import at_terminal
from tests.benchmarks.system import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KILLED_SHARE: Final = 0.3
TEXTS: Final = 20
TEXT_EVERY_S: Final = 0.25
"""After the killing: the first ones are said while nobody has noticed much yet."""

TIMEOUT_S: Final = 180.0
LATE_S: Final = 30.0
"""A text that has not come by then is lost: one comparison has gone by at the least."""

FULL_SHARE: Final = 0.9
"""Of the views that have to be full. Few people stay one short for long: everybody else has more
than enough by then, and has no place for who asks without need."""

LINE_LIMIT_BYTES: Final = 1 << 20


class Joiner:
    """One program, with what it has told so far."""

    def __init__(self, process: asyncio.subprocess.Process, changed: asyncio.Event) -> None:
        self.id = ""
        self.port = 0
        self.neighbours: set[str] = set()
        self.texts: set[str] = set()
        self.is_killed = False
        self._process = process
        self._changed = changed

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    def kill(self) -> None:
        """End it as a crash would."""
        self.is_killed = True
        self._process.kill()

    async def read(self) -> None:
        """Follow what it tells, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self._take(json.loads(line))
            self._changed.set()

    def _take(self, told: dict[str, object]) -> None:
        match told:
            case {"type": "ready", "id": str(peer), "port": int(port)}:
                self.id, self.port = peer, port
            case {"type": "connected", "peer": {"id": str(peer)}}:
                self.neighbours.add(peer)
            case {"type": "disconnected", "peer": {"id": str(peer)}}:
                self.neighbours.discard(peer)
            case {"type": "message", "text": str(text)}:
                self.texts.add(text)


class Crowd:
    """Programs of one user in one room, which no other program is in."""

    def __init__(
        self,
        folder: Path,
        stack: AsyncExitStack,
        tasks: asyncio.TaskGroup,
        inside: tuple[str, ...] = (),
    ) -> None:
        """Begin without any.

        Args:
            folder: Their home.
            stack: Ends them.
            tasks: Read what they tell.
            inside: What to put in front of a command to run it where they live.
        """
        self.joiners: list[Joiner] = []
        self._inside = inside
        self._room = f"measure-{secrets.token_hex(4)}"
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self._environment = {**kept, "HOME": str(folder), "LANG": "C.UTF-8"}
        self._stack, self._tasks = stack, tasks
        self._changed = asyncio.Event()

    async def start(self, *flags: str) -> Joiner:
        """Start one more; it is not ready yet."""
        process = await asyncio.create_subprocess_exec(
            *self._command("--json", "-q", *flags),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
            limit=LINE_LIMIT_BYTES,
        )
        self._stack.push_async_callback(_end, process)
        joiner = Joiner(process, self._changed)
        self.joiners.append(joiner)
        self._tasks.create_task(joiner.read())
        return joiner

    async def start_mute(self, *flags: str) -> int:
        """Start one in line mode that nobody listens to; return its process number."""
        process = await asyncio.create_subprocess_exec(
            *self._command(*flags),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
        )
        self._stack.push_async_callback(_end, process)
        return process.pid

    async def start_at_terminal(self, *flags: str) -> int:
        """Start one at a terminal; return its process number."""
        typed = at_terminal(*self._command(*flags), environment=self._environment)
        process, _ = await self._stack.enter_async_context(typed)
        return process.pid

    def _command(self, *flags: str) -> tuple[str, ...]:
        usual = ("--ephemeral", "--host", HOST, "-p", "0", "-r", self._room)
        return (*self._inside, *command(*usual, *flags))

    @property
    def living(self) -> list[Joiner]:
        return [joiner for joiner in self.joiners if not joiner.is_killed]

    async def until(self, claim: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> float:
        """Wait until a claim holds; return how long that took, in seconds."""
        began_s = time.monotonic()
        async with asyncio.timeout(timeout_s):
            while not claim():
                self._changed.clear()
                await self._changed.wait()
        return time.monotonic() - began_s

    def are_ready(self) -> bool:
        return all(joiner.id for joiner in self.joiners)

    def are_one_part(self) -> bool:
        """Tell whether everybody reaches everybody, as far as they say who their neighbours are."""
        living = {joiner.id: joiner for joiner in self.living}
        reached, to_visit = set[str](), [self.living[0].id]
        while to_visit:
            peer = to_visit.pop()
            if peer not in reached:
                reached.add(peer)
                to_visit += [near for near in living[peer].neighbours if near in living]
        return len(reached) == len(living)

    def are_full(self) -> bool:
        """Tell whether most have as many living neighbours as they want."""
        living = {joiner.id for joiner in self.living}
        full = sum(len(joiner.neighbours & living) >= ACTIVE_AIM for joiner in self.living)
        return full >= FULL_SHARE * len(living)

    def missing(self, texts: dict[str, Joiner]) -> int:
        """Count whom texts have not reached, over all texts; authors do not hear themselves."""
        return sum(
            text not in joiner.texts and joiner is not author
            for text, author in texts.items()
            for joiner in self.living
        )


@asynccontextmanager
async def crowd(inside: tuple[str, ...] = ()) -> AsyncIterator[Crowd]:
    """Make a folder where all of them live; end all of them.

    Raises:
        NotMeasured: Something took too long.
    """
    compile_package()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
                yield Crowd(Path(folder), stack, tasks, inside)
    except* TimeoutError:
        slow = True
    else:
        slow = False
    if slow:
        raise NotMeasured("it took too long")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


# --- Many at once -----------------------------------------------------------------------------


async def joining(programs: int) -> dict[str, float]:
    """Start so many at once, until all are connected; then kill some, and see what is lost."""
    async with crowd() as people:
        began_s = time.monotonic()
        for _number in range(programs):
            await people.start()
        await people.until(people.are_ready)
        ready_s = time.monotonic() - began_s
        await people.until(people.are_one_part)
        one_part_s = time.monotonic() - began_s
        cpu_s = statistics.mean(linux.cpu_s(joiner.pid) for joiner in people.joiners)
        lost = await _say_all_round(people, 1)
        full_s = await _seconds_until_full(people, began_s)
        memory = [linux.resident_bytes(joiner.pid) for joiner in people.joiners]
        return {
            "listening_s": ready_s,
            "one_part_s": one_part_s,
            "full_s": full_s,
            "mb_node": statistics.mean(memory) / MEBIBYTE,
            "cpu_s_node": cpu_s,
            **await _killing(people),
            "lost_before": lost,
        }


async def _killing(people: Crowd) -> dict[str, float]:
    chance = random.Random(len(people.joiners))
    began_s = time.monotonic()
    for joiner in chance.sample(people.joiners, round(KILLED_SHARE * len(people.joiners))):
        joiner.kill()
    async with asyncio.TaskGroup() as tasks:
        filling = tasks.create_task(_seconds_until_full(people, began_s))
        lost = await _say_all_round(people, TEXTS)
        said_s = time.monotonic() - began_s
    return {"refull_s": filling.result(), "all_heard_s": said_s, "lost": lost}


async def _seconds_until_full(people: Crowd, began_s: float) -> float:
    """Return infinity where that is never seen."""
    try:
        await people.until(people.are_full)
    except TimeoutError:
        return math.inf
    return time.monotonic() - began_s


async def _say_all_round(people: Crowd, count: int) -> float:
    """Have one after the other say something; return how often it was not heard."""
    said: dict[str, Joiner] = {}
    for number in range(count):
        author = people.living[number % len(people.living)]
        text = f"text {secrets.token_hex(4)}"
        said[text] = author
        author.say(text)
        await asyncio.sleep(TEXT_EVERY_S)
    try:
        await people.until(lambda: not people.missing(said), LATE_S)
    except TimeoutError:
        return people.missing(said)
    return 0

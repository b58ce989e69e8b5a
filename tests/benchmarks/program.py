"""Measures of the program itself, started as people start it."""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import importlib.util
import resource
import statistics
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks import linux
from tests.benchmarks.hosts import NotMeasured
from tests.benchmarks.pseudo_terminal import at_terminal
from tests.benchmarks.system import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Figures = dict[str, float]

MEBIBYTE: Final = 1024 * 1024

LINE_MODE: Final = ("--manual", "--ephemeral", "--host", HOST, "-p", "0")
IMPORTS: Final = "import asyncio, nacl.signing, OpenSSL.SSL, msgspec"
LISTENING: Final = b"Listening for connection requests at "
BANNER_END: Final = b"exit leaves"
START_TIMEOUT_S: Final = 30.0
PIPE_TIMEOUT_S: Final = 120.0
QUIET_S: Final = 10.0
STOP_TIMEOUT_S: Final = 10.0
IDLE_AFTER_S: Final = 1.0


def command(*arguments: str) -> tuple[str, ...]:
    """Return the program's command line: the installed script, else the module.

    Raises:
        NotMeasured: There is no command line yet.
    """
    if importlib.util.find_spec("p2pchat.__main__") is None:
        raise NotMeasured("the program has no command line yet")
    script = Path(sys.executable).parent / "p2pchat"
    start = (str(script),) if script.exists() else (sys.executable, "-m", "p2pchat")
    return (*start, *arguments)


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command with both ends piped; end it by force when it does not end itself."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            # Reads on, so that a program which still prints can come to its end.
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()


async def pipe_lines(lines: int) -> Figures:
    """Pipe lines through two programs; seconds from the first line in to the last one out."""
    async with running(*command(*LINE_MODE)) as receiver:
        port = await _listening_port(receiver)
        dial = ("-c", f"{HOST}:{port}", "-n", "piper")
        async with running(*command(*LINE_MODE, *dial)) as sender:
            await _line_beginning(sender, b"Connected: ")
            assert sender.stdin is not None
            began_s = time.monotonic()
            sender.stdin.write(b"".join(b"line %06d\n" % number for number in range(lines)))
            sender.stdin.close()
            numbers, ended_s = await _received_numbers(receiver, lines)
    return {
        "seconds": ended_s - began_s,
        "per_s": len(set(numbers)) / (ended_s - began_s),
        "lost": lines - len(set(numbers)),
        "twice": len(numbers) - len(set(numbers)),
    }


async def _received_numbers(
    receiver: asyncio.subprocess.Process, lines: int
) -> tuple[list[int], float]:
    assert receiver.stdout is not None
    numbers: list[int] = []
    last_s = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PIPE_TIMEOUT_S):
            while len(numbers) < lines:
                async with asyncio.timeout(QUIET_S):
                    line = await receiver.stdout.readline()
                if not line:
                    break
                if line.startswith(b"piper -> line "):
                    numbers.append(int(line.split()[-1]))
                    last_s = time.monotonic()
    return numbers, last_s


async def _listening_port(process: asyncio.subprocess.Process) -> int:
    line = await _line_beginning(process, LISTENING)
    return int(line.rsplit(b":", 1)[1])


async def _line_beginning(process: asyncio.subprocess.Process, beginning: bytes) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(START_TIMEOUT_S):
        while line := await process.stdout.readline():
            if line.startswith(beginning):
                return line
    raise NotMeasured(f"the program ended before it printed {beginning.decode()!r}")


@cache
def compile_package() -> None:
    """Compile our modules, as pip does with what it installs.

    A checkout that may not write its bytecode compiles everything at each start, which takes
    twice as long and some MB more than any installed program takes.
    """
    package = importlib.util.find_spec("p2pchat")
    assert package is not None
    for folder in package.submodule_search_locations or ():
        compileall.compile_dir(folder, quiet=1)


async def _medians(start: Callable[[], Awaitable[tuple[float, float]]], starts: int) -> Figures:
    """Return the median of wall time and of CPU time, which other work does not lengthen."""
    compile_package()
    took = [await start() for _ in range(starts)]
    wall_s, cpu_s = (statistics.median(times) for times in zip(*took, strict=True))
    return {"ms": wall_s * 1000, "cpu_ms": cpu_s * 1000}


async def _run(*arguments: str) -> tuple[float, float]:
    began_s, before_s = time.perf_counter(), _cpu_of_ended_s()
    async with running(*arguments) as process:
        code = await process.wait()
        took_s = time.perf_counter() - began_s
    if code:
        raise NotMeasured(f"{' '.join(arguments)} ended with {code}")
    return took_s, _cpu_of_ended_s() - before_s


def _cpu_of_ended_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _listen() -> tuple[float, float]:
    began_s = time.perf_counter()
    async with running(*command(*LINE_MODE)) as process:
        await _line_beginning(process, LISTENING)
        return time.perf_counter() - began_s, linux.cpu_s(process.pid)


async def python_pass(starts: int) -> Figures:
    """Start Python for nothing."""
    return await _medians(lambda: _run(sys.executable, "-c", "pass"), starts)


async def python_imports(starts: int) -> Figures:
    """Start Python for the imports that no node can do without."""
    return await _medians(lambda: _run(sys.executable, "-c", IMPORTS), starts)


async def version(starts: int) -> Figures:
    """Ask the program for its version."""
    return await _medians(lambda: _run(*command("--version")), starts)


async def listening(starts: int) -> Figures:
    """Start the program in line mode; its memory is read a second after it listens."""
    took = await _medians(_listen, starts)
    async with running(*command(*LINE_MODE)) as process:
        await _line_beginning(process, LISTENING)
        await asyncio.sleep(IDLE_AFTER_S)
        return {**took, "mb": linux.resident_bytes(process.pid) / MEBIBYTE}


async def in_terminal(_starts: int) -> Figures:
    """Start the program at a terminal; its memory is read a second after it listens."""
    compile_package()
    async with at_terminal(*command(*LINE_MODE)) as (process, screen):
        async with asyncio.timeout(START_TIMEOUT_S):
            await screen.shows(BANNER_END)
        await asyncio.sleep(IDLE_AFTER_S)
        return {"mb": linux.resident_bytes(process.pid) / MEBIBYTE}


START_UPS: Final[dict[str, Callable[[int], Awaitable[Figures]]]] = {
    "python pass": python_pass,
    "python imports": python_imports,
    "p2pchat --version": version,
    "p2pchat listening": listening,
    "p2pchat in a terminal": in_terminal,
}
"""What measure D starts, by its name in the table."""

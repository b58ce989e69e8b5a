"""Measures of the program itself, started as people start it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks import linux
from tests.benchmarks.hosts import NotMeasured
from tests.benchmarks.system import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LINE_MODE: Final = ("--manual", "--ephemeral", "--host", HOST, "-p", "0")
IMPORTS: Final = "import asyncio, nacl.signing, OpenSSL.SSL, msgspec"
LISTENING: Final = b"Listening for connection requests at "
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


async def pipe_lines(lines: int) -> dict[str, float]:
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


async def _median_ms(start: Callable[[], Awaitable[float]], starts: int) -> float:
    return statistics.median([await start() for _ in range(starts)]) * 1000


async def _run_s(*arguments: str) -> float:
    began_s = time.perf_counter()
    async with running(*arguments) as process:
        code = await process.wait()
        took_s = time.perf_counter() - began_s
    if code:
        raise NotMeasured(f"{' '.join(arguments)} ended with {code}")
    return took_s


async def _listen_s() -> float:
    began_s = time.perf_counter()
    async with running(*command(*LINE_MODE)) as process:
        await _line_beginning(process, LISTENING)
        return time.perf_counter() - began_s


async def python_pass(starts: int) -> dict[str, float]:
    """Start Python for nothing."""
    return {"ms": await _median_ms(lambda: _run_s(sys.executable, "-c", "pass"), starts)}


async def python_imports(starts: int) -> dict[str, float]:
    """Start Python for the imports that no node can do without."""
    return {"ms": await _median_ms(lambda: _run_s(sys.executable, "-c", IMPORTS), starts)}


async def version(starts: int) -> dict[str, float]:
    """Ask the program for its version."""
    return {"ms": await _median_ms(lambda: _run_s(*command("--version")), starts)}


async def listening(starts: int) -> dict[str, float]:
    """Start the program in line mode; its memory is read a second after it listens."""
    took_ms = await _median_ms(_listen_s, starts)
    async with running(*command(*LINE_MODE)) as process:
        await _line_beginning(process, LISTENING)
        await asyncio.sleep(IDLE_AFTER_S)
        resident_bytes = linux.resident_bytes(process.pid)
    return {"ms": took_ms, "mb": resident_bytes / 1024 / 1024}


START_UPS: Final[dict[str, Callable[[int], Awaitable[dict[str, float]]]]] = {
    "python pass": python_pass,
    "python imports": python_imports,
    "p2pchat --version": version,
    "p2pchat listening": listening,
}
"""What measure D starts, by its name in the table."""

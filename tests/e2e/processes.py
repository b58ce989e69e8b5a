"""Real processes of the program, with a deadline for all that is waited for."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from tests.deadline import DEADLINE_S
from tests.ports import held_port

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM: Final = (sys.executable, "-m", "p2pchat")
ARTICLE_NODE: Final = (sys.executable, str(Path(__file__).with_name("article_node.py")))
LISTENING: Final = "Listening for connection requests at "
NEVER_PRINTED: Final = ("Traceback", "Exception ignored", "Warning:", "never awaited")
"""What has no place on the standard error of any program under test."""

_INHERITED: Final = ("PATH", "PYTHONPATH", "SYSTEMROOT")

Found = TypeVar("Found")


def environment_of(home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of somebody who lives in that folder and has no settings."""
    home.mkdir(parents=True, exist_ok=True)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "HOME": str(home), "LANG": "C.UTF-8", **variables}


class Ended(AssertionError):
    """The program ended, or the deadline passed, before what the test waits for."""


class _Gathered:
    """What comes out of one pipe, taken in by a thread so that the program never waits for us."""

    def __init__(self, pipe: IO[bytes], changed: threading.Condition) -> None:
        self.raw = bytearray()
        self.lines: list[str] = []
        self._pipe = pipe
        self._changed = changed
        self._thread = threading.Thread(target=self._gather, daemon=True)
        self._thread.start()

    def _gather(self) -> None:
        with self._pipe:
            for line in self._pipe:
                with self._changed:
                    self.raw += line
                    self.lines.append(line.decode("utf-8", "surrogateescape").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def is_ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(DEADLINE_S)
        assert self.is_ended, "a pipe of an ended program is still open"


class Program:
    """One running process; lines in, lines out."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        *,
        stdin: int | IO[bytes] = subprocess.PIPE,
    ) -> None:
        self.home = Path(environment["HOME"])
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=self.home,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._out = _Gathered(self._process.stdout, self._changed)
        self._err = _Gathered(self._process.stderr, self._changed)

    # --- What it prints ------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> list[str]:
        return list(self._out.lines)

    @property
    def err(self) -> list[str]:
        return list(self._err.lines)

    @property
    def raw_out(self) -> bytes:
        return bytes(self._out.raw)

    @property
    def heard(self) -> list[str]:
        """The messages among the lines of standard output."""
        return [line for line in self._out.lines if " -> " in line]

    @cached_property
    def bound(self) -> str:
        """The address that it says it listens at."""
        return self.wait_for(LISTENING).removeprefix(LISTENING)

    @cached_property
    def port(self) -> int:
        return int(self.bound.rpartition(":")[2])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What its log says; the programs of one home have their logs together."""
        files = self.home.glob(".local/share/p2pchat/*/log.txt")
        return "\n".join(file.read_text() for file in files)

    # --- Waiting -------------------------------------------------------------------------------

    def wait_until(self, claim: Callable[[], Found], what: str = "the condition") -> Found:
        """Wait for new lines until the claim holds, and return what it found."""
        deadline = time.monotonic() + DEADLINE_S
        with self._changed:
            while not (found := claim()):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._is_silent:
                    if found := claim():
                        return found
                    raise Ended(f"{what} did not come true.\n{self.report()}")
                self._changed.wait(min(left_s, 0.25))
        return found

    def wait_for(self, text: str) -> str:
        """Wait until a line of standard output has that text in it, and return the line."""
        return self.wait_until(lambda: _first_with(text, self._out.lines), repr(text))

    def wait_for_lines(self, text: str, count: int) -> list[str]:
        """Wait until so many lines of standard output have that text in them, and return those."""
        return self._wait_for_lines(text, count, self._out)

    def wait_for_error(self, text: str) -> str:
        """Wait until a line of standard error has that text in it, and return the line."""
        return self.wait_until(lambda: _first_with(text, self._err.lines), repr(text))

    def wait_for_errors(self, text: str, count: int) -> list[str]:
        """Wait until so many lines of standard error have that text in them, and return those."""
        return self._wait_for_lines(text, count, self._err)

    def _wait_for_lines(self, text: str, count: int, gathered: _Gathered) -> list[str]:
        def found() -> list[str]:
            lines = _all_with(text, gathered.lines)
            return lines if len(lines) >= count else []

        return self.wait_until(found, f"{text!r} {count} times")

    def wait_for_log(self, text: str) -> None:
        """Wait until the log has that text in it."""
        wait_until(lambda: text in self.log, f"{text!r} in the log", lambda: self.log)

    def leave(self) -> int:
        """Have it leave; return its exit code when all it ever printed is here."""
        self.say("exit")
        return self.wait()

    def wait(self) -> int:
        """Wait until the process has ended and all it printed is here; return its exit code."""
        try:
            code = self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Ended(f"it did not end.\n{self.report()}") from None
        self._out.join()
        self._err.join()
        return code

    @property
    def _is_silent(self) -> bool:
        return self._out.is_ended and self._err.is_ended

    def report(self) -> str:
        out, err = ("\n".join(lines[-40:]) for lines in (self.out, self.err))
        return f"--- standard output\n{out}\n--- standard error\n{err}"

    # --- What is done to it --------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Write lines to its standard input."""
        self.write("".join(f"{line}\n" for line in lines).encode())

    def write(self, content: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(content)
        self._process.stdin.flush()

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def connect(self, other: Program) -> None:
        """Have it dial another one, and wait until both say so."""
        opened, accepted = len(self._opened(other)), len(_all_with("Connected: ", other.out))
        self.say(f"connect {other.address}")
        self.wait_until(lambda: len(self._opened(other)) > opened, "Connected")
        other.wait_for_lines("Connected: ", accepted + 1)

    def _opened(self, other: Program) -> list[str]:
        return _all_with(f"({other.address})", _all_with("Connected: ", self.out))

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def close(self) -> None:
        """End it at once if it runs, and let go of all that belongs to it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE_S)
        if self._process.stdin is not None:
            # BrokenPipeError: it ended before it had read everything.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._out.join()
        self._err.join()


class JsonProgram(Program):
    """One that was started with `--json`."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        self._parsed += map(json.loads, self.out[len(self._parsed) :])
        return list(self._parsed)

    @cached_property
    def _parsed(self) -> list[dict[str, Any]]:
        """Those that were asked for before; there are many looks at them."""
        return []

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [found for found in self.objects if found["type"] == kind]

    def wait_for_object(self, kind: str, **fields: object) -> dict[str, Any]:
        """Wait for an object of that type with those fields, and return the first one."""

        def first() -> dict[str, Any] | None:
            return next((o for o in self.of_type(kind) if fields.items() <= o.items()), None)

        found = self.wait_until(first, f"{kind} {fields}")
        assert found is not None
        return found

    def wait_for_objects(self, kind: str, count: int) -> list[dict[str, Any]]:
        """Wait until so many objects of that type are here, and return them."""

        def found() -> list[dict[str, Any]]:
            objects = self.of_type(kind)
            return objects if len(objects) >= count else []

        return self.wait_until(found, f"{kind} {count} times")

    @cached_property
    def port(self) -> int:
        return int(self.wait_for_object("ready")["port"])

    def request(self, kind: str, **fields: object) -> None:
        self.say(json.dumps({"type": kind, **fields}))

    def connect(self, other: Program) -> None:
        self.request("connect", address=other.address)
        self.wait_for_object("connected", address=other.address)


class Programs:
    """Starts processes and ends every one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Program] = []
        self._held = contextlib.ExitStack()

    def port(self) -> int:
        """Return a port where nobody listens, for a program that is to listen there or not."""
        return self._held.enter_context(held_port())

    def home(self) -> Path:
        """Return a home where nobody lives yet."""
        return self._folder / f"home{len(self._started)}"

    def line(
        self,
        *flags: str,
        home: Path | None = None,
        wrapper: Sequence[str] = (),
        stdin: int | IO[bytes] = subprocess.PIPE,
        host: str | None = "127.0.0.1",
        port: int | None = 0,
        **variables: str,
    ) -> Program:
        """Start one in line mode, on a free port of this machine alone unless told otherwise."""
        command = [*wrapper, *PROGRAM, *_place(host, port), *flags]
        environment = environment_of(home or self.home(), **variables)
        return self._add(Program(command, environment, stdin=stdin))

    def json(
        self,
        *flags: str,
        home: Path | None = None,
        wrapper: Sequence[str] = (),
        host: str | None = "127.0.0.1",
        port: int | None = 0,
    ) -> JsonProgram:
        """Start one with `--json`."""
        command = [*wrapper, *PROGRAM, "--json", *_place(host, port), *flags]
        started = JsonProgram(command, environment_of(home or self.home()))
        self._started.append(started)
        return started

    def bare(self, *arguments: str, home: Path | None = None, **variables: str) -> Program:
        """Start one with those arguments only; by a variable it stays on this machine."""
        variables = {"P2PCHAT_HOST": "127.0.0.1", **variables}
        environment = environment_of(home or self.home(), **variables)
        return self._add(Program([*PROGRAM, *arguments], environment))

    def other(self, *command: str) -> Program:
        """Start another program than ours."""
        return self._add(Program(command, environment_of(self.home())))

    def people(self, *nicks: str) -> list[Program]:
        """Start one in line mode for each nick, and wait until all of them listen."""
        started = [self.line("--manual", "--nick", nick) for nick in nicks]
        for program in started:
            assert program.port
        return started

    def close(self) -> None:
        self._held.close()
        for program in self._started:
            program.close()
        for program in self._started:
            bad = [line for line in program.err if any(word in line for word in NEVER_PRINTED)]
            assert not bad, program.report()

    def _add(self, program: Program) -> Program:
        self._started.append(program)
        return program


def _place(host: str | None, port: int | None) -> list[str]:
    place = [] if host is None else ["--host", host]
    return place if port is None else [*place, "--port", str(port)]


def wait_until(
    claim: Callable[[], object],
    what: str = "the condition",
    report: Callable[[], str] = lambda: "",
) -> None:
    """Look again and again until a claim about something outside of us holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not claim():
        if time.monotonic() > deadline:
            raise Ended(f"{what} did not come true.\n{report()}")
        time.sleep(0.02)  # nothing tells when a file or a process changes


def _first_with(text: str, lines: list[str]) -> str:
    return next((line for line in lines if text in line), "")


def _all_with(text: str, lines: list[str]) -> list[str]:
    return [line for line in lines if text in line]


INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM
HUNG_UP: Final = 128 + getattr(signal, "SIGHUP", 1)

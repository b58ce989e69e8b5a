"""Start real programs: three in a chain, three that find each other; check how they end.

    python .ci/smoke.py COMMAND...

Only the standard library, only 127.0.0.1, and a home of their own, so that they find nobody else.
Each program is ended before this one ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DEADLINE_S = 30.0
"""For each thing that is waited for."""

LINES_LIMIT = 10_000
LISTENING = re.compile(r"Listening for connection requests at 127\.0\.0\.1:(\d+)")
LINE_MODE = ("--ephemeral", "--host", "127.0.0.1", "-p", "0")
END = ""


class Failed(Exception):
    """Something is not as it should be; the text says what."""


class Program:
    """One running program with its standard input and output in our hands."""

    def __init__(self, command: list[str], nick: str, log: Path, *arguments: str) -> None:
        self.nick = nick
        self._log = log
        self._shown: list[str] = []
        # Bounded; the reader waits when nobody takes.
        self._lines: queue.Queue[str] = queue.Queue(LINES_LIMIT)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, *LINE_MODE, "-n", nick, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env=_environment(log.parent),
                bufsize=1,
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(END)

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait_for(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """Wait for a line that matches as a whole."""
        deadline = time.monotonic() + DEADLINE_S
        with contextlib.suppress(queue.Empty):
            while (left_s := deadline - time.monotonic()) > 0:
                line = self._lines.get(timeout=left_s)
                self._shown.append(line)
                if found := re.fullmatch(pattern, line):
                    return found
                if line == END and self._process.poll() is not None:
                    break
        wanted = pattern if isinstance(pattern, str) else pattern.pattern
        raise Failed(f"{self.nick} never printed {wanted}{self.story()}")

    def first_line(self) -> str:
        """Return the very first line it prints."""
        return self.wait_for(".*")[0]

    def expect_exit(self, code: int = 0) -> None:
        """Wait until it has ended with that exit code, having printed nothing but lines."""
        try:
            found = self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.nick} does not end{self.story()}") from None
        if found != code:
            raise Failed(f"{self.nick} ended with {found} instead of {code}{self.story()}")
        if escapes := [line for line in self._shown if "\x1b" in line]:
            raise Failed(f"{self.nick} printed escapes into a pipe: {escapes[0]!r}")

    def close_input(self) -> None:
        """End its standard input, as a script that has said everything does."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def story(self) -> str:
        """Return what it printed so far."""
        errors = self._log.read_text("utf-8", "replace")
        return f"\n  printed: {self._shown}\n  on stderr: {errors[-2000:]}"

    def kill(self) -> None:
        """End it by force when it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


def _environment(home: Path) -> dict[str, str]:
    """Return ours, but for where people and running programs are looked for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    folders = dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home))
    return {**kept, **folders}


def chain(command: list[str], folder: Path, stack: contextlib.ExitStack) -> None:
    """Let alice and carol, who know only bob, hear each other through him."""

    def start(nick: str, *arguments: str) -> tuple[Program, str]:
        program = Program(command, nick, folder / f"{nick}.log", "--manual", *arguments)
        stack.callback(program.kill)
        first = program.first_line()
        listening = LISTENING.fullmatch(first)
        if listening is None:
            raise Failed(f"{nick} first printed {first!r}{program.story()}")
        return program, f"127.0.0.1:{listening[1]}"

    alice, alice_at = start("alice")
    bob, bob_at = start("bob", "--connect", alice_at)
    bob.wait_for(r"Connected: alice \(.*\)")
    alice.wait_for(r"Connected: bob \(.*\)")
    carol, _ = start("carol")
    carol.say(f"connect {bob_at}")
    carol.wait_for(r"Connected: bob \(.*\)")
    bob.wait_for(r"Connected: carol \(.*\)")

    carol.say("hello from the far end")
    alice.wait_for("carol -> hello from the far end")
    bob.wait_for("carol -> hello from the far end")
    alice.say("heard you")
    carol.wait_for("alice -> heard you")

    carol.say("last words")
    carol.close_input()
    alice.wait_for("carol -> last words")
    carol.expect_exit()
    bob.wait_for(r"Disconnected: carol \(.*\)")
    bob.say("exit")
    bob.expect_exit()
    alice.wait_for(r"Disconnected: bob \(.*\)")
    alice.say("quit")
    alice.expect_exit()


def by_themselves(command: list[str], folder: Path, stack: contextlib.ExitStack) -> None:
    """Let three find each other whom nobody tells of an address."""
    programs = [Program(command, n, folder / f"{n}.log") for n in ("dave", "erin", "frank")]
    for program in programs:
        stack.callback(program.kill)
    for program in programs:
        program.wait_for(r"Connected: .*")
    for program in programs:
        program.say(f"this is {program.nick}")
        for other in programs:
            if other is not program:
                other.wait_for(f"{program.nick} -> this is {program.nick}")
    for program in programs:
        program.say("exit")
        program.expect_exit()


def exit_codes(command: list[str]) -> None:
    """Check the codes that scripts rely on."""
    for arguments, code in ((["--version"], 0), (["--help"], 0), (["--no-such-flag"], 2)):
        ended = subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        if ended.returncode != code:
            raise Failed(f"{arguments[0]} ended with {ended.returncode} instead of {code}")


def main(command: list[str]) -> int:
    """Run the checks; 0 when all of them hold."""
    try:
        exit_codes(command)
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            chain(command, Path(folder), stack)
            by_themselves(command, Path(folder), stack)
    except Failed as fault:
        sys.stderr.write(f"smoke: {fault}\n")
        return 1
    sys.stdout.write(
        "smoke: a line went through three programs, both ways; three others found each other by "
        "themselves; all left with 0\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or [sys.executable, "-m", "p2pchat"]))

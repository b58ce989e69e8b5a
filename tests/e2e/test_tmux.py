"""The program in tmux, which re-flows and keeps a scrollback of its own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import pytest

from p2pchat.store.lock import FileLock
from tests.deadline import DEADLINE_S
from tests.e2e.processes import PROGRAM, Ended, environment_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import Program, Programs

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

COMMAND = (*PROGRAM, "--host", "127.0.0.1", "--port", "0", "--manual", "--nick", "ann")


class Tmux:
    """One tmux server with one window, in which a shell waits."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._environment = environment_of(home, TERM="xterm-256color")
        self._socket = str(home / "tmux")

    def start(self, columns: int, rows: int) -> Self:
        self.ask("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh")
        self.ask("set-option", "status", "off")
        wait_until(lambda: self.rows, "a prompt of the shell")
        return self

    def ask(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            cwd="/", env=self._environment, capture_output=True, text=True, check=True,
            timeout=DEADLINE_S,
        ).stdout  # fmt: skip

    def press(self, *keys: str) -> None:
        self.ask("send-keys", *keys)

    def type(self, line: str) -> None:
        self.ask("send-keys", "-l", line)
        self.press("Enter")

    @property
    def rows(self) -> list[str]:
        """All rows that are not empty, those that have left the window first."""
        captured = self.ask("capture-pane", "-p", "-S", "-")
        return [row.rstrip() for row in captured.splitlines() if row.strip()]

    def wait_for(self, text: str) -> None:
        wait_until(
            lambda: any(text in row for row in self.rows), repr(text), lambda: "\n".join(self.rows)
        )

    def is_at_rest(self) -> bool:
        """Tell whether the program waits at an empty prompt, with its toolbar below."""
        rows = self.rows
        return rows[-2:-1] == ["ann>"] and rows[-1].startswith(" lobby · ")

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.ask("kill-server")
        # The program saves what it knows before it lets go of its profile, and then ends.
        for lock in self._home.glob(".local/share/p2pchat/*/lock"):
            wait_until(partial(_is_free, lock), "the end of the program")


def _is_free(lock: Path) -> bool:
    try:
        FileLock(lock).release()
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    # Not in tmp_path: the name of a socket may have about a hundred bytes only.
    with TemporaryDirectory(prefix="p2pchat-") as home:
        made = Tmux(Path(home))
        try:
            yield made
        finally:
            made.close()


def started(tmux: Tmux) -> str:
    """Start the program from the top left corner of the window; return its address."""
    tmux.type(f"clear; exec {shlex.join(COMMAND)}")
    tmux.wait_for("exit leaves")
    wait_until(tmux.is_at_rest)
    told = next(row for row in tmux.rows if row.startswith("Listening"))
    return told.split()[-1]


@pytest.mark.parametrize("rows", [7, 24])
def test_no_ghost_of_the_prompt_stands_above_the_banner(tmux: Tmux, rows: int) -> None:
    tmux.start(80, rows)

    started(tmux)

    shown = tmux.rows
    banner = next(n for n, row in enumerate(shown) if row.startswith("p2pchat "))
    assert not any(row.startswith((" lobby", "ann>")) for row in shown[:banner])
    assert sum(row.startswith("ann>") for row in shown) == 1


def test_no_ghost_of_the_prompt_stays_when_lines_follow_a_clear(tmux: Tmux) -> None:
    tmux.start(80, 24)
    started(tmux)

    tmux.type("/clear")
    wait_until(lambda: tmux.ask("capture-pane", "-p").splitlines()[0] == "ann>")
    tmux.type("hello")
    tmux.wait_for("nobody got that")

    wait_until(tmux.is_at_rest)
    assert sum(row.startswith("ann>") for row in tmux.rows) <= 2, "one of before the clear, one now"


def test_a_narrower_window_keeps_one_prompt_and_all_lines(tmux: Tmux, programs: Programs) -> None:
    bob = programs.line("--nick", "bob", "--manual")
    tmux.start(100, 24)
    address = started(tmux)
    bob.say(f"connect {address}", *(f"line {number} of twenty" for number in range(20)))
    tmux.wait_for("line 19 of twenty")

    tmux.ask("resize-window", "-x", "60", "-y", "12")
    tmux.type("still here")
    bob.wait_for("ann -> still here")
    tmux.wait_for("ann: still here")
    wait_until(tmux.is_at_rest)

    assert sum(row.startswith("ann>") for row in tmux.rows) == 1
    said = [row.partition("bob: ")[2] for row in tmux.rows if "bob: " in row]
    assert said == [f"line {number} of twenty" for number in range(20)]


def test_a_window_that_is_closed_ends_the_program_with_a_goodbye(
    tmux: Tmux, programs: Programs
) -> None:
    bob: Program = programs.line("--nick", "bob", "--manual")
    tmux.start(80, 24)
    bob.say(f"connect {started(tmux)}")
    bob.wait_for("Connected: ann")

    tmux.close()

    try:
        bob.wait_for("Disconnected: ann")
    except Ended:
        pytest.fail("the program outlived its window")
    assert bob.leave() == 0
    assert not any("is gone" in line for line in bob.err), "it did not say goodbye"

"""A real terminal for tests: a program on a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import os
import signal
import termios
import time
from typing import TYPE_CHECKING, Self

import pexpect
import pyte

from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable


def _inherited() -> dict[str, str]:
    """Return our environment without what would lead a program out of its home."""
    ours = ("XDG_", "P2PCHAT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class ScreenError(AssertionError):
    """The screen did not come to show what the test waits for."""


class Screen:
    """Runs a program on a terminal of its own; use as a context manager."""

    def __init__(
        self,
        program: str,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=200_000, ratio=0.001)
        self._stream = pyte.ByteStream(self._screen)
        self.received = b""
        self.child = pexpect.spawn(
            program,
            list(arguments),
            dimensions=(rows, columns),
            env={
                **_inherited(),
                "TERM": "xterm-256color",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                # As for a user: what could not be written stays in the stream's buffer.
                "PYTHONUNBUFFERED": "",
                **(environment or {}),
            },
            timeout=DEADLINE_S,
        )
        self.child.delaybeforesend = None
        self.attributes_before = self.attributes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Not by pexpect's close(force=True), which gives up when a busy machine needs its time.
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.ptyproc.delayafterclose = 0
        self.child.close(force=False)

    def attributes(self) -> list[object]:
        """Return the settings of the terminal, such as whether it echoes."""
        return list(termios.tcgetattr(self.child.child_fd))

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def unplug(self) -> None:
        """Take the terminal away, as when its window is closed."""
        self.child.ptyproc.fileobj.close()

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    @property
    def lines(self) -> list[str]:
        """The rows of the window that are not empty, from the top."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def all_lines(self) -> list[str]:
        """These rows, after those that have left the window at its top."""
        columns = range(self._screen.columns)
        gone = ["".join(row[c].data for c in columns) for row in self._screen.history.top]
        return [line.rstrip() for line in gone if line.strip()] + self.lines

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def wait_until(self, claim: Callable[[], bool], what: str = "the condition") -> None:
        """Read output until the claim holds.

        What the program draws may come in pieces, so a claim about more than one row, or about a
        row and the cursor, has to be waited for as a whole.

        Raises:
            ScreenError: It did not within the deadline, or the program ended.
        """
        deadline = time.monotonic() + DEADLINE_S
        while not claim():
            if time.monotonic() > deadline or not self._read():
                # What came together with the end still counts.
                if claim():
                    return
                raise ScreenError(f"{what} did not come true. Screen:\n" + "\n".join(self.lines))

    def wait_for(self, text: str) -> None:
        """Read output until a row of the window has this text in it."""
        self.wait_until(lambda: any(text in line for line in self.lines), repr(text))

    def wait_for_end(self) -> int:
        """Read output until the program has ended, and return its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read():
            assert time.monotonic() < deadline, "the program did not end"
        self.child.wait()
        return self.child.exitstatus if self.child.exitstatus is not None else -1

    def _read(self) -> bool:
        try:
            arrived = self.child.read_nonblocking(65_536, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except (pexpect.EOF, OSError):
            return False
        self.received += arrived
        self._stream.feed(arrived)
        return True

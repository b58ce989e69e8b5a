"""Terminals that fail."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from io import StringIO
from typing import TYPE_CHECKING, TextIO

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from prompt_toolkit.input import create_pipe_input
from rich.text import Text

from p2pchat.errors import TerminalGone
from p2pchat.ui.terminal import Terminal
from p2pchat.ui.tty import PatientInput
from tests.deadline import DEADLINE_S
from tests.ui.desk import LOBBY

if TYPE_CHECKING:
    from collections.abc import Iterator


class BrokenScreen(StringIO):
    """What standard output is once the window is closed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.is_broken = True
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def flush(self) -> None:
        if self.is_broken:
            raise OSError(5, "Input/output error")


@pytest.mark.parametrize("is_early", [True, False], ids=["before the prompt", "later"])
async def test_an_output_that_fails_ends_the_lines_with_terminal_gone(
    monkeypatch: pytest.MonkeyPatch, *, is_early: bool
) -> None:
    reading, writing = os.pipe()
    screen = BrokenScreen(writing)
    screen.is_broken = is_early
    monkeypatch.setattr(sys, "stdout", screen)
    with create_pipe_input() as keys:
        async with Terminal("alice", LOBBY, input=keys) as terminal, asyncio.timeout(DEADLINE_S):
            keys.send_text("hello\r" * (not is_early))
            lines = terminal.lines()
            if not is_early:
                await anext(lines)
            screen.is_broken = True
            terminal.show(Text("to nobody"))
            with pytest.raises(TerminalGone):
                await anext(lines)
            terminal.show(Text("to nobody"))
            terminal.bell()

    # The descriptor leads nowhere now, so whatever is still buffered can be written.
    assert os.write(writing, b"x") == 1
    assert select.select([reading], [], [], 0)[0] == [reading], "the pipe has no writer any more"
    assert os.read(reading, 1) == b""
    os.close(reading)
    os.close(writing)


@pytest.fixture
def teletype() -> Iterator[tuple[int, TextIO]]:
    ours, theirs = os.openpty()
    with open(theirs, encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, not a path
        yield ours, stream


def test_a_hung_up_keyboard_is_closed_even_if_reading_it_only_fails(
    teletype: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, stream = teletype
    keys = PatientInput(stream)
    os.close(ours)

    def failing_read(descriptor: int, count: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", failing_read)
        assert keys.read_keys() == []

    assert keys.closed


def test_a_keyboard_without_a_key_pressed_stays_open(teletype: tuple[int, TextIO]) -> None:
    ours, stream = teletype
    keys = PatientInput(stream)

    assert keys.read_keys() == []
    assert not keys.closed
    os.close(ours)

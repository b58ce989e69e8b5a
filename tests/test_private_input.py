"""What is read of standard input, with and without a terminal."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from p2pchat.private_input import private_line
from tests.piped_input import piped_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.ui.screen import Screen

ASK = """
import sys
from p2pchat.private_input import private_line
line = private_line("Secret: ", 100)
sys.stdout.write(f"{len(line)} bytes\\n")
sys.stdout.write(f"then {sys.stdin.readline()}")
"""


@pytest.fixture
def writer() -> Iterator[int]:
    with piped_input() as writer:
        yield writer


def test_of_a_pipe_one_line_is_taken_and_nothing_after_it(writer: int) -> None:
    os.write(writer, b"open sesame\nhello\n")
    os.close(writer)

    assert private_line("Secret: ", 100) == b"open sesame"
    assert os.read(0, 100) == b"hello\n"
    assert private_line("Secret: ", 100) == b""


def test_of_a_line_without_end_no_more_than_the_limit_is_taken(writer: int) -> None:
    os.write(writer, b"x" * 500)

    assert private_line("Secret: ", 100) == b"x" * 101
    os.close(writer)


def test_at_a_terminal_it_is_asked_for_and_does_not_show() -> None:
    with Screen(sys.executable, "-c", ASK) as screen:
        screen.wait_for("Secret:")
        screen.press("open sesame\r")
        screen.wait_for("11 bytes")
        screen.press("hello\r")
        screen.wait_for("then hello")

        assert b"sesame" not in screen.received


def test_the_end_of_input_at_a_terminal_is_no_secret() -> None:
    with Screen(sys.executable, "-c", ASK) as screen:
        screen.wait_for("Secret:")
        screen.press("\x04")
        screen.wait_for("0 bytes")


def test_the_question_goes_to_the_terminal_though_errors_go_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "errors"
    command = f'"$0" -c "$1" 2>{shlex.quote(str(file))}'
    with Screen("/bin/sh", "-c", command, sys.executable, ASK) as screen:
        screen.wait_for("Secret:")
        screen.press("sesame\r")
        screen.wait_for("6 bytes")
        screen.press("hello\r")

        assert screen.wait_for_end() == 0
    assert file.read_text() == ""


def test_the_end_of_input_leaves_no_line_unfinished() -> None:
    with Screen(sys.executable, "-c", ASK) as screen:
        screen.wait_for("Secret:")
        screen.press("\x04")
        screen.wait_for("0 bytes")

        assert screen.lines[:2] == ["Secret:", "0 bytes"]

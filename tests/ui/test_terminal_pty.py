"""The terminal on a real pseudo-terminal."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.ui.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = Path(__file__).with_name("terminal_demo.py")
TOOLBAR = " lobby · no peers · :55555 · /help"


def demo(*arguments: str, environment: dict[str, str] | None = None) -> Screen:
    return Screen(sys.executable, str(DEMO), *arguments, environment=environment)


@contextmanager
def ready(*arguments: str, **environment: str) -> Iterator[Screen]:
    with demo(*arguments, environment=environment) as screen:
        screen.wait_for("ready")
        screen.wait_for("/help")
        yield screen


def test_the_toolbar_stands_right_under_the_prompt() -> None:
    with ready() as screen:
        screen.wait_until(lambda: screen.lines == ["ready", "alice>", TOOLBAR])
        screen.wait_until(lambda: screen.cursor == (len("alice> "), 1), "a cursor at the prompt")


def test_lines_appear_above_the_prompt() -> None:
    with ready() as screen:
        screen.press("hello\r")

        screen.wait_until(lambda: screen.lines == ["ready", "got 'hello'", "alice>", TOOLBAR])


def test_typing_while_lines_arrive_is_never_torn() -> None:
    typed = "the quick brown fox jumps over the lazy dog"
    with ready("--talk") as screen:
        for end in range(1, len(typed) + 1):
            screen.press(typed[end - 1])
            seen = len(screen.received)
            screen.wait_until(lambda n=seen: len(screen.received) > n)  # type: ignore[misc]
        screen.press("\r")
        screen.wait_until(lambda: f"got '{typed}'" in screen.all_lines)
        screen.wait_until(lambda: screen.lines[-2:] == ["alice>", TOOLBAR])

        rows = screen.all_lines

    allowed = re.compile(rf"ready|line \d+ of many|got '{typed}'|alice>.*|{re.escape(TOOLBAR)}")
    assert [row for row in rows if not allowed.fullmatch(row)] == []
    numbers = [int(row.split()[1]) for row in rows if row.startswith("line ")]
    assert numbers == list(range(numbers[-1] + 1))


def test_a_flood_does_not_stop_the_keys() -> None:
    with ready() as screen:
        screen.press("flood 20000\rhello\r")
        screen.wait_for("got 'hello'")

        assert any(row.startswith("-- … 1900") for row in screen.all_lines)


def test_a_resize_keeps_one_prompt_and_one_toolbar() -> None:
    with ready() as screen:
        screen.press("half a line")
        screen.wait_for("half a line")
        screen.resize(50, 24)
        screen.wait_until(lambda: screen.lines[-1] == " lobby · no peers")

        screen.resize(100, 24)
        screen.wait_until(lambda: screen.lines == ["ready", "alice> half a line", TOOLBAR])


def test_hostile_escape_sequences_are_shown_and_do_nothing() -> None:
    with ready() as screen:
        screen.press("hostile\r")
        shown = [r"\x1b[2J\x1b[31mowned\x0d", r"\x9b5A \u202eabc \x1b]0;title\x07"]
        screen.wait_until(lambda: screen.lines == ["ready", *shown, "alice>", TOOLBAR])

        assert b"\x1b[31m" not in screen.received
        assert b"\x1b]0;" not in screen.received


@pytest.mark.threat(16)
def test_pasted_escape_sequences_are_shown_and_do_nothing() -> None:
    with ready() as screen:
        screen.press("\x1b[200~a\x1b[2Jb\x1b[201~")
        screen.wait_for("a^[[2Jb")

        assert "ready" in screen.lines


def test_a_long_paste_says_what_enter_would_do() -> None:
    with ready() as screen:
        screen.press("\x1b[200~1\r2\r3\r4\r5\r6\x1b[201~")
        screen.wait_for("6 lines, Enter sends, Ctrl+C drops")

        assert screen.lines[1:4] == ["alice> 1", "       2", "       3"]

        screen.press("\r")
        screen.wait_for(r"got '1\n2\n3\n4\n5\n6'")
        screen.wait_for(TOOLBAR)


def test_what_was_typed_before_the_program_was_ready_is_not_lost() -> None:
    with demo("--slow-start") as screen:
        screen.wait_for("not raw yet")
        screen.press("early bird\r")
        screen.wait_for("got 'early bird'")

        screen.press("one\ntwo\r")
        screen.wait_for(r"got 'one\ntwo'")


def test_toolbar_and_prompt_follow_the_program() -> None:
    with ready() as screen:
        screen.press("peers 3\rnick bob\r")

        screen.wait_for(" lobby · 3 peers · :55555 · /help")
        screen.wait_for("bob>")


def test_a_table_is_printed_above_the_prompt() -> None:
    with ready() as screen:
        screen.press("table\r")
        screen.wait_for("127.0.0.1:55556")

        assert [row.split() for row in screen.lines[1:3]] == [
            ["name", "address"],
            ["bob", "127.0.0.1:55556"],
        ]


def test_the_bell_reaches_the_terminal_once() -> None:
    with ready() as screen:
        screen.press("ring\rhello\r")
        screen.wait_for("got 'hello'")

        assert screen.received.count(b"\x07") == 1


def test_clear_leaves_nothing_but_the_prompt() -> None:
    with ready() as screen:
        screen.press("clear\r")

        screen.wait_until(lambda: screen.lines == ["alice>", TOOLBAR])


@pytest.mark.parametrize("keys", ["\x04", "\x03\x03"], ids=["Ctrl+D", "Ctrl+C twice"])
def test_leaving_restores_the_terminal_and_removes_the_prompt(keys: str) -> None:
    with ready() as screen:
        assert screen.attributes() != screen.attributes_before, "the terminal was never raw"

        screen.press(keys)
        code = screen.wait_for_end()

        assert code == 0
        assert screen.attributes() == screen.attributes_before
        assert screen.lines[-2:] == ["farewell", "bye"]
        assert not any("alice>" in row or "lobby" in row for row in screen.lines)


def test_a_vanished_terminal_ends_the_program_without_a_spin_or_a_traceback(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with ready("--ignore-hangup", "--talk", ERRORS=str(errors)) as screen:
        screen.unplug()
        screen.child.wait()

    assert screen.child.exitstatus == 129
    assert errors.read_text() == ""


def test_control_z_suspends_and_the_prompt_is_back_afterwards() -> None:
    job = 'set -m; "$0" "$1"; echo suspended; fg'
    with Screen("bash", "-c", job, sys.executable, str(DEMO)) as screen:
        screen.wait_for(TOOLBAR)
        screen.press("half\x1a")
        screen.wait_for("suspended")
        screen.wait_until(lambda: screen.lines[-2:] == ["alice> half", TOOLBAR])

        screen.press(" a line\r")

        screen.wait_for("got 'half a line'")


def test_the_editor_gives_its_text_to_the_input_line(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho EDITING\nread line\nprintf %s "$line" >> "$1"\n')
    editor.chmod(0o700)
    with ready(VISUAL=str(editor)) as screen:
        screen.press("before \x18\x05")
        screen.wait_for("EDITING")
        screen.press("after\n")
        screen.wait_for("alice> before after")
        screen.press("\r")

        screen.wait_for("got 'before after'")

"""Long pastes on a real terminal, and long lines in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.e2e.seats import Seat, seat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Programs

LINES = [f"line {number} of a long paste, grüße" for number in range(600)]
TEXT = "\n".join(LINES)


@pytest.fixture
def bob(programs: Programs) -> JsonProgram:
    return programs.json("--nick", "bob", "--manual")


def paste(ann: Seat, text: str) -> None:
    """Paste as terminals do, in portions that fit into a terminal's buffer."""
    ann.screen.press("\x1b[200~")
    pasted = text.replace("\n", "\r")
    for start in range(0, len(pasted), 1_000):
        ann.screen.press(pasted[start : start + 1_000])
    ann.screen.press("\x1b[201~")


def test_a_long_paste_is_sent_in_pieces_after_one_question(
    tmp_path: Path, bob: JsonProgram
) -> None:
    with seat(tmp_path) as ann:
        bob.say(f"connect {ann.address}")
        ann.wait_joined()
        paste(ann, TEXT)
        ann.screen.wait_until(lambda: "600 lines, 5 messages, Enter asks" in ann.toolbar)
        ann.screen.press("\r")
        ann.screen.wait_for("5 messages, at once: Enter again sends, Ctrl+C drops")
        assert bob.of_type("message") == []

        ann.screen.press("\r")
        bob.wait_until(lambda: len(bob.of_type("message")) == 5)
        ann.screen.wait_until(lambda: "1 peer " in ann.toolbar)

    assert "".join(message["text"] for message in bob.of_type("message")) == TEXT


def test_a_paste_that_is_dropped_is_sent_to_nobody(tmp_path: Path, bob: JsonProgram) -> None:
    with seat(tmp_path) as ann:
        bob.say(f"connect {ann.address}")
        ann.wait_joined()
        paste(ann, TEXT)
        ann.screen.press("\r")
        ann.screen.wait_for("Enter again sends")
        ann.screen.press("\x03")
        ann.screen.wait_until(lambda: "1 peer " in ann.toolbar)
        ann.screen.press("instead\r")
        bob.wait_for_object("message")

    assert [message["text"] for message in bob.of_type("message")] == ["instead"]


def test_in_a_pipe_a_long_line_is_an_error_and_nothing_of_it_is_sent(
    programs: Programs, bob: JsonProgram
) -> None:
    line = programs.line("--nick", "ann", "--manual")
    assert bob.port
    line.say(f"connect {bob.address}")
    bob.wait_for_object("connected")

    line.say("x" * 5_000, "short")
    bob.request("send", text="x" * 4_001, ref="long")
    bob.wait_for_object("message")

    assert line.wait_for("Error: ") == (
        "Error: message is 5 000 characters; the limit is 4 000. Nothing was sent."
    )
    assert [message["text"] for message in bob.of_type("message")] == ["short"]
    error = bob.wait_for_object("error")
    assert (error["code"], error["ref"]) == ("too-long", "long")

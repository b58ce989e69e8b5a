"""What the program says of itself on a real terminal, and the line below the editor."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.e2e.seats import seat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import Program, Programs


@pytest.fixture
def bob(programs: Programs) -> Program:
    return programs.line("--nick", "bob", "--manual")


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_what_the_program_says_is_broken_between_words(tmp_path: Path, columns: int) -> None:
    sentence = (
        '-!- no one called "bbo". Your line is back in the editor; nothing was sent. '
        "-!- unknown command /peesr. Did you mean /peers? To send it as text: //peesr"
    )
    with seat(tmp_path, columns=columns) as ann:
        ann.screen.press("@bbo are you there?\r")
        ann.screen.wait_for("no one called")
        ann.screen.wait_for("ann> @bbo")
        ann.screen.press("\x03")
        ann.screen.press("/peesr\r")
        ann.screen.wait_for("//peesr")
        ann.screen.press("\x03\x1b[200~" + "\r".join("123456") + "\x1b[201~")
        ann.screen.wait_until(lambda: ann.toolbar == " 6 lines, Enter sends, Ctrl+C drops")

        rows = ann.screen.all_lines
        first = next(number for number, row in enumerate(rows) if row.startswith("-!-"))
        said = " ".join(row.strip() for row in rows[first:])
        assert said.startswith(sentence)
        assert all(len(row) <= columns for row in rows)


@pytest.mark.parametrize("others", [0, 1])
def test_who_was_killed_does_not_count_as_a_peer_any_more(
    tmp_path: Path, programs: Programs, bob: Program, others: int
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        if others:
            cat = programs.line("--nick", "cat", "--manual")
            cat.say(f"connect {ann.address}")
            ann.screen.wait_for("--> cat joined")
            ann.screen.wait_until(lambda: "2 peers" in ann.toolbar)

        bob.signal(signal.SIGKILL)
        ann.screen.wait_for("<-- bob left (connection lost")
        count = "1 peer ·" if others else "no peers"
        ann.screen.wait_until(lambda: count in ann.toolbar)
        ann.screen.press("/peers\r")
        if others:
            ann.screen.wait_until(lambda: any(row.startswith("cat ") for row in ann.screen.lines))
        else:
            ann.screen.wait_for("no one is connected")
        ann.screen.wait_until(ann.is_at_rest)

        assert not any(row.startswith("bob") for row in ann.screen.lines)

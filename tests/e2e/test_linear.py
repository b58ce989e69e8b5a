"""The program on a terminal that can't move its cursor, or may not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import HUNG_UP

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.e2e.seats import plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import Program, Programs


@pytest.fixture
def bob(programs: Programs) -> Program:
    return programs.line("--nick", "bob", "--manual")


@pytest.mark.parametrize(
    ("flags", "variables"), [(("--plain",), {}), ((), {"TERM": "dumb"})], ids=["--plain", "dumb"]
)
def test_linear_text_moves_no_cursor_and_chats_all_the_same(
    tmp_path: Path, bob: Program, flags: tuple[str, ...], variables: dict[str, str]
) -> None:
    with plain(tmp_path, *flags, **variables) as ann:
        bob.say(f"connect {ann.address}", "hello there", "line\x1b[2Jtwo")
        ann.screen.wait_for("bob: hello there")
        ann.screen.press("and to you\r")
        bob.wait_for("ann -> and to you")
        ann.screen.wait_for("two")
        ann.screen.press("/peesr\rexit\r")

        assert ann.screen.wait_for_end() == 0
        assert any("Did you mean /peers?" in row for row in ann.screen.lines)
        assert r"bob: line\x1b[2Jtwo" in " ".join(ann.screen.lines)
        assert b"\x1b" not in ann.screen.received


def test_control_c_and_the_end_of_the_input_leave(tmp_path: Path, bob: Program) -> None:
    with plain(tmp_path, "--plain") as ann:
        bob.say(f"connect {ann.address}")
        bob.wait_for("Connected: ann")
        ann.screen.press("\x04")

        assert ann.screen.wait_for_end() == 0
    bob.wait_for("Disconnected: ann")

    with plain(tmp_path, "--plain") as ann:
        ann.screen.press("\x03")

        assert ann.screen.wait_for_end() == 0


def test_a_terminal_that_vanishes_ends_it_with_129_and_a_goodbye(
    tmp_path: Path, bob: Program
) -> None:
    with plain(tmp_path, "--plain") as ann:
        bob.say(f"connect {ann.address}")
        bob.wait_for("Connected: ann")
        ann.screen.unplug()
        ann.screen.child.wait()

    assert ann.screen.child.exitstatus == HUNG_UP
    bob.wait_for("Disconnected: ann")
    assert bob.leave() == 0
    assert not any("is gone" in line for line in bob.err), "it did not say goodbye"

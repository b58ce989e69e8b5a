"""The program on a real terminal, with somebody in line mode at the other end."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.idleness import wait_until_asleep
from tests.e2e.processes import HUNG_UP, TERMINATED

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.e2e.seats import seat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Program, Programs


@pytest.fixture
def bob(programs: Programs) -> Program:
    return programs.line("--nick", "bob", "--manual")


@pytest.fixture
def scripted(programs: Programs) -> JsonProgram:
    return programs.json("--nick", "bob", "--manual")


# --- What stands on the screen ----------------------------------------------------------------


@pytest.mark.parametrize("rows", [24, 7])
def test_the_banner_stands_at_the_top_and_one_prompt_below_it(tmp_path: Path, rows: int) -> None:
    with seat(tmp_path, rows=rows) as ann:
        port = ann.address.rpartition(":")[2]
        ann.screen.wait_until(
            lambda: ann.screen.lines[-2:] == ["ann>", f" lobby · no peers · :{port} · /help"]
        )
        lines = ann.screen.all_lines

    assert lines[0].startswith("p2pchat 0.1.0   you are ann (key ")
    assert lines[1] == f"Listening for connection requests at {ann.address}"
    assert sum(line.startswith("ann>") for line in lines) == 1


def test_what_is_said_is_shown_with_time_and_nick_on_both_sides(
    tmp_path: Path, bob: Program
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        bob.say("has anyone restarted the relay?", "/me waves")
        ann.screen.wait_for("waves")
        ann.screen.press("I did\r")
        ann.screen.wait_for("ann: I did")

        assert bob.wait_for(" -> ") == "ann -> I did"
        assert re.fullmatch(r"--> bob joined \(this machine, key .*, not verified\)", ann.spoken[0])
        assert ann.spoken[1:] == [
            "bob: has anyone restarted the relay?",
            "* bob waves",
            "ann: I did",
        ]


def test_typing_to_nobody_is_answered(tmp_path: Path) -> None:
    with seat(tmp_path) as ann:
        ann.screen.press("hello?\r")
        ann.screen.wait_for("nobody got that")

        assert ann.spoken[0] == "ann: hello?"
        assert ann.spoken[1].startswith("-- no one is connected: nobody got that")


def test_typing_while_many_lines_arrive_is_never_torn(tmp_path: Path, bob: Program) -> None:
    typed = "the quick brown fox jumps over the lazy dog"
    with seat(tmp_path, columns=100) as ann:
        ann.joined_by(bob)
        for number in range(200):
            bob.say(f"line {number}")
            if number % 5 == 0 and number // 5 < len(typed):
                ann.screen.press(typed[number // 5])
                seen = len(ann.screen.received)
                ann.screen.wait_until(lambda n=seen: len(ann.screen.received) > n)  # type: ignore[misc]
        ann.screen.press(typed[40:] + "\r")
        ann.screen.wait_until(lambda: f"ann: {typed}" in ann.spoken)
        ann.screen.wait_until(lambda: "bob: line 199" in ann.spoken)
        ann.screen.wait_until(ann.is_at_rest)

        rows = ann.screen.all_lines
        numbers = [int(line.split()[2]) for line in ann.spoken if line.startswith("bob: line ")]

    assert bob.wait_for(" -> ") == f"ann -> {typed}"
    assert numbers == list(range(200))
    banner = rows.index("/help lists the commands, exit leaves.")
    allowed = re.compile(
        rf"\d\d:\d\d (?:--> bob joined .*|bob: line \d+|ann: {typed})|ann>.*| lobby · 1 peer · .*"
    )
    assert [row for row in rows[banner + 1 :] if not allowed.fullmatch(row)] == []
    assert sum(row.startswith("ann>") for row in rows) == 1


def test_a_long_backlog_is_cut_to_a_few_screens_and_history_shows_the_rest(
    tmp_path: Path, bob: Program
) -> None:
    bob.say(*(f"line {number}" for number in range(120)))
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.wait_until(lambda: "(earlier) bob: line 119" in ann.spoken)
        shown = [line for line in ann.spoken if not line.startswith("-->")]
        ann.screen.press("/history 120\r")
        ann.screen.wait_until(lambda: len(ann.spoken) > 170)
        ann.screen.wait_until(lambda: ann.spoken[-1] == "(earlier) bob: line 119")

        assert shown == [
            "-- … 70 more, /history 120",
            *(f"(earlier) bob: line {number}" for number in range(70, 120)),
        ]
        assert ann.spoken[-120:] == [f"(earlier) bob: line {number}" for number in range(120)]


def test_a_resize_keeps_one_prompt_and_one_toolbar(tmp_path: Path) -> None:
    with seat(tmp_path, columns=120) as ann:
        ann.screen.press("half a line")
        ann.screen.wait_for("half a line")
        ann.screen.resize(50, 24)
        ann.screen.wait_until(lambda: ann.toolbar == " lobby · no peers")
        ann.screen.resize(100, 30)
        ann.screen.wait_until(lambda: ann.is_at_rest("ann> half a line"))

        assert sum(row.startswith("ann>") for row in ann.screen.all_lines) == 1
        assert sum(row.startswith(" lobby") for row in ann.screen.all_lines) == 1


@pytest.mark.threat(16)
def test_hostile_escape_sequences_are_shown_and_do_nothing(
    tmp_path: Path, scripted: JsonProgram
) -> None:
    with seat(tmp_path, columns=120) as ann:
        scripted.request("connect", address=ann.address)
        ann.wait_joined()
        escapes = "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x9b5A\r"
        scripted.request("send", text=f"{escapes}[bold]x[/login] :heart:")
        scripted.request("send", text="\u202eabc\n12:00 cid: forged\u2028")
        ann.screen.wait_for(r"forged\u2028")

        shown = r"\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x9b5A\x0d"
        assert ann.spoken[1:] == [f"bob: {shown}[bold]x[/login] :heart:", r"bob: \u202eabc"]
        assert r"      12:00 cid: forged\u2028" in ann.screen.lines
        for harmful in (b"\x1b[2J", b"\x1b]0;", b"\x1b]52", b"\x9b5A", "\u202e".encode()):
            assert harmful not in ann.screen.received


def test_hostile_keys_are_shown_and_sent_but_do_nothing_here(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press("\x1b[200~a\x1b]0;owned\x07b\x1b[201~\r")
        ann.screen.wait_until(lambda: ann.spoken[-1] == r"ann: a\x1b]0;owned\x07b")

        assert b"\x1b]0;" not in ann.screen.received
        assert bob.wait_for(" -> ") == r"ann -> a\x1b]0;owned\x07b"


def test_toolbar_and_prompt_follow_what_happens(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press("/nick anna\r")
        ann.screen.wait_for("anna>")
        bob.say("exit")
        ann.screen.wait_for("no peers")
        ann.screen.wait_for("<-- bob left")

        assert ann.spoken[1:] == ["-- you are now called anna", "<-- bob left"]


def test_the_bell_rings_for_whoever_is_named(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        bob.say("hello everybody")
        ann.screen.wait_for("hello everybody")
        assert b"\x07" not in ann.screen.received

        bob.say("ann: are you there?")
        ann.screen.wait_for("are you there?")
        ann.screen.wait_until(lambda: b"\x07" in ann.screen.received, "a bell")
        ann.screen.wait_until(ann.is_at_rest)

        assert ann.spoken[-1] == ">> bob: ann: are you there?"
        assert ann.screen.received.count(b"\x07") == 1


def test_no_color_is_honoured(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path, NO_COLOR="1") as ann:
        ann.joined_by(bob)
        bob.say("ann, can you see this?")
        ann.screen.wait_for("can you see this?")

        colours = re.findall(rb"\x1b\[[0-9;]*m", ann.screen.received)
    assert not any(re.search(rb"[\[;](3[0-8]|4[0-8]|9\d|10\d)[;m]", code) for code in colours)


def test_colours_are_used_where_nobody_forbids_them(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)

        assert re.search(rb"\x1b\[[0-9;]*3[0-9;]*m", ann.screen.received)


# --- Keys and lines ---------------------------------------------------------------------------


def test_a_refused_line_is_back_in_the_editor_and_was_not_sent(
    tmp_path: Path, bob: Program
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press("/peesr\r")
        ann.screen.wait_for("Did you mean /peers?")
        ann.screen.wait_for("ann> /peesr")
        ann.screen.press("\x03plain text\r")
        bob.wait_for("plain text")

        assert bob.heard == ["ann -> plain text"]


def test_tab_completes_commands_and_names(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press("/disc\t")
        ann.screen.wait_for("ann> /disconnect")
        ann.screen.press("bo\t")
        ann.screen.wait_for("ann> /disconnect bob")
        ann.screen.press("\r")

        bob.wait_for("Disconnected: ann")


def test_a_paste_of_several_lines_is_one_message(tmp_path: Path, scripted: JsonProgram) -> None:
    with seat(tmp_path) as ann:
        scripted.request("connect", address=ann.address)
        ann.wait_joined()
        ann.screen.press("\x1b[200~first\rexit\rlast\x1b[201~")
        ann.screen.wait_for("last")
        ann.screen.press("\r")

        assert scripted.wait_for_object("message")["text"] == "first\nexit\nlast"
        ann.screen.wait_for("      exit")


def test_what_is_typed_while_a_dial_is_under_way_is_carried_out(
    tmp_path: Path, bob: Program
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press(f"connect {ann.address}\rstill talking\r")

        assert bob.wait_for(" -> ") == "ann -> still talking"
        ann.screen.wait_for("that is this node's own address")


def test_peers_and_help_are_answered_on_the_screen(tmp_path: Path, bob: Program) -> None:
    with seat(tmp_path, columns=100) as ann:
        ann.joined_by(bob)
        ann.screen.press("/peers\r")
        ann.screen.wait_until(lambda: any(row.startswith("bob ") for row in ann.screen.lines))
        ann.screen.press("/help\r")
        ann.screen.wait_for("/clear ")

        assert bob.leave() == 0
        assert bob.heard == []


def test_clear_leaves_the_prompt_alone(tmp_path: Path) -> None:
    with seat(tmp_path) as ann:
        ann.screen.press("/clear\r")

        ann.screen.wait_until(lambda: [row[:6] for row in ann.screen.lines] == ["ann>", " lobby"])


# --- How it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys", ["\x04", "\x03\x03", "exit\r", "quit\r", " /quit \r"],
    ids=["Ctrl+D", "Ctrl+C twice", "exit", "quit", "/quit"],
)  # fmt: skip
def test_leaving_tells_the_neighbours_and_restores_the_terminal(
    tmp_path: Path, bob: Program, keys: str
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press(keys)
        code = ann.screen.wait_for_end()

        assert code == 0
        assert ann.screen.attributes() == ann.screen.attributes_before
        assert not any(row.startswith(("ann>", " lobby ·")) for row in ann.screen.all_lines)
    bob.wait_for("Disconnected: ann")
    assert bob.leave() == 0
    assert not any("is gone" in line for line in bob.err), "it did not say goodbye"
    assert bob.heard == []


def test_one_control_c_drops_the_line_and_says_how_to_leave(tmp_path: Path) -> None:
    with seat(tmp_path) as ann:
        ann.screen.press("half")
        ann.screen.wait_for("ann> half")
        ann.screen.press("\x03")
        ann.screen.wait_until(ann.is_at_rest)
        ann.screen.press("\x03")
        ann.screen.wait_for("Ctrl+C once more leaves")
        ann.screen.press("still here\r")

        ann.screen.wait_for("ann: still here")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, 0)], ids=["TERM", "INT"]
)
def test_a_signal_restores_the_terminal_and_says_goodbye(
    tmp_path: Path, bob: Program, number: int, code: int
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.press("half a line")
        ann.screen.wait_for("half a line")
        os.kill(ann.screen.child.pid, number)

        assert ann.screen.wait_for_end() == code
        assert ann.screen.attributes() == ann.screen.attributes_before
    bob.wait_for("Disconnected: ann")
    assert bob.leave() == 0
    assert not any("is gone" in line for line in bob.err), "it did not say goodbye"


def test_a_terminal_that_vanishes_ends_it_with_129_and_a_goodbye(
    tmp_path: Path, bob: Program
) -> None:
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        ann.screen.unplug()
        ann.screen.child.wait()

    assert ann.screen.child.exitstatus == HUNG_UP
    bob.wait_for("Disconnected: ann")
    assert bob.leave() == 0
    assert not any("is gone" in line for line in bob.err), "it did not say goodbye"


def test_an_idle_terminal_costs_nothing(tmp_path: Path) -> None:
    with seat(tmp_path) as ann:
        wait_until_asleep(ann.screen.child.pid)

"""Keys with a passphrase, in real processes: asked for, given in files, nowhere to be found."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.processes import LISTENING, PROGRAM, environment_of
from tests.e2e.test_secrets import files_below, needs_proc, places_with, shown_by
from tests.keys import ANN, OTHER, PASSPHRASE, SEED, write_private, write_sealed
from tests.store.folders import names_in

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.ui.screen import Screen

if TYPE_CHECKING:
    from tests.e2e.processes import Program, Programs

QUESTION: Final = "Passphrase of profile default (it does not show):"
NODE: Final = ("--host", "127.0.0.1", "--port", "0", "--manual", "--nick", "ann")


def profiles_in(home: Path) -> Path:
    return home / ".local" / "share" / "p2pchat"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home of somebody whose only profile has a passphrase."""
    home = tmp_path / "ann"
    write_sealed(profiles_in(home) / "default" / "key")
    return home


def passphrase_file(folder: Path, passphrase: str = PASSPHRASE, name: str = "passphrase") -> str:
    write_private(folder / name, passphrase.encode() + b"\n")
    return str(folder / name)


def at_terminal(home: Path, *arguments: str) -> Screen:
    return Screen(*PROGRAM, *arguments, columns=300, environment=environment_of(home))


# --- Asked for --------------------------------------------------------------------------------


@pytest.mark.threat(14)
@pytest.mark.parametrize("flags", [(), ("--plain",)], ids=["full", "plain"])
def test_a_terminal_asks_before_anything_else_and_shows_nothing(
    home: Path, flags: tuple[str, ...]
) -> None:
    with at_terminal(home, *NODE, *flags) as screen:
        screen.wait_for(QUESTION)
        assert LISTENING.encode() not in screen.received
        screen.press(f"{OTHER}\r")
        screen.wait_for(f"That is not it. {QUESTION}")
        screen.press(f"{PASSPHRASE}\r")
        screen.wait_for("exit leaves")
        screen.press("exit\r")

        assert screen.wait_for_end() == 0
        assert b"green roofs" not in screen.received
        assert b"red doors" not in screen.received


def test_three_wrong_ones_are_the_end_of_it(home: Path) -> None:
    with at_terminal(home, *NODE) as screen:
        screen.wait_for(QUESTION)
        # What is typed before the question stands there again is thrown away.
        screen.press(f"{OTHER}\r")
        screen.wait_until(lambda: screen.received.count(b"not it. P") == 1, "asked once more")
        screen.press("\r")
        screen.wait_until(lambda: screen.received.count(b"not it. P") == 2, "asked a third time")
        screen.press("\x04")
        assert screen.wait_for_end() == 1

        assert screen.lines[-1].startswith("p2pchat: that is not the passphrase of the key")
    assert names_in(profiles_in(home)) == ["default"]
    assert names_in(profiles_in(home) / "default") == ["key", "lock"]


def test_ctrl_c_leaves_the_question_and_the_terminal_as_it_was(home: Path) -> None:
    with at_terminal(home, *NODE) as screen:
        screen.wait_for(QUESTION)
        screen.wait_until(lambda: screen.attributes() != screen.attributes_before, "no echo")
        screen.press("\x03")

        assert screen.wait_for_end() == 130
        assert screen.attributes() == screen.attributes_before


def test_a_second_terminal_is_told_that_it_is_somebody_without(home: Path) -> None:
    with at_terminal(home, *NODE) as first:
        first.wait_for(QUESTION)  # it has the profile from here on
        with at_terminal(home, *NODE) as second:
            second.wait_for("exit leaves")
            told = " ".join(second.all_lines)

    assert "profile default, whose key has a passphrase, is in use" in told
    assert "p2pchat id --profile default-2 --set-passphrase" in told


# --- Set, changed, removed --------------------------------------------------------------------


def answered(screen: Screen, *lines: str) -> None:
    """Type each line once it is asked for."""
    for number, line in enumerate(lines, 1):
        asked = screen.received.count(b"(it does not show): ") + screen.received.count(b"more: ")
        if asked < number:
            screen.wait_until(
                lambda n=number: (
                    screen.received.count(b"show): ")  # type: ignore[misc]  # bound
                    + screen.received.count(b"more: ")
                    >= n
                ),
                f"question {number}",
            )
        screen.press(f"{line}\r")


@pytest.mark.threat(14)
def test_it_is_set_changed_and_removed_at_a_terminal(tmp_path: Path, programs: Programs) -> None:
    home = tmp_path / "ben"
    made = programs.line("--manual", home=home)
    made.wait_for("Listening")
    made.say("exit")
    assert made.wait() == 0
    key = profiles_in(home) / "default" / "key"
    before = key.read_text()

    with at_terminal(home, "id", "--set-passphrase") as screen:
        answered(screen, PASSPHRASE, PASSPHRASE)
        assert screen.wait_for_end() == 0
        assert any(line.startswith("passphrase   yes") for line in screen.lines)
    (seed,) = [line for line in before.splitlines() if line.startswith("seed ")]
    assert seed.removeprefix("seed ") not in key.read_text()

    with at_terminal(home, "id", "--set-passphrase") as screen:
        answered(screen, PASSPHRASE, OTHER, OTHER)
        assert screen.wait_for_end() == 0
    with at_terminal(home, "id", "--remove-passphrase") as screen:
        answered(screen, OTHER)
        assert screen.wait_for_end() == 0
        assert any(line.startswith("passphrase   no") for line in screen.lines)

    assert key.read_text() == before


# --- Without a terminal -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [[], ["listen"], ["send", "hi"], ["doctor"]], ids=lambda words: " ".join(words)
)
def test_without_a_passphrase_nothing_starts_and_nobody_new_is_made(
    programs: Programs, home: Path, arguments: list[str]
) -> None:
    program = programs.bare(*arguments, home=home)

    assert program.wait() == 1
    assert program.out == []
    (told,) = program.err
    assert told.startswith("p2pchat: the key of profile default has a passphrase. ")
    assert "--passphrase-file FILE" in told
    assert names_in(profiles_in(home)) == ["default"]


def test_a_wrong_one_is_told_and_changes_nothing(programs: Programs, home: Path) -> None:
    before = (profiles_in(home) / "default" / "key").read_bytes()

    program = programs.bare("--passphrase-file", passphrase_file(home, OTHER), home=home)

    assert program.wait() == 1
    assert "that is not the passphrase" in program.err[0]
    assert (profiles_in(home) / "default" / "key").read_bytes() == before
    assert names_in(profiles_in(home) / "default") == ["key", "lock"]


def test_standard_input_gives_it_in_the_first_line_and_says_the_rest(
    programs: Programs, home: Path
) -> None:
    ann = programs.line("--manual", "--passphrase-file", "-", home=home)
    ann.say(PASSPHRASE)
    ann.wait_for("Listening")
    ben = programs.line("--manual")
    ben.connect(ann)
    ann.say("hello")

    assert ben.wait_for(" -> ").endswith("-> hello")
    assert not any("green" in line for line in ben.out)


def test_everything_that_needs_the_key_takes_the_file(programs: Programs, home: Path) -> None:
    ben = programs.line("--manual")
    flags = ("--manual", "--passphrase-file", passphrase_file(home), "-c", ben.address)

    said = programs.line("send", *flags, "hello", home=home)
    assert said.wait() == 0
    doctor = programs.line("doctor", *flags, home=home)
    assert doctor.wait() == 0

    ben.wait_for("-> hello")
    assert names_in(profiles_in(home)) == ["default"]
    assert any("[ok] profile" in line for line in doctor.out)


def test_who_somebody_is_and_an_invite_need_no_passphrase(programs: Programs, home: Path) -> None:
    shown = programs.bare("id", "--json", home=home)
    invite = programs.bare("invite", "--profile", "default", home=home)

    assert shown.wait() == 0
    told = json.loads(shown.out[0])["data"]
    assert (told["me"]["id"], told["passphrase"]) == (ANN.peer.hex(), True)
    assert invite.wait() == 0
    assert invite.out[0].startswith("p2pchat://")


def test_a_running_node_keeps_others_from_changing_its_passphrase(
    programs: Programs, home: Path
) -> None:
    file = passphrase_file(home)
    ann = programs.line("--manual", "--passphrase-file", file, home=home)
    ann.wait_for("Listening")

    removing = programs.bare("id", "--remove-passphrase", "--passphrase-file", file, home=home)

    assert removing.wait() == 1
    assert "profile default is in use" in removing.err[0]
    assert programs.bare("id", home=home).wait() == 0


# --- Nowhere to be found ----------------------------------------------------------------------


@needs_proc
@pytest.mark.threat(14)
def test_neither_the_seed_nor_its_passphrase_is_anywhere(
    programs: Programs, home: Path, tmp_path: Path
) -> None:
    file = passphrase_file(tmp_path)
    ann = programs.line("--manual", "--verbose", "-n", "ann", "--passphrase-file", file, home=home)
    ben = programs.line("--manual", "-n", "ben")
    ben.connect(ann)
    ann.say("hello", "@ben for you alone", "/whois ben", "/invite", "/doctor", "/nonsense")
    ben.wait_for("(direct) ann -> for you alone")
    ann.wait_for("/nonsense")

    assert found_in(ann) == []
    ann.signal(signal.SIGABRT)
    assert ann.wait() == -signal.SIGABRT
    assert found_in_files(home) == []


def found_in(program: Program) -> list[str]:
    shown = shown_by(program)
    return [
        *places_with(SEED, shown),
        *(name for name, content in shown.items() if PASSPHRASE.encode() in content),
        *found_in_files(program.home),
    ]


def found_in_files(home: Path) -> list[str]:
    files = files_below(home)
    assert any(name.endswith("log.txt") for name in files)
    return [
        *places_with(SEED, files),
        *(name for name, content in files.items() if PASSPHRASE.encode() in content),
    ]

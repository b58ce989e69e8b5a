"""The command finds what is wrong, keeps the input, and tells how to run it again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import campaign, corpus
from tests.fuzz.cost import MEMORY_LIMIT_BYTES, TIME_LIMIT_S, cost_of
from tests.fuzz.mutation import INPUT_LIMIT_BYTES, Edit, Kind, edited
from tests.fuzz.target import Reader, Target, piece
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path


def trap(data: bytes) -> None:
    assert not data.startswith(b"\xff"), "the trap is shut"


def glutton(data: bytes) -> None:
    assert len(bytearray(MEMORY_LIMIT_BYTES * (1 + len(data)))) > 1


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "trap", Target(trap, lambda: [b"seed"]))
    monkeypatch.setitem(TARGETS, "glutton", Target(glutton, lambda: [b"seed"]))


@pytest.mark.usefixtures("planted")
def test_a_crash_is_kept_with_the_command_that_replays_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["trap", "--blind", "--seconds", "60", "--work", str(tmp_path)]) == 1

    said = capsys.readouterr().out
    (found,) = (tmp_path / "trap" / "findings").iterdir()
    assert found.read_bytes().startswith(b"\xff")
    assert "the trap is shut" in said
    assert f"python -m tests.fuzz trap --replay {found}" in said
    assert command.main(["trap", "--replay", str(found)]) == 1


@pytest.mark.usefixtures("planted")
def test_an_input_that_takes_too_much_memory_is_a_finding(tmp_path: Path) -> None:
    assert command.main(["glutton", "--blind", "--seconds", "0", "--work", str(tmp_path)]) == 1

    (found,) = (tmp_path / "glutton" / "findings").iterdir()
    assert found.name.startswith("costly-")


def test_a_quiet_run_finds_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["framing", "--blind", "--seconds", "0.2", "--work", str(tmp_path)]) == 0
    assert "no findings" in capsys.readouterr().out


def test_without_atheris_the_command_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "is_guidance_here", lambda: False)

    assert command.main(["framing", "--work", str(tmp_path)]) == 2

    said = capsys.readouterr().out
    assert "atheris is not installed" in said
    assert "--blind" in said


def test_a_target_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonsense"]) == 2
    assert "framing" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.skipif(not campaign.is_guidance_here(), reason="atheris is not installed")
def test_guided_fuzzing_reaches_what_the_seeds_do_not(tmp_path: Path) -> None:
    outcome = campaign.fuzz("lines", 5.0, tmp_path)

    assert outcome.inputs > 100
    assert outcome.known
    assert not outcome.findings


def test_the_smallest_set_leaves_out_what_reaches_nothing_new() -> None:
    run = TARGETS["framing"].run
    streams = (b"\0\0\0\1x", b"\0\0\0\1yy", bytes(4))
    whole, alike, empty = (b"\0" + piece(stream) for stream in streams)

    assert corpus.smallest_set(run, [alike, whole, empty]) == [empty, whole]
    assert corpus.smallest_set(run, [alike, empty], [whole]) == [empty]


def test_tracing_leaves_the_tracer_of_others_in_place() -> None:
    before = sys.gettrace()

    assert corpus.arcs_of(TARGETS["frames"].run, b"\x91\x07")
    assert sys.gettrace() is before


def test_a_failing_input_reaches_nothing_that_is_kept() -> None:
    assert corpus.arcs_of(trap, b"\xff") == set()


def test_a_cheap_input_is_within_the_limits() -> None:
    cost = cost_of(trap, b"")

    assert cost.time_s <= TIME_LIMIT_S
    assert cost.memory_bytes <= MEMORY_LIMIT_BYTES


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (Edit(Kind.WRITE, 1, b"xy"), b"axyd"),
        (Edit(Kind.INSERT, 1, b"xy"), b"axybcd"),
        (Edit(Kind.DELETE, 1, b"xy"), b"ad"),
        (Edit(Kind.DOUBLE, 1, b"xy"), b"abcbcd"),
        (Edit(Kind.CUT, 1, b""), b"a"),
        (Edit(Kind.CUT, 9, b""), b"abcd"),
    ],
)
def test_an_edit_does_what_it_is_called(edit: Edit, result: bytes) -> None:
    assert edit.of(b"abcd") == result


def test_an_edited_input_has_a_bound() -> None:
    edits = [Edit(Kind.INSERT, 0, bytes(3_000))] * 2

    assert len(edited(b"", edits)) == INPUT_LIMIT_BYTES


def test_a_reader_takes_apart_what_was_put_together_and_then_nothing() -> None:
    reader = Reader(b"\x07" + piece(b"abc") + b"rest")

    assert (reader.byte(), reader.piece(), reader.rest()) == (7, b"abc", b"rest")
    assert reader.is_empty
    assert (reader.byte(), reader.piece(), reader.rest()) == (0, b"", b"")

"""Arguments in, exit code out; what the program does is somebody else's business."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import app, cli
from p2pchat.errors import BadAddress, BadNick, BadRoom, ListenFailed
from p2pchat.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))


class Recorder:
    """Stands in for the program."""

    def __init__(self, outcome: int | BaseException = 0) -> None:
        self.settings: Settings | None = None
        self._outcome = outcome

    async def run(self, settings: Settings, *, is_dumb: bool) -> int:
        self.settings = settings
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


def run_with(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, outcome: int | BaseException = 0
) -> tuple[int, Settings | None]:
    recorder = Recorder(outcome)
    monkeypatch.setattr(app, "run", recorder.run)
    return cli.main(arguments), recorder.settings


def test_flags_become_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    code, settings = run_with(
        monkeypatch, "-n", "ann", "-p", "0", "-r", "tea", "-c", "a:1", "--connect", "b:2",
        "--host", "::1", "--manual", "--ephemeral", "--guests", "off", "--json", "--stay", "-q",
    )  # fmt: skip

    assert code == 0
    assert settings == Settings(
        nick="ann", port=0, room="tea", connect=("a:1", "b:2"), host="::1", manual=True,
        ephemeral=True, guests="off", json=True, stay=True, quiet=True,
    )  # fmt: skip


def test_without_flags_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_with(monkeypatch) == (0, Settings())


@pytest.mark.parametrize("code", [0, 1, 129, 143])
def test_the_exit_code_of_the_program_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    assert run_with(monkeypatch, outcome=code)[0] == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ListenFailed("", 55555, "it is in use"), 1),
        (ExceptionGroup("", [ListenFailed("", 55555, "it is in use")]), 1),
        (KeyboardInterrupt(), 130),
        (BadNick("that is no nick."), 78),
        (BadRoom("that is no room."), 78),
        (BadAddress("that is no address."), 78),
    ],
)
def test_a_program_that_can_not_start_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: BaseException, code: int
) -> None:
    assert run_with(monkeypatch, outcome=error)[0] == code

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == (0 if isinstance(error, KeyboardInterrupt) else 1)
    assert said.err == "" or said.err.startswith("p2pchat: ")


def test_what_a_flag_got_wrong_is_usage_and_not_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, _ = run_with(monkeypatch, "--room", "tea", outcome=BadRoom("no room."))

    assert code == 2


def test_a_bug_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExceptionGroup):
        run_with(monkeypatch, outcome=ExceptionGroup("", [ZeroDivisionError()]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "-1"], ["--port", "65536"], ["--port", "1.5"], ["--port", "٣"],
        ["--nick", ""], ["--nick", "a b"], ["--room", "ü" * 33], ["--connect", "a"],
        ["--connect", "a:0"], ["--color", "pink"], ["--unknown"], ["unknown"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_2_and_one_line(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)

    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("p2pchat: ")


def test_every_flag_is_explained(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])

    assert ended.value.code == 0
    told = capsys.readouterr().out
    for flag in ("--connect", "--nick", "--port", "--host", "--room", "--profile", "--ephemeral",
                 "--manual", "--guests", "--json", "--plain", "--stay", "--version"):  # fmt: skip
        assert flag in told


def test_a_stream_that_was_closed_has_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    cli._stand_in_for_closed_streams()

    opened: list[Any] = [sys.stdin, sys.stdout, sys.stderr]
    assert [stream.name for stream in opened] == [os.devnull] * 3
    for stream in opened:
        stream.close()


def test_a_stream_that_is_open_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = StringIO()
    monkeypatch.setattr(sys, "stdout", mine)

    cli._stand_in_for_closed_streams()

    assert sys.stdout is mine

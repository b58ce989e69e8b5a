"""Arguments in, exit code out; what the program does is somebody else's business."""

from __future__ import annotations

import os
import sys
from io import StringIO
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import app, cli, identifying, sending
from p2pchat.core.invites import INVITE_SCHEME, Invite
from p2pchat.errors import BadAddress, BadInvite, BadNick, BadRoom, ListenFailed
from p2pchat.id_flags import KeyChange
from p2pchat.settings import Settings
from p2pchat.wire.invite import encode_invite

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))


LOBBY = encode_invite(Invite("lobby", None))
SECRET = encode_invite(Invite("tea", bytes(range(16))))


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
        (BadInvite("it is none"), 78),
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
        ["--port", "0000070000"], ["--port", "0" * 5_000 + "1"], ["--backlog", "000099"],
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
                 "--manual", "--guests", "--json", "--plain", "--stay", "--version",
                 "--lan", "--no-map", "--invite-file"):  # fmt: skip
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


def test_the_flags_of_joining_become_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    code, settings = run_with(monkeypatch, "--lan", "--no-map", "-c", f" {LOBBY}.")

    assert code == 0
    assert settings == Settings(lan=True, no_map=True, connect=(LOBBY,))


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", SECRET], [f"--connect={SECRET}"], ["-c", f"({SECRET})"], ["-c", SECRET[:-1]],
        ["listen", "-c", SECRET], ["send", SECRET], ["send", f"come in: {SECRET}"], [SECRET],
        ["listen", SECRET], ["--nick", SECRET], ["--port", SECRET], ["--room", SECRET],
        ["-c", "p2pchat://x"], ["--profile", SECRET], ["--secret-file", SECRET],
        ["invite", "--new-room", SECRET], ["--log-file", SECRET], ["--config", SECRET],
        ["simulate", SECRET], ["--nonsense", SECRET], ["--invite-file", SECRET],
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_an_invite_with_a_secret_in_the_arguments_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str]
) -> None:
    code, settings = run_with(monkeypatch, *arguments)

    said = capsys.readouterr()
    assert (code, settings) == (2, None)
    assert said.err.count("\n") == 1
    assert SECRET[len(INVITE_SCHEME) :][:8] not in said.err + said.out
    assert "--invite-file" in said.err


def test_an_invite_with_a_secret_in_a_variable_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("P2PCHAT_CONNECT", f"localhost:5 {SECRET}")

    code, settings = run_with(monkeypatch)

    said = capsys.readouterr().err
    assert (code, settings) == (2, None)
    assert said.startswith("p2pchat: P2PCHAT_CONNECT: an invite with a secret must not stand there")
    assert "--invite-file" in said
    assert SECRET[len(INVITE_SCHEME) :][:8] not in said


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["--secret", "hush"], ""), (["--secret=hush"], ""), (["-r", "a", "--passphrase=hush"], ""),
        ([], "P2PCHAT_SECRET"), ([], "P2PCHAT_PASSPHRASE"), ([], "P2PCHAT_PASSWORD"),
    ],
)  # fmt: skip
def test_a_secret_where_others_can_read_it_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str], variable: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, "hush")

    code, settings = run_with(monkeypatch, *arguments)

    said = capsys.readouterr().err
    assert (code, settings) == (2, None)
    assert "--secret-file" in said
    assert "standard input or a prompt" in said
    assert "hush" not in said


def test_what_the_settings_file_has_wrong_with_an_invite_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    for setting in ("connect", "color", "port"):
        file.write_text(f'{setting} = "{SECRET}"\n')

        assert run_with(monkeypatch, "--config", str(file))[0] == 78
        assert SECRET[len(INVITE_SCHEME) :][:8] not in capsys.readouterr().err


def test_the_file_of_a_secret_is_read_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    code, settings = run_with(monkeypatch, "-r", "tea", "--secret-file", str(file))

    assert code == 0
    assert settings == Settings(room="tea", secret_file=str(file), secret="open sesame")

    file.write_text("")
    assert run_with(monkeypatch, "-r", "tea", "--secret-file", str(file)) == (2, None)
    monkeypatch.setenv("P2PCHAT_SECRET_FILE", str(file))
    assert run_with(monkeypatch, "-r", "tea") == (78, None)
    assert "sesame" not in capsys.readouterr().err


def test_an_invite_of_an_open_room_may_stand_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2PCHAT_CONNECT", LOBBY)

    assert run_with(monkeypatch) == (0, Settings(connect=(LOBBY,)))


def test_an_invite_comes_out_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "invite.txt"
    file.write_text(f"\n  <{SECRET}>.\n")

    code, settings = run_with(monkeypatch, "-c", "a:1", "--invite-file", str(file))

    assert code == 0
    assert settings is not None
    assert settings.connect == ("a:1", SECRET)


@pytest.mark.parametrize(("content", "code"), [("no invite", 2), (SECRET[:-1], 2), (None, 78)])
def test_a_file_without_an_invite_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture, content: str | None, code: int
) -> None:
    file = tmp_path / "invite.txt"
    if content is not None:
        file.write_text(content)

    assert run_with(monkeypatch, "--invite-file", str(file)) == (code, None)

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert SECRET[20:40] not in said


def test_files_are_named_without_reading_an_invite(capsys: Capture, tmp_path: Path) -> None:
    assert cli.main(["paths", "--invite-file", str(tmp_path / "missing")]) == 0
    assert "key" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["invite", "-n", "ann"], {"as_qr": False}),
        (["invite", "--qr", "-n", "ann"], {"as_qr": True}),
        (["doctor", "-n", "ann"], {}),
    ],
)
def test_other_commands_get_the_settings_and_their_flags(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], asked: dict[str, bool]
) -> None:
    called: list[tuple[Settings, dict[str, bool]]] = []

    async def stand_in(settings: Settings, **flags: bool) -> int:
        called.append((settings, flags))
        return 7

    for module, function in (("inviting", "invite"), ("doctor", "doctor")):
        made = ModuleType(f"p2pchat.{module}")
        setattr(made, function, stand_in)
        monkeypatch.setitem(sys.modules, f"p2pchat.{module}", made)

    assert cli.main(arguments) == 7
    assert called == [(Settings(nick="ann"), asked)]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["id"], (KeyChange.NONE, None)),
        (["id", "--set-passphrase"], (KeyChange.SET_PASSPHRASE, None)),
        (["id", "--set-passphrase", "--new-passphrase-file", "x"],
         (KeyChange.SET_PASSPHRASE, "x")),
        (["id", "--remove-passphrase"], (KeyChange.REMOVE_PASSPHRASE, None)),
    ],
)  # fmt: skip
def test_what_becomes_of_a_key_reaches_its_changer(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], asked: tuple[KeyChange, str | None]
) -> None:
    called: list[tuple[KeyChange, str | None]] = []

    async def stand_in(_: Settings, change: KeyChange, new_file: str | None) -> int:
        called.append((change, new_file))
        return 7

    monkeypatch.setattr(identifying, "identify", stand_in)

    # Files of rooms have nothing to do with who somebody is.
    assert cli.main([*arguments, "--secret-file", "missing", "--invite-file", "missing"]) == 7
    assert called == [asked]


@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        (["--passphrase-file", "missing"], {}, 2),
        ([], {"P2PCHAT_PASSPHRASE_FILE": "missing"}, 78),
        ([], {"P2PCHAT_PASSPHRASE": "open sesame"}, 2),
        (["id", "--set-passphrase", "open sesame"], {}, 2),
    ],
)
def test_a_passphrase_that_can_not_be_had_is_told_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str],
    variables: dict[str, str], code: int,
) -> None:  # fmt: skip
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    assert run_with(monkeypatch, *arguments) == (code, None)

    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "sesame" not in said.err


def test_what_is_to_be_sent_reaches_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, int, float, str | None]] = []

    async def stand_in(_: Settings, text: str, acks: int, timeout_s: float, to: str | None) -> int:
        called.append((text, acks, timeout_s, to))
        return 0

    monkeypatch.setattr(sending, "send", stand_in)

    assert cli.main(["send", "--wait-acks", "2", "hello"]) == 0
    assert cli.main(["send", "--to", "bob", "--timeout", "3", "psst"]) == 0
    assert called == [("hello", 2, 10.0, None), ("psst", 0, 3.0, "bob")]

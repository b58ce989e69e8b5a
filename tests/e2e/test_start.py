"""How the program starts, or says why it does not."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from p2pchat import __version__
from tests.deadline import DEADLINE_S
from tests.e2e.network_namespace import network_namespace, why_not
from tests.e2e.processes import LISTENING, TERMINATED, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import Programs

WHY_NO_NAMESPACE = why_not()


@pytest.fixture
def inside() -> Iterator[tuple[str, ...]]:
    """What to put in front of a command, so that no port is taken by anybody else."""
    if WHY_NO_NAMESPACE:
        pytest.skip(WHY_NO_NAMESPACE)
    with network_namespace() as wrapper:
        yield wrapper


# --- Ports ------------------------------------------------------------------------------------


@pytest.mark.threat(28)
def test_the_port_starts_at_55555_and_moves_up_when_taken(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    ann = programs.line(wrapper=inside, host=None, port=None)
    assert ann.bound == "[::]:55555"

    bob = programs.line(wrapper=inside, host=None, port=None)
    assert bob.bound == "[::]:55556"

    bob.say(f"connect {ann.bound}", "hello")
    ann.wait_for("-> hello")


def test_a_port_that_is_taken_for_ipv4_only_is_passed_over_too(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    taker = programs.line("--host", "127.0.0.1", "--port", "55555", wrapper=inside, port=None)
    assert taker.bound == "127.0.0.1:55555"

    ann = programs.line(wrapper=inside, host=None, port=None)

    assert ann.bound == "[::]:55556"


def test_a_taken_port_that_was_asked_for_is_an_error(programs: Programs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ann = programs.line(port=port)

        assert ann.wait() == 1
    assert ann.out == []
    assert ann.err == [
        f"p2pchat: cannot listen on 127.0.0.1 port {port}: it is in use. "
        "Choose another one with --port."
    ]


def test_port_0_is_any_free_one_and_is_told(programs: Programs) -> None:
    ann = programs.line()

    assert ann.port > 0
    with socket.create_connection(("127.0.0.1", ann.port), DEADLINE_S):
        pass


def test_an_address_that_is_not_ours_is_an_error(programs: Programs) -> None:
    ann = programs.line(host="192.0.2.77")

    assert ann.wait() == 1
    assert len(ann.err) == 1
    assert ann.err[0].startswith("p2pchat: cannot listen on 192.0.2.77 port 0: ")


@pytest.mark.parametrize("host", ["no such host", "name.invalid"])
def test_a_name_that_is_no_machine_is_an_error(programs: Programs, host: str) -> None:
    ann = programs.line(host=host)

    assert ann.wait() == 1
    assert len(ann.err) == 1
    assert ann.err[0].startswith(f"p2pchat: cannot listen on {host}")


# --- Arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "p2pchat: --port must be 0-65535, got 99999"),
        (["--port", "x"], "p2pchat: --port must be 0-65535, got x"),
        (["--connect", "localhost"], '"localhost" has no port'),
        (["--nick", "two words"], "--nick"),
        (["--nick", "~guest"], "--nick"),
        (["--room", ""], "a room name has 1 to 64 bytes"),
        (["--guests", "all"], "--guests"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["nonsense"], "there is no command nonsense. There are listen, send, "),
        (["sned", "hi"], "there is no command sned. Did you mean send?"),
        (["localhost:55555"], "to connect at start: p2pchat --connect localhost:55555"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_line_and_2(
    programs: Programs, arguments: list[str], message: str
) -> None:
    program = programs.bare(*arguments)

    assert program.wait() == 2
    assert program.out == []
    assert len(program.err) == 1
    assert message in program.err[0]
    assert program.err[0].startswith("p2pchat: ")
    assert program.err[0].endswith("See p2pchat --help.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nick = ", "Invalid value"),
        ("nicks = 'ann'", "there is no setting 'nicks'"),
        ("port = 'x'", "'x' does not fit 'port'"),
        ("port = 70000", "port must be 0-65535"),
        ("nick = 'two words'", "nick"),
        ("room = ''", "room"),
        ("connect = ['localhost']", "has no port"),
    ],
)
def test_a_bad_settings_file_is_one_line_and_78(
    programs: Programs, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)

    program = programs.bare("--config", str(file), "--port", "0")

    assert program.wait() == 78
    assert program.out == []
    assert len(program.err) == 1
    assert message in program.err[0]


def test_a_settings_file_that_was_named_has_to_be_there(programs: Programs) -> None:
    program = programs.bare("--config", "no-such-file")

    assert program.wait() == 78
    assert "no-such-file" in program.err[0]


def test_a_bad_variable_is_one_line_and_78(programs: Programs) -> None:
    program = programs.bare(P2PCHAT_PORT="many")

    assert program.wait() == 78
    assert program.err == ["p2pchat: P2PCHAT_PORT: expected a number, got 'many'."]


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(
    programs: Programs, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("nick = 'file'\nroom = 'file'\nhost = '127.0.0.1'\n")

    program = programs.bare(
        "--config", str(file), "--port", "0", "--nick", "flag",
        P2PCHAT_NICK="variable", P2PCHAT_ROOM="variable",
    )  # fmt: skip
    program.end_input()

    assert program.wait() == 0
    assert program.out[0].startswith(f"{LISTENING}127.0.0.1:")
    assert program.err[0].startswith("you are flag (key ")
    assert program.err[0].endswith(" in variable")


@pytest.mark.parametrize("command", [["--version"], ["-V"]])
def test_version_tells_version_and_protocol(programs: Programs, command: list[str]) -> None:
    program = programs.bare(*command)

    assert program.wait() == 0
    assert len(program.out) == 1
    assert program.out[0].startswith(f"p2pchat {__version__} (Python ")
    assert program.out[0].endswith("protocol 1)")


def test_the_installed_command_is_the_same_program(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("p2pchat")
    if not command.exists():
        pytest.skip("the package is not installed beside this Python")

    ran = subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=True, timeout=DEADLINE_S,
        env=environment_of(tmp_path / "home"),
    )  # fmt: skip

    assert ran.stdout.startswith(f"p2pchat {__version__} ")


def test_help_goes_to_standard_output(programs: Programs) -> None:
    program = programs.bare("--help")

    assert program.wait() == 0
    assert program.out[0].startswith("usage: p2pchat ")
    assert program.err == []


def test_nobody_reading_the_version_is_no_reason_for_a_traceback(programs: Programs) -> None:
    full = programs.other("sh", "-c", f'"{sys.executable}" -m p2pchat --version >/dev/full')

    assert full.wait() == 1
    assert full.err == []


# --- Profiles ---------------------------------------------------------------------------------


def _key(program_errors: list[str]) -> str:
    return program_errors[0].partition("(key ")[2].partition(")")[0]


def test_two_processes_never_share_an_identity_and_tomorrow_they_are_the_same(
    programs: Programs, tmp_path: Path
) -> None:
    home = tmp_path / "home"

    def start_three() -> list[str]:
        started = [programs.line(home=home) for _ in range(3)]
        for program in started:
            program.wait_for_error("you are ")
            program.wait_for(LISTENING)
        for program in started:
            program.end_input()
        assert [program.wait() for program in started] == [0, 0, 0]
        return sorted(_key(program.err) for program in started)

    today, tomorrow = start_three(), start_three()

    assert len(set(today)) == 3
    assert tomorrow == today


@pytest.mark.threat(14)
def test_the_files_of_a_profile_are_for_their_owner_only(
    programs: Programs, tmp_path: Path
) -> None:
    program = programs.line(home=tmp_path / "home")
    program.wait_for(LISTENING)
    program.say("/nick somebody", "exit")
    program.wait()

    folder = tmp_path / "home/.local/share/p2pchat/default"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {"key", "nick", "log.txt"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_nick_that_was_taken_is_kept_until_the_next_start(
    programs: Programs, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    first = programs.line(home=home)
    first.say("/nick somebody", "exit")
    first.wait()

    second = programs.line(home=home)

    assert second.wait_for_error("you are ").startswith("you are somebody ")


@pytest.mark.threat(28)
def test_a_named_profile_that_is_in_use_is_an_error(programs: Programs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = programs.line("--profile", "work", home=home)
    first.wait_for(LISTENING)

    second = programs.line("--profile", "work", home=home)

    assert second.wait() == 1
    assert second.out == []
    assert len(second.err) == 1
    assert second.err[0].startswith("p2pchat: profile work is in use by another p2pchat.")


def test_a_killed_process_does_not_keep_its_profile(programs: Programs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = programs.line("--profile", "work", home=home)
    first.wait_for(LISTENING)
    first.wait_for_error("you are ")
    first.close()

    second = programs.line("--profile", "work", home=home)
    second.end_input()

    assert second.wait() == 0
    assert _key(second.err) == _key(first.err)


def test_a_profile_is_a_name_and_no_path(programs: Programs, tmp_path: Path) -> None:
    program = programs.line("--profile", "../outside")

    assert program.wait() == 1
    assert "can't be the name of a profile" in program.err[0]
    assert not list(tmp_path.rglob("outside"))


def test_ephemeral_leaves_nothing_on_disk(programs: Programs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = programs.line("--ephemeral", home=home)
    program.wait_for(LISTENING)
    program.say("/nick somebody", "hello", "exit")

    assert program.wait() == 0
    assert [path for path in home.rglob("*") if not path.is_dir()] == []


def test_a_damaged_key_is_set_aside_and_never_overwritten(
    programs: Programs, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    first = programs.line("--profile", "work", home=home)
    first.end_input()
    first.wait()
    key = home / ".local/share/p2pchat/work/key"
    key.write_bytes(b"damaged")

    second = programs.line("--profile", "work", home=home)
    second.end_input()
    second.wait()

    kept = [path.read_bytes() for path in key.parent.iterdir() if path.name.startswith("key")]
    assert b"damaged" in kept
    assert any("key" in line and str(key.parent) in line for line in second.err)


def test_paths_tells_where_the_files_are(programs: Programs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = programs.bare("paths", home=home)

    assert program.wait() == 0
    assert dict(line.split(maxsplit=1) for line in program.out) == {
        "settings": str(home / ".config/p2pchat/config.toml"),
        "profiles": str(home / ".local/share/p2pchat"),
        "key": str(home / ".local/share/p2pchat/default/key"),
        "nick": str(home / ".local/share/p2pchat/default/nick"),
        "addresses": str(home / ".local/share/p2pchat/default/addresses"),
        "contacts": str(home / ".local/share/p2pchat/default/contacts"),
        "outbox": str(home / ".local/share/p2pchat/default/outbox"),
        "delivered": str(home / ".local/share/p2pchat/default/delivered"),
        "log": str(home / ".local/share/p2pchat/default/log.txt"),
        "rooms": str(home / ".local/share/p2pchat/.rooms"),
        "running": str(home / ".local/share/p2pchat/.run"),
    }
    assert list(home.rglob("*")) == []


def test_a_profile_that_can_not_be_written_is_one_line(programs: Programs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".local").write_text("a file where a folder should be")

    program = programs.line(home=home)

    assert program.wait() == 1
    assert len(program.err) == 1
    assert "Start with --ephemeral to keep nothing." in program.err[0]


def test_texts_are_not_logged(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("a very private remark", "exit")
    bob.wait()
    ann.wait_for("private remark")
    ann.signal(15)

    assert ann.wait() == TERMINATED
    assert "127.0.0.1" in bob.log + ann.log or "connection" in bob.log + ann.log
    assert "private" not in bob.log + ann.log

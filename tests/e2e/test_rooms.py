"""Private rooms as people use them: founded, joined by invites, found again, closed to others."""

from __future__ import annotations

import re
import secrets
import sys
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core.invites import INVITE_SCHEME
from p2pchat.wire.invite import decode_invite
from tests.e2e.processes import PROGRAM, environment_of

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from tests.ui.screen import Screen

if TYPE_CHECKING:
    from tests.e2e.processes import Program, Programs

PASSPHRASE: Final = "seven green roofs under one slow moon"


@pytest.fixture
def room() -> str:
    """A room that no other test is in: loopback is shared by all of them."""
    return f"room-{secrets.token_hex(4)}"


class Founder:
    """Somebody who has just founded a room, and is not in it yet."""

    def __init__(self, programs: Programs, home: Path, room: str) -> None:
        port = str(programs.port())
        founding = programs.bare("invite", "--new-room", room, "--port", port, home=home)
        assert founding.wait() == 0
        (self.url,) = founding.out
        self.told = founding.err
        self.room = room
        made = decode_invite(self.url)
        assert made.secret is not None
        self.secret: bytes = made.secret

    @property
    def needles(self) -> list[bytes]:
        """The secret in every form in which it could have been written down."""
        before = len(b"\x94\x01\xa0\xc4\x10") + len(self.room)
        start = len(INVITE_SCHEME) + ceil(before * 4 / 3)
        in_url = self.url[start : start + 16].encode()
        return [self.secret, self.secret.hex().encode(), in_url, repr(self.secret)[2:-1].encode()]

    def is_in(self, content: bytes) -> bool:
        return any(needle in content for needle in self.needles)

    def invite_file(self, folder: Path) -> Path:
        file = folder / "the.invite"
        file.write_text(self.url + "\n")
        file.chmod(0o600)
        return file


@pytest.fixture
def founder(programs: Programs, tmp_path: Path, room: str) -> Founder:
    return Founder(programs, tmp_path / "ann", room)


def founders_node(programs: Programs, tmp_path: Path, room: str) -> Program:
    return programs.line("-v", "-n", "ann", "-r", room, home=tmp_path / "ann", port=None)


def invited(programs: Programs, file: Path, home: Path, nick: str) -> Program:
    return programs.line("-v", "-n", nick, "--invite-file", str(file), home=home)


def exposed(program: Program) -> bytes:
    """What other programs of the machine can read of a process."""
    process = Path(f"/proc/{program.pid}")
    return (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


def files_with(founder: Founder, *homes: Path) -> set[str]:
    """Return the folders of the files that hold the secret."""
    files = [file for home in homes for file in home.rglob("*") if file.is_file()]
    assert any(file.name.startswith("log.txt") for file in files)
    return {file.parent.name for file in files if founder.is_in(file.read_bytes())}


# --- From the founding on ---------------------------------------------------------------------


@pytest.mark.threat(14, 15)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_room_lives_on_by_invites_and_its_secret_is_in_the_files_of_rooms_only(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    room, homes = founder.room, [tmp_path / nick for nick in ("ann", "ben", "cid")]
    ann = founders_node(programs, tmp_path, room)
    ann.wait_for("Listening")
    ben = invited(programs, founder.invite_file(tmp_path), homes[1], "ben")
    ben.wait_for("Connected: ann")
    ben.say("is the kettle on?")
    assert ann.wait_for(" -> ") == "ben -> is the kettle on?"
    assert not any(founder.is_in(exposed(program)) for program in (ann, ben))

    # The founder goes and comes back: by the name alone.
    assert ann.leave() == 0
    ben.wait_for("Disconnected: ann")
    again = founders_node(programs, tmp_path, room)
    again.wait_for("Connected: ben")
    again.say("it is now")
    assert ben.wait_for("it is now") == "ann -> it is now"
    assert again.port == ann.port, "where the invite says that the founder is"

    # The founder goes for good, and a third one joins by an invite of who is left.
    assert again.leave() == 0
    ben.say("/invite")
    url = ben.wait_for_error(INVITE_SCHEME)
    third = tmp_path / "third.invite"
    third.write_text(url)
    third.chmod(0o600)
    cid = invited(programs, third, homes[2], "cid")
    cid.wait_for("Connected: ben")
    cid.say("who founded this?")
    assert ben.wait_for("founded") == "cid -> who founded this?"
    assert ben.leave() == cid.leave() == 0

    assert files_with(founder, *homes) == {".rooms"}
    said = [line for program in (ann, ben, again, cid) for line in program.err + program.out]
    told = [line for line in said if founder.is_in(line.encode("utf-8", "surrogateescape"))]
    assert told == [url], "what was asked for, and nothing else"


def test_whoever_founds_a_room_is_told_what_it_means(founder: Founder) -> None:
    told = " ".join(founder.told)

    assert f"whoever reads this is a member of {founder.room} for good" in told
    assert f"p2pchat -r {founder.room}" in told


def test_who_was_invited_finds_the_room_by_its_name(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    ann = founders_node(programs, tmp_path, founder.room)
    ann.wait_for("Listening")
    first = invited(programs, founder.invite_file(tmp_path), tmp_path / "ben", "ben")
    assert f"next time type  p2pchat -r {founder.room}" in first.wait_for_error("remembered")
    first.wait_for("Connected: ann")
    assert first.leave() == 0

    again = programs.line("-n", "ben", "-r", founder.room, home=tmp_path / "ben")

    again.wait_for("Connected: ann")
    assert "private room, members only" in again.wait_for_error("you are")


def test_a_line_of_a_pipe_may_be_the_invite_and_the_next_one_is_said(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    ann = founders_node(programs, tmp_path, founder.room)
    ann.wait_for("Listening")
    ben = programs.line("-n", "ben", "--invite-file", "-", home=tmp_path / "ben")

    ben.say(founder.url, "hello")

    assert ann.wait_for(" -> ") == "ben -> hello"


def test_the_same_passphrase_in_two_files_is_one_room(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    flags = ["-v", "-r", room, "--secret-file", str(file)]
    ann = programs.line("-n", "ann", *flags)
    ben = programs.line("-n", "ben", *flags)
    assert ann.port

    ben.say(f"connect {ann.address}", "hello")

    assert ann.wait_for(" -> ") == "ben -> hello"
    for program in (ann, ben):
        assert program.leave() == 0
        for kept in program.home.rglob("*"):
            assert not kept.is_file() or PASSPHRASE.encode() not in kept.read_bytes()
        assert not any(PASSPHRASE in line for line in program.out + program.err)
        assert not any("guess" in line for line in program.err), "it is long enough"


# --- Strangers --------------------------------------------------------------------------------


@pytest.mark.threat(15)
@pytest.mark.parametrize("kind", ["the same name", "another secret"])
def test_a_stranger_is_refused_aloud_and_learns_nothing(
    programs: Programs, tmp_path: Path, founder: Founder, kind: str
) -> None:
    ann = founders_node(programs, tmp_path, founder.room)
    ann.wait_for("Listening")
    file = tmp_path / "secret"
    file.write_text(f"key:{'00' * 16}\n")
    file.chmod(0o600)
    flags = {
        "the same name": ["-r", founder.room],
        "another secret": ["-r", founder.room, "--secret-file", str(file)],
    }[kind]
    sam = programs.json("-v", "-n", "sam", *flags, home=tmp_path / "sam")

    for _ in range(3):
        sam.request("connect", address=ann.address)
    refusals = sam.wait_for_objects("error", 3)

    assert [error["code"] for error in refusals] == ["room-refused"] * 3
    assert sam.of_type("error")[0]["message"] == (
        "that node is in another room, or its invite has another secret."
    )
    assert (
        ann.wait_for_error("refused")
        == "refused a connection from 127.0.0.1: another room or another secret"
    )
    assert sam.leave() == ann.leave() == 0
    assert sum("refused" in line for line in ann.err) == 1
    assert not any("Connected" in line for line in ann.out)
    assert not any("ann" in str(found) for found in sam.objects[1:])


# --- The wrong place for a secret -------------------------------------------------------------


def test_an_invite_to_another_room_is_remembered_and_the_command_told(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    home = tmp_path / "ben"
    here = programs.json("-n", "ben", "-v", home=home)
    here.request("connect", address=founder.url, ref="7")

    error = here.wait_for_object("error", code="room-refused")
    assert here.leave() == 0

    assert error["message"].endswith(f"  p2pchat -r {founder.room}")
    assert error["ref"] == "7"
    assert files_with(founder, home) == {".rooms"}
    ann = founders_node(programs, tmp_path, founder.room)
    ann.wait_for("Listening")
    there = programs.line("-n", "ben", "-r", founder.room, home=home)
    there.wait_for("Connected: ann")
    assert there.leave() == 0
    assert not any("Error" in line or "Requesting" in line for line in there.out)


def test_a_text_with_an_invite_is_not_sent_whatever_the_way(
    programs: Programs, founder: Founder, tmp_path: Path
) -> None:
    ann, ben = programs.people("ann", "ben")
    scripted = programs.json("--manual", "-n", "eve", "-v")
    ben.connect(ann)
    scripted.connect(ann)
    ben.wait_until(lambda: any("eve" in line for line in ben.err + ben.out), "eve is known")

    ben.say(f"come in: {founder.url}", f"@ann {founder.url}", f"/me has {founder.url}", "done")
    scripted.request("send", text=f"come in: {founder.url}")
    scripted.request("dm", to="ann", text=founder.url)
    scripted.request("send", text="done too")

    ann.wait_for("ben -> done")
    ann.wait_for("eve -> done too")
    assert not any(INVITE_SCHEME in line for line in ann.out)
    ben.say(f"/say {founder.url}")
    assert ann.wait_for(INVITE_SCHEME) == f"ben -> {founder.url}"
    assert ben.leave() == scripted.leave() == 0
    assert sum("holds an invite with a secret" in line for line in ben.out) == 3
    assert len(scripted.of_type("error")) == 2


# --- At a terminal ----------------------------------------------------------------------------


def seat_in(home: Path, *flags: str, columns: int = 120, rows: int = 24) -> Screen:
    return Screen(
        *PROGRAM, "--host", "127.0.0.1", "-n", "ben", *flags,
        columns=columns, rows=rows, environment=environment_of(home),
    )  # fmt: skip


def test_banner_toolbar_and_invite_say_that_a_room_is_private(
    tmp_path: Path, founder: Founder
) -> None:
    with seat_in(tmp_path / "ann", "-r", founder.room, columns=140, rows=60) as screen:
        screen.wait_for("exit leaves")
        screen.wait_until(
            lambda: screen.lines[-1].startswith(f" {founder.room} (private) · no peers")
        )
        screen.press("/invite qr\r")
        screen.wait_for("is a member of")

        shown = "\n".join(screen.all_lines)
        assert f"{founder.room}: private room, members only." in shown
        assert "open room" not in shown
        assert re.search(r"[█▀▄]{10}", shown)
        assert INVITE_SCHEME in shown


def test_the_banner_of_an_open_room_names_the_command_that_makes_a_private_one(
    tmp_path: Path,
) -> None:
    with seat_in(tmp_path / "ben", "--manual", "--port", "0", columns=140) as screen:
        screen.wait_for("exit leaves")

        (told,) = [line for line in screen.all_lines if "open room" in line]
        assert told.endswith("For a private one: p2pchat invite --new-room NAME")


@pytest.mark.threat(14)
def test_a_secret_is_asked_for_without_showing_it(tmp_path: Path, room: str) -> None:
    with seat_in(tmp_path / "ben", "-r", room, "--secret-file", "-", "--port", "0") as screen:
        screen.wait_for(f"Secret of {room} (it does not show):")
        screen.press("sesame\r")
        screen.wait_for("ben>")
        screen.press("hello\r")
        screen.wait_for("no one is connected")

        shown = "\n".join(screen.all_lines)
        assert "a passphrase of 6 characters may be guessed" in shown.replace("\n", "")
        assert f"{room}: private room, members only." in shown
        assert b"sesame" not in screen.received


def test_ctrl_c_at_the_question_ends_it(tmp_path: Path, room: str) -> None:
    with seat_in(tmp_path / "ben", "-r", room, "--secret-file", "-", "--port", "0") as screen:
        screen.wait_for("Secret of")
        screen.press("\x03")

        assert screen.wait_for_end() == 130
        assert b"Traceback" not in screen.received


def test_an_invite_that_is_pasted_at_start_joins_its_room(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    ann = founders_node(programs, tmp_path, founder.room)
    ann.wait_for("Listening")
    with seat_in(tmp_path / "ben", "--invite-file", "-", "--port", "0") as screen:
        screen.wait_for("Invite (it does not show):")
        screen.press(f"{founder.url}\r")
        screen.wait_for("--> ann joined (")
        screen.press("hello\r")

        assert ann.wait_for(" -> ") == "ben -> hello"
        assert founder.url.encode() not in screen.received


def test_a_refused_text_comes_back_and_neither_it_nor_an_invite_is_in_the_history(
    programs: Programs, tmp_path: Path, founder: Founder
) -> None:
    with seat_in(tmp_path / "ben", "--manual", "--port", "0", columns=250) as screen:
        screen.wait_for("ben>")
        screen.press("first\r")
        screen.wait_for("ben: first")
        screen.press(f"look: {founder.url}\r")
        screen.wait_for("holds an invite with a secret")
        screen.wait_until(lambda: screen.lines[-2].startswith("ben> look: p2pchat://"), "put back")
        screen.press("\x03")
        screen.wait_until(lambda: screen.lines[-2] == "ben>", "an empty line")
        screen.press(f"connect {founder.url}\r")
        screen.wait_for(f"p2pchat -r {founder.room}")
        screen.press("\x1b[A")
        screen.wait_until(lambda: screen.lines[-2] == "ben> first", "what was entered before")


@pytest.mark.threat(14)
def test_a_file_of_a_secret_that_others_can_read_is_refused(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(PASSPHRASE)
    file.chmod(0o644)

    program = programs.bare("-r", room, "--secret-file", str(file))

    assert program.wait() == 2
    assert f"chmod 600 {file}" in program.err[0]

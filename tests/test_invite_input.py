"""Invites as the command line gives them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p2pchat.core.invites import INVITE_LIMIT_CHARACTERS, Invite
from p2pchat.errors import BadAddress, BadInvite, InviteExposed
from p2pchat.invite_input import check_target, refuse_exposed, with_invite_file
from p2pchat.settings import Settings
from p2pchat.wire.invite import encode_invite

LOBBY = encode_invite(Invite("lobby", None))
SECRET = encode_invite(Invite("tea", bytes(range(16))))


def test_a_target_is_given_back_in_its_usual_spelling() -> None:
    assert check_target("localhost:055") == "localhost:55"
    assert check_target(f"  <{LOBBY}>,") == LOBBY


@pytest.mark.parametrize(
    ("text", "error"),
    [("localhost", BadAddress), (SECRET, InviteExposed), ("p2pchat://x", InviteExposed)],
)
def test_what_is_no_target_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_target(text)


def test_a_secret_is_refused_with_where_it_stands() -> None:
    refuse_exposed({"A": "localhost:5", "B": LOBBY})

    with pytest.raises(InviteExposed, match=r"^B: ") as caught:
        refuse_exposed({"A": "localhost:5", "B": SECRET})

    assert SECRET[10:20] not in str(caught.value)


def test_without_a_file_nothing_changes() -> None:
    assert with_invite_file(Settings(nick="ann")) == Settings(nick="ann")


def test_just_one_line_of_standard_input_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, f"{SECRET}\r\nhello\n".encode())
    os.close(writer)
    before = os.dup(0)
    os.dup2(reader, 0)
    try:
        settings = with_invite_file(Settings(invite_file="-", connect=("a:1",)))
        rest = os.read(0, 100)
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reader)

    assert settings.connect == ("a:1", SECRET)
    assert rest == b"hello\n"


def test_endless_input_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def endless(descriptor: int, size: int) -> bytes:
        taken.append(size)
        return b"x"

    monkeypatch.setattr(os, "read", endless)

    with pytest.raises(BadInvite):
        with_invite_file(Settings(invite_file="-"))

    assert sum(taken) == INVITE_LIMIT_CHARACTERS + 1


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
@pytest.mark.parametrize(
    ("text", "mode", "is_warned"),
    [(SECRET, 0o644, True), (SECRET, 0o600, False), (LOBBY, 0o644, False)],
)
def test_a_file_with_a_secret_that_others_can_read_is_warned_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, mode: int, is_warned: bool
) -> None:
    file = tmp_path / "the.invite"
    file.write_text(f"{text}\n")
    file.chmod(mode)

    settings = with_invite_file(Settings(invite_file=str(file)))

    said = capsys.readouterr().err
    assert settings.connect == (text,)
    assert (f"chmod 600 {file}" in said) is is_warned
    assert SECRET[10:20] not in said
    with_invite_file(Settings(invite_file=str(file), quiet=True))
    assert capsys.readouterr().err == ""

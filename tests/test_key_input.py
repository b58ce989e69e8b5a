"""The passphrase of a key as its user gives it."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from p2pchat.core.limits import PASSPHRASE_LIMIT_BYTES
from p2pchat.errors import (
    BadPassphrase,
    BadUsage,
    PassphraseNeeded,
    ProfileError,
    SecretExposed,
    WrongPassphrase,
)
from p2pchat.key_input import (
    TRIES,
    ask_for_new,
    ask_to_open,
    read_passphrase,
    with_passphrase_file,
)
from p2pchat.secret_input import cost_of_guessing, refuse_exposed_secrets
from p2pchat.settings import Settings
from p2pchat.store.profile import Profile
from tests.keys import OTHER, PASSPHRASE, SEED, sealed_key, write_private
from tests.piped_input import piped_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")


class Terminal(StringIO):
    """A terminal at which somebody has typed those lines beforehand."""

    def __init__(self, *lines: str) -> None:
        super().__init__()
        self._lines = iter(lines)
        self.questions: list[str] = []

    def isatty(self) -> bool:
        return True

    def answer(self, question: str, _limit_bytes: int) -> bytes:
        self.questions.append(question)
        return next(self._lines).encode()


def at(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Terminal:
    terminal = Terminal(*lines)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("p2pchat.key_input.private_line", terminal.answer)
    return terminal


def file_with(tmp_path: Path, content: bytes) -> str:
    write_private(tmp_path / "passphrase", content)
    return str(tmp_path / "passphrase")


# --- Files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "passphrase"),
    [
        (b"open sesame\n", "open sesame"),
        (b"open sesame\r\n", "open sesame"),
        (b" open sesame ", " open sesame "),
        (b"\xef\xbb\xbfopen sesame", "open sesame"),
        (b"key:00", "key:00"),
        ("gru\u0308n".encode(), "gr\u00fcn"),
    ],
)
def test_a_passphrase_is_read_without_its_last_newline(
    tmp_path: Path, content: bytes, passphrase: str
) -> None:
    settings = with_passphrase_file(Settings(passphrase_file=file_with(tmp_path, content)))

    assert settings.passphrase == passphrase
    assert passphrase not in repr(settings)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"  \n",
        b"hush\nhush",
        b"hush\x00",
        b"\xffhush",
        b"h" * PASSPHRASE_LIMIT_BYTES * 2,
    ],
)
def test_what_is_no_passphrase_is_refused_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadPassphrase, match="that passphrase can't be used: ") as caught:
        with_passphrase_file(Settings(passphrase_file=file_with(tmp_path, content)))

    assert "hush" not in str(caught.value)


@POSIX_ONLY
@pytest.mark.threat(14)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = file_with(tmp_path, b"open sesame")
    (tmp_path / "passphrase").chmod(mode)

    with pytest.raises(BadPassphrase, match=f"chmod 600 {file}"):
        with_passphrase_file(Settings(passphrase_file=file))


def test_a_file_that_is_not_there_is_told_without_its_name() -> None:
    with pytest.raises(BadPassphrase, match="--passphrase-file names a file") as caught:
        with_passphrase_file(Settings(passphrase_file="my very secret words"))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("other", ["secret_file", "invite_file"])
def test_standard_input_can_be_one_thing_only(other: str) -> None:
    with pytest.raises(BadUsage, match="only one of --passphrase-file"):
        with_passphrase_file(Settings(passphrase_file="-", **{other: "-"}))  # type: ignore[arg-type]  # both are texts


def test_a_terminal_is_not_asked_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at(monkeypatch)

    assert with_passphrase_file(Settings(passphrase_file="-")).passphrase is None
    assert read_passphrase("-", "--new-passphrase-file") is None
    assert terminal.questions == []


@pytest.fixture
def pipe() -> Iterator[int]:
    with piped_input() as writer:
        yield writer


def test_of_a_pipe_the_first_line_is_taken_and_the_rest_is_what_will_be_said(
    monkeypatch: pytest.MonkeyPatch, pipe: int
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())
    os.write(pipe, b"open sesame\nhello\n")
    os.close(pipe)

    assert with_passphrase_file(Settings(passphrase_file="-")).passphrase == "open sesame"
    assert os.read(0, 100) == b"hello\n"


@pytest.mark.threat(14)
@pytest.mark.parametrize(
    "arguments",
    [
        ["id", "--set-passphrase", "hush"],
        ["id", "--set-passphrase=hush"],
        ["id", "--remove-passphrase", "hush", "--json"],
        ["id", "--remove-passphrase=hush"],
        ["--passphrase", "hush"],
    ],
)
def test_a_passphrase_among_the_arguments_is_refused_and_not_repeated(arguments: list[str]) -> None:
    with pytest.raises(SecretExposed, match="--passphrase-file") as caught:
        refuse_exposed_secrets(arguments, {})

    assert "hush" not in str(caught.value)


def test_flags_about_passphrases_are_none() -> None:
    refuse_exposed_secrets(["id", "--set-passphrase", "--passphrase-file", "x"], {})
    refuse_exposed_secrets(["id", "--set-passphrase"], {"P2PCHAT_PASSPHRASE_FILE": "x"})


# --- Questions --------------------------------------------------------------------------------


def sealed_profile() -> Profile:
    return Profile("work", sealed_key())


async def test_a_mistyped_passphrase_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at(monkeypatch, OTHER, "", PASSPHRASE)
    profile = sealed_profile()

    await ask_to_open(profile)

    assert profile.identity.seed == SEED
    first, second, third = terminal.questions
    assert first == "Passphrase of profile work (it does not show): "
    assert second == third == f"That is not it. {first}"


async def test_after_three_tries_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at(monkeypatch, OTHER, OTHER, "\x00", PASSPHRASE)
    profile = sealed_profile()

    with pytest.raises(WrongPassphrase, match="profile work"):
        await ask_to_open(profile)

    assert profile.is_sealed
    assert len(terminal.questions) == TRIES


async def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(PASSPHRASE))

    with pytest.raises(PassphraseNeeded, match="--passphrase-file"):
        await ask_to_open(sealed_profile())
    with pytest.raises(BadUsage, match="--new-passphrase-file"):
        ask_for_new("work")


def test_a_new_one_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at(monkeypatch, "", "one", "two", "gr\u00fcn", "gr\u00fcn")

    assert ask_for_new("work") == "gr\u00fcn"
    assert [question.partition(" New")[0] for question in terminal.questions] == [
        "New passphrase of profile work (it does not show): ", "It is empty.", "Once more: ",
        "These two differ.", "Once more: ",
    ]  # fmt: skip


def test_whoever_never_types_the_same_twice_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at(monkeypatch, *"abcdef")

    with pytest.raises(ProfileError, match="Nothing was changed"):
        ask_for_new("work")


def test_a_short_one_is_told_what_it_costs_to_guess() -> None:
    told = cost_of_guessing("open sesame", 0.18, "whoever gets the file")

    assert told is not None
    assert "2 words may be guessed by whoever gets the file" in told
    assert "in 3 minutes" in told
    assert cost_of_guessing(PASSPHRASE, 0.18, "whoever gets the file") is None

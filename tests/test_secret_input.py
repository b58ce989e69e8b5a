"""Secrets as their users give them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.invites import Invite
from p2pchat.core.limits import PASSPHRASE_LIMIT_BYTES
from p2pchat.errors import BadSecret, BadUsage, SecretExposed
from p2pchat.secret_input import (
    parse_secret,
    refuse_exposed_secrets,
    weakness,
    with_secret_file,
)
from p2pchat.settings import Settings
from p2pchat.wire.invite import encode_invite
from tests.effort import EFFORT

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
DIGITS = "00112233445566778899aabbccddeeff"


def secret_file(tmp_path: Path, content: bytes) -> Settings:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    return Settings(room="tea", secret_file=str(file))


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (f"key:{DIGITS}", bytes.fromhex(DIGITS)),
        (f"key:{DIGITS}\n", bytes.fromhex(DIGITS)),
        (f"KEY:{DIGITS.upper()}\r\n", bytes.fromhex(DIGITS)),
        ("open sesame\n", "open sesame"),
        ("open sesame\r\n", "open sesame"),
        (" open sesame ", " open sesame "),
        ("\ufeffopen sesame", "open sesame"),
        ("gru\u0308n", "gr\u00fcn"),
        (DIGITS, DIGITS),
    ],
)
def test_a_secret_is_read_without_its_last_newline(
    tmp_path: Path, content: str, secret: bytes | str
) -> None:
    settings = with_secret_file(secret_file(tmp_path, content.encode()))

    assert settings.secret == secret


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"   \n", b"hush\n\n", b"hush\nhush", b"hush\x00", b"hush\t", b"\xff\xfeh\x00",
        b"hush\xff", b"key:", b"key:hush", f"key:{DIGITS}0".encode(), f"key:{DIGITS[:-1]}".encode(),
        f"key: {DIGITS}".encode(), f"key:{DIGITS} ".encode(), f"key:{DIGITS[:-1]}g".encode(),
        ("key:" + "\u0661" * 32).encode(), b"hush" * PASSPHRASE_LIMIT_BYTES,
        b"hush\xc2\xa0hush", encode_invite(Invite("hush", bytes(16))).encode(), b"hush\r\rhush",
    ],
)  # fmt: skip
def test_what_is_no_secret_is_refused_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadSecret, match="that secret can't be used: ") as caught:
        with_secret_file(secret_file(tmp_path, content))

    assert "hush" not in str(caught.value)
    assert DIGITS[:8] not in str(caught.value)
    assert "aHVza" not in str(caught.value)


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=2_000) | st.text(max_size=60).map(str.encode))
def test_whatever_the_content_it_is_a_secret_or_refused(content: bytes) -> None:
    with suppress(BadSecret):
        secret = parse_secret(content)
        assert len(secret) == 16 if isinstance(secret, bytes) else secret.strip()


def test_a_file_that_is_not_there_is_told_without_its_name() -> None:
    with pytest.raises(BadSecret, match="names a file") as caught:
        with_secret_file(Settings(room="tea", secret_file="my very secret passphrase"))

    assert "passphrase" not in str(caught.value)


@pytest.mark.parametrize("name", [".", "a\0b"])
def test_what_can_not_be_a_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSecret, match="can't be read"):
        with_secret_file(Settings(room="tea", secret_file=f"{tmp_path}/{name}"))


@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_read_or_change_is_refused_with_the_remedy(
    tmp_path: Path, mode: int
) -> None:
    given_settings = secret_file(tmp_path, b"open sesame")
    file = tmp_path / "secret"
    file.chmod(mode)

    with pytest.raises(BadSecret, match=f"chmod 600 {file}"):
        with_secret_file(given_settings)

    file.chmod(0o400)
    assert with_secret_file(given_settings).secret == "open sesame"


@POSIX_ONLY
def test_a_pipe_may_hold_it() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"open sesame\n")
    os.close(writer)
    try:
        settings = with_secret_file(Settings(room="tea", secret_file=f"/dev/fd/{reader}"))
    finally:
        os.close(reader)

    assert settings.secret == "open sesame"


def test_standard_input_can_be_one_thing_only() -> None:
    with pytest.raises(BadUsage, match="only one"):
        with_secret_file(Settings(room="tea", secret_file="-", invite_file="-"))


def test_no_secret_shows_in_what_is_logged() -> None:
    assert "sesame" not in repr(Settings(secret="open sesame"))


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--secret", "hush"], {}),
        (["-r", "tea", "--secret=hush"], {}),
        (["send", "--passphrase", "hush"], {}),
        (["--password=hush"], {}),
        ([], {"P2PCHAT_SECRET": "hush"}),
        ([], {"P2PCHAT_PASSPHRASE": "hush"}),
        ([], {"P2PCHAT_PASSWORD": "hush"}),
    ],
)
def test_a_secret_where_others_can_read_it_is_refused(
    arguments: list[str], environment: dict[str, str]
) -> None:
    with pytest.raises(SecretExposed, match="--secret-file") as caught:
        refuse_exposed_secrets(arguments, environment)

    assert "hush" not in str(caught.value)


def test_what_names_a_file_is_no_secret() -> None:
    refuse_exposed_secrets(["--secret-file", "x"], {"P2PCHAT_SECRET_FILE": "x"})


@pytest.mark.threat(15)
@pytest.mark.parametrize(
    ("passphrase", "is_weak"),
    [
        ("sesame", True),
        ("a b c d e f", True),
        ("correct horse battery staple", True),
        ("x" * 19, True),
        ("x" * 20, False),
        ("one two three four five sixx", False),
    ],
)
def test_a_short_passphrase_is_warned_about_with_what_it_costs_to_guess(
    passphrase: str, is_weak: bool
) -> None:
    warning = weakness(passphrase, 0.18)

    assert (warning is not None) is is_weak
    if warning is not None:
        assert "0.18 s" in warning
        assert "in 3 minutes" in warning
        assert passphrase not in warning
        assert "--new-room" in warning

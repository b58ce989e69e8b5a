"""The key file keeps one key: not open to others, never overwritten, never lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.crypto.identity import Identity
from p2pchat.errors import IdentityUnreadable, ProfileError
from p2pchat.store.key_file import load_or_create as load_or_create_any
from tests.store.folders import names_in

if TYPE_CHECKING:
    from collections.abc import Callable

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

SEED = bytes(range(32))
FROZEN = (
    b"p2pchat key 1\n"
    b"seed 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    b"check f142ba14ce03b133\n"
)


def load_or_create(
    path: Path, random_bytes: Callable[[int], bytes] = os.urandom
) -> tuple[Identity, tuple[str, ...]]:
    """Return a key without a passphrase; those with one have tests of their own."""
    key, messages = load_or_create_any(path, random_bytes)
    assert isinstance(key, Identity)
    return key, messages


def seeded(_: int) -> bytes:
    return SEED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def others_in(path: Path) -> list[str]:
    return [name for name in names_in(path.parent) if name != path.name]


def test_a_key_is_made_once_and_then_read(path: Path) -> None:
    made, first_messages = load_or_create(path)
    read, second_messages = load_or_create(path)

    assert read.seed == made.seed
    assert (first_messages, second_messages) == ((), ())
    assert others_in(path) == []


def test_the_format_is_frozen(path: Path) -> None:
    load_or_create(path, seeded)

    assert path.read_bytes() == FROZEN


def test_a_file_of_that_format_is_read(path: Path) -> None:
    write(path, FROZEN)

    identity, messages = load_or_create(path)

    assert identity.seed == SEED
    assert messages == ()


@pytest.mark.threat(14)
@POSIX_ONLY
def test_only_the_owner_may_read_it(path: Path) -> None:
    load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.threat(20)
@pytest.mark.parametrize("length", range(len(FROZEN)))
def test_a_file_cut_at_any_byte_is_set_aside_whole(path: Path, length: int) -> None:
    write(path, FROZEN[:length])

    identity, messages = load_or_create(path)

    aside = path.with_name("key.damaged-1")
    assert identity.seed != SEED
    assert aside.read_bytes() == FROZEN[:length]
    assert messages == (
        f"the key file was damaged; it was set aside as {aside}, and you have a new key.",
    )
    assert load_or_create(path)[0].seed == identity.seed


@given(place=st.integers(0, len(FROZEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("profile") / "key"
    changed = bytearray(FROZEN)
    changed[place] = byte
    write(path, bytes(changed))

    try:
        seed = load_or_create(path)[0].seed
    except IdentityUnreadable:
        seed = b""  # that byte made another version of it

    kept = [file.read_bytes() for file in path.parent.iterdir()]
    assert (seed == SEED) == (changed == FROZEN)
    assert bytes(changed) in kept


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 112, FROZEN + b"\n", FROZEN.replace(b"\n", b"\r\n"), FROZEN * 100, b"x" * 5000],
    ids=["empty", "zeros", "more", "crlf", "repeated", "long"],
)
def test_other_content_is_set_aside_too(path: Path, content: bytes) -> None:
    write(path, content)

    _, messages = load_or_create(path)

    assert len(messages) == 1
    assert path.with_name("key.damaged-1").read_bytes() == content


def test_what_was_set_aside_before_is_kept(path: Path) -> None:
    path.with_name("key.damaged-1").write_bytes(b"first")
    path.with_name("key.damaged-2").write_bytes(b"second")
    write(path, b"third")

    load_or_create(path)

    assert others_in(path) == ["key.damaged-1", "key.damaged-2", "key.damaged-3"]
    assert path.with_name("key.damaged-1").read_bytes() == b"first"
    assert path.with_name("key.damaged-2").read_bytes() == b"second"
    assert path.with_name("key.damaged-3").read_bytes() == b"third"


@pytest.mark.parametrize("version", [3, 9, 10, 9999])
def test_a_file_of_a_newer_version_is_left_alone(path: Path, version: int) -> None:
    content = b"p2pchat key %d\nsomething else\n" % version
    write(path, content)

    with pytest.raises(IdentityUnreadable, match="newer p2pchat"):
        load_or_create(path)

    assert path.read_bytes() == content
    assert others_in(path) == []


@pytest.mark.threat(14)
@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_a_file_open_to_others_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    write(path, FROZEN)
    path.chmod(mode)

    with pytest.raises(IdentityUnreadable, match=f"chmod 600 {path}"):
        load_or_create(path)

    path.chmod(0o600)
    assert load_or_create(path)[0].seed == SEED


@POSIX_ONLY
def test_a_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, FROZEN)
    somebody_else = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)

    with pytest.raises(IdentityUnreadable, match="belongs to another user"):
        load_or_create(path)

    assert path.read_bytes() == FROZEN


@pytest.mark.threat(14)
@POSIX_ONLY
def test_a_symbolic_link_is_not_followed(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    write(elsewhere, FROZEN)
    path.symlink_to(elsewhere)

    with pytest.raises(IdentityUnreadable, match="symbolic link"):
        load_or_create(path)

    assert path.is_symlink()


@POSIX_ONLY
def test_a_link_to_nowhere_does_not_make_a_key_there(path: Path) -> None:
    nowhere = path.with_name("nowhere")
    path.symlink_to(nowhere)

    with pytest.raises(IdentityUnreadable):
        load_or_create(path)

    assert not nowhere.exists()


@POSIX_ONLY
def test_a_pipe_or_a_folder_is_refused_without_waiting(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(IdentityUnreadable, match="not a file"):
        load_or_create(path)

    path.unlink()
    path.mkdir()
    with pytest.raises(IdentityUnreadable):
        load_or_create(path)


def failing(code: int) -> OSError:
    return OSError(code, os.strerror(code))


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_new_key_that_cannot_be_kept_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fsync(_: int) -> None:
        raise failing(code)

    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(ProfileError, match="--ephemeral"):
        load_or_create(path)

    assert names_in(path.parent) == []


def test_a_whole_file_that_the_disk_does_not_give_is_not_set_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, FROZEN)
    with monkeypatch.context() as broken:

        def refuse(*_: object) -> int:
            raise failing(errno.EIO)

        broken.setattr(os, "open", refuse)
        with pytest.raises(IdentityUnreadable, match="can't be read"):
            load_or_create(path)

    assert load_or_create(path)[0].seed == SEED
    assert others_in(path) == []


def test_a_damaged_file_that_cannot_be_set_aside_is_not_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, b"damaged")

    def refuse(*_: object) -> None:
        raise failing(errno.EROFS)

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(Path, "rename", refuse)

    with pytest.raises(IdentityUnreadable, match="can't be set aside"):
        load_or_create(path)

    assert path.read_bytes() == b"damaged"
    assert others_in(path) == []

"""Two terminals are never the same person, and tomorrow each is who it was today."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import IdentityUnreadable, ProfileError, ProfileInUse
from p2pchat.store.lock import FileLock
from p2pchat.store.profile import (
    Profile,
    default_folder,
    open_ephemeral,
    open_profile,
)
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")

HOLD_OPEN = """
import sys
from pathlib import Path
from p2pchat.store.profile import open_profile

profile = open_profile(sys.argv[1] or None, Path(sys.argv[2]))
print(profile.name, profile.identity.peer.hex(), flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that has a profile open until it is told to end."""

    def __init__(self, name: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD_OPEN, name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Holder:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def opened(self) -> tuple[str, str]:
        """Wait until it has one and return the name with the key in hex."""
        assert self.process.stdout is not None
        name, peer = self.process.stdout.readline().split()
        return name, peer


def test_terminals_opened_one_by_one_are_different_people(folder: Path) -> None:
    profiles = [open_profile(None, folder) for _ in range(3)]

    assert [profile.name for profile in profiles] == ["default", "default-2", "default-3"]
    assert len({profile.identity.peer for profile in profiles}) == 3
    for profile in profiles:
        profile.close()


def test_tomorrow_everybody_is_the_same_again(folder: Path) -> None:
    today = [open_profile(None, folder) for _ in range(3)]
    for profile in today:
        profile.close()

    tomorrow = [open_profile(None, folder) for _ in range(3)]

    assert [p.identity.peer for p in tomorrow] == [p.identity.peer for p in today]
    for profile in tomorrow:
        profile.close()


def test_a_freed_profile_is_the_next_to_be_taken(folder: Path) -> None:
    first, second = open_profile(None, folder), open_profile(None, folder)
    first.close()

    third = open_profile(None, folder)

    assert third.name == "default"
    third.close()
    second.close()


def test_a_named_profile_in_use_is_refused_and_then_free(folder: Path) -> None:
    first = open_profile("work", folder)

    with pytest.raises(ProfileInUse, match="profile work is in use"):
        open_profile("work", folder)
    first.close()
    again = open_profile("work", folder)

    assert again.identity.peer == first.identity.peer
    again.close()


def test_closing_twice_frees_it_once(folder: Path) -> None:
    first = open_profile("work", folder)
    first.close()
    second = open_profile("work", folder)

    first.close()

    with pytest.raises(ProfileInUse):
        open_profile("work", folder)
    second.close()


def test_another_process_has_it_until_it_is_killed(folder: Path) -> None:
    with Holder("work", folder) as holder:
        name, peer = holder.opened()
        with pytest.raises(ProfileInUse):
            open_profile("work", folder)

    mine = open_profile("work", folder)

    assert (name, peer) == ("work", mine.identity.peer.hex())
    mine.close()


@pytest.mark.threat(28)
def test_twenty_processes_at_once_are_twenty_people(folder: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(Holder("", folder)) for _ in range(20)]
        opened = [holder.opened() for holder in holders]

    names, peers = zip(*opened, strict=True)
    assert sorted(names) == sorted(["default", *(f"default-{n}" for n in range(2, 21))])
    assert len(set(peers)) == 20


@POSIX_ONLY
def test_folders_and_files_are_closed_to_others(folder: Path) -> None:
    profile = open_profile("work", folder)
    profile.save_nick("alice")
    profile.close()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes == {"work": 0o700, "key": 0o600, "lock": 0o600, "nick": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@POSIX_ONLY
def test_a_profile_folder_open_to_others_is_closed(folder: Path) -> None:
    (folder / "work").mkdir(parents=True)
    (folder / "work").chmod(0o755)

    open_profile("work", folder).close()

    assert stat.S_IMODE((folder / "work").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a", "default", "Alice_2", "-", "0", "x" * 64])
def test_letters_digits_hyphens_and_underscores_are_names(folder: Path, name: str) -> None:
    profile = open_profile(name, folder)

    assert profile.name == name
    assert profile.folder == folder / name
    profile.close()


@pytest.mark.parametrize(
    "name",
    ["", "..", ".", "a/b", "/etc", "a\\b", "a b", "a\n", "ä", "x" * 65, "a.b", "~", "C:", "a\0"],
)
def test_other_names_are_refused_and_make_nothing(folder: Path, name: str) -> None:
    with pytest.raises(ProfileError, match="can't be the name of a profile"):
        open_profile(name, folder)

    assert not folder.exists()


@given(st.text())
def test_no_name_leads_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("profiles") / "p2pchat"

    try:
        open_profile(name, folder).close()
    except ProfileError:
        assert not folder.exists()
        return

    assert names_in(folder) == [name]


def test_a_damaged_key_is_told_and_set_aside(folder: Path) -> None:
    before = open_profile("work", folder)
    before.close()
    (folder / "work" / "key").write_bytes(b"damaged")

    after = open_profile("work", folder)

    assert before.messages == ()
    assert len(after.messages) == 1
    assert "set aside as" in after.messages[0]
    assert after.identity.peer != before.identity.peer
    assert (folder / "work" / "key.damaged-1").read_bytes() == b"damaged"
    after.close()


@POSIX_ONLY
def test_a_refused_key_is_no_reason_to_become_somebody_else(folder: Path) -> None:
    open_profile(None, folder).close()
    key = folder / "default" / "key"
    key.chmod(0o644)

    with pytest.raises(IdentityUnreadable, match="chmod 600"):
        open_profile(None, folder)

    key.chmod(0o600)
    profile = open_profile(None, folder)  # the failed try holds no lock
    assert profile.name == "default"
    profile.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ProfileError, match="--ephemeral"):
        open_profile(None, tmp_path / "file" / "p2pchat")


# --- Nothing kept -----------------------------------------------------------------------------


def test_an_ephemeral_profile_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    first, second = open_ephemeral(), open_ephemeral()

    told = first.save_nick("alice")
    first.close()

    assert (first.folder, first.nick, first.messages, told) == (None, "alice", (), None)
    assert first.identity.peer != second.identity.peer
    assert names_in(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is for Linux")
def test_the_default_folder_honours_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_folder() == tmp_path / "p2pchat"
    assert not default_folder().exists()


@pytest.mark.threat(14)
def test_a_seed_shows_in_no_profile(folder: Path) -> None:
    profile = open_profile("work", folder)

    assert profile.identity.seed.hex() not in f"{profile!r} {profile.identity!r}"
    assert isinstance(profile, Profile)
    profile.close()


# --- Lock -------------------------------------------------------------------------------------


@POSIX_ONLY
def test_a_lock_can_be_had_on_a_disk_that_takes_no_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    FileLock(path).release()
    real_open = os.open

    def read_only(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real_open(path, flags, mode)

    monkeypatch.setattr(os, "open", read_only)

    lock = FileLock(path)

    with pytest.raises(BlockingIOError):
        FileLock(path)
    lock.release()


def test_a_lock_file_that_cannot_be_opened_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "nowhere" / "lock")

"""Whatever fails in the midst of a write, the file is the old one or the new one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from p2pchat.store.durable import create_durably, move_without_replacing, replace_durably
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

STEPS = [(os, "open"), (os, "fsync"), (os, "fdopen"), (Path, "replace"), (Path, "hardlink_to")]


class Crash(BaseException):
    """The process ends here; nothing after it may happen, no clean-up either."""


def fail_at(
    monkeypatch: pytest.MonkeyPatch, place: object, step: str, error: BaseException
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, step, failing)


def test_a_file_is_made_and_its_content_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"

    create_durably(path, b"first")
    first = path.read_bytes()
    replace_durably(path, b"second")

    assert (first, path.read_bytes()) == (b"first", b"second")
    assert names_in(tmp_path) == ["file"]


@POSIX_ONLY
def test_only_the_owner_may_read_a_new_file(tmp_path: Path) -> None:
    create_durably(tmp_path / "one", b"secret")
    replace_durably(tmp_path / "two", b"secret")

    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_creating_never_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(FileExistsError):
        create_durably(path, b"new")

    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("is_there", [True, False])
def test_moving_without_hard_links_never_replaces_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    if is_there:
        target.write_bytes(b"old")
    fail_at(monkeypatch, Path, "hardlink_to", OSError(errno.EPERM, "no hard links here"))

    try:
        move_without_replacing(source, target)
    except FileExistsError:
        refused = True
    else:
        refused = False

    assert refused == is_there
    assert target.read_bytes() == (b"old" if is_there else b"new")
    assert source.exists() == is_there


@POSIX_ONLY
def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "file.new").symlink_to(victim)

    create_durably(tmp_path / "file", b"new")

    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize(("place", "step"), STEPS[:4], ids=[step for _, step in STEPS[:4]])
def test_a_failing_replacement_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, step: str, code: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    fail_at(monkeypatch, place, step, OSError(code, os.strerror(code)))

    with pytest.raises(OSError, match=os.strerror(code)):
        replace_durably(path, b"new")

    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.threat(20)
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_crash_at_any_step_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    fail_at(monkeypatch, place, step, Crash())

    crashed = True
    try:
        replace_durably(path, b"new")
        crashed = False
    except Crash:
        pass

    monkeypatch.undo()
    assert path.read_bytes() == (b"old" if crashed else b"new")
    replace_durably(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert names_in(tmp_path) == ["file"]


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"half of")

    create_durably(tmp_path / "file", b"whole")

    assert (tmp_path / "file").read_bytes() == b"whole"
    assert names_in(tmp_path) == ["file"]

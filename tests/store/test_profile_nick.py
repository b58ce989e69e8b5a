"""A nick is kept with its profile, or it is told that it is not."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2pchat.store.profile import open_profile


def test_a_nick_is_remembered(folder: Path) -> None:
    first = open_profile("work", folder)
    before = first.nick

    told = first.save_nick("älice-🎉")
    first.close()
    second = open_profile("work", folder)

    assert (before, told) == (None, None)
    assert (first.nick, second.nick) == ("älice-🎉", "älice-🎉")
    second.close()


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("step", ["fsync", "open"])
def test_a_nick_that_cannot_be_kept_is_told_and_the_old_one_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    profile = open_profile("work", folder)
    profile.save_nick("alice")
    with monkeypatch.context() as full:

        def refuse(*_: object) -> int:
            raise OSError(code, os.strerror(code))

        full.setattr(os, step, refuse)
        told = profile.save_nick("bob")

    profile.close()
    again = open_profile("work", folder)
    assert told is not None
    assert os.strerror(code) in told
    assert profile.nick == "bob"
    assert again.nick == "alice"
    again.close()


def test_a_failing_rename_keeps_the_old_nick(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = open_profile("work", folder)
    profile.save_nick("alice")
    with monkeypatch.context() as full:

        def refuse(*_: object) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        full.setattr(Path, "replace", refuse)
        told = profile.save_nick("bob")

    assert told is not None
    assert (folder / "work" / "nick").read_bytes() == b"alice\n"
    profile.close()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xff\xfe\n", b"two\nlines\n", b"x" * 25, b"x" * 10_000, b"a\x1b[31m"]
)
def test_a_nick_file_that_makes_no_sense_is_none(folder: Path, content: bytes) -> None:
    (folder / "work").mkdir(parents=True)
    (folder / "work" / "nick").write_bytes(content)

    profile = open_profile("work", folder)

    assert profile.nick is None
    profile.close()


SAVE_FOR_EVER = """
import sys
from itertools import cycle
from pathlib import Path
from p2pchat.store.profile import open_profile

profile = open_profile("work", Path(sys.argv[1]))
for nick in cycle(("alice", "bob")):
    assert profile.save_nick(nick) is None
    print(nick, flush=True)
"""


@pytest.mark.threat(20)
def test_whoever_is_killed_while_saving_keeps_key_and_nick(folder: Path) -> None:
    seen = set()
    for saves in range(1, 11):
        writer = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(folder)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(saves):
            assert writer.stdout.readline()
        writer.kill()
        writer.communicate()

        profile = open_profile("work", folder)
        seen.add(profile.identity.peer)
        assert profile.nick in ("alice", "bob")
        assert profile.messages == ()
        profile.close()

    assert len(seen) == 1

"""A key file with a passphrase: never lost, never opened by chance, no open one left beside it."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace as changed
from typing import TYPE_CHECKING

import pytest

from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import Cost
from p2pchat.crypto.sealed_key import SealedKey
from p2pchat.errors import IdentityUnreadable, ProfileError
from p2pchat.store.key_file import load_or_create, look_at, replace
from p2pchat.store.key_text import write_key
from tests.effort import EFFORT, LONG
from tests.keys import ANN, OTHER, PASSPHRASE, SEED, sealed_key, write_private, write_sealed
from tests.sources import ROOT
from tests.store.folders import names_in

if TYPE_CHECKING:
    from pathlib import Path

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and signals of POSIX")

MOST_LINES = 30
MOST_FURTHER_S = 0.003
"""How long a writer goes on after the line at which it is to be killed: a write takes less."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key"


def seed_in(path: Path, *passphrases: str) -> bytes:
    """Return the seed in a file, whatever state it is in; fails when none of these opens it."""
    key = look_at(path)
    if isinstance(key, SealedKey):
        opened = [found for each in passphrases if (found := key.open_(each)) is not None]
        (key,) = opened
    assert key is not None
    return key.seed


def test_a_key_stays_sealed_when_its_file_is_read(path: Path) -> None:
    write_sealed(path)
    before = path.read_bytes()

    key, messages = load_or_create(path)

    assert isinstance(key, SealedKey)
    assert (key.peer, messages) == (ANN.peer, ())
    assert path.read_bytes() == before


@pytest.mark.threat(14)
def test_a_new_key_can_be_sealed_before_it_is_on_the_disk(path: Path) -> None:
    key, _ = load_or_create(path, lambda size: SEED[:size], PASSPHRASE)

    assert isinstance(key, SealedKey)
    assert SEED.hex() not in path.read_text()
    assert seed_in(path, PASSPHRASE) == SEED


@POSIX_ONLY
@pytest.mark.threat(14)
def test_the_old_file_is_replaced_and_only_the_owner_may_read_the_new_one(path: Path) -> None:
    write_private(path, write_key(ANN))

    replace(path, sealed_key())

    assert names_in(path.parent) == ["key"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert SEED.hex() not in path.read_text()
    assert seed_in(path, PASSPHRASE) == SEED


@pytest.mark.threat(20)
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_a_damaged_one_is_set_aside_as_any(path: Path, part: float) -> None:
    content = write_key(sealed_key())
    content = content[: int(part * len(content))]
    write_private(path, content)

    key, messages = load_or_create(path)

    assert key.peer != ANN.peer
    assert "was damaged; it was set aside as" in messages[0]
    assert path.with_name("key.damaged-1").read_bytes() == content


def test_a_damaged_one_is_only_told_of_by_who_looks(path: Path) -> None:
    write_private(path, write_key(sealed_key())[:-1])

    with pytest.raises(IdentityUnreadable, match="is damaged"):
        look_at(path)

    assert names_in(path.parent) == ["key"]


@pytest.mark.threat(14)
@pytest.mark.parametrize(
    "cost", [Cost(4_000_000_000, 3, 4), Cost(8, 4_000_000_000, 1), Cost(8, 1, 1_000)], ids=str
)
def test_one_that_asks_for_absurd_work_is_refused_and_left_alone(path: Path, cost: Cost) -> None:
    write_private(path, write_key(changed(sealed_key(), cost=cost)))
    before = path.read_bytes()

    for read in (load_or_create, look_at):
        with pytest.raises(IdentityUnreadable, match="more memory or time"):
            read(path)

    assert path.read_bytes() == before
    assert names_in(path.parent) == ["key"]


@pytest.mark.threat(14)
def test_an_open_key_that_a_killed_run_left_behind_is_removed(path: Path) -> None:
    write_sealed(path)
    write_private(path.with_name("key.new"), write_key(ANN))

    load_or_create(path)

    assert names_in(path.parent) == ["key"]


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_what_can_not_be_written_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    write_sealed(path)
    before = path.read_bytes()

    def fsync(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(ProfileError, match="old file is still there"):
        replace(path, ANN)

    assert path.read_bytes() == before
    assert names_in(path.parent) == ["key"]


# --- Killed -----------------------------------------------------------------------------------

SETS_AND_REMOVES = """
import os, sys
from itertools import cycle
from pathlib import Path
from p2pchat.store.key_file import load_or_create, replace
from tests.keys import ANN, OTHER, PASSPHRASE, sealed_key

path = Path(sys.argv[1])
load_or_create(path)
for key in cycle((sealed_key(), ANN, sealed_key(passphrase=OTHER), sealed_key())):
    os.write(1, b"begin\\n")
    replace(path, key)
"""


def run_and_kill(path: Path, chance: random.Random) -> None:
    command = [sys.executable, "-c", SETS_AND_REMOVES, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randint(1, MOST_LINES)):
            assert writer.stdout.readline() == b"begin\n"
        with suppress(subprocess.TimeoutExpired):
            writer.wait(chance.uniform(0, MOST_FURTHER_S))
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
    assert writer.returncode == -signal.SIGKILL


def check_and_kill(path: Path, rounds: int) -> None:
    write_private(path, write_key(ANN))
    chance = random.Random(rounds)
    for _ in range(rounds):
        run_and_kill(path, chance)

        assert seed_in(path, PASSPHRASE, OTHER) == SEED
        assert set(names_in(path.parent)) <= {"key", "key.new"}
    load_or_create(path)
    assert names_in(path.parent) == ["key"]


@pytest.mark.threat(20)
@POSIX_ONLY
def test_a_passphrase_set_and_removed_by_one_who_is_killed_costs_no_key(path: Path) -> None:
    check_and_kill(path, EFFORT.crash_points // 5)


@pytest.mark.threat(20)
@POSIX_ONLY
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_kills_while_a_passphrase_is_set_and_removed_cost_no_key(path: Path) -> None:
    check_and_kill(path, LONG.crash_points)


@pytest.mark.threat(20)
@pytest.mark.parametrize("stop", ["fsync", "replace", "sync_folder"])
@pytest.mark.parametrize("key", [sealed_key(), ANN], ids=["set", "removed"])
def test_a_stop_at_any_step_leaves_the_old_key_or_the_new_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, stop: str, key: Identity | SealedKey
) -> None:
    write_sealed(path, passphrase=OTHER)

    class Stopped(BaseException):
        pass

    def end(*_: object) -> None:
        raise Stopped

    where = {"fsync": "os.fsync", "replace": "pathlib.Path.replace"}
    monkeypatch.setattr(where.get(stop, "p2pchat.store.durable.sync_folder"), end)
    with pytest.raises(Stopped):
        replace(path, key)
    monkeypatch.undo()

    assert seed_in(path, PASSPHRASE, OTHER) == SEED
    assert load_or_create(path)[1] == ()
    assert names_in(path.parent) == ["key"]

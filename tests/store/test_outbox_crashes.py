"""A process killed at any instant loses no message that it had kept, and keeps none twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from p2pchat.core.outbox import DirectId
from p2pchat.store.delivered import DELIVERED_PER_AUTHOR, FILE_NAME, Delivered, decode
from p2pchat.store.outbox import OutboxFolder
from tests.effort import EFFORT, LONG
from tests.sources import ROOT
from tests.store.folders import names_in
from tests.store.outbox_writer import AUTHOR, KEY, WALL_MS, the_message

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")

MOST_LINES = 60
MOST_FURTHER_S = 0.003
"""How long a writer goes on after the line at which it is to be killed: a write takes less."""


class Expected:
    """What has to be on the disk, by what the writer has said."""

    def __init__(self) -> None:
        self.kept: set[DirectId] = set()
        self.noted: list[DirectId] = []
        self.under_way: DirectId | None = None

    def read(self, lines: Iterable[str]) -> None:
        self.under_way = None
        for line in lines:
            what, digits = line.split()
            message_id = DirectId(bytes.fromhex(digits))
            match what:
                case "kept":
                    self.kept.add(message_id)
                case "forgot":
                    self.kept.discard(message_id)
                case "noted":
                    self.noted.append(message_id)
                case _:
                    self.under_way = message_id
                    continue
            self.under_way = None


def run_and_kill(folder: Path, first: int, chance: random.Random) -> list[str]:
    """Let a writer work for a while; returns the lines that it has told."""
    command = [sys.executable, "-m", "tests.store.outbox_writer", str(folder), str(first)]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer:
        lines = [writer.stdout.readline() for _ in range(chance.randint(1, MOST_LINES))]
        with suppress(subprocess.TimeoutExpired):
            writer.wait(chance.uniform(0, MOST_FURTHER_S))
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return lines


def noted_in(folder: Path) -> list[DirectId]:
    delivered = Delivered(folder)
    assert delivered.load(WALL_MS) == []
    content = (folder / FILE_NAME).read_bytes() if (folder / FILE_NAME).exists() else b""
    found = [message_id for (_, message_id), _ in decode(content)][-DELIVERED_PER_AUTHOR:]
    assert all((AUTHOR, message_id) in delivered for message_id in found)
    assert len(delivered) == len(found) == len(set(found))
    return found


def check_and_kill(folder: Path, rounds: int) -> None:
    chance, expected = random.Random(rounds), Expected()
    for number in range(rounds):
        expected.read(run_and_kill(folder, number * 1_000_000, chance))
        messages, told = OutboxFolder(folder, KEY).load()
        kept, noted = {each.message_id for each in messages}, noted_in(folder)

        assert told == []
        assert kept ^ expected.kept <= {expected.under_way}
        assert messages == sorted(map(the_message, kept), key=lambda each: each.created_ms)
        assert names_in(folder / "outbox") == sorted(f"{each.hex()}.bin" for each in kept)
        with_last = [*expected.noted, expected.under_way]
        assert noted in [those[-DELIVERED_PER_AUTHOR:] for those in (expected.noted, with_last)]

        expected.kept, expected.noted = kept, noted


@pytest.mark.threat(20)
@POSIX_ONLY
def test_a_writer_killed_at_random_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    check_and_kill(tmp_path, EFFORT.crash_points)


@pytest.mark.threat(20)
@POSIX_ONLY
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_writer_killed_a_thousand_times_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    check_and_kill(tmp_path, LONG.crash_points)

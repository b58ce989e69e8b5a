"""A crowd that takes all files neither stops a node nor keeps it busy."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from p2pchat import Node
from p2pchat.net.files import PLENTY, files_left
from tests.deadline import DEADLINE_S
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CROWD: Final = 500
MEASURED_S: Final = 3.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no files")


def test_each_file_that_is_opened_is_one_less() -> None:
    before = files_left()

    with ExitStack() as opened:
        for _ in range(5):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))

        assert 0 < files_left() <= before - 5 or before == PLENTY
    assert files_left() == before


class Cramped:
    """A node in a process of its own that may open few files."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._read()["port"])

    def report(self) -> dict[str, Any]:
        """Ask how it is."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        report: dict[str, Any] = json.loads(self._process.stdout.readline())
        return report


@contextmanager
def cramped_node(files: int) -> Iterator[Cramped]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.net.cramped_node", str(files)],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Cramped(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(DEADLINE_S) == 0


@contextmanager
def crowd(port: int) -> Iterator[None]:
    """Knock 500 times and say nothing."""
    with ExitStack() as opened:
        for _ in range(CROWD):
            knocking = opened.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(("127.0.0.1", port))
        yield


async def honest_dial_s(port: int) -> float:
    """Return how long it took until a connection was open."""
    began_at = time.monotonic()
    async with Node("bob", "127.0.0.1", 0, manual=True, ephemeral=True) as bob:
        async with asyncio.timeout(DEADLINE_S):
            await bob.connect(f"127.0.0.1:{port}")
        return time.monotonic() - began_at


@pytest.mark.threat(22)
@pytest.mark.parametrize("files", [64, 28])
def test_a_crowd_that_takes_all_files_is_survived(files: int) -> None:
    # With 64 the node's own bounds hold first, with 28 the files run out.
    with cramped_node(files) as node:
        control_s = asyncio.run(honest_dial_s(node.port))
        while node.report()["connections"]:
            continue
        with crowd(node.port):
            while not (before := node.report())["connections"]:
                continue
            time.sleep(MEASURED_S)
            after = node.report()
        took_s = asyncio.run(honest_dial_s(node.port))
        last = node.report()

    share = (after["cpu_s"] - before["cpu_s"]) / MEASURED_S
    assert share < 0.2, f"busy {share:.0%} of the time"
    assert took_s < 5 + 10 * control_s
    assert last["reported"] == []
    assert last["lines"] <= 200

"""Starts hosts that look for nodes, inside network namespaces."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.deadline import DEADLINE_S
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Looking:
    """One host that looks for nodes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.found: list[dict[str, Any]] = []
        self.changes: list[list[str]] = []
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue(100_000)
        threading.Thread(target=self._read, daemon=True).start()
        self.instance = str(self.ask()["instance"])

    def ask(self, command: str = "report") -> dict[str, Any]:
        """Send a command; return the report that answers it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._next(lambda line: "instance" in line)

    def wait_for_found(self, instance: str) -> dict[str, Any]:
        """Wait until that one was found."""
        for line in self.found:
            if line["found"] == instance:
                return line
        return self._next(lambda line: line.get("found") == instance)

    def wait_for_change(self) -> list[str]:
        """Wait until the addresses have changed; return the new ones."""
        self._next(lambda line: "changed" in line)
        return self.changes[-1]

    def _next(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            line = json.loads(self._lines.get(timeout=DEADLINE_S))
            if "found" in line:
                self.found.append(line)
            if "changed" in line:
                self.changes.append(line["changed"])
            if is_it(line):
                return dict(line)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)


@contextmanager
def looking(
    inside: tuple[str, ...], host: str, port: int = 5555, room: str = "lobby", *secret: str
) -> Iterator[Looking]:
    """Start one that runs there for a while; it says goodbye at the end."""
    command = [sys.executable, "-m", "tests.net.lan_host", host, str(port), room, *secret]
    with subprocess.Popen(
        [*inside, *command], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Looking(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(DEADLINE_S) == 0

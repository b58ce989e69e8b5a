"""The program in processes of its own that are followed on an event loop, some dozens at once.

`tests/e2e/processes.py` is for tests of a few programs; this is for measures of many.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Told = dict[str, Any]
    Listener = Callable[["Live", Told, float], None]

PROGRAM: Final = (sys.executable, "-m", "p2pchat", "--json", "-q")
NEVER_PRINTED: Final = ("Traceback", "Exception ignored", "Warning:", "never awaited")
"""What has no place on the standard error of the program."""

LINE_LIMIT_BYTES: Final = 1 << 20
STOP_TIMEOUT_S: Final = 15.0
_INHERITED: Final = ("PATH", "PYTHONPATH")


class Live:
    """One run of the program, with what it has told of itself so far.

    All times are seconds of `time.monotonic()`.
    """

    def __init__(self, nick: str, process: asyncio.subprocess.Process, errors: Path) -> None:
        self.nick = nick
        self.id = ""
        self.port = 0
        self.neighbours: set[str] = set()
        self.connected_at: float | None = None
        """When it had its first neighbour."""
        self.ended_at: float | None = None
        self._process = process
        self._errors = errors
        self._changed = asyncio.Event()

    @classmethod
    async def start(cls, nick: str, home: Path, *flags: str, wrapper: Sequence[str] = ()) -> Live:
        """Start one that lives in a folder, which exists; it is not ready yet."""
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        errors = home / "standard-error.txt"
        with errors.open("ab") as standard_error:
            process = await asyncio.create_subprocess_exec(
                *wrapper, *PROGRAM, "-n", nick, *flags,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=standard_error, cwd=home, limit=LINE_LIMIT_BYTES,
                env={**kept, "HOME": str(home), "LANG": "C.UTF-8"},
            )  # fmt: skip
        return cls(nick, process, errors)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_up(self) -> bool:
        """Whether it listens and has not ended."""
        return bool(self.id) and self.ended_at is None

    @property
    def complaints(self) -> list[str]:
        """Lines of standard error that no program may print."""
        lines = self._errors.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if any(word in line for word in NEVER_PRINTED)]

    # --- What is asked of it -------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Have it say something to everybody."""
        self._request("send", text=text)

    def write(self, to: str, text: str) -> None:
        """Have it say something to one person."""
        self._request("dm", to=to, text=text)

    def connect(self, port: int) -> None:
        """Have it dial a node of this machine."""
        self._request("connect", address=f"127.0.0.1:{port}")

    def command(self, line: str) -> None:
        """Have it do what a typed line does."""
        self._request("command", line=line)

    def _request(self, kind: str, **fields: str) -> None:
        if self._process.returncode is None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps({"type": kind, **fields}).encode() + b"\n")

    # --- Following -----------------------------------------------------------------------------

    async def follow(self, listener: Listener) -> None:
        """Hand over everything that it tells, with the time, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            at = time.monotonic()
            told = json.loads(line)
            self._note(told, at)
            listener(self, told, at)
            self._changed.set()
        await self._process.wait()
        self.ended_at = time.monotonic()
        self._changed.set()

    async def until(self, claim: Callable[[], bool], timeout_s: float) -> None:
        """Wait until a claim about it holds.

        Raises:
            TimeoutError: It did not come true, or the program has ended.
        """
        async with asyncio.timeout(timeout_s):
            while not claim():
                if self.ended_at is not None:
                    raise TimeoutError(f"{self.nick} has ended: {self._errors.read_text()[-500:]}")
                self._changed.clear()
                await self._changed.wait()

    def _note(self, told: Told, at: float) -> None:
        match told:
            case {"type": "ready", "id": str(peer), "port": int(port)}:
                self.id, self.port = peer, port
            case {"type": "connected", "peer": {"id": str(peer)}}:
                self.neighbours.add(peer)
                self.connected_at = self.connected_at or at
            case {"type": "disconnected", "peer": {"id": str(peer)}}:
                self.neighbours.discard(peer)

    # --- Ending --------------------------------------------------------------------------------

    def kill(self) -> None:
        """End it as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Ask it to leave, and end it by force when it takes too long."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

"""Reads what nobody else may see: from standard input, without echo where somebody types."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def private_line(prompt: str, limit_bytes: int) -> bytes:
    """Read one line of standard input, and nothing after it: that is what will be said.

    Args:
        prompt: What to ask whoever sits at a terminal.
        limit_bytes: Of a longer line one byte more than that is returned, and the rest left.

    Returns:
        The line without its end; empty at the end of the input.
    """
    if sys.stdin.isatty():
        from getpass import getpass  # noqa: PLC0415 - it loads what there is for terminals

        try:
            # On the terminal itself, even where standard error is a file.
            with _interruptible(), _line_ended():
                return getpass(prompt).encode("utf-8", "surrogateescape")
        except EOFError:
            return b""
    line = bytearray()
    while len(line) <= limit_bytes:
        byte = os.read(0, 1)
        if byte in (b"", b"\n"):
            break
        line += byte
    return bytes(line)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl+C end the question at once.

    Below `asyncio.run` it would cancel the task that asks, which learns of that once it has its
    answer.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _line_ended() -> Iterator[None]:
    """Let what comes next begin a line of its own, though no Enter ended the question."""
    try:
        yield
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")
        raise


def is_open_to_others(descriptor: int) -> bool:
    """Tell whether other users of the machine may read or change a file that is open."""
    if sys.platform == "win32":
        return False  # there the folders of the user are closed to others by default
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & _OPEN_TO_OTHERS)

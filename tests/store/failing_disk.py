"""A disk that refuses: full, read-only or broken."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

CODES: Final = (errno.ENOSPC, errno.EROFS, errno.EIO)
STEPS: Final = ("open", "write", "fsync")


@contextmanager
def failing_disk(step: str, code: int, *, written_bytes: int = 0) -> Iterator[None]:
    """Let one step of each write fail.

    Args:
        step: `open` for writing, `write` or `fsync`.
        code: What the system answers.
        written_bytes: How much gets written before `write` fails.
    """
    with pytest.MonkeyPatch.context() as patch:
        refusal = OSError(code, os.strerror(code))
        if step == "write":
            _break_writes(patch, refusal, written_bytes)
        else:
            _break_call(patch, step, refusal)
        yield


def _break_call(patch: pytest.MonkeyPatch, step: str, refusal: OSError) -> None:
    whole = getattr(os, step)

    def refuse(target: Any, flags: int = os.O_WRONLY, *rest: Any, **named: Any) -> Any:
        if step == "open" and not flags & (os.O_WRONLY | os.O_RDWR):
            return whole(target, flags, *rest, **named)
        raise refusal

    patch.setattr(os, step, refuse)


def _break_writes(patch: pytest.MonkeyPatch, refusal: OSError, written_bytes: int) -> None:
    whole = os.fdopen

    class Refusing(io.FileIO):
        def write(self, content: Any) -> int:
            super().write(bytes(content)[:written_bytes])
            raise refusal

    def fdopen(descriptor: int, mode: str) -> Any:
        return whole(descriptor, mode) if mode == "rb" else Refusing(descriptor, mode)

    patch.setattr(os, "fdopen", fdopen)

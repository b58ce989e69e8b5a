"""Standard input as a pipe into which a test writes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def piped_input() -> Iterator[int]:
    """Let standard input be a pipe; the descriptor to write to is the caller's to close."""
    reader, writer = os.pipe()
    before = os.dup(0)
    os.dup2(reader, 0)
    try:
        yield writer
    finally:
        os.dup2(before, 0)
        for descriptor in (before, reader):
            os.close(descriptor)

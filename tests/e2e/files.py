"""Open files: of a program, and how many the tests themselves may have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.processes import Program


def files_of(program: Program) -> int:
    """Count what it has open."""
    return len(list(Path(f"/proc/{program.pid}/fd").iterdir()))


def allow_files(number: int) -> None:
    """Let this process open so many, or skip the test."""
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip(f"only {hard} open files allowed")
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))

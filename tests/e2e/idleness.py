"""Whether a process rests."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from tests.e2e.processes import wait_until

LOOKED_AT_S: Final = 1.5
AT_MOST_S: Final = 0.03
"""Of the processor, in that time: three of the ticks that Linux counts in."""


def wait_until_asleep(pid: int) -> None:
    """Wait until a process has hardly used the processor for a while.

    What it has still to do after a start may come late on a busy machine; one that is never at rest
    never passes.
    """
    since, used_s = time.monotonic(), processor_s(pid)

    def is_asleep() -> bool:
        nonlocal since, used_s
        if processor_s(pid) - used_s > AT_MOST_S:
            since, used_s = time.monotonic(), processor_s(pid)
        return time.monotonic() - since > LOOKED_AT_S

    wait_until(is_asleep, f"{LOOKED_AT_S} s at rest")


def processor_s(pid: int) -> float:
    """Return how much of the processor it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

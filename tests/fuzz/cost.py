"""What one input may cost: a stranger sends many."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tests.fuzz.target import Run

TIME_LIMIT_S: Final = 0.050
"""Of processor time. A peer may send hundreds of inputs a second; twenty such fill a second."""

MEMORY_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Of Python's allocations at one moment, above what was there before. Buffers of OpenSSL and
libsodium are not seen; their sizes are bounded by the code that fills them."""

_TRIES: Final = 4
"""Other programs take caches and clock cycles away: the cheapest try counts."""


class Cost(NamedTuple):
    """What one input took."""

    time_s: float
    memory_bytes: int

    @property
    def is_too_high(self) -> bool:
        """Whether it is above a limit."""
        return self.time_s > TIME_LIMIT_S or self.memory_bytes > MEMORY_LIMIT_BYTES

    def __str__(self) -> str:
        return f"{self.time_s * 1000:.1f} ms, {self.memory_bytes / 1024:.0f} KiB"


def cost_of(run: Run, data: bytes) -> Cost:
    """Measure an input; whatever comes out of the target comes out here."""
    fastest_s = time_of(run, data)
    for _ in range(_TRIES - 1):
        if fastest_s <= TIME_LIMIT_S:
            break
        fastest_s = min(fastest_s, time_of(run, data))
    return Cost(fastest_s, _memory_of(run, data))


def time_of(run: Run, data: bytes) -> float:
    """Return the processor time of one run, in seconds."""
    begin = time.process_time()
    run(data)
    return time.process_time() - begin


def _memory_of(run: Run, data: bytes) -> int:
    """Return the peak above the beginning; caches were filled by a run before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before

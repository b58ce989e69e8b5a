"""What each measure should come to, in one place."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.benchmarks.idling import WAYS
from tests.benchmarks.systems import OURS


class Bound(Enum):
    """On which side of the limit a figure should be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"

    def holds(self, value: float, limit: float) -> bool:
        """Tell whether the value is on the right side; NaN never is."""
        compare = operator.ge if self is Bound.AT_LEAST else operator.le
        return bool(compare(value, limit))


@dataclass(frozen=True)
class Aim:
    """One figure of one measure, alone or as a ratio to a control of the same run."""

    measure: str
    figure: str
    bound: Bound
    limit: float
    per: str | None = None
    """The control whose figure ours is divided by."""
    system: str = OURS

    def __str__(self) -> str:
        unit = f" x {self.per}" if self.per else ""
        return f"{self.bound.value} {self.limit:g}{unit}"


def _nothing_lost(*measures: str) -> tuple[Aim, ...]:
    return tuple(
        Aim(measure, figure, Bound.AT_MOST, 0)
        for measure in measures
        for figure in ("lost", "twice")
    )


AIMS: Final[tuple[Aim, ...]] = (
    Aim("A", "per_s", Bound.AT_LEAST, 3.0, "plain"),
    Aim("A", "per_s", Bound.AT_LEAST, 0.3, "plain-batched"),
    Aim("A1", "per_s", Bound.AT_LEAST, 1.2, "tls-signed"),
    Aim("A-open", "seconds", Bound.AT_MOST, 10.0),
    Aim("B", "per_s", Bound.AT_LEAST, 1.0, "plain"),
    Aim("C", "per_s", Bound.AT_LEAST, 1.0, "plain"),
    Aim("C", "cpu_us", Bound.AT_MOST, 1.0, "plain"),
    Aim("P", "p50_ms", Bound.AT_MOST, 2.0, "plain"),
    Aim("P", "p99_ms", Bound.AT_MOST, 3.0, "plain"),
    *_nothing_lost("A", "A1", "A-open", "B", "C", "M", "P", "flat"),
    # In CPU as well, which other work on the machine does not lengthen.
    *(
        Aim("D", figure, Bound.AT_MOST, limit, control, system)
        for limit, control, system in (
            (3.0, "python pass", "p2pchat --version"),
            (1.5, "python imports", "p2pchat listening"),
        )
        for figure in ("ms", "cpu_ms")
    ),
    Aim("D", "mb", Bound.AT_MOST, 45.0, system="p2pchat listening"),
    Aim("D", "mb", Bound.AT_MOST, 60.0, system="p2pchat in a terminal"),
    Aim("connections", "kib_connection", Bound.AT_MOST, 60.0),
    # "Flat": what an allocator keeps for itself is forgiven, a leak of a few bytes a text is not.
    Aim("flat", "bytes_text", Bound.AT_MOST, 4.0),
    *(
        Aim("idle", figure, Bound.AT_MOST, limit, system=system)
        for figure, limit in (("wakes_per_s", 0.5), ("core_percent", 0.1))
        for system in (OURS, *WAYS)
    ),
    *(
        Aim("idle", "mb", Bound.AT_MOST, 60.0 if way.is_at_terminal else 45.0, system=name)
        for name, way in WAYS.items()
    ),
)

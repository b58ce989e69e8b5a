"""What a soak has shown, beside what is asked of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.measured import Figure, at_least, at_most
from tests.soak.slope import growth, slope_per_h

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.soak.direct_ledger import DirectLedger
    from tests.soak.ledger import Tally
    from tests.soak.slope import Sample
    from tests.soak.watch import Series

SUBJECT: Final = "soak"
PARTITION_ROW: Final = 19
LEAK_ROW: Final = 31
LOG_ROW: Final = 17

WARM_UP_S: Final = 3600.0
"""The store, the seen cache and the intervals fill for up to 36 minutes; then nothing may grow."""

JUDGED_S: Final = 1800.0
"""A slope is judged when it is of at least so long after the warm-up."""

SLOPE_MIB_PER_H: Final = 0.5
SHORT_GROWTH_MIB: Final = 16.0
"""Of a run too short for a slope: what the tables may take while they fill. The store of 20 minutes
at 5 messages a second has 6,000 envelopes, the other tables less: some MiB in all."""

FILES_GROWTH: Final = 6
TASKS_GROWTH: Final = 12
"""What counts as flat: the three more neighbours that a full view has above its aim, each with its
connection and two tasks, and a dial under way."""

LOG_MIB_PER_DAY: Final = 10.0
DAY_S: Final = 24 * 3600.0
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Soaked:
    """What a run has come to."""

    length_s: float
    """Of the time with talk, restarts and splits."""
    tally: Tally
    direct: DirectLedger
    residents: Sequence[Series]
    log_bytes: Sequence[int]
    """Written by each node, all its runs together."""
    unexpected: int
    complaints: Sequence[str]
    died_by_themselves: Sequence[str]


def figures(soaked: Soaked) -> list[Figure]:
    """Return every figure with its bound."""
    return [*_delivery(soaked), *_direct(soaked.direct), *_memory(soaked), *_flat(soaked),
            *_faults(soaked), _log(soaked)]  # fmt: skip


def _delivery(soaked: Soaked) -> Iterable[Figure]:
    tally = soaked.tally
    share = 100 * tally.arrived / tally.owed if tally.owed else 0.0
    # Never rounded up to all: one message that is missing is 99.99 % at the most.
    shown = min(share, 99.99) if tally.missing else share
    row = PARTITION_ROW
    yield at_least(row, SUBJECT, "delivered to who was there", "%", shown, 100)
    yield at_most(row, SUBJECT, "missing", "messages", tally.missing, 0)
    yield at_most(row, SUBJECT, "shown twice", "messages", tally.twice, 0)
    yield at_most(row, SUBJECT, "out of order", "messages", tally.disordered, 0)
    yield Figure(row, SUBJECT, "shown late, the gap was told", "messages", tally.late)
    behind = tally.backlog_behind
    yield Figure(row, SUBJECT, "behind later ones, marked as earlier", "messages", behind)
    yield Figure(row, SUBJECT, "said", "messages", tally.said)
    yield Figure(row, SUBJECT, "owed", "messages", tally.owed)
    yield Figure(row, SUBJECT, "gone with who had them", "messages", tally.lost_with_author)


def _direct(direct: DirectLedger) -> Iterable[Figure]:
    row = PARTITION_ROW
    yield Figure(row, SUBJECT, "direct, taken", "messages", direct.taken)
    yield at_most(row, SUBJECT, "direct, missing", "messages", direct.missing, 0)
    yield at_most(row, SUBJECT, "direct, shown twice", "messages", direct.twice, 0)
    yield at_most(row, SUBJECT, "direct, shown to another", "messages", direct.strange, 0)
    yield Figure(row, SUBJECT, "direct, again after a kill", "messages", direct.twice_after_kill)


def _memory(soaked: Soaked) -> Iterable[Figure]:
    kept = [series.rss_mib for series in soaked.residents if series.rss_mib]
    late = [_after_warm_up(samples) for samples in kept]
    judged = [samples for samples in late if samples and _length_s(samples) >= JUDGED_S]
    if judged:
        slopes = [slope_per_h(samples) for samples in judged]
        name = "memory after the first hour"
        limit = SLOPE_MIB_PER_H
        yield at_most(LEAK_ROW, SUBJECT, name, "MiB/h, worst node", max(slopes), limit)
        yield Figure(LEAK_ROW, SUBJECT, name, "MiB/h, median", statistics.median(slopes))
        return
    grown = [growth(samples) for samples in kept]
    name = "memory while tables fill"
    limit = SHORT_GROWTH_MIB
    yield at_most(LEAK_ROW, SUBJECT, name, "MiB, worst node", max(grown, default=0.0), limit)
    slopes = [slope_per_h(samples) for samples in kept]
    median = statistics.median(slopes) if slopes else 0.0
    yield Figure(LEAK_ROW, SUBJECT, name, "MiB/h, median", median)


def _after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample[0] >= samples[0][0] + WARM_UP_S]


def _length_s(samples: Sequence[Sample]) -> float:
    return samples[-1][0] - samples[0][0]


def _flat(soaked: Soaked) -> Iterable[Figure]:
    files = max((growth(series.files) for series in soaked.residents), default=0.0)
    tasks = max((growth(series.tasks) for series in soaked.residents), default=0.0)
    yield at_most(LEAK_ROW, SUBJECT, "files more", "worst node", files, FILES_GROWTH)
    yield at_most(LEAK_ROW, SUBJECT, "tasks more", "worst node", tasks, TASKS_GROWTH)
    rss = [series.rss_mib[-1][1] for series in soaked.residents if series.rss_mib]
    yield Figure(LEAK_ROW, SUBJECT, "memory at the end", "MiB, worst node", max(rss, default=0.0))
    cores = [
        100 * series.cpu_s / _length_s(series.rss_mib)
        for series in soaked.residents
        if len(series.rss_mib) > 1
    ]
    median = statistics.median(cores) if cores else 0.0
    yield Figure(LEAK_ROW, SUBJECT, "CPU", "% of a core, median", median)


def _faults(soaked: Soaked) -> Iterable[Figure]:
    died = len(soaked.died_by_themselves)
    complaints = len(soaked.complaints)
    yield at_most(LEAK_ROW, SUBJECT, "reported by asyncio", "times", soaked.unexpected, 0)
    yield at_most(LEAK_ROW, SUBJECT, "on standard error", "lines", complaints, 0)
    yield at_most(LEAK_ROW, SUBJECT, "ended by themselves", "programs", died, 0)


def _log(soaked: Soaked) -> Figure:
    a_day = max(soaked.log_bytes, default=0) / MEBIBYTE * DAY_S / soaked.length_s
    return at_most(LOG_ROW, SUBJECT, "log", "MiB/day, worst node", a_day, LOG_MIB_PER_DAY)

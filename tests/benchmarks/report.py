"""Medians of runs, their ratios to a control, the aims beside them, as text."""

from __future__ import annotations

import math
import platform
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.benchmarks.aims import AIMS
from tests.benchmarks.measures import MEASURES
from tests.benchmarks.systems import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.benchmarks.aims import Aim

UNITS: Final = {
    "per_s": "texts/s",
    "lost": "lost",
    "twice": "twice",
    "ratio": "arrived",
    "cpu_us": "CPU µs",
    "mb_node": "MB a node",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "seconds": "s",
    "ms": "ms",
    "cpu_ms": "CPU ms",
    "mb": "MB",
    "kib_connection": "KiB a connection",
    "gained_mb": "MB gained",
    "bytes_text": "bytes a text",
    "wakes_per_s": "wake-ups/s",
    "core_percent": "% of a core",
    "listening_s": "s until all listen",
    "one_part_s": "s until all are one part",
    "full_s": "s until views are full",
    "cpu_s_node": "CPU s a node until one part",
    "lost_before": "lost before the killing",
    "refull_s": "s until full after the killing",
    "all_heard_s": "s until all is heard after it",
}
"""Heading of each figure; of several units the one a reader expects."""


@dataclass
class Results:
    """Figures of every run: measure, then system, then one entry a run."""

    runs: dict[str, dict[str, list[dict[str, float]]]] = field(default_factory=dict)
    skipped: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, measure: str, system: str, figures: dict[str, float]) -> None:
        """Keep the figures of one run."""
        self.runs.setdefault(measure, {}).setdefault(system, []).append(figures)

    def skip(self, measure: str, system: str, why: str) -> None:
        """Note that something could not be measured."""
        self.skipped[measure, system] = why

    def median(self, measure: str, system: str, figure: str) -> float:
        """Return the median of the runs; NaN when there is none."""
        runs = self.runs.get(measure, {}).get(system, [])
        values = [run[figure] for run in runs if figure in run]
        # What may never happen is not hidden by two runs in which it did not.
        pick = max if figure in ("lost", "lost_before", "twice") else statistics.median
        return float(pick(values)) if values else math.nan

    def ratio(self, measure: str, system: str, per: str, figure: str) -> float:
        """Return the median of the ratios, each to the control of the same run."""
        measured = self.runs.get(measure, {})
        pairs = zip(measured.get(system, []), measured.get(per, []), strict=False)
        ratios = [
            one[figure] / other[figure]
            for one, other in pairs
            if figure in one and other.get(figure)
        ]
        return statistics.median(ratios) if ratios else math.nan

    def value_of(self, aim: Aim) -> float:
        """Return what an aim is about."""
        if aim.per is None:
            return self.median(aim.measure, aim.system, aim.figure)
        return self.ratio(aim.measure, aim.system, aim.per, aim.figure)


def text(results: Results, *, markdown: bool) -> str:
    """Lay out one table a measure, then the aims."""
    tables = [_measure_table(results, name) for name in results.runs]
    aims = [aim for aim in AIMS if aim.measure in results.runs]
    if aims:
        tables.append(
            ("aims", [["measure", "figure", "aim", "measured", ""], *_aims(results, aims)])
        )
    layout = _markdown if markdown else _columns
    parts = [machine(), *(layout(title, rows) for title, rows in tables)]
    parts += [f"not measured: {m} of {s}: {why}" for (m, s), why in results.skipped.items()]
    return "\n\n".join(parts)


def machine() -> str:
    """Say where the figures come from."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, loopback"


def _measure_table(results: Results, name: str) -> tuple[str, list[list[str]]]:
    measure, runs = MEASURES[name], results.runs[name]
    figures = list(dict.fromkeys(f for of in runs.values() for run in of for f in run))
    has_ratio = measure.per in runs and len(runs) > 1
    heading = ["system", *(UNITS[f] for f in figures)] + [f"x {measure.per}"] * has_ratio
    rows = [
        [system, *(_number(results.median(name, system, f)) for f in figures)]
        + [_number(results.ratio(name, system, measure.per, measure.judged))] * has_ratio
        for system in runs
    ]
    count = max(len(of) for of in runs.values())
    title = f"{name}: {measure.title} (median of {count} run{'s' * (count > 1)})"
    return title, [heading, *rows]


def _aims(results: Results, aims: Sequence[Aim]) -> Iterable[list[str]]:
    for aim in aims:
        value = results.value_of(aim)
        verdict = "met" if aim.bound.holds(value, aim.limit) else "missed"
        shown = "not measured" if math.isnan(value) else verdict
        what = UNITS[aim.figure] + (f" of {aim.system}" if aim.system != OURS else "")
        yield [aim.measure, what, str(aim), _number(value), shown]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000 or value == round(value):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _columns(title: str, rows: list[list[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])


def _markdown(title: str, rows: list[list[str]]) -> str:
    heading, *body = rows
    ruler = ["---"] + ["---:"] * (len(heading) - 1)
    table = "\n".join(f"| {' | '.join(row)} |" for row in (heading, ruler, *body))
    return f"**{title}**\n\n{table}"

"""A figure beside what is asked of it, as text and as a line of JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.aims import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """What was reached of what was asked."""

    row: int
    """Of the table in docs/threat-model.md."""
    subject: str
    """What was going on, such as the name of an attack."""
    what: str
    unit: str
    reached: float
    bound: Bound | None = None
    """None where nothing is asked, and the figure only tells more."""
    limit: float = math.nan

    @property
    def is_met(self) -> bool:
        return self.bound is None or self.bound.holds(self.reached, self.limit)

    @property
    def asked(self) -> str:
        return "" if self.bound is None else f"{self.bound.value} {self.limit:g}"

    def as_json(self) -> str:
        """Return the line that `python -m tests.threats --attack FILE` reads."""
        told = {
            "row": self.row,
            "asked": self.asked,
            "reached": _rounded(self.reached),
            "unit": f"{self.unit}, {self.what}, {self.subject}".removeprefix(", "),
            "met": self.is_met,
        }
        return json.dumps(told, ensure_ascii=False)


def at_most(row: int, subject: str, what: str, unit: str, reached: float, limit: float) -> Figure:
    """Return a figure that may not be above a limit."""
    return Figure(row, subject, what, unit, reached, Bound.AT_MOST, limit)


def at_least(row: int, subject: str, what: str, unit: str, reached: float, limit: float) -> Figure:
    """Return a figure that may not be below a limit."""
    return Figure(row, subject, what, unit, reached, Bound.AT_LEAST, limit)


def table(figures: Iterable[Figure], *, markdown: bool = False) -> str:
    """Lay them out below each other."""
    rows = [["", "figure", "asked", "reached", ""], *_rows(figures)]
    if markdown:
        rows.insert(1, ["---", "---", "---:", "---:", "---"])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _rows(figures: Iterable[Figure]) -> Iterable[list[str]]:
    last = ""
    for figure in figures:
        what = f"{figure.what}, {figure.unit}" if figure.unit else figure.what
        verdict = "" if figure.bound is None else "met" if figure.is_met else "MISSED"
        subject = figure.subject if figure.subject != last else ""
        last = figure.subject
        yield [subject, what, figure.asked, f"{_rounded(figure.reached):g}", verdict]


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write a line for each figure of which something is asked."""
    asked = [figure for figure in figures if figure.bound is not None]
    path.write_text("".join(f"{figure.as_json()}\n" for figure in asked), "utf-8")


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        return value
    if abs(value) >= 1000 or value == round(value):
        return round(value)
    return float(f"{value:.3g}")

"""What came out of the marked tests, kept in a file from one run to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tests.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FILE: Final = ROOT / "docs" / "threats.json"

FIGURE: Final = "reached"
"""Name under which a test records a figure: `record_property("reached", "closed after 10.1 s")`."""

WORST_FIRST: Final = ("failed", "may fail", "passed", "skipped")


class Result(msgspec.Struct, frozen=True):
    """Outcome of one test, all its parameters together."""

    outcome: str
    """One of WORST_FIRST."""
    reached: tuple[str, ...] = ()


class Attack(msgspec.Struct, frozen=True):
    """A figure that was measured under attack by a benchmark, `python -m tests.attack`."""

    row: int
    asked: str
    """Empty where nothing is asked, and the figure only tells more."""
    reached: float
    unit: str
    met: bool = True


class Results(msgspec.Struct, frozen=True):
    """All that is kept."""

    tests: dict[str, Result] = {}
    attacks: tuple[Attack, ...] = ()


def load(path: Path = FILE) -> Results:
    """Return what was kept; nothing where there is no file."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def save(results: Results, path: Path = FILE) -> None:
    """Keep it, ordered, so that a change of one result is a change of one line."""
    encoded = msgspec.json.encode(results, order="sorted")
    path.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")


def attacks_from(path: Path) -> tuple[Attack, ...]:
    """Read what the benchmarks wrote, a JSON object a line."""
    lines = path.read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=Attack) for line in lines if line.strip())


class Collector:
    """A plugin of pytest that takes down what comes out."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Join what each step of each parameter of a test tells."""
        if report.when != "call" and report.passed:
            return
        name = report.nodeid.partition("[")[0]
        before = self.results.get(name)
        outcomes = {_outcome(report), *([before.outcome] if before else ())}
        figures = [str(value) for key, value in report.user_properties if key == FIGURE]
        reached = tuple(dict.fromkeys([*(before.reached if before else ()), *figures]))
        self.results[name] = Result(min(outcomes, key=WORST_FIRST.index), reached)


def _outcome(report: pytest.TestReport) -> str:
    if report.skipped and hasattr(report, "wasxfail"):
        return "may fail"
    return report.outcome

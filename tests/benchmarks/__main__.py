"""Take the measures, then print them beside the aims."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.hosts import NotMeasured
from tests.benchmarks.measures import FULL, MEASURES, QUICK
from tests.benchmarks.report import Results, machine, text


@dataclass(frozen=True)
class Choice:
    """What was asked for on the command line."""

    measures: list[str]
    systems: list[str]
    runs: int
    quick: bool


async def take(choice: Choice, results: Results) -> None:
    """Take every measure; systems alternate in each run, so that drift hits all of them."""
    scale = QUICK if choice.quick else FULL
    for name in choice.measures:
        measure = MEASURES[name]
        wanted = [s for s in measure.systems if not choice.systems or s in choice.systems]
        for run in range(choice.runs):
            for system in wanted:
                _progress(f"{name} {run + 1}/{choice.runs}: {system}")
                try:
                    results.add(name, system, await measure.run(system, scale))
                except (NotMeasured, TimeoutError) as fault:
                    results.skip(name, system, str(fault) or "took too long")


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def parse(arguments: list[str]) -> tuple[Choice, argparse.Namespace]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer texts, one run")
    parser.add_argument("--only", default="", help=f"comma-separated, of {', '.join(MEASURES)}")
    parser.add_argument("--systems", default="", help="comma-separated; all of a measure's")
    parser.add_argument("--runs", type=int, default=0, help="default 3, or 1 with --quick")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every run there")
    parser.add_argument("--markdown", action="store_true", help="tables for a document")
    options = parser.parse_args(arguments)
    by_default = [name for name, measure in MEASURES.items() if not measure.only_by_name]
    measures = options.only.split(",") if options.only else by_default
    if unknown := set(measures) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    systems = options.systems.split(",") if options.systems else []
    runs = options.runs or (1 if options.quick else 3)
    return Choice(measures, systems, runs, options.quick), options


def main(arguments: list[str]) -> int:
    """Measure, print; 1 when nothing at all could be measured."""
    choice, options = parse(arguments)
    results = Results()
    try:
        asyncio.run(take(choice, results))
    except KeyboardInterrupt:
        results.skip("the rest", "everything", "interrupted")
    _progress("")
    print(text(results, markdown=options.markdown))
    if options.json:
        skipped = {f"{m} {s}": why for (m, s), why in results.skipped.items()}
        everything = {"machine": machine(), "runs": results.runs, "skipped": skipped}
        options.json.write_text(json.dumps(everything, indent=1) + "\n")
    return 0 if results.runs else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

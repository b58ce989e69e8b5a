"""The command: runs what is marked, keeps what came out, writes the page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from tests.sources import ROOT
from tests.threats import page, results
from tests.threats.marked import MarkedTest, marked_tests


def main() -> int:
    """Return pytest's exit code; 0 where nothing was to be run."""
    given = _parser().parse_args()
    tests = marked_tests()
    wanted = [test for test in tests if _is_wanted(test, given)]
    collector = results.Collector()
    code = _run(wanted, collector) if wanted else 0
    before = results.load()
    known = {test.name for test in tests}
    kept = {name: result for name, result in before.tests.items() if name in known}
    attacks = before.attacks if given.attack is None else results.attacks_from(given.attack)
    results.save(results.Results(kept | collector.results, attacks))
    page.write()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.threats", description=__doc__)
    add = parser.add_argument
    add("--long", action="store_true", help="run the long tests too; hours")
    add("--rows", type=_numbers, help="run tests of these rows only, as 1,2,9; none to run none")
    add("--only", default="", help="run tests only that have this in their name")
    add("--attack", type=Path, help="take figures of `python -m tests.attack` from this file")
    return parser


def _numbers(text: str) -> set[int]:
    return set() if text == "none" else {int(number) for number in text.split(",")}


def _is_wanted(test: MarkedTest, given: argparse.Namespace) -> bool:
    is_of_row = given.rows is None or bool(given.rows & set(test.rows))
    return is_of_row and given.only in test.name and (given.long or not test.is_long)


def _run(tests: list[MarkedTest], collector: results.Collector) -> int:
    names = [test.name for test in tests]
    return int(pytest.main(["-q", f"--rootdir={ROOT}", "-m", "", *names], [collector]))


if __name__ == "__main__":
    sys.exit(main())

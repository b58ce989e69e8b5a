"""Every threat has its tests, and the page says what they are."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import block_in
from tests.sources import ROOT, TESTS, Source, sources
from tests.threats.marked import MarkedTest, marked_tests
from tests.threats.page import BLOCKS, PAGE, written
from tests.threats.results import Attack, Collector, Result, Results, attacks_from, load, save
from tests.threats.rows import ROWS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_rows_are_numbered_from_one_without_a_hole() -> None:
    assert [row.number for row in ROWS] == list(range(1, len(ROWS) + 1))


def test_every_row_has_a_test_and_every_mark_a_row() -> None:
    marked = {row for test in marked_tests() for row in test.rows}

    assert marked == {row.number for row in ROWS}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_page_is_current(name: str) -> None:
    found = block_in(PAGE.read_text("utf-8"), name)

    assert found == BLOCKS[name](), "bring it up to date: python -m tests.threats --rows none"


def test_every_test_that_a_document_names_exists() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {
        (path, name)
        for document in documents
        for path, name in re.findall(r"`tests/([\w/]+\.py)::(\w+)`", document.read_text("utf-8"))
    }
    there = {
        (source.path, node.name)
        for source in sources(TESTS)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert named
    assert named - there == set()


def test_no_result_that_was_kept_is_a_failure() -> None:
    failed = [name for name, result in load().tests.items() if result.outcome == "failed"]

    assert failed == []


# --- What the page is made of -----------------------------------------------------------------


def test_marks_are_found_with_their_rows_and_whether_they_are_long() -> None:
    text = """
@pytest.mark.threat(2, 24)
@pytest.mark.long
def test_one(): ...

@pytest.mark.threat(9)
async def test_two(): ...

def test_three(): ...
"""

    assert marked_tests([Source.made_up(text, "e2e/test_x.py")]) == [
        MarkedTest("tests/e2e/test_x.py::test_one", (2, 24), True),
        MarkedTest("tests/e2e/test_x.py::test_two", (9,), False),
    ]


def test_a_row_tells_what_passed_what_was_reached_and_what_was_not_run() -> None:
    tests = [MarkedTest("a.py::test_a", (1,), False), MarkedTest("b.py::test_b", (1,), True)]
    attacks = (Attack(1, "< 5", 3, "ms"), Attack(1, "", 9, "s"), Attack(1, "< 5", 7, "ms", False))
    results = Results({"a.py::test_a": Result("passed", ("10 s",))}, attacks)

    line = written(tests, results).splitlines()[2]

    figures = "10 s<br>1 of 2 figures measured<br>7 ms (asked: < 5) **not reached**"
    assert f"| 1 of 2 tests passed<br>{figures} |" in line
    assert "| `a.py::test_a`<br>`b.py::test_b` (long, not run) |" in line


def test_results_are_the_same_after_they_were_kept(tmp_path: Path) -> None:
    results = Results({"b": Result("passed"), "a": Result("may fail", ("x",))}, ())

    save(results, tmp_path / "kept.json")

    assert load(tmp_path / "kept.json") == results
    assert load(tmp_path / "nowhere.json") == Results()


def test_figures_of_benchmarks_are_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "attack"
    file.write_text('{"row": 4, "asked": "< 1", "reached": 0.5, "unit": "s"}\n\n')

    assert attacks_from(file) == (Attack(4, "< 1", 0.5, "s"),)


def report(name: str, outcome: Any, **more: Any) -> pytest.TestReport:
    made = pytest.TestReport(name, ("", 0, ""), {}, outcome, None, "call")
    for key, value in more.items():
        setattr(made, key, value)
    return made


def test_the_worst_outcome_of_all_parameters_counts() -> None:
    collector = Collector()

    for one in (
        report("a.py::test[1]", "skipped"),
        report("a.py::test[2]", "passed", user_properties=[("reached", "2 s"), ("other", "x")]),
        report("b.py::test[1]", "passed"),
        report("b.py::test[2]", "skipped", wasxfail="known"),
        report("c.py::test", "failed", when="setup"),
        report("d.py::test", "passed", when="teardown"),
    ):
        collector.pytest_runtest_logreport(one)

    assert collector.results == {
        "a.py::test": Result("passed", ("2 s",)),
        "b.py::test": Result("may fail"),
        "c.py::test": Result("failed"),
    }

"""Finds the tests that carry the mark `threat`, in the source, without importing anything."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.sources import TESTS, dotted, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.sources import Source

MARK: Final = "pytest.mark.threat"
LONG: Final = "pytest.mark.long"


@dataclass(frozen=True, order=True)
class MarkedTest:
    """A test that says which threats it is about."""

    name: str
    """`path::name`, as pytest takes it at the top of the project."""
    rows: tuple[int, ...]
    is_long: bool


def marked_tests(files: Iterable[Source] | None = None) -> list[MarkedTest]:
    """Return every marked test, ordered by name; of the tests' own folder unless told otherwise."""
    found = sources(TESTS) if files is None else files
    return sorted(test for source in found for test in _in_file(source))


def _in_file(source: Source) -> Iterator[MarkedTest]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        rows = tuple(row for mark in node.decorator_list for row in _rows_of(mark))
        if rows:
            is_long = any(dotted(mark) == LONG for mark in node.decorator_list)
            yield MarkedTest(f"tests/{source.path}::{node.name}", rows, is_long)


def _rows_of(mark: ast.expr) -> Iterator[int]:
    if isinstance(mark, ast.Call) and dotted(mark.func) == MARK:
        for argument in mark.args:
            assert isinstance(argument, ast.Constant), "the rows of a mark are plain numbers"
            yield int(str(argument.value))

"""Figures beside what is asked of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.measured import Figure, at_least, at_most, table, write_json

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = [
    at_most(1, "silence", "memory", "MiB", 3.14159, 10),
    at_least(1, "silence", "delivered", "%", 99.5, 100),
    Figure(4, "spam", "sent", "", 10_000),
]


def test_a_figure_on_the_wrong_side_of_its_bound_is_missed() -> None:
    assert [figure.is_met for figure in FIGURES] == [True, False, True]
    assert not at_most(1, "x", "y", "z", float("nan"), 10).is_met


def test_the_table_names_each_subject_once() -> None:
    lines = table(FIGURES).splitlines()

    assert len(lines) == 4
    assert lines[1].split() == ["silence", "memory,", "MiB", "≤", "10", "3.14", "met"]
    assert lines[2].split() == ["delivered,", "%", "≥", "100", "99.5", "MISSED"]
    assert lines[3].split() == ["spam", "sent", "10000"]


def test_as_markdown_it_is_a_table_of_a_document() -> None:
    assert table(FIGURES, markdown=True).splitlines()[2] == (
        "| silence | memory, MiB | ≤ 10 | 3.14 | met |"
    )


def test_each_figure_that_is_asked_is_a_line_of_json(tmp_path: Path) -> None:
    write_json(FIGURES, tmp_path / "figures.jsonl")

    lines = (tmp_path / "figures.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0]) == {
        "row": 1, "asked": "≤ 10", "reached": 3.14, "unit": "MiB, memory, silence", "met": True,
    }  # fmt: skip
    assert len(lines) == len(FIGURES) - 1, "of the last one nothing is asked"

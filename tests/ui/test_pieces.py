"""Long texts in pieces."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.announcements import Announcements
from p2pchat.core.values import Kind
from p2pchat.ui.pieces import count_pieces, fits, pieces, sending_s
from tests.effort import EFFORT

LONG = limits.TEXT_LIMIT_CHARACTERS

PARTS = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["\n", "\n\n", " ", "word ", "e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "漢"]),
        st.builds(lambda part, times: part * times, st.text(max_size=3), st.integers(1, 3_000)),
    ),
    max_size=40,
)


@settings(max_examples=EFFORT.property_examples)
@given(PARTS.map("".join))
@example("\n" * 9_000)
@example("x" * 9_000)
@example("\u0301" * 9_000)
@example("🦦" * 9_000)
@example("a\ud800" * 5_000)
def test_pieces_join_to_the_text_and_each_may_go_out(text: str) -> None:
    parts = pieces(text)

    assert "".join(parts) == text
    assert all(fits(part) and part for part in parts)
    assert count_pieces(text) == max(1, len(parts))
    for part in parts:
        Announcements().add(Kind.TEXT, "ann", part)  # it raises where one is too long


def test_what_fits_is_one_piece() -> None:
    assert pieces("x" * LONG) == ["x" * LONG]
    assert count_pieces("") == 1


def test_lines_stay_whole() -> None:
    lines = [f"line {number} " + "x" * (number % 150) + "\n" for number in range(500)]

    parts = pieces("".join(lines))

    assert len(parts) > 5
    assert all(part.endswith("\n") for part in parts)
    assert [line for part in parts for line in part.splitlines(keepends=True)] == lines
    # No two of them would have been one.
    assert all(len(a) + len(b) > LONG for a, b in pairwise(parts))


def test_a_line_that_is_too_long_is_cut_behind_blanks() -> None:
    parts = pieces("word " * 2_000)

    assert all(part.endswith("word ") for part in parts)


@pytest.mark.parametrize(
    "character",
    ["e\u0301\u0302", "👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "❤\ufe0f"],
    ids=["marks", "family", "skin", "flag", "selector"],
)
@pytest.mark.parametrize("before", range(9))
def test_no_character_is_torn(character: str, before: int) -> None:
    parts = pieces("x" * before + character * 3_000)

    assert len(parts) > 1
    for part in parts[1:]:
        assert not unicodedata.category(part[0]).startswith("M")
        assert part.startswith(character)


def test_how_long_it_takes_follows_from_the_pace_of_one_author() -> None:
    assert sending_s(["x" * LONG] * 20) == 0.0
    parts = ["x" * LONG] * (2 * limits.AUTHOR_BYTES // LONG)
    size_bytes = len(parts) * LONG

    late_bytes = size_bytes / limits.OWN_PACE - limits.AUTHOR_BYTES
    assert sending_s(parts) == pytest.approx(late_bytes / limits.AUTHOR_BYTES_PER_S)

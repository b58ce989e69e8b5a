"""The program's own sentences on terminals of every width."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from p2pchat.ui.model import fit_words
from p2pchat.ui.wrapping import GUTTER, Wrapped, wrapped
from tests.effort import EFFORT

if TYPE_CHECKING:
    from rich.console import RenderableType

ERROR = (
    '-!- no one called "bbo". Did you mean bob? Your line is back in the editor; nothing was sent.'
)


def rows_of(text: str, columns: int) -> list[str]:
    return wrapped(Text(text), columns).plain.split("\n")


def printed(item: RenderableType, columns: int) -> str:
    """What the program's printer makes of it."""
    file = StringIO()
    console = Console(file=file, width=columns, color_system=None, markup=False, emoji=False)
    console.print(item, soft_wrap=True)
    return file.getvalue()


def test_a_sentence_breaks_between_words_and_goes_on_under_the_gutter() -> None:
    assert rows_of(ERROR, 40) == [
        '-!- no one called "bbo". Did you mean',
        "      bob? Your line is back in the",
        "      editor; nothing was sent.",
    ]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_row_is_wider_than_the_terminal_and_no_word_is_torn(columns: int) -> None:
    rows = rows_of(ERROR, columns)

    assert all(cell_len(row) <= columns for row in rows)
    assert " ".join(row.strip() for row in rows) == ERROR


def test_a_word_that_is_wider_than_a_row_stays_whole_to_be_copied() -> None:
    invite = "p2pchat://" + "x" * 60

    assert rows_of(f"take this: {invite} and go", 40) == [
        "take this:",
        GUTTER + invite,
        "      and go",
    ]


def test_styles_survive() -> None:
    text = Text().append("12:03 ", "dim").append("many words of trouble in a row", "red")

    rows = wrapped(text, 24).split("\n")

    assert [row.plain for row in rows] == ["12:03 many words of", "      trouble in a row"]
    assert {span.style for span in rows[1].spans} == {"red"}


def test_what_is_wrapped_is_printed_at_the_width_of_the_moment() -> None:
    assert printed(Wrapped(Text(ERROR)), 200) == ERROR + "\n"
    assert printed(Wrapped(Text(ERROR)), 40).count("\n") == 3


@settings(max_examples=EFFORT.property_examples)
@given(st.text(st.sampled_from("ab漢 \n"), max_size=200), st.integers(20, 100))
def test_nothing_but_blanks_is_lost_whatever_the_width(text: str, columns: int) -> None:
    rows = rows_of(text, columns)

    assert "".join(" ".join(rows).split()) == "".join(text.split())
    assert all(cell_len(row) <= columns or len(row.split()) == 1 for row in rows)


@pytest.mark.parametrize(
    ("columns", "text"),
    [(34, "one two, three four"), (15, "one two, three…"), (14, "one two…"), (9, "one two…"),
     (8, "one…"), (3, "on…"), (1, "…")],
)  # fmt: skip
def test_a_row_is_shortened_between_words(columns: int, text: str) -> None:
    assert fit_words("one two, three four", columns) == text


@settings(max_examples=EFFORT.property_examples)
@given(st.text(st.sampled_from("ab ,·"), max_size=80), st.integers(1, 100))
def test_what_is_shortened_fits_and_begins_alike(text: str, columns: int) -> None:
    shown = fit_words(text, columns)

    assert len(shown) <= columns
    assert shown == text or text.startswith(shown.removesuffix("…"))

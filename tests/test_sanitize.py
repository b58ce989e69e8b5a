"""Tests of the cleaner."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.sanitize import MARKS_LIMIT, is_invisible, visible, visible_line

ANYTHING = st.text(st.characters(exclude_categories=()))
"""Lone surrogates and unassigned code points too."""

EXPLICIT_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Classes of UAX #9 whose characters only change the direction of others."""

NASTY = st.text(
    st.one_of(
        st.sampled_from("\x00\x07\x1b\x7f\x9b\r\n\t \u200b\u200c\u200d\u202e\u2028\ufeff\ufe0f"),
        st.sampled_from("a\\x1bu\u0301\u0353\u20dd\ud800\udfff\U000e0001\U000e0100\U0001f600"),
    )
)

HOSTILE = [
    "\x1b]52;c;cm0gLXJmIH4=\x07",  # OSC 52 writes to the clipboard
    "\x1bP$q q\x1b\\",  # DECRQSS makes the terminal type an answer
    "\x1b[?1000h\x1b[?1006h",  # mouse reports
    "\x1b[21t",  # the title, reported as if typed
    "\x9b31m\x9d0;title\x9c",  # the same controls in one 8-bit character
    "\x1b]8;;http://a.example\x07text\x1b]8;;\x07",  # a link that shows something else
    "bob: hi\r\x1b[2Kalice: bye",
    "\u202eevil\u2066\u061c\u200f",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "\x08\x08\x08\x7f\x00\x0e\x0f",
]


def _is_harmless(character: str) -> bool:
    if character in "\n\u200c\u200d":
        return True
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.threat(16)
@given(ANYTHING | NASTY)
def test_nothing_that_steers_a_terminal_is_left_of_any_text(text: str) -> None:
    shown = visible(text)

    assert all(_is_harmless(character) for character in shown)
    assert not any("\x7f" <= character <= "\x9f" for character in shown)
    shown.encode("utf-8")  # no lone surrogate is left


STEERING = [
    character
    for character in map(chr, range(0x110000))
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    or unicodedata.bidirectional(character) in EXPLICIT_BIDI
    or len(f"a{character}b".splitlines()) > 1
]
"""All of Unicode that could move a cursor, reorder a line or begin one."""


@pytest.mark.threat(16)
def test_all_of_unicode_that_steers_is_spelled_out() -> None:
    assert len(STEERING) > 2_000
    for character in STEERING:
        shown = visible(f"a{character}b")

        if character not in "\n\u200c\u200d":
            assert shown == "a    b" if character == "\t" else shown.isascii()
            assert shown.isprintable()


@pytest.mark.threat(16)
def test_the_bidi_controls_of_unicode_are_among_them() -> None:
    # Bidi_Control of PropList.txt, whatever the tables of this Python know.
    listed = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}

    assert set(map(chr, listed)) <= set(STEERING)


@given(ANYTHING | NASTY)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = visible(text)

    assert visible(once) == once
    assert visible_line(visible_line(text)) == visible_line(text)


@given(ANYTHING | NASTY)
def test_as_many_newlines_come_out_as_went_in(text: str) -> None:
    assert visible(text).count("\n") == text.count("\n")


@given(ANYTHING | NASTY)
def test_one_line_is_exactly_one_line(text: str) -> None:
    assert len(visible_line(text + "x").splitlines()) == 1


@given(ANYTHING | NASTY, st.integers(3, 40))
def test_a_limit_is_kept_and_a_cut_shows(text: str, limit: int) -> None:
    whole, line = visible_line(text), visible_line(text, limit)

    assert len(line) <= limit
    assert line == whole or line.endswith("...")
    assert (line == whole) == (len(whole) <= limit)


@pytest.mark.threat(16)
@given(ANYTHING | NASTY)
def test_no_base_carries_more_than_four_marks(text: str) -> None:
    marks = 0
    for character in visible(text):
        clings = unicodedata.category(character) in {"Mn", "Me"} or character in "\u200c\u200d"
        marks = marks + 1 if clings else 0

        assert marks <= MARKS_LIMIT


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_ascii_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.threat(16)
@pytest.mark.parametrize("text", HOSTILE)
def test_known_attacks_become_printable(text: str) -> None:
    shown = visible(text)

    assert shown != text
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\rb", r"a\x0db"),
        ("\x9b", r"\x9b"),
        ("\u202e", r"\u202e"),
        ("\ufeffhello", r"\ufeffhello"),
        ("a\u2028b", r"a\u2028b"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\U000e0041"),
        ("a\tb", "a    b"),
        ("a\nb", "a\nb"),
        ("e\u0301\u0302\u0303\u0304\u0305", "e\u0301\u0302\u0303\u0304" + r"\u0305"),
    ],
)
def test_unsafe_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Grüße, жук, 你好, עברית, مرحبا",
        "می\u200cشوم",
        "क्\u200dष",
        "👩\u200d❤\ufe0f\u200d👨",
        "🏳\ufe0f\u200d🌈 👍🏽 1\ufe0f\u20e3",
        "e\u0301\u0323",
        "price: 3\u00a0€",
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_newline_in_one_line_is_spelled_out() -> None:
    assert visible_line("bob\nalice: hi") == r"bob\x0aalice: hi"


def test_a_huge_text_is_cut_before_it_is_cleaned() -> None:
    assert visible_line("\x1b" * 10_000_000, 12) == r"\x1b\x1b\..."


@pytest.mark.parametrize(
    "character", " \t\n\u00a0\u3000\u200b\u200d\ufeff\x1b\x7f\ufe0f\u3164\u2800"
)
def test_blanks_and_zero_width_characters_are_invisible(character: str) -> None:
    assert is_invisible(character)


@pytest.mark.parametrize("character", "a/@é字😀\u0301\ud800")
def test_what_leaves_a_trace_is_not_invisible(character: str) -> None:
    assert not is_invisible(character)

"""Nicks that look like another's: found whatever alphabet they borrow from."""

from __future__ import annotations

import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.confusables import prototypes
from p2pchat.errors import BadNick
from p2pchat.lookalikes import folded, looks, looks_like
from p2pchat.nicks import check_nick
from tests.effort import EFFORT

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=30)
ALIKE = st.text(
    st.sampled_from("aAbBiIlLmMrRnN01Oo|\u0430\u0410\u0412\u039d\u03bd\u0301\u00e9\uff42\u200b")
)
TEXTS = ANYTHING | ALIKE


@pytest.mark.threat(12)
@pytest.mark.parametrize(
    ("borrowed", "nick"),
    [
        ("p\u0430ul", "paul"),  # Cyrillic a
        ("\u0420\u0410UL", "paul"),  # Cyrillic capitals
        ("\u039dina", "nina"),  # Greek capital Nu
        ("b\u03bfb", "bob"),  # Greek omicron
        ("\u0578ina", "nina"),  # Armenian vo
        ("\u13b3ill", "will"),  # Cherokee la
        ("\uff42\uff4f\uff42", "bob"),  # full-width
        ("\U0001d41b\U0001d428\U0001d41b", "bob"),  # mathematical bold
        ("bo\u0332b", "bob"),  # a combining line
        ("ren\u00e9", "rene"),
        ("re\u0301ne\u0301", "rene"),
        ("b\u00f8b", "bob"),
        ("bo\u0489b", "bob"),  # an enclosing mark
        ("\u017fam", "fam"),  # long s
        ("b0b", "bob"),
        ("BOB", "bob"),
        ("bi11", "bill"),
        ("biII", "bill"),
        ("bi||", "bill"),
        ("Ian", "lan"),
        ("berna", "bema"),
        ("amber\u2010otter", "amber-otter"),
    ],
)
def test_a_borrowed_nick_that_somebody_may_have_looks_like_the_first(
    borrowed: str, nick: str
) -> None:
    assert check_nick(borrowed)
    assert looks_like(borrowed, nick)


@pytest.mark.threat(12)
@pytest.mark.parametrize(
    "hidden", ["bo\u200bb", "bo\u200db", "\u202ebob", "bob ", "bob\u00a0", "bob\u3164", "bob\ufe0f"]
)
def test_a_nick_with_something_hidden_is_refused_and_would_be_flagged(hidden: str) -> None:
    with pytest.raises(BadNick):
        check_nick(hidden)

    assert looks_like(hidden, "bob")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob", "rob"),
        ("ian", "lan"),
        ("vic", "nic"),
        ("mia", "nia"),
        ("bob", "bob2"),
        ("\u4f60", "\u597d"),
    ],
)
def test_nicks_that_nobody_takes_for_each_other_are_left_alone(one: str, other: str) -> None:
    assert not looks_like(one, other)


@pytest.mark.threat(12)
def test_no_letter_of_unicode_differs_from_its_other_case_or_form() -> None:
    forms = (str.upper, str.lower, str.title, str.casefold)

    different = [
        (hex(number), form)
        for number in range(0x110000)
        for form in forms
        if form(character := chr(number)) != character
        and not looks_like(character, form(character))
    ]

    assert different == []


@settings(max_examples=EFFORT.property_examples)
@given(TEXTS, TEXTS)
def test_likeness_is_mutual_and_with_oneself(one: str, other: str) -> None:
    assert looks_like(one, other) == looks_like(other, one)
    assert looks_like(one, one)


@settings(max_examples=EFFORT.property_examples)
@given(TEXTS)
def test_a_look_looks_like_itself_only(text: str) -> None:
    for look in looks(text):
        assert looks(look) == (look,)


@settings(max_examples=EFFORT.property_examples)
@given(TEXTS, st.sampled_from(["NFC", "NFD"]))
def test_the_encoding_of_a_nick_makes_no_difference(text: str, form: Literal["NFC", "NFD"]) -> None:
    other = unicodedata.normalize(form, text)

    assert looks(other) == looks(text)
    assert folded(other) == folded(text)


@settings(max_examples=EFFORT.property_examples)
@given(TEXTS)
def test_the_case_of_a_nick_makes_no_difference(text: str) -> None:
    assert looks_like(text.casefold(), text)
    assert looks_like(text.lower(), text)
    assert looks_like(text.upper(), text)


@settings(max_examples=EFFORT.property_examples)
@given(TEXTS, TEXTS)
def test_equal_nicks_look_alike(one: str, other: str) -> None:
    assert folded(one) != folded(other) or looks_like(one, other)
    assert folded(folded(one)) == folded(one)


def test_the_prototypes_are_their_own() -> None:
    table = prototypes()

    assert len(table) > 2_000
    assert table[ord("m")] == "rn"
    assert all(text.translate(table) == text for text in table.values())


def test_the_looks_of_a_very_long_text_cost_little() -> None:
    started = time.process_time()

    looks("\ufdfa\u0301" * 1_000_000)

    assert time.process_time() - started < 0.5

"""Maps as text for other programs."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings

from p2pchat.core.notices import MapPerson, NetworkMap
from p2pchat.ui.chart import naming_in
from p2pchat.ui.drawing import dot, mermaid
from tests.effort import EFFORT

from .maps import ANN, BOB, CAROL, FIVE, edge, known, map_of, maps, person

NOTE = r"(?: \(hidden\)| \(has not answered\))?"
MERMAID_LINE = re.compile(
    rf'    p\d+\["(?:[\w-]|[^\W_]|#\d+;)*{NOTE}"\]|    p\d+ (?:---|-\.-) p\d+'
)
DOT_LINE = re.compile(
    rf'    p\d+ \[label="(?:[\w-]|[^\W_]|&#\d+;)*{NOTE}"\];|    p\d+ -- p\d+(?: \[style=dashed\])?;'
)
HOSTILE = [
    '"]; click p0 "javascript:x"', '"; p9 -- p8', "\\", '\\"', "`*x*`", "#quot;", "&quot;",
    "a\nend", "<b>x</b>", "%%{init}%%", "];\n}", "\\N", "x\u2028y", "\x1b[2J", "\ud800",
]  # fmt: skip


def with_nick(nick: str) -> NetworkMap:
    other = person(nick, 7)
    return map_of(known(ANN, other), [edge(ANN, other)])


def test_mermaid_draws_people_and_connections() -> None:
    assert mermaid(FIVE, naming_in(FIVE)).split("\n") == [
        "graph LR",
        '    p0["you"]',
        '    p1["bob"]',
        '    p2["carol"]',
        '    p3["dave"]',
        '    p4["erin"]',
        "    p0 --- p1",
        "    p0 --- p2",
        "    p1 --- p2",
        "    p2 --- p3",
        "    p3 --- p4",
    ]


def test_dot_draws_people_and_connections() -> None:
    found = map_of(
        [*known(ANN), MapPerson(BOB, has_answered=False), MapPerson(CAROL, True, is_hidden=True)],
        [edge(ANN, BOB, is_mutual=False), edge(ANN, CAROL)],
    )

    assert dot(found, naming_in(found)).split("\n") == [
        "graph p2pchat {",
        '    p0 [label="you"];',
        '    p1 [label="bob (has not answered)"];',
        '    p2 [label="carol (hidden)"];',
        "    p0 -- p1 [style=dashed];",
        "    p0 -- p2;",
        "}",
    ]


def test_mermaid_dots_what_one_side_says_only() -> None:
    found = map_of(known(ANN, BOB), [edge(ANN, BOB, is_mutual=False)])

    assert mermaid(found, naming_in(found)).endswith("    p0 -.- p1")


def test_letters_of_all_languages_stay_readable() -> None:
    found = with_nick("Zoë-王_1")

    assert '"Zoë-王_1"' in mermaid(found, naming_in(found))
    assert '"Zoë-王_1"' in dot(found, naming_in(found))


def test_digits_that_tell_people_apart_stand_behind_the_number_of_their_sign() -> None:
    found = map_of(known(ANN, BOB, person("bob", 9)), [])

    assert mermaid(found, naming_in(found)).count('["bob#35;') == 2
    assert dot(found, naming_in(found)).count('[label="bob&#35;') == 2


@pytest.mark.parametrize("nick", HOSTILE)
def test_no_nick_breaks_out_of_its_label(nick: str) -> None:
    found = with_nick(nick)

    assert_whole(found)


@settings(max_examples=EFFORT.property_examples)
@given(maps())
@example(with_nick('"'))
def test_whatever_people_are_called_each_line_is_one_of_ours(found: NetworkMap) -> None:
    assert_whole(found)


def assert_whole(found: NetworkMap) -> None:
    first, *rest = mermaid(found, naming_in(found)).split("\n")
    head, *body, last = dot(found, naming_in(found)).split("\n")

    assert (first, head, last) == ("graph LR", "graph p2pchat {", "}")
    assert all(MERMAID_LINE.fullmatch(line) for line in rest)
    assert all(DOT_LINE.fullmatch(line) for line in body)
    assert len(rest) == len(body)
    assert sum('"' in line for line in rest) == len(found.people)

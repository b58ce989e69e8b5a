"""A map in words."""

from __future__ import annotations

from hypothesis import given, settings

from p2pchat.core.notices import MapPerson, NetworkMap, WeakPlace
from p2pchat.core.values import Person
from p2pchat.sanitize import visible_line
from p2pchat.ui.chart import Branch, chart_of, lines_of_tree, naming_in
from tests.effort import EFFORT

from .maps import ALONE, ANN, BOB, CAROL, DAVE, FIVE, edge, known, map_of, maps, person


def lines_of(found: NetworkMap) -> list[str]:
    chart = chart_of(found, naming_in(found))
    assert chart is not None
    return [*lines_of_tree(chart.tree), *chart.notes]


def people_on(branch: Branch) -> list[Person]:
    return [branch.person, *(p for further in branch.branches for p in people_on(further))]


def test_a_map_is_a_tree_from_oneself_with_further_connections_in_words() -> None:
    assert lines_of(FIVE) == [
        "you",
        "  bob",
        "  carol, also connected to bob",
        "    dave",
        "      erin",
        "if carol leaves, dave and erin are cut off",
        "4 people within 3 hops, 5 connections",
    ]


def test_alone_there_is_nothing_to_draw() -> None:
    assert chart_of(ALONE, naming_in(ALONE)) is None


def test_who_has_two_ways_to_us_stands_at_the_shorter_one() -> None:
    found = map_of(
        known(ANN, BOB, CAROL, DAVE),
        [edge(ANN, BOB), edge(BOB, CAROL), edge(CAROL, DAVE), edge(ANN, DAVE)],
    )

    assert lines_of(found)[:4] == [
        "you",
        "  bob",
        "    carol, also connected to dave",
        "  dave",
    ]


def test_what_one_side_says_only_is_marked() -> None:
    found = map_of(
        known(ANN, BOB, CAROL),
        [
            edge(ANN, BOB, is_mutual=False),
            edge(ANN, CAROL),
            edge(BOB, CAROL, is_mutual=False),
        ],
    )

    assert lines_of(found)[1:3] == [
        "  bob (only one side says so)",
        "  carol, also connected to bob (only one side says so)",
    ]


def test_who_did_not_answer_or_hides_is_marked() -> None:
    silent, hidden = MapPerson(BOB, has_answered=False), MapPerson(CAROL, True, is_hidden=True)
    found = map_of(
        [*known(ANN), silent, hidden],
        [edge(ANN, BOB, is_mutual=False), edge(ANN, CAROL)],
        [WeakPlace(BOB, (CAROL,))],
        is_complete=False,
    )

    assert lines_of(found)[1:] == [
        "  bob (only one side says so; has not answered)",
        "  carol (keeps its neighbours to itself)",
        "if bob leaves, carol is cut off (as far as seen)",
        "2 people within 3 hops, 2 connections; not everybody has answered",
    ]


def test_one_of_each_is_counted_in_the_singular() -> None:
    assert lines_of(map_of(known(ANN, BOB), [edge(ANN, BOB)]))[-1] == (
        "1 person within 3 hops, 1 connection"
    )


def test_people_whom_no_way_leads_to_are_not_forgotten() -> None:
    found = map_of(known(ANN, BOB, CAROL, DAVE), [edge(ANN, BOB), edge(CAROL, DAVE)])

    assert "how carol and dave may be reached was not told" in lines_of(found)


def test_people_with_one_nick_are_told_apart_and_nobody_else_is_you() -> None:
    second, third = person("bob", 8), person("You", 9)
    found = map_of(
        known(ANN, BOB, second, third), [edge(ANN, other) for other in (BOB, second, third)]
    )

    rows = lines_of(found)

    assert rows[0] == "you"
    assert rows[1].startswith("  bob#")
    assert rows[2].startswith("  bob#")
    assert rows[3].startswith("  You#")
    assert len(set(rows)) == len(rows)


def test_who_is_around_but_not_on_the_map_counts_for_names() -> None:
    found = map_of(known(ANN, BOB), [edge(ANN, BOB)])

    name = naming_in(found, [person("bob", 9)])

    assert name(BOB).startswith("bob#")


@settings(max_examples=EFFORT.property_examples)
@given(maps())
def test_whatever_was_told_each_person_stands_once_and_each_line_is_one(found: NetworkMap) -> None:
    chart = chart_of(found, naming_in(found))
    if chart is None:
        return

    rows = [*lines_of_tree(chart.tree), *chart.notes]

    assert all(visible_line(row) == row for row in rows)
    placed = people_on(chart.tree)
    assert len(set(placed)) == len(placed)
    assert len(rows) == len(placed) + len(chart.notes)
    assert chart.tree.name == "you"

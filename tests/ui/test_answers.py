"""Answers of commands, as the terminal draws them."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given, settings
from rich.console import Console

from p2pchat.core.notices import (
    Direction,
    HeardStatus,
    MapPerson,
    NeighbourStatus,
    NetworkMap,
    Peers,
    Place,
)
from p2pchat.core.values import GUEST, Person
from p2pchat.ui.answers import QR_STYLE, render_invite, render_map, render_peers, render_way
from p2pchat.ui.commands import MapForm
from p2pchat.ui.qr import drawn
from p2pchat.ui.theme import Theme
from p2pchat.ui.view import Scene
from p2pchat.ui.wrapping import GUTTER
from tests.effort import EFFORT

from .maps import ALONE, ANN, FIVE, edge, known, map_of, maps
from .maps import BOB as BEN
from .test_view import ALICE, BOB, HERE, NOON, OTHER_BOB, SCENE, THERE, plain

FOR_ANN = Scene(ANN)
URL = "p2pchat://lAGlbG9iYnnAkQ"


def test_a_map_is_drawn_as_a_tree_with_notes_below() -> None:
    assert plain(render_map(FIVE, MapForm.TREE, FOR_ANN)).split("\n") == [
        "you",
        "├── bob",
        "└── carol, also connected to bob",
        "    └── dave",
        "        └── erin",
        "-- if carol leaves, dave and erin are cut off",
        "-- 4 people within 3 hops, 5 connections",
    ]


def test_a_map_of_nobody_is_one_line() -> None:
    assert plain(render_map(ALONE, MapForm.TREE, FOR_ANN)) == "-- no one is connected"


@pytest.mark.parametrize(
    ("form", "first"), [(MapForm.MERMAID, "graph LR"), (MapForm.DOT, "graph p2pchat {")]
)
def test_text_for_other_programs_is_printed_as_it_is(form: MapForm, first: str) -> None:
    rows = plain(render_map(FIVE, form, FOR_ANN), width=10).split("\n")

    assert rows[0] == first
    assert any("carol" in row and '"' in row for row in rows)


@pytest.mark.parametrize("width", [20, 30, 42])
def test_nothing_of_a_map_is_cut_off_on_a_narrow_terminal(width: int) -> None:
    written = StringIO()
    console = Console(file=written, width=width, color_system=None)
    console.print(render_map(FIVE, MapForm.TREE, FOR_ANN), soft_wrap=True)

    wide = plain(render_map(FIVE, MapForm.TREE, FOR_ANN)).replace("│", " ")
    narrow = written.getvalue().replace("│", " ")
    assert narrow.split() == wide.split()
    assert all(len(row) <= width for row in narrow.split("\n") if not row.startswith("--"))


def test_people_on_the_map_have_the_colour_of_their_key() -> None:
    written = StringIO()
    console = Console(file=written, width=80, force_terminal=True, color_system="256")
    console.print(render_map(map_of(known(ANN, BEN), [edge(ANN, BEN)]), MapForm.TREE, FOR_ANN))

    number = Theme().nick(BEN.id).removeprefix("color(").removesuffix(")")
    assert f"38;5;{number}mbob" in written.getvalue()


@settings(max_examples=EFFORT.property_examples)
@given(maps())
def test_no_nick_steers_the_terminal_or_makes_a_line_of_its_own(found: NetworkMap) -> None:
    people = tuple(MapPerson(k.person, True) for k in found.people)
    shown = plain(render_map(found, MapForm.TREE, Scene(people[0].person)), width=40)

    assert not [c for c in shown if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160]
    assert all(row.startswith(("you", "-- ", "├", "└", "│", " ")) for row in shown.split("\n"))


def test_further_lines_of_a_way_are_indented() -> None:
    shown = plain(render_way(["the way:", "  1  bob\x1b: wrote it"], NOON, SCENE))

    assert shown == f"12:04 -- the way:\n{GUTTER}  1  bob\\x1b: wrote it"


def test_an_invite_stands_unbroken_on_a_line_of_its_own() -> None:
    url = URL * 20

    assert plain(render_invite(url, None, "Whoever has it may join.", 40, SCENE), 40) == (
        f"{url}\n-- Whoever has it may join."
    )
    assert plain(render_invite(url, None, "", 40, SCENE), 40) == url


def test_the_note_of_an_invite_breaks_between_words() -> None:
    note = "It works as long as one of those is here whom it names."

    assert plain(render_invite(URL, None, note, 40, SCENE), 40) == (
        f"{URL}\n-- It works as long as one of those is\n{GUTTER}here whom it names."
    )


def test_the_picture_of_an_invite_is_black_and_white_on_any_background() -> None:
    qr = drawn(URL)
    assert qr is not None

    rendered = render_invite(URL, qr, "", 80, SCENE)

    written = StringIO()
    Console(file=written, width=80, force_terminal=True, color_system="truecolor").print(rendered)
    assert QR_STYLE == "#ffffff on #000000"
    assert "38;2;255;255;255;48;2;0;0;0" in written.getvalue()
    assert plain(rendered) == f"{qr}\n{URL}"


def test_a_picture_that_would_be_torn_is_left_out() -> None:
    qr = drawn(URL)

    shown = plain(render_invite(URL, qr, "", 20, SCENE), 20)

    assert shown == f"-- the QR code needs 33 columns, this window has 20\n{URL}"


# --- Peers ------------------------------------------------------------------------------------

PEERS = Peers(
    (
        NeighbourStatus(BOB, HERE, Direction.IN, 1.234, 3.2, 60, place=Place.VIEW),
        NeighbourStatus(GUEST, THERE, Direction.OUT, None, 130, 60, guest=True),
    ),
    (HeardStatus(OTHER_BOB, 2, 9_000),),
)


def test_peers_are_a_table_where_there_is_room() -> None:
    scene = Scene(ALICE, known=(BOB, OTHER_BOB), is_verified=lambda peer: peer == BOB.id)

    rows = plain(render_peers(PEERS, 80, scene), 80).split("\n")

    assert [row.split() for row in rows] == [
        ["name", "address", "connection", "for", "hops", "rtt", "heard",
         "verified"],
        ["bob#c9h6", "127.0.0.1:55556", "in", "view", "1", "1.2", "ms", "3", "s",
         "yes"],
        ["~guest", "192.168.1.7:55555", "out", "beside", "1", "-", "2", "min",
         "no"],
        ["bob#cdhp", "-", "via", "others", "-", "2", "-", "2", "h", "no"],
    ]  # fmt: skip
    assert (
        len({row.index(" in ") if " in " in row else row.index(" out ") for row in rows[1:3]}) == 1
    )


def test_peers_are_a_labelled_line_each_in_a_narrow_window() -> None:
    assert plain(render_peers(PEERS, 79, SCENE)).split("\n") == [
        "bob: address 127.0.0.1:55556, connection in, for view, hops 1, rtt 1.2 ms, heard 3 s ago, "
        "verified no",
        "~guest: address 192.168.1.7:55555, connection out, for beside, hops 1, heard 2 min ago, "
        "verified no",
        "bob: connection via others, hops 2, heard 2 h ago, verified no",
    ]


def test_who_is_blocked_is_marked_so() -> None:
    assert BOB.id is not None
    peers = Peers((), (HeardStatus(BOB, 2, 1), HeardStatus(OTHER_BOB, 2, 1)), frozenset({BOB.id}))

    wide = plain(render_peers(peers, 80, SCENE), 80).split("\n")
    narrow = plain(render_peers(peers, 79, SCENE)).split("\n")

    assert [row.split()[-1] for row in wide[1:]] == ["blocked", "no"]
    assert narrow[0] == "bob: connection via others, hops 2, heard 1 s ago, blocked"


def test_peers_of_nobody_are_said_in_words() -> None:
    assert plain(render_peers(Peers((), ()), 80, SCENE)) == "-- no one is connected"


@pytest.mark.threat(16)
def test_hostile_nicks_stay_in_their_cell() -> None:
    peers = Peers((), (HeardStatus(Person(BOB.id, "\x1b[2J\n[bold]x"), 2, 1),))

    shown = plain(render_peers(peers, 80, SCENE), 80)

    assert r"\x1b[2J\x0a[bold]x" in shown
    assert len(shown.split("\n")) == 2

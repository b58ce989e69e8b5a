"""Pictures of invites."""

from __future__ import annotations

import segno

from p2pchat.ui.qr import QUIET_MODULES, drawn

URL = "p2pchat://" + "aZ0-_" * 40
MODULES = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}


def read_back(picture: str) -> list[list[int]]:
    """Return the modules that the blocks stand for, 1 for a dark one."""
    lines = picture.split("\n")
    return [[MODULES[block][half] for block in line] for line in lines for half in (0, 1)]


def test_the_blocks_are_the_modules_of_the_code_with_a_light_border() -> None:
    code = segno.make(URL, error="l", boost_error=False, micro=False)
    expected = [list(row) for row in code.matrix_iter(border=QUIET_MODULES)]

    picture = drawn(URL)

    assert picture is not None
    assert read_back(picture)[: len(expected)] == expected
    assert not any(map(any, read_back(picture)[len(expected) :]))


def test_an_invite_of_usual_length_fits_a_window_of_80_columns() -> None:
    picture = drawn(URL)

    assert picture is not None
    rows = picture.split("\n")
    assert len({len(row) for row in rows}) == 1
    assert len(rows[0]) <= 80


def test_what_no_code_can_hold_has_no_picture() -> None:
    assert drawn("x" * 3_000) is None

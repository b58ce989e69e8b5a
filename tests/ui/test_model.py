"""Toolbar and backlog."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.ui.model import Backlog, Draft, Toolbar, toolbar_text


def text_of(toolbar: Toolbar, width: int = 80, *, editor_lines: int = 1) -> str:
    return "".join(text for _, text in toolbar_text(toolbar, width, Draft(editor_lines)))


@pytest.mark.parametrize(
    ("toolbar", "expected"),
    [
        (Toolbar("lobby", 0, 55555), " lobby · no peers · :55555 · /help"),
        (Toolbar("lobby", 1, 55555), " lobby · 1 peer · :55555 · /help"),
        (Toolbar("lobby", 2, 55556), " lobby · 2 peers · :55556 · /help"),
        (Toolbar("lobby", 3, 1, direct=2), " lobby · 3 peers (2 direct) · :1 · /help"),
        (Toolbar("lobby", 3, 1, direct=3), " lobby · 3 peers · :1 · /help"),
        (Toolbar("lobby", 3, 1, waiting=1), " lobby · 3 peers · :1 · 1 waiting"),
    ],
)
def test_the_toolbar_tells_room_peers_and_port(toolbar: Toolbar, expected: str) -> None:
    assert text_of(toolbar) == expected


def test_a_narrow_toolbar_keeps_what_nobody_can_ask_for() -> None:
    toolbar = Toolbar("lobby", 3, 55555, direct=2, waiting=4)

    assert text_of(toolbar, 60) == " lobby · 3 peers (2 direct) · :55555 · 4 waiting"
    assert text_of(toolbar, 59) == " lobby · 3 peers · 4 waiting"


def test_a_long_paste_is_announced_before_it_is_sent() -> None:
    toolbar = Toolbar("lobby", 2, 55555)

    assert text_of(toolbar, editor_lines=6) == " 6 lines, Enter sends, Ctrl+C drops"
    assert text_of(toolbar, editor_lines=5) == " lobby · 2 peers · :55555 · /help"


def test_a_text_of_several_messages_says_how_many_it_makes() -> None:
    toolbar = Toolbar("lobby", 2, 55555)

    def shown(draft: Draft, width: int = 80) -> str:
        return "".join(text for _, text in toolbar_text(toolbar, width, draft))

    assert shown(Draft(210, 3)) == " 210 lines, 3 messages, Enter asks, Ctrl+C drops"
    assert shown(Draft(1, 2)) == " 2 messages, Enter asks, Ctrl+C drops"
    assert shown(Draft(210, 3), 40) == " 210 lines, 3 messages, Enter asks…"


def test_a_rooms_name_cannot_steer_the_terminal() -> None:
    assert text_of(Toolbar("a\x1b[2J\n", 0, 1)).startswith(r" a\x1b[2J\x0a ")


@given(
    st.builds(
        Toolbar,
        st.text(max_size=64),
        st.integers(0, 9_999),
        st.integers(0, 65_535),
        st.none() | st.integers(0, 9_999),
        st.integers(0, 9_999),
    ),
    st.integers(1, 200),
    st.integers(1, 99),
)
def test_the_toolbar_is_one_row_however_narrow(
    toolbar: Toolbar, width: int, editor_lines: int
) -> None:
    text = text_of(toolbar, width, editor_lines=editor_lines)

    assert len(text) <= width
    assert "\n" not in text


def test_a_full_backlog_drops_the_oldest_and_counts_them() -> None:
    backlog: Backlog[int] = Backlog(3)

    for number in range(5):
        backlog.add(number)

    assert backlog.take_skipped() == 2
    assert backlog.take_skipped() == 0
    assert [backlog.take() for _ in range(len(backlog))] == [2, 3, 4]


def test_what_is_to_be_kept_outlives_a_flood() -> None:
    backlog: Backlog[str] = Backlog(3)
    backlog.add("before")
    backlog.add("answer", keep=True)

    for number in range(100):
        backlog.add(f"flood {number}")

    assert [backlog.take() for _ in range(len(backlog))] == ["answer", "flood 98", "flood 99"]


@given(st.lists(st.booleans(), max_size=50), st.integers(1, 10))
def test_a_backlog_never_grows_above_its_limit_and_loses_nothing_uncounted(
    keeps: list[bool], limit: int
) -> None:
    backlog: Backlog[int] = Backlog(limit)

    for number, keep in enumerate(keeps):
        backlog.add(number, keep=keep)

    left = [backlog.take() for _ in range(len(backlog))]
    assert len(left) <= limit
    assert left == sorted(left)
    assert len(left) + backlog.take_skipped() == len(keeps)


def test_a_cleared_backlog_is_empty() -> None:
    backlog: Backlog[int] = Backlog(1)
    backlog.add(1)
    backlog.add(2)

    backlog.clear()

    assert not backlog
    assert backlog.take_skipped() == 0


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("p2pchat.ui.model", ("prompt_toolkit", "rich", "asyncio")),
        ("p2pchat.ui.completion", ("prompt_toolkit", "rich", "asyncio")),
        ("p2pchat.ui.view", ("prompt_toolkit", "asyncio")),
    ],
)
def test_importing_what_decides_loads_no_terminal(module: str, forbidden: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print([m for m in {forbidden} if m in sys.modules])"

    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert outcome.stdout.strip() == "[]"

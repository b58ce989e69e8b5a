"""What is shown above the prompt."""

from __future__ import annotations

import os
import sys
from contextlib import (
    AbstractContextManager,
    nullcontext,
)
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.input import create_pipe_input
from rich.table import Table
from rich.text import Text

from p2pchat.ui.model import Toolbar
from p2pchat.ui.terminal import BACKLOG_LIMIT_ITEMS, Terminal
from tests.ui.desk import LOBBY, Paper, desk

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="keys and editors of POSIX")


async def test_what_is_shown_is_printed_once_in_order() -> None:
    async with desk() as d:
        for number in range(5):
            d.terminal.show(Text(f"line {number}"))
        await d.until(lambda: len(d.paper.printed) >= 5)

        assert d.paper.printed == [f"line {number}" for number in range(5)]


async def test_what_is_shown_last_is_printed_before_the_context_is_left() -> None:
    async with desk() as d:
        for number in range(250):
            d.terminal.show(Text(f"line {number}"))

    d.terminal.show(Text("after"))
    assert d.paper.printed == [*(f"line {number}" for number in range(250)), "after"]


async def test_printing_never_leaves_raw_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []

    def leave() -> AbstractContextManager[None]:
        left.append("raw mode")
        return nullcontext()

    async with desk() as d:
        monkeypatch.setattr(d.keys, "cooked_mode", leave)
        await d.until(lambda: d.terminal._session.app.is_running)

        d.terminal.show(Text("line"))
        await d.until(lambda: d.paper.printed == ["line"])

        assert left == [], "keys pressed meanwhile would be echoed into the line"


async def test_texts_are_left_to_the_terminal_to_wrap_and_tables_fit_its_width() -> None:
    async with desk() as d:
        d.paper.columns = 30
        table = Table(box=None)
        table.add_column("address", overflow="fold")
        table.add_row("x" * 40)
        table.add_column("words")
        table.add_row("", "many words in one cell")
        d.terminal.show(Text("y" * 40))
        d.terminal.show(table)

    text, *rows = d.paper.printed
    assert text == "y" * 40
    assert len(rows) >= 3
    assert all(len(row) <= 30 for row in rows)
    assert all(any(word in row for row in rows) for word in ["many", "words", "in", "one", "cell"])


async def test_markup_emoji_and_numbers_are_shown_as_they_are() -> None:
    async with desk() as d:
        d.terminal.show(Text("[bold]x[/login] :heart: 10:30"))
        d.terminal.show("[bold]x[/login] :heart: 10:30")

    assert d.paper.raw == "[bold]x[/login] :heart: 10:30\r\n" * 2


async def test_a_flood_is_bounded_counted_and_leaves_the_keys_alive() -> None:
    async with desk() as d:
        for number in range(20_000):
            d.terminal.show(Text(f"line {number}"))
        assert len(d.terminal._backlog) == BACKLOG_LIMIT_ITEMS
        d.keys.send_text("still typing\r")

        assert await d.line() == "still typing"
        assert len(d.terminal._backlog) > 0, "the line came only after the whole flood"

    skipped = 20_000 - BACKLOG_LIMIT_ITEMS
    assert d.paper.printed == [
        f"-- … {skipped} lines skipped",
        *(f"line {number}" for number in range(skipped, 20_000)),
    ]


async def test_an_answer_outlives_a_flood() -> None:
    async with desk() as d:
        d.terminal.show(Text("the answer"), keep=True)
        for number in range(BACKLOG_LIMIT_ITEMS + 5):
            d.terminal.show(Text(f"line {number}"))

    assert d.paper.printed[:2] == ["-- … 6 lines skipped", "the answer"]


async def test_colours_are_left_out_when_they_are_not_wanted() -> None:
    paper = Paper()
    with create_pipe_input() as keys:
        async with Terminal("alice", LOBBY, has_colour=False, input=keys, output=paper) as terminal:
            terminal.show(Text("x", "red"))

    assert "\x1b[3" not in paper.raw


@pytest.mark.usefixtures("_no_colour")
async def test_no_color_is_honoured() -> None:
    async with desk() as d:
        d.terminal.show(Text("x", "bold color(160)"))

    assert "160" not in d.paper.raw
    assert "\x1b[31m" not in d.paper.raw
    assert d.paper.printed == ["x"]


@pytest.fixture
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")


async def test_the_bell_rings_at_most_once_in_two_seconds() -> None:
    async with desk() as d:
        d.terminal.bell()
        d.clock.now += 1.9
        d.terminal.bell()
        assert d.paper.bells == 1

        d.clock.now += 0.2
        d.terminal.bell()

        assert d.paper.bells == 2


async def test_clear_empties_the_screen_and_forgets_what_waits() -> None:
    async with desk() as d:
        await d.until(lambda: d.terminal._session.app.is_running)
        d.terminal.show(Text("old"))
        d.terminal.clear()
        d.terminal.show(Text("new"))

    assert d.paper.screens_erased == 1
    assert d.paper.printed == ["new"]


async def test_an_unchanged_toolbar_costs_no_redraw() -> None:
    async with desk() as d:
        app = d.terminal._session.app
        await d.until(lambda: app.is_running and app.render_counter > 0)
        before = app.render_counter
        d.terminal.set_toolbar(Toolbar("lobby", 2, 55555))
        assert not app.invalidated

        d.terminal.set_toolbar(Toolbar("lobby", 3, 55555))
        await d.until(lambda: app.render_counter > before)

        assert app.render_counter == before + 1


async def test_an_idle_terminal_has_no_timer() -> None:
    async with desk() as d:
        d.terminal.show(Text("x"))
        await d.until(lambda: d.paper.printed == ["x"])

        assert d.terminal._flush_timer is None
        assert d.terminal._session.app.terminal_size_polling_interval is None
        assert not d.terminal._session.app.refresh_interval


async def test_nothing_is_printed_while_an_editor_has_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor, saved = tmp_path / "editor", tmp_path / "saved"
    os.mkfifo(saved)
    editor.write_text(f'#!/bin/sh\ncat {saved} >> "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    async with desk() as d:
        d.keys.send_text("a \x18\x05")
        writer = await d.opened_for_writing(saved)
        d.terminal.show(Text("line"))
        planned, printed = d.terminal._flush_timer, d.paper.printed
        os.write(writer, b"text\n")
        os.close(writer)
        await d.until(lambda: d.paper.printed == ["line"])

        assert planned is None
        assert printed == []
        assert d.terminal._session.default_buffer.text == "a text"

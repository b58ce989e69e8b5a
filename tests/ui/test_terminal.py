"""What keys do, and what ends the terminal."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from p2pchat.errors import TerminalGone
from p2pchat.ui.completion import Candidate
from p2pchat.ui.terminal import ACCEPTED_LIMIT_LINES, HOW_TO_LEAVE
from tests.ui.desk import desk

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="keys and editors of POSIX")


async def test_enter_hands_over_each_line_in_order() -> None:
    async with desk() as d:
        d.keys.send_text("hello\rworld\r")

        assert [await d.line(), await d.line()] == ["hello", "world"]


@pytest.mark.parametrize("new_line", ["\x1b\r", "\n"], ids=["Alt+Enter", "Ctrl+J"])
async def test_a_text_may_have_several_lines(new_line: str) -> None:
    async with desk() as d:
        d.keys.send_text(f"one{new_line}two\r")

        assert await d.line() == "one\ntwo"


async def test_a_paste_is_one_text_however_many_lines_it_has() -> None:
    async with desk() as d:
        d.keys.send_text("\x1b[200~one\rtwo\r\nthree\n\x1b[201~\r")

        assert await d.line() == "one\ntwo\nthree\n"


async def test_control_d_leaves_on_an_empty_line_only() -> None:
    async with desk() as d:
        d.keys.send_text("ab\x01\x04\r\x04")

        assert await d.line() == "b"
        assert await d.has_ended()


async def test_lines_entered_before_leaving_are_still_handed_over() -> None:
    async with desk() as d:
        d.keys.send_text("last words\r\x04")
        await d.until(lambda: d.terminal._is_ended)

        assert await d.line() == "last words"
        assert await d.has_ended()


async def test_control_c_drops_the_line_and_does_not_leave() -> None:
    async with desk() as d:
        d.keys.send_text("secret\x03hello\r")

        assert await d.line() == "hello"
        assert d.paper.printed == []


async def test_control_c_on_an_empty_line_says_how_to_leave_and_the_second_leaves() -> None:
    async with desk() as d:
        d.keys.send_text("\x03")
        await d.until(lambda: d.paper.printed == [HOW_TO_LEAVE])
        d.clock.now += 2.0
        d.keys.send_text("\x03")

        assert await d.has_ended()


async def test_a_second_control_c_that_comes_late_counts_as_a_first() -> None:
    async with desk() as d:
        d.keys.send_text("\x03")
        await d.until(lambda: d.paper.printed == [HOW_TO_LEAVE])
        d.clock.now += 2.1
        d.keys.send_text("\x03")
        await d.until(lambda: d.paper.printed == [HOW_TO_LEAVE] * 2)
        d.keys.send_text("still here\r")

        assert await d.line() == "still here"


async def test_up_brings_back_what_was_entered_but_no_secret() -> None:
    async with desk() as d:
        d.keys.send_text("hello\r")
        await d.line()
        d.keys.send_text("connect P2PChat://room#secret\r")
        await d.line()
        d.keys.send_text("\x1b[A\r")

        assert await d.line() == "hello"


async def test_a_refused_line_is_back_in_the_editor() -> None:
    async with desk() as d:
        d.keys.send_text("/peesr\r")
        assert d.terminal.put_back(await d.line())

        d.keys.send_text("!\r")

        assert await d.line() == "/peesr!"


async def test_a_refused_line_does_not_get_into_what_is_being_typed() -> None:
    async with desk() as d:
        d.keys.send_text("/peesr\rnext")
        refused = await d.line()

        assert not d.terminal.put_back(refused)

        d.keys.send_text("\r")
        assert await d.line() == "next"


async def test_what_is_no_utf_8_is_replaced_so_that_it_can_be_sent() -> None:
    async with desk() as d:
        d.keys.send_bytes(b"a\xffb\r")

        line = await d.line()

        assert line.encode() == "a\ufffdb".encode()


async def test_lines_that_nobody_takes_are_bounded_and_the_last_stays_in_the_editor() -> None:
    async with desk() as d:
        d.keys.send_text("line\r" * ACCEPTED_LIMIT_LINES)
        await d.until(lambda: len(d.terminal._accepted) == ACCEPTED_LIMIT_LINES)
        d.keys.send_text("one too many\r")
        await d.until(lambda: d.paper.bells == 1)

        assert [await d.line() for _ in range(ACCEPTED_LIMIT_LINES)] == (
            ["line"] * ACCEPTED_LIMIT_LINES
        )
        d.keys.send_text("\r")
        assert await d.line() == "one too many"


async def test_tab_completes_when_asked_and_never_pops_up() -> None:
    asked: list[str] = []

    def complete(before_cursor: str) -> list[Candidate]:
        asked.append(before_cursor)
        return [Candidate("/peers", -len(before_cursor), "who is there")]

    async with desk(complete) as d:
        d.keys.send_text("/pe")
        await d.until(lambda: d.terminal._session.default_buffer.text == "/pe")
        assert asked == []
        d.keys.send_text("\t")
        await d.until(lambda: d.terminal._session.default_buffer.text == "/peers")
        d.keys.send_text("\r")

        assert await d.line() == "/peers"


async def test_a_closed_input_ends_the_lines_with_terminal_gone() -> None:
    async with desk() as d:
        d.keys.close()

        with pytest.raises(TerminalGone):
            await d.line()


async def test_an_error_of_the_body_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with desk():
            _ = 1 / 0


async def test_nothing_runs_on_after_leaving_the_context() -> None:
    async with desk() as d:
        d.keys.send_text("half a li")
        await d.until(lambda: bool(d.terminal._session.default_buffer.text))
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "input" in names

    assert asyncio.all_tasks() == {asyncio.current_task()}

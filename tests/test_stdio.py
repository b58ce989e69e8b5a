"""Standard input and output on threads: order, bounds, ends."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat import stdio
from p2pchat.stdio import LINE_LIMIT_BYTES, LineCutter, StandardInput, StandardOutput
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes that are POSIX")

Pipe = tuple[int, int]


_NUMBERS = count(150, 2)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    # Numbers that nobody gets after us: the thread of a test may still be about to use them.
    reader, writer = (_moved(end, next(_NUMBERS)) for end in os.pipe())
    yield reader, writer
    for descriptor in (reader, writer):
        with suppress(OSError):
            os.close(descriptor)


def _moved(descriptor: int, least: int) -> int:
    if sys.platform == "win32":
        return descriptor
    import fcntl  # noqa: PLC0415 - not on Windows

    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
    os.close(descriptor)
    return moved


# --- Lines ------------------------------------------------------------------------------------


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))))
def test_lines_come_out_as_they_went_in(lines: list[str]) -> None:
    cutter = LineCutter()

    found = cutter.feed("".join(f"{line}\n" for line in lines).encode())

    assert found + cutter.finish() == lines


@given(st.binary(), st.lists(st.integers(0, 64)))
def test_how_the_input_is_sliced_makes_no_difference(content: bytes, cuts: list[int]) -> None:
    whole, sliced = LineCutter(), LineCutter()
    expected = whole.feed(content) + whole.finish()

    found: list[str] = []
    rest = content
    for cut in cuts:
        found += sliced.feed(rest[:cut])
        rest = rest[cut:]
    found += sliced.feed(rest) + sliced.finish()

    assert found == expected


def test_an_end_of_windows_and_a_last_line_without_end_count() -> None:
    cutter = LineCutter()

    assert cutter.feed(b"one\r\ntwo\r\n\nthr") == ["one", "two", ""]
    assert cutter.feed(b"ee") == []
    assert cutter.finish() == ["three"]
    assert cutter.finish() == []


def test_what_is_no_utf_8_is_replaced() -> None:
    assert LineCutter().feed(b"a\xffb\n") == ["a\ufffdb"]


def test_a_line_without_end_is_held_up_to_a_bound_only() -> None:
    cutter = LineCutter()
    for _ in range(20):
        cutter.feed(b"x" * (LINE_LIMIT_BYTES // 8))

    assert len(cutter._unfinished) == LINE_LIMIT_BYTES
    (line, following) = cutter.feed(b"\nnext\n")
    assert len(line) == LINE_LIMIT_BYTES
    assert following == "next"


# --- Standard input ---------------------------------------------------------------------------


async def test_the_lines_of_a_pipe_come_in_order_until_its_end(pipe: Pipe) -> None:
    reader, writer = pipe
    os.write(writer, b"one\ntwo\nlast")
    os.close(writer)

    async with asyncio.timeout(DEADLINE_S):
        assert [line async for line in StandardInput(reader).lines()] == ["one", "two", "last"]


async def test_a_line_is_there_before_the_next_one_was_written(pipe: Pipe) -> None:
    reader, writer = pipe
    lines = StandardInput(reader).lines()

    async with asyncio.timeout(DEADLINE_S):
        for number in range(3):
            os.write(writer, b"line %d\n" % number)
            assert await anext(lines) == f"line {number}"


async def test_an_input_that_is_closed_has_no_lines(pipe: Pipe) -> None:
    reader, _ = pipe
    os.close(reader)

    async with asyncio.timeout(DEADLINE_S):
        assert [line async for line in StandardInput(reader).lines()] == []


@posix
async def test_whoever_does_not_take_lines_lets_the_pipe_fill_up(pipe: Pipe) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    lines = StandardInput(reader).lines()
    os.write(writer, b"first\n")
    async with asyncio.timeout(DEADLINE_S):
        assert await anext(lines) == "first"

        written = 0
        refused_in_a_row = 0
        while refused_in_a_row < 20:
            try:
                written += os.write(writer, b"x" * 1023 + b"\n")
                refused_in_a_row = 0
            except BlockingIOError:
                refused_in_a_row += 1
                await asyncio.sleep(0.005)  # the thread may be just about to read

        assert written < 10 * stdio.READ_BYTES
        for _ in range(written // 1024):
            assert len(await anext(lines)) == 1023


# --- Standard output --------------------------------------------------------------------------


async def test_texts_come_out_in_their_order(pipe: Pipe) -> None:
    reader, writer = pipe
    output = StandardOutput(writer)

    for number in range(1_000):
        output.write(f"{number}\n")
    async with asyncio.timeout(DEADLINE_S):
        await output.flush()

    assert os.read(reader, 65_536).split() == [b"%d" % number for number in range(1_000)]


async def test_whoever_keeps_up_waits_for_a_slow_reader(pipe: Pipe) -> None:
    reader, writer = pipe
    output = StandardOutput(writer)
    output.write("x" * stdio.OUTPUT_LIMIT_BYTES)  # this is being written, and never fits
    output.write("y" * (stdio.OUTPUT_LIMIT_BYTES + 1))
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(output.keep_up())
        await asyncio.sleep(0)
        assert not waiting.done()

        read = b""
        while len(read) <= 2 * stdio.OUTPUT_LIMIT_BYTES:
            read += await asyncio.to_thread(os.read, reader, 65_536)
        await output.flush()

    assert read == b"x" * stdio.OUTPUT_LIMIT_BYTES + b"y" * (stdio.OUTPUT_LIMIT_BYTES + 1)


@posix
async def test_a_reader_that_is_gone_is_noticed_and_nothing_waits(pipe: Pipe) -> None:
    reader, writer = pipe
    output = StandardOutput(writer)
    os.close(reader)

    output.write("into nothing\n")
    async with asyncio.timeout(DEADLINE_S):
        await output.broken.wait()
        output.write("again\n")
        await output.flush()

    assert output._waiting_bytes == 0


async def test_giving_up_ends_all_waiting(pipe: Pipe) -> None:
    _, writer = pipe
    output = StandardOutput(writer)
    output.write("x" * stdio.OUTPUT_LIMIT_BYTES)
    output.write("y" * 2 * stdio.OUTPUT_LIMIT_BYTES)

    asyncio.get_running_loop().call_soon(output.give_up)
    async with asyncio.timeout(DEADLINE_S):
        await output.keep_up()
        await output.flush()

    assert not output.broken.is_set()


async def test_who_is_in_a_hurry_gives_up_only_a_reader_that_takes_nothing(pipe: Pipe) -> None:
    reader, writer = pipe
    output = StandardOutput(writer)
    output.hurry(DEADLINE_S)
    output.write("taken\n")
    output.hurry(DEADLINE_S)  # again, while it is being written
    waiting = output._patience
    await output.flush()
    assert waiting is not None
    assert waiting.cancelled()
    assert os.read(reader, 100) == b"taken\n"

    output.hurry(0.01)
    output.write("x" * stdio.OUTPUT_LIMIT_BYTES)
    async with asyncio.timeout(DEADLINE_S):
        await output.flush()
    output.write("too late\n")

    assert output._waiting_bytes == 0


async def test_an_offer_is_dropped_while_too_much_waits(pipe: Pipe) -> None:
    _, writer = pipe
    output = StandardOutput(writer)
    output.write("x" * stdio.OUTPUT_LIMIT_BYTES)  # this is being written for ever
    output.offer("y" * (stdio.OUTPUT_LIMIT_BYTES + 1))

    before = output._waiting_bytes
    output.offer("z")

    assert output._waiting_bytes == before > stdio.OUTPUT_LIMIT_BYTES
    output.give_up()


async def test_lone_surrogates_do_not_break_the_output(pipe: Pipe) -> None:
    reader, writer = pipe
    output = StandardOutput(writer)

    output.write("a\udcffb\n")
    async with asyncio.timeout(DEADLINE_S):
        await output.flush()

    assert os.read(reader, 100) == b"a\\udcffb\n"

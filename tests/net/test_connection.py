"""One connection over a fake stream, with plain lines inside: reader, writer, ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.events import (
    BytesTaken,
    ConnectionEnded,
    Event,
    LinesReceived,
    QueueFell,
    QueueRose,
)
from p2pchat.core.values import Address, ConnectionId
from p2pchat.crypto.identity import Identity
from p2pchat.errors import HungUp, SpeaksPlainText
from p2pchat.net.connection import Connection
from p2pchat.net.conversation import PlainConversation, SecureConversation
from p2pchat.net.stream import wrap
from tests.deadline import DEADLINE_S
from tests.net.streams import FakeStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from p2pchat.net.conversation import Conversation

NUMBER = ConnectionId(7)
ADDRESS = Address("127.0.0.1", 4242)


class Bench:
    """A running connection and what it told."""

    def __init__(self, conversation: Conversation) -> None:
        self.stream = FakeStream()
        self.events: list[Event] = []
        self.connection = Connection(NUMBER, ADDRESS, self.stream, conversation, self.handle)
        self.run: asyncio.Task[None]

    def handle(self, events: Iterable[Event]) -> None:
        self.events += events

    def say(self, payload: bytes) -> bool:
        """Offer something, and let it go out."""
        fitted = self.connection.offer(payload)
        self.connection.flush()
        return fitted

    def of_kind(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def end(self) -> ConnectionEnded:
        (end,) = self.of_kind(ConnectionEnded)
        assert isinstance(end, ConnectionEnded)
        return end


@asynccontextmanager
async def bench(conversation: Conversation | None = None) -> AsyncIterator[Bench]:
    made = Bench(conversation or PlainConversation(NUMBER))
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        made.run = tasks.create_task(made.connection.run(), name="reader")
        await turn()
        try:
            yield made
        finally:
            if not made.run.done():
                made.connection.abort("the test is over")


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_arrives_becomes_events_in_order() -> None:
    async with bench() as b:
        b.stream.arrive(b"one\ntwo\nthr")
        b.stream.arrive(b"ee\n")
        b.stream.arrive(b"")
        await b.run

    assert b.events == [
        LinesReceived(NUMBER, ("one", "two")),
        LinesReceived(NUMBER, ("three",)),
        ConnectionEnded(NUMBER, "connection lost"),
    ]


async def test_what_is_offered_is_written_in_order() -> None:
    async with bench() as b:
        for number in range(100):
            assert b.connection.offer(b"%d\n" % number)
        assert b.stream.written == b""
        b.connection.flush()

        assert b.stream.written == b"".join(b"%d\n" % number for number in range(100))
        assert b.connection.queued_bytes == 0


async def test_a_full_queue_refuses_and_says_that_it_rose() -> None:
    async with bench() as b:
        b.say(b"x")
        b.stream.is_backed_up = True
        payload = bytes(limits.SEND_QUEUE_LIMIT_BYTES // 16)

        fitted = [b.say(payload) for _ in range(17)]

        assert fitted == [True] * 16 + [False]
        assert b.of_kind(QueueRose) == [QueueRose(NUMBER)]
        assert b.connection.queued_bytes == limits.SEND_QUEUE_LIMIT_BYTES


async def test_a_queue_that_has_risen_says_when_it_fell() -> None:
    async with bench() as b:
        b.stream.is_backed_up = True
        for _ in range(16):
            b.say(bytes(limits.SEND_QUEUE_LIMIT_BYTES // 16))
        await turn()
        assert b.stream.written == b""
        b.stream.let_go()
        await turn()

        assert len(b.stream.written) == limits.SEND_QUEUE_LIMIT_BYTES

        assert b.of_kind(QueueFell) == [QueueFell(NUMBER)]
        assert b.of_kind(BytesTaken) == [BytesTaken(NUMBER)], "taking in is a sign of life"


@pytest.mark.threat(18)
async def test_a_reader_that_stands_still_is_a_slow_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALLED_S", 0.01)
    async with bench() as b:
        b.stream.is_backed_up = True
        b.say(b"x")
        await b.run

    assert b.end.reason.startswith("too slow: ")
    assert b.stream.is_aborted


async def test_who_takes_a_little_now_and_then_is_slow_but_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "STALLED_S", 3_600.0)
    monkeypatch.setattr(limits, "STALL_LOOK_S", 0.0)
    async with bench() as b:
        b.stream.is_backed_up = True
        b.say(b"x")
        await turn()
        for taken in range(1, 20):
            b.stream.left_bytes -= 1
            while len(b.of_kind(BytesTaken)) < taken:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
        monkeypatch.setattr(limits, "STALLED_S", 0.0)  # from the next look on
        b.stream.left_bytes -= 1
        await b.run

    assert len(b.of_kind(BytesTaken)) == 20, "each is a sign of life"
    assert b.end.reason.startswith("too slow: ")


async def test_ending_after_the_last_frame_writes_all_and_then_the_end() -> None:
    async with bench() as b:
        b.connection.offer(b"last words\n")
        b.connection.end_after_last_frame("we left")
        await turn()
        assert (b.stream.written, b.stream.has_ended) == (b"last words\n", True)
        assert not b.stream.is_aborted, "the other side may still be speaking"

        b.stream.arrive(b"goodbye\n")
        b.stream.arrive(b"")
        await b.run

    assert b.of_kind(LinesReceived) == [LinesReceived(NUMBER, ("goodbye",))]
    assert b.end.reason == "we left"


async def test_the_end_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "END_OF_STREAM_S", 0.01)
    async with bench() as b:
        b.connection.end_after_last_frame("we left")
        await b.run

    assert b.stream.is_aborted


async def test_nothing_is_taken_after_the_end_and_nobody_is_blamed() -> None:
    async with bench() as b:
        b.connection.end_after_last_frame("we left")

        assert b.connection.offer(b"too late\n")
        await turn()

        assert b.stream.written == b""


async def test_an_abort_throws_away_what_was_not_sent() -> None:
    async with bench() as b:
        b.say(b"x")
        b.stream.is_backed_up = True
        b.say(b"lost")
        b.connection.abort("pushed out")
        await b.run

    assert b.stream.written == b"x"
    assert b.end.reason == "pushed out"


async def test_it_ends_when_it_is_aborted_in_the_turn_in_which_it_was_backed_up() -> None:
    """The writer is woken then before the stream is told of its end, and must not spin."""
    here, there = socket.socketpair()
    with there:
        stream = await wrap(here)
        events: list[Event] = []
        connection = Connection(NUMBER, ADDRESS, stream, PlainConversation(NUMBER), events.extend)
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.run(), name="reader")
            await turn()
            while not stream.is_backed_up:
                connection.offer(b"x" * 65_536)
                connection.flush()
            connection.abort("silent")

    assert events == [ConnectionEnded(NUMBER, "silent")]


async def test_what_breaks_the_rules_ends_it_with_a_reason_and_no_exception() -> None:
    async with bench() as b:
        b.stream.arrive(b"\x00\n")
        await b.run

    assert b.end.reason == "plain connection refused: a control character"
    assert b.end.error is None


async def test_the_first_reason_counts() -> None:
    async with bench() as b:
        b.connection.end_after_last_frame("the first")
        b.connection.abort("the second")
        await b.run

    assert b.end.reason == "the first"


async def test_plain_text_where_tls_was_due_is_told_to_the_dialler() -> None:
    secure = SecureConversation(NUMBER, Identity.generate(), dialling=True)
    async with bench(secure) as b:
        assert b.stream.written.startswith(b"\x16"), "a handshake begins by itself"

        b.stream.arrive(b"220 mail ready\r\n")
        await b.run

    assert isinstance(b.end.error, SpeaksPlainText)


async def test_who_hangs_up_without_a_word_is_told_to_the_dialler() -> None:
    async with bench(SecureConversation(NUMBER, Identity.generate(), dialling=True)) as b:
        b.stream.arrive(b"")
        await b.run

    assert isinstance(b.end.error, HungUp)


async def test_what_we_end_ourselves_is_no_fault_of_the_other_side() -> None:
    async with bench(SecureConversation(NUMBER, Identity.generate(), dialling=True)) as b:
        b.connection.abort("no TLS in 10 s")
        await b.run

    assert b.end.error is None


async def test_its_tasks_are_named_after_the_address() -> None:
    async with bench():
        names = {task.get_name() for task in asyncio.all_tasks()}

    assert f"writer {ADDRESS}" in names


@pytest.mark.threat(31)
async def test_after_it_no_task_is_left() -> None:
    before = asyncio.all_tasks()
    async with bench() as b:
        b.stream.arrive(b"")
        await b.run

    assert asyncio.all_tasks() == before

"""What a node has to tell: order, bounds, end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope, Header
from p2pchat.core.events import Deliver, Published
from p2pchat.core.notices import (
    Direct,
    DirectArrived,
    DirectSent,
    Notice,
    Received,
    Remark,
    Sent,
    Skipped,
)
from p2pchat.core.values import EnvelopeId, Kind, Message, PeerId, Person
from p2pchat.notice_queue import NoticeQueue
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANN = Person(PeerId(b"a" * 32), "ann")


def envelope(first: int, count: int, kind: Kind = Kind.TEXT, size_bytes: int = 100) -> Envelope:
    header = Header(b"n" * 16, b"a" * 32, b"e" * 8, 1_000, kind.value, first, count, b"", b"")
    return Envelope(EnvelopeId(b"i" * 16), header, b"s" * 64, bytes(size_bytes))


def delivered(first: int, *texts: str, size_bytes: int = 100) -> Deliver:
    return Deliver(ANN, envelope(first, len(texts), size_bytes=size_bytes), texts, 2)


def published(first: int, *texts: str, kind: Kind = Kind.TEXT) -> Published:
    return Published(ANN, envelope(first, len(texts), kind), texts, 3)


async def all_notices(queue: NoticeQueue) -> list[Notice]:
    queue.end()
    async with asyncio.timeout(DEADLINE_S):
        return [notice async for notice in queue.notices()]


async def next_of(notices: AsyncIterator[Notice]) -> Notice:
    return await anext(notices)


async def all_messages(queue: NoticeQueue) -> list[Message]:
    queue.end()
    async with asyncio.timeout(DEADLINE_S):
        return [message async for message in queue.messages()]


async def test_envelopes_become_messages_one_by_one_in_order() -> None:
    queue = NoticeQueue()
    queue.offer(delivered(5, "one", "two"))
    queue.offer(Remark("between"))
    queue.offer(published(9, "mine"))

    first, second, between, own = await all_notices(queue)

    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert isinstance(own, Sent)
    assert [(m.message.number, m.message.text) for m in (first, second, own)] == [
        (5, "one"),
        (6, "two"),
        (9, "mine"),
    ]
    assert (first.message.hops, own.message.hops, own.neighbours) == (2, 0, 3)
    assert between == Remark("between")


async def test_messages_are_what_others_and_own_guests_said_and_nothing_else() -> None:
    queue = NoticeQueue()
    queue.offer(Remark("narration"))
    queue.offer(published(0, "mine"))
    queue.offer(delivered(1, "hers"))
    queue.offer(published(2, "my guest's", kind=Kind.GUEST))

    messages = await all_messages(queue)

    assert [message.text for message in messages] == ["hers", "my guest's"]
    assert [message.guest for message in messages] == [False, True]


async def test_an_own_guests_line_is_received_and_not_sent() -> None:
    queue = NoticeQueue()
    queue.offer(published(0, "hello", kind=Kind.GUEST))

    (notice,) = await all_notices(queue)

    assert isinstance(notice, Received)


async def test_whoever_waits_gets_the_next_notice_at_once() -> None:
    queue = NoticeQueue()
    notices = queue.notices()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(next_of(notices))
        await asyncio.sleep(0)
        assert not waiting.done()

        queue.offer(Remark("now"))

        assert await waiting == Remark("now")


async def test_what_follows_is_done_when_more_is_asked_for_and_not_before() -> None:
    queue = NoticeQueue()
    done: list[str] = []
    queue.offer(Remark("shown first"))
    queue.afterwards(lambda: done.append("noted"))
    notices = queue.notices()

    assert await next_of(notices) == Remark("shown first")
    assert done == []
    queue.offer(Remark("next"))
    assert await next_of(notices) == Remark("next")
    assert done == ["noted"]


async def test_what_follows_is_done_when_nobody_wants_more() -> None:
    queue = NoticeQueue()
    done: list[str] = []
    queue.offer(Remark("shown"))
    queue.afterwards(lambda: done.append("noted"))
    queue.offer(Remark("not shown"))
    queue.afterwards(lambda: done.append("too early"))

    async with aclosing(queue.notices()) as notices:
        await next_of(notices)

    assert done == ["noted"]


async def test_what_follows_goes_with_what_is_pushed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTICES_LIMIT_TEXTS", 2)
    queue = NoticeQueue()
    done: list[str] = []
    queue.offer(Remark("pushed out"))
    queue.afterwards(lambda: done.append("of what nobody saw"))
    queue.offer(Remark("one"))
    queue.offer(Remark("two"))

    assert await all_notices(queue) == [Skipped(1), Remark("one"), Remark("two")]
    assert done == []


async def test_too_many_texts_drop_the_oldest_and_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "NOTICES_LIMIT_TEXTS", 10)
    queue = NoticeQueue()
    for first in range(0, 40, 4):
        queue.offer(delivered(first, "a", "b", "c", "d"))

    skipped, *kept = await all_notices(queue)

    assert skipped == Skipped(32)
    assert [notice.message.number for notice in kept if isinstance(notice, Received)] == [
        *range(32, 40)
    ]


async def test_too_many_bytes_drop_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTICES_LIMIT_BYTES", 1_000)
    queue = NoticeQueue()
    for first in range(5):
        queue.offer(delivered(first, "large", size_bytes=400))

    skipped, *kept = await all_notices(queue)

    assert skipped == Skipped(3)
    assert len(kept) == 2


async def test_what_was_taken_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTICES_LIMIT_BYTES", 1_000)
    queue = NoticeQueue()
    notices = queue.notices()
    for first in range(20):
        queue.offer(delivered(first, "large", size_bytes=600))
        notice = await anext(notices)
        assert isinstance(notice, Received)
        assert notice.message.number == first

    assert queue._bytes == queue._texts == 0


async def test_what_is_there_at_the_end_can_still_be_taken() -> None:
    queue = NoticeQueue()
    queue.offer(Remark("last words"))
    queue.end()

    assert await all_notices(queue) == [Remark("last words")]
    assert await all_notices(queue) == []


@pytest.mark.parametrize("kind", [DirectArrived, DirectSent])
async def test_direct_messages_count_with_their_texts(
    monkeypatch: pytest.MonkeyPatch, kind: type[DirectArrived | DirectSent]
) -> None:
    monkeypatch.setattr(limits, "NOTICES_LIMIT_BYTES", 10)
    queue = NoticeQueue()
    told = [kind(Direct(str(number), ANN, 0, Kind.TEXT, "äöü")) for number in range(3)]
    for notice in told:
        queue.offer(notice)

    assert await all_notices(queue) == [Skipped(2), told[2]]

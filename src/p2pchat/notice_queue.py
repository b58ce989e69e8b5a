"""What a node has to tell, until somebody takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator

from p2pchat.core import limits
from p2pchat.core.events import Deliver, Published
from p2pchat.core.notices import (
    DirectArrived,
    DirectSent,
    Notice,
    Received,
    Sent,
    Skipped,
)
from p2pchat.core.values import Epoch, Message

Told = Notice | Deliver | Published


class NoticeQueue:
    """Holds notices for one taker, bounded in texts and bytes; the oldest go first.

    Envelopes stay whole in here and become messages one by one as they are taken.
    """

    def __init__(self) -> None:
        self._told: deque[tuple[Told, int, int]] = deque()  # with its size; bounded by offer()
        self._texts = 0
        self._bytes = 0
        self._skipped = 0
        self._filled = asyncio.Event()
        self._is_ended = False

    def offer(self, told: Told) -> None:
        """Add something without waiting."""
        texts, size_bytes = _size(told)
        self._told.append((told, texts, size_bytes))
        self._texts += texts
        self._bytes += size_bytes
        while self._texts > limits.NOTICES_LIMIT_TEXTS or self._bytes > limits.NOTICES_LIMIT_BYTES:
            before = self._texts
            self._take_oldest()
            self._skipped += before - self._texts
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come; what is there can still be taken."""
        self._is_ended = True
        self._filled.set()

    async def notices(self) -> AsyncIterator[Notice]:
        """Yield everything, messages one by one, until the end."""
        async for told in self._take():
            if isinstance(told, Deliver | Published):
                for notice in _notices_of(told):
                    yield notice
            else:
                yield told

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what others said, guests of this node included, and drop all else."""
        async for told in self._take():
            if isinstance(told, Deliver):
                for message in messages_of(told):
                    yield message
            elif isinstance(told, Published):
                for message in messages_of(told):
                    if message.guest:
                        yield message

    async def _take(self) -> AsyncIterator[Told]:
        while True:
            while self._skipped or self._told:
                if self._skipped:
                    skipped, self._skipped = self._skipped, 0
                    yield Skipped(skipped)
                if self._told:
                    yield self._take_oldest()
            if self._is_ended:
                return
            self._filled.clear()
            await self._filled.wait()

    def _take_oldest(self) -> Told:
        told, texts, size_bytes = self._told.popleft()
        self._texts -= texts
        self._bytes -= size_bytes
        return told


def _size(told: Told) -> tuple[int, int]:
    """Return how many texts it counts as, and how many bytes."""
    match told:
        case Deliver() | Published():
            return len(told.texts), len(told.envelope.signed)
        case DirectArrived(direct) | DirectSent(direct):
            return 1, len(direct.text.encode(errors="surrogatepass"))
    return 1, 0  # everything else is a line of ours, or the names in it


def messages_of(told: Deliver | Published) -> list[Message]:
    """Make the messages of one envelope, in their order."""
    header = told.envelope.header
    epoch = Epoch(header.epoch)
    signer, time_ms, kind = told.signer, header.time_ms, header.kind
    hops, earlier = (told.hops, told.earlier) if isinstance(told, Deliver) else (0, False)
    return [
        Message(signer, epoch, number, text, time_ms, hops, kind, earlier)
        for number, text in enumerate(told.texts, header.first)
    ]


def _notices_of(told: Deliver | Published) -> Iterator[Notice]:
    for message in messages_of(told):
        if isinstance(told, Published) and not message.guest:
            yield Sent(message, told.neighbours)
        else:
            yield Received(message)

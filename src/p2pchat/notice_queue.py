"""What a node has to tell, until somebody takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Final

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
from p2pchat.core.values import Epoch, Kind, Message

Told = Notice | Deliver | Published

_OF_GUESTS: Final = frozenset({Kind.GUEST, Kind.BRIDGED})


class _Afterwards:
    """Stands behind what was told first."""

    def __init__(self, doing: Callable[[], None]) -> None:
        self.doing = doing


class NoticeQueue:
    """Holds notices for one taker, bounded in texts and bytes; the oldest go first.

    Envelopes stay whole in here and become messages one by one as they are taken.
    """

    def __init__(self) -> None:
        # With its size; bounded by _add().
        self._told: deque[tuple[Told | _Afterwards, int, int]] = deque()
        self._texts = 0
        self._bytes = 0
        self._skipped = 0
        self._filled = asyncio.Event()
        self._is_ended = False

    def offer(self, told: Told) -> None:
        """Add something without waiting."""
        self._add(told, *_size(told))

    def afterwards(self, doing: Callable[[], None]) -> None:
        """Have something done when all that is here by now was taken, and is done with.

        Who asks for more, or wants no more, has shown what he took. What is pushed out of here is
        not done; neither was what stood before it shown.
        """
        self._add(_Afterwards(doing), 1, 0)

    def _add(self, told: Told | _Afterwards, texts: int, size_bytes: int) -> None:
        self._told.append((told, texts, size_bytes))
        self._texts += texts
        self._bytes += size_bytes
        while self._texts > limits.NOTICES_LIMIT_TEXTS or self._bytes > limits.NOTICES_LIMIT_BYTES:
            before = self._texts
            if not isinstance(self._take_oldest(), _Afterwards):
                self._skipped += before - self._texts
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come; what is there can still be taken."""
        self._is_ended = True
        self._filled.set()

    async def notices(self) -> AsyncGenerator[Notice, None]:
        """Yield everything, messages one by one, until the end."""
        try:
            while (told := await self._take()) is not None:
                if isinstance(told, Deliver | Published):
                    for notice in _notices_of(told):
                        yield notice
                else:
                    yield told
        finally:
            self._do_what_follows()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what others said, guests of this node included, and drop all else."""
        while (told := await self._take()) is not None:
            if isinstance(told, Deliver) or (isinstance(told, Published) and _is_of_guest(told)):
                for message in messages_of(told):
                    yield message

    async def _take(self) -> Told | None:
        """Wait for what comes next, and take it; None at the end."""
        while True:
            while not (self._told or self._skipped):
                if self._is_ended:
                    return None
                self._filled.clear()
                await self._filled.wait()
            if self._skipped:
                skipped, self._skipped = self._skipped, 0
                return Skipped(skipped)
            told = self._take_oldest()
            if not isinstance(told, _Afterwards):
                return told
            told.doing()

    def _do_what_follows(self) -> None:
        while self._told and not self._is_ended:
            follows, *_ = self._told[0]
            if not isinstance(follows, _Afterwards):
                return
            self._take_oldest()
            follows.doing()

    def _take_oldest(self) -> Told | _Afterwards:
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
    if isinstance(told, Published) and not _is_of_guest(told):
        return (Sent(message, told.neighbours) for message in messages_of(told))
    return map(Received, messages_of(told))


def _is_of_guest(told: Published) -> bool:
    return told.envelope.header.kind in _OF_GUESTS

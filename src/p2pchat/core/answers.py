"""Answers what neighbours ask of the message store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.entries import entry_of, packed, unpacked
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Answered, Ask, Entry, Frame, Gone, Page, PageAsk
from p2pchat.core.intervals import Span
from p2pchat.core.message_store import MessageStore, Stored
from p2pchat.core.received import Received
from p2pchat.core.series import Series, author_of, epoch_of
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId

_WAITING_LIMIT: Final = 4
"""Requests of one neighbour that wait for its send queue; an honest one has two open."""

COST_OF_OFFER: Final = 1
COST_OF_ASK: Final = 1
COST_OF_PAGE: Final = 2
COST_OF_DIGESTS: Final = 4
"""What frames cost of REQUESTS_PER_S."""


class _Asker:
    __slots__ = ("bytes_left", "is_behind", "requests_left", "waiting")

    def __init__(self) -> None:
        self.requests_left = Allowance(limits.REQUESTS_BURST, limits.REQUESTS_PER_S)
        self.bytes_left = Allowance(limits.ANSWER_BYTES_BURST, limits.ANSWER_BYTES_PER_S)
        self.is_behind = False
        self.waiting: deque[Ask | PageAsk] = deque(maxlen=_WAITING_LIMIT)


class _Found(Struct, frozen=True):
    """What there is of one Ask."""

    answers: list[Stored]
    is_complete: bool


class Answers:
    """Sends envelopes and pages to who asks, as far as it takes them.

    Pulled: one answer is at most ASK_BYTES and one envelope, and the neighbour asks for the
    next when it has handled this one; while its send queue is high, requests wait. So an
    answer never pushes live traffic out. Requests beyond the allowance are dropped, which
    costs who asks for everything again and again its strikes.
    """

    def __init__(self, store: MessageStore, received: Received, strikes: Strikes) -> None:
        self._store = store
        self._received = received
        self._strikes = strikes
        self._askers: dict[ConnectionId, _Asker] = {}

    def on_open(self, connection: ConnectionId) -> None:
        """A neighbour may ask."""
        self._askers[connection] = _Asker()

    def on_closed(self, connection: ConnectionId) -> None:
        """Forget what a neighbour asked for."""
        self._askers.pop(connection, None)

    def may(self, connection: ConnectionId, cost: int, now: float) -> bool:
        """Charge a request; False, with a strike, when it has to be dropped."""
        asker = self._askers.get(connection)
        if asker is None:
            return False
        if asker.requests_left.spend(cost, now):
            return True
        self._strikes.strike(connection, "it asks too often", now)
        return False

    def on_queue(self, connection: ConnectionId, now: float, *, is_high: bool) -> list[Effect]:
        """Answer what has waited when a send queue is low again."""
        asker = self._askers.get(connection)
        if asker is None:
            return []
        asker.is_behind = is_high
        effects: list[Effect] = []
        while asker.waiting and not is_high:
            effects += self._answer(connection, asker, asker.waiting.popleft(), now)
        return effects

    def on_request(
        self, connection: ConnectionId, frame: Ask | PageAsk, now: float
    ) -> list[Effect]:
        """Answer a request, now or when its turn comes."""
        cost = COST_OF_ASK if isinstance(frame, Ask) else COST_OF_PAGE
        if not self.may(connection, cost, now):
            return []
        asker = self._askers[connection]
        if not asker.is_behind:
            return self._answer(connection, asker, frame, now)
        if len(asker.waiting) == _WAITING_LIMIT:
            self._strikes.strike(connection, "it asks without waiting for answers", now)
            return []
        asker.waiting.append(frame)
        return []

    def _answer(
        self, connection: ConnectionId, asker: _Asker, frame: Ask | PageAsk, now: float
    ) -> list[Effect]:
        if isinstance(frame, PageAsk):
            frames: list[Frame] = [self._page(frame)]
        else:
            frames = self._envelopes(asker, frame, now)
        return [Send((connection,), answer) for answer in frames]

    # --- Pages ----------------------------------------------------------------------------------

    def _page(self, frame: PageAsk) -> Page:
        entries = self._entries(frame.minute, frame.after)
        piece = next(packed(entries), ())
        is_last = not piece or self._is_last(frame.minute, piece[-1])
        return Page(frame.minute, frame.after, piece, is_last)

    def _entries(self, minute: int, after: bytes) -> Iterator[Entry]:
        for series in self._store.series_after(minute, after):
            yield entry_of(series, self._store.spans(minute, series))

    def _is_last(self, minute: int, entry: Entry) -> bool:
        following = self._store.series_after(minute, entry.author + entry.epoch)
        return next(following, None) is None

    # --- Envelopes ------------------------------------------------------------------------------

    def _envelopes(self, asker: _Asker, frame: Ask, now: float) -> list[Frame]:
        found = self._find(frame, asker.bytes_left.level(now))
        asker.bytes_left.charge(sum(len(stored.signed) for stored in found.answers), now)
        # In the order in which they were written, so that people read a conversation.
        in_time = sorted(found.answers, key=lambda stored: (stored.time_ms, stored.first))
        frames: list[Frame] = [stored.filled() for stored in in_time]
        frames += self._gone(frame)
        frames.append(Answered(frame.token, found.is_complete))
        return frames

    def _find(self, frame: Ask, allowed_bytes: float) -> _Found:
        answers: dict[bytes, Stored] = {}
        size_bytes = 0
        for looked_at, (series, span) in enumerate(unpacked(frame.entries)):
            if looked_at == limits.ASK_SPANS:
                return _Found(list(answers.values()), is_complete=False)
            for stored in self._store.within(series, *span):
                if stored.id in answers:
                    continue
                size_bytes += len(stored.signed)
                is_over = len(answers) == frame.envelopes or size_bytes > frame.size_bytes
                if (answers and is_over) or size_bytes > allowed_bytes:
                    return _Found(list(answers.values()), is_complete=False)
                answers[stored.id] = stored
        return _Found(list(answers.values()), is_complete=True)

    def _gone(self, frame: Ask) -> list[Frame]:
        """Name what was here once, so that nobody waits for it."""
        lost: dict[Series, int] = {}
        for looked_at, (series, span) in enumerate(unpacked(frame.entries)):
            if looked_at == limits.ASK_SPANS:
                break
            up_to = self._lost_up_to(series, span)
            if up_to is not None:
                lost[series] = max(up_to, lost.get(series, up_to))
        return [Gone(author_of(s), epoch_of(s), up_to) for s, up_to in lost.items()]

    def _lost_up_to(self, series: Series, span: Span) -> int | None:
        start, stop = span
        if not self._received.has(series, start):
            return None
        stored = next(self._store.within(series, start, stop), None)
        if stored is None:
            return stop if not self._received.lacking(series, start, stop) else None
        return stored.first if stored.first > start else None

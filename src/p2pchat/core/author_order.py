"""Brings each author's messages into the order in which they were written."""

from __future__ import annotations

import math
from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Container
from enum import Enum

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Deliver
from p2pchat.core.intervals import Span
from p2pchat.core.series import Series, author_of, epoch_of
from p2pchat.core.values import Epoch, PeerId


class Place(Enum):
    """Where an envelope stands among those of its series that passed before it."""

    NEXT = "behind them"
    GAP = "in a gap that was told"
    BEFORE = "before the first of them: nobody could tell that it was missing"


class Released(Struct, frozen=True):
    """An envelope whose turn it is."""

    envelope: Envelope
    delivery: Deliver | None
    """What to show; None for a kind that this version does not know."""
    place: Place
    is_shown: bool
    """False for backlog that is older than what the user wants to see: keep it, don't show it."""


class Missing(Struct, frozen=True):
    """So many messages of that author have not come; those after them are released now."""

    author: PeerId
    epoch: Epoch
    first: int
    count: int


Turn = Released | Missing


class _Held(Struct, frozen=True):
    envelope: Envelope
    delivery: Deliver | None
    is_shown: bool
    is_backlog: bool
    arrived_at: float

    @property
    def first(self) -> int:
        return self.envelope.header.first


def _first(held: _Held) -> int:
    return held.first


class _Line:
    """Envelopes of one series that wait for a lower number, lowest first."""

    __slots__ = ("deadline", "held", "messages", "size_bytes")

    def __init__(self, deadline: float) -> None:
        self.held: list[_Held] = []
        self.messages = 0
        self.size_bytes = 0
        self.deadline = deadline


class AuthorOrder:
    """Lets an author's envelopes pass in the order of their numbers.

    What comes too early waits for the missing ones: ORDER_WAIT_S without progress,
    ORDER_WAIT_LONGEST_S at most, within bounds for each author and for all. Then the missing
    ones are named by a `Missing`, and pass whenever they come.

    Numbers count from 0 in each start of an author, so 0 begins a series at once. Where the
    first one heard is higher, those before it may be on their way: it waits as long as for a
    missing one, and is then what the series begins with. Backlog need not wait so long: it
    begins its series as soon as nobody is known to have what was before it.
    """

    def __init__(self) -> None:
        self._expected: OrderedDict[Series, int] = OrderedDict()  # longest silent first
        self._began: dict[Series, int] = {}
        """Number that passed first, of each of these."""
        self._lines: dict[Series, _Line] = {}  # longest waiting first
        self._earliest: float | None = None
        self._forgiven_until = -math.inf
        self.size_bytes = 0

    def next_deadline(self) -> float | None:
        """When to call `on_time`, or earlier; None for never."""
        return self._earliest if self._lines else None

    def add(
        self,
        series: Series,
        envelope: Envelope,
        delivery: Deliver | None,
        now: float,
        *,
        is_shown: bool = True,
        is_backlog: bool = False,
    ) -> list[Turn]:
        """Take an envelope that was not there before; return what may pass now.

        Args:
            series: Its author's numbering.
            envelope: Of a kept kind; its numbers overlap with no earlier one's.
            delivery: What to show of it.
            now: Monotonic seconds.
            is_shown: Handed back with it.
            is_backlog: Whether it is of what a new neighbour had before it was one.
        """
        held = _Held(envelope, delivery, is_shown, is_backlog, now)
        expected = self._expected.get(series, 0)
        if held.first > expected:
            return self._hold(series, held, now)
        began = self._began.setdefault(series, held.first)
        self._expect(series, max(expected, held.first + envelope.header.count))
        place = Place.NEXT
        if held.first < expected:
            place = Place.BEFORE if held.first < began else Place.GAP
        passed = Released(envelope, delivery, place, is_shown)
        if series not in self._lines:
            return [passed]
        return [passed, *self._pass_ready(series)]

    def give_up(self, series: Series, span: Span) -> list[Turn]:
        """Stop waiting for those numbers: nobody has them any more."""
        expected = self._expected.get(series)
        line = self._lines.get(series)
        if line is None or expected is None:
            return []
        if not (span[0] <= expected and line.held[0].first <= span[1]):
            return []  # something else is missing before or behind
        return self._skip(series)

    def skip(self, series: Series, span: Span) -> list[Turn]:
        """Don't wait for those numbers, and say nothing of them: they are not wanted."""
        expected = self._expected.get(series)
        if expected is None or not span[0] <= expected < span[1]:
            return []
        self._expect(series, span[1])
        return self._pass_ready(series)

    def on_time(
        self,
        now: float,
        busy: Container[Series],
        progress_at: float,
        *,
        is_catching_up: bool = False,
        is_first: Callable[[Series, Envelope], bool] = lambda *_: False,
    ) -> list[Turn]:
        """Release what has waited long enough.

        Args:
            now: Monotonic seconds.
            busy: Series whose missing numbers repair is still after.
            progress_at: When repair last got anything; the wait of busy ones counts from then.
            is_catching_up: Whether a neighbour may yet name what came before a numbering's first:
                then series that are not begun count as busy.
            is_first: Whether nobody is known to have anything before that envelope, nor may yet
                name it: then backlog begins its series.
        """
        if self._earliest is None or now < self._earliest:
            return []
        late_s = now - self._earliest
        # Who is always late must not wait for ever, so what was moved is not moved again.
        if late_s > limits.ORDER_LATE_S and self._earliest > self._forgiven_until:
            self._forgiven_until = now + min(late_s, limits.ORDER_WAIT_S)
        turns: list[Turn] = []
        for series, line in list(self._lines.items()):
            while series in self._lines:
                is_begun, lowest = series in self._expected, line.held[0]
                may_begin = lowest.is_backlog and not is_begun
                is_busy = series in busy or (is_catching_up and not is_begun)
                deadline = _deadline(line, progress_at if is_busy else None)
                line.deadline = max(deadline, self._forgiven_until)
                if line.deadline > now and not (may_begin and is_first(series, lowest.envelope)):
                    if may_begin:
                        line.deadline = min(line.deadline, now + limits.BEGIN_LOOK_EVERY_S)
                    break
                turns += self._skip(series)
        self._earliest = min((line.deadline for line in self._lines.values()), default=None)
        return turns

    # --- Waiting ------------------------------------------------------------------------------

    def _hold(self, series: Series, held: _Held, now: float) -> list[Turn]:
        line = self._lines.get(series)
        if line is None:
            line = self._lines[series] = _Line(now + limits.ORDER_WAIT_S)
        if held.is_backlog and series not in self._expected:
            line.deadline = min(line.deadline, now + limits.BEGIN_LOOK_EVERY_S)
        if self._earliest is None or line.deadline < self._earliest:
            self._earliest = line.deadline
        insort(line.held, held, key=_first)
        self._count(line, held, 1)
        turns: list[Turn] = []
        while self._is_overfull(self._lines.get(series)):
            turns += self._skip(series)
        while self.size_bytes > limits.ORDER_LIMIT_TOTAL_BYTES:
            turns += self._skip(next(iter(self._lines)))
        return turns

    @staticmethod
    def _is_overfull(line: _Line | None) -> bool:
        return line is not None and (
            line.messages > limits.ORDER_LIMIT_MESSAGES
            or line.size_bytes > limits.ORDER_LIMIT_BYTES
        )

    def _skip(self, series: Series) -> list[Turn]:
        """Go on behind the lowest hole."""
        lowest = self._lines[series].held[0]
        expected = self._expected.get(series)
        turns: list[Turn] = []
        if expected is not None and expected < lowest.first and lowest.is_shown:
            count = lowest.first - expected
            turns.append(Missing(author_of(series), epoch_of(series), expected, count))
        self._began.setdefault(series, lowest.first)
        self._expect(series, lowest.first)
        return turns + self._pass_ready(series)

    def _pass_ready(self, series: Series) -> list[Turn]:
        line = self._lines.get(series)
        if line is None:
            return []
        turns: list[Turn] = []
        expected = self._expected[series]
        while line.held and line.held[0].first <= expected:
            held = line.held.pop(0)
            self._count(line, held, -1)
            expected = max(expected, held.first + held.envelope.header.count)
            turns.append(Released(held.envelope, held.delivery, Place.NEXT, held.is_shown))
        self._expect(series, expected)
        if not line.held:
            del self._lines[series]
        return turns

    def _count(self, line: _Line, held: _Held, sign: int) -> None:
        size_bytes = sign * len(held.envelope.signed)
        line.messages += sign * held.envelope.header.count
        line.size_bytes += size_bytes
        self.size_bytes += size_bytes

    def _expect(self, series: Series, number: int) -> None:
        self._expected[series] = number
        self._expected.move_to_end(series)
        if len(self._expected) > limits.RECEIVED_LIMIT_SERIES:
            forgotten, _ = self._expected.popitem(last=False)
            del self._began[forgotten]


def _deadline(line: _Line, progress_at: float | None) -> float:
    # Whatever fills a part of the hole becomes the lowest, so its arrival is progress as well.
    lowest_at = line.held[0].arrived_at
    since = lowest_at if progress_at is None else max(lowest_at, progress_at)
    longest_waiting_at = min(held.arrived_at for held in line.held)
    return min(since + limits.ORDER_WAIT_S, longest_waiting_at + limits.ORDER_WAIT_LONGEST_S)

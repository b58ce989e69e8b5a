"""Brings each author's messages into the order in which they were written."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Container

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Deliver
from p2pchat.core.intervals import Span
from p2pchat.core.series import Series, author_of, epoch_of
from p2pchat.core.values import Epoch, PeerId


class Released(Struct, frozen=True):
    """An envelope whose turn it is."""

    envelope: Envelope
    delivery: Deliver | None
    """What to show; None for a kind that this version does not know."""
    is_filling: bool
    """Whether later ones were shown before, with a gap marked where this one belongs."""
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
    ones are named by a `Missing`, and pass as *filling* whenever they come.

    Numbers count from 0 in each start of an author, so 0 begins a series at once. Where the
    first one heard is higher, those before it may be on their way: it waits for `begin`, or as
    long as for a missing one, and is then what the series begins with.
    """

    def __init__(self) -> None:
        self._expected: OrderedDict[Series, int] = OrderedDict()  # longest silent first
        self._claimed: dict[Series, None] = {}
        """Begun by somebody's word, and nothing has passed yet: nothing can be called missing."""
        self._lines: dict[Series, _Line] = {}  # longest waiting first
        self._earliest: float | None = None
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
    ) -> list[Turn]:
        """Take an envelope that was not there before; return what may pass now.

        Args:
            series: Its author's numbering.
            envelope: Of a kept kind; its numbers overlap with no earlier one's.
            delivery: What to show of it.
            now: Monotonic seconds.
            is_shown: Handed back with it.
        """
        held = _Held(envelope, delivery, is_shown, now)
        expected = self._expected.get(series, 0)
        if held.first > expected:
            return self._hold(series, held, now)
        self._claimed.pop(series, None)
        self._expect(series, max(expected, held.first + envelope.header.count))
        passed = Released(envelope, delivery, held.first < expected, is_shown)
        if series not in self._lines:
            return [passed]
        return [passed, *self._pass_ready(series)]

    def begin(self, series: Series, number: int) -> list[Turn]:
        """Say where a numbering begins that is not begun yet; lower ones will be *filling*."""
        if series in self._expected:
            return []
        line = self._lines.get(series)
        self._expect(series, min(number, line.held[0].first) if line else number)
        self._claimed[series] = None
        return self._pass_ready(series)

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
    ) -> list[Turn]:
        """Release what has waited long enough.

        Args:
            now: Monotonic seconds.
            busy: Series whose missing numbers repair is still after.
            progress_at: When repair last got anything; the wait of busy ones counts from then.
            is_catching_up: Whether a neighbour may yet name what came before a numbering's first:
                then series that are not begun count as busy.
        """
        if self._earliest is None or now < self._earliest:
            return []
        turns: list[Turn] = []
        for series, line in list(self._lines.items()):
            while series in self._lines:
                is_busy = series in busy or (is_catching_up and series not in self._expected)
                line.deadline = _deadline(line, progress_at if is_busy else None)
                if line.deadline > now:
                    break
                turns += self._skip(series)
        self._earliest = min((line.deadline for line in self._lines.values()), default=None)
        return turns

    # --- Waiting ------------------------------------------------------------------------------

    def _hold(self, series: Series, held: _Held, now: float) -> list[Turn]:
        line = self._lines.get(series)
        if line is None:
            line = self._lines[series] = _Line(now + limits.ORDER_WAIT_S)
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
        is_told = lowest.is_shown and series not in self._claimed
        if expected is not None and expected < lowest.first and is_told:
            count = lowest.first - expected
            turns.append(Missing(author_of(series), epoch_of(series), expected, count))
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
            turns.append(Released(held.envelope, held.delivery, False, held.is_shown))
        if turns:
            self._claimed.pop(series, None)
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
            self._claimed.pop(forgotten, None)


def _deadline(line: _Line, progress_at: float | None) -> float:
    # Whatever fills a part of the hole becomes the lowest, so its arrival is progress as well.
    lowest_at = line.held[0].arrived_at
    since = lowest_at if progress_at is None else max(lowest_at, progress_at)
    longest_waiting_at = min(held.arrived_at for held in line.held)
    return min(since + limits.ORDER_WAIT_S, longest_waiting_at + limits.ORDER_WAIT_LONGEST_S)

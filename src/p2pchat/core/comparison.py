"""Compares the own message store with a neighbour's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.entries import unpacked
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Digests, Page, PageAsk
from p2pchat.core.intervals import Span
from p2pchat.core.message_store import DIGEST_BYTES, MessageStore, minute_of
from p2pchat.core.series import SERIES_BYTES, Series
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId
from p2pchat.errors import FrameMalformed

_LEFT_OUT = bytes(DIGEST_BYTES)
_MINUTE_MS = 60_000


class Claim(Struct, frozen=True):
    """A neighbour says to have those numbers."""

    series: Series
    span: Span


class _Fruitless:
    """How often a minute was looked through in vain, while it looked like that over there."""

    __slots__ = ("count", "digest")

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.count = 0


class _Comparison:
    """What is known of one neighbour's store."""

    __slots__ = (
        "asked_at", "asked_page", "cursors", "fruitless", "has_progress", "is_opening", "minutes",
        "next_at", "opened_at", "pages", "rounds_in_vain",
    )  # fmt: skip

    def __init__(self, now: float) -> None:
        self.opened_at = now
        self.is_opening = True
        """Until what its first digests made unequal was looked through."""
        self.minutes: list[int] = []
        """Unequal minutes still to be looked through, oldest first."""
        self.cursors: dict[int, bytes] = {}
        """How far, for those that were left before their end."""
        self.fruitless: dict[int, _Fruitless] = {}
        self.asked_page: tuple[int, bytes] | None = None
        self.asked_at = now
        self.next_at = now
        self.pages = 0
        self.rounds_in_vain = 0
        self.has_progress = False


class Comparisons:
    """Finds out what neighbours have stored.

    First one frame of digests, one for each minute of author's time; equal: done. For unequal
    minutes each side looks through the other's entries, page by page, as it gets round to it:
    nobody sends a list that was not asked for. After ROUND_PAGES pages it waits until what
    they taught was delivered, or was not; after FRUITLESS_LIMIT rounds without any progress the
    comparison ends, and a minute that was looked through so often in vain is left to others
    until it looks different over there.
    """

    def __init__(self, store: MessageStore, strikes: Strikes) -> None:
        self._store = store
        self._strikes = strikes
        self._comparisons: dict[ConnectionId, _Comparison] = {}
        self._wake_at: float | None = None

    def next_deadline(self) -> float | None:
        """When to call `pump`, or earlier; None for never."""
        return self._wake_at

    def on_open(self, connection: ConnectionId, now: float) -> None:
        """A neighbour may be compared with."""
        self._comparisons[connection] = _Comparison(now)

    def on_closed(self, connection: ConnectionId) -> None:
        """Forget a neighbour that is gone."""
        self._comparisons.pop(connection, None)

    def is_opening(self, connection: ConnectionId) -> bool:
        """Tell whether the first comparison with that neighbour is still going on."""
        comparison = self._comparisons.get(connection)
        return comparison is not None and comparison.is_opening

    def has_opened(self, now: float, lately_s: float) -> bool:
        """Tell whether the first comparison with a neighbour of so lately is still going on.

        One that takes longer counts no more: otherwise who never answers could keep all waiting.
        """
        since = now - lately_s
        return any(c.is_opening and c.opened_at > since for c in self._comparisons.values())

    def may_name(self, minute: int, now: float) -> bool:
        """Tell whether a neighbour of lately may yet name what was written up to that minute.

        It is asked for the oldest minute first, so what was looked through is known.
        """
        since = now - limits.NUMBERING_SETTLES_S
        return any(
            c.is_opening and c.opened_at > since and (not c.minutes or c.minutes[0] <= minute)
            for c in self._comparisons.values()
        )

    # --- Digests --------------------------------------------------------------------------------

    def digests(self, wall_ms: int, *, asks: bool, is_opening: bool = False) -> Digests:
        """Make the frame that begins a comparison, or answers one that did.

        Args:
            wall_ms: Milliseconds since 1970.
            asks: Whether who finds a difference is to answer with its own.
            is_opening: Whether the connection has just opened: then the minute that has just
                begun is in it as well, for a newcomer has nothing under way.
        """
        oldest, newest = self._window(wall_ms)
        stored = self._store.newest_minute
        present = minute_of(wall_ms)
        newest = min(newest, max(present, present if stored is None else stored))
        minutes = range(oldest, newest + 1)
        return Digests(
            oldest, b"".join(self._digest(m, wall_ms, is_opening) for m in minutes), asks
        )

    def on_digests(
        self, connection: ConnectionId, frame: Digests, wall_ms: int, now: float
    ) -> list[Effect]:
        """Find out which minutes are unequal.

        Raises:
            FrameMalformed: They are cut off in the middle of one.
        """
        comparison = self._comparisons.get(connection)
        if comparison is None:
            return []
        if len(frame.digests) % DIGEST_BYTES:
            raise FrameMalformed("a digest is cut off")
        theirs = {
            frame.oldest + index // DIGEST_BYTES: frame.digests[index : index + DIGEST_BYTES]
            for index in range(0, len(frame.digests), DIGEST_BYTES)
        }
        oldest, newest = self._window(wall_ms)
        unequal: list[int] = []
        for minute in range(max(oldest, frame.oldest), newest + 1):
            ours = self._digest(minute, wall_ms, comparison.is_opening)
            their = theirs.get(minute, self._store.digest(-1))
            if ours != their and _LEFT_OUT not in (ours, their):
                unequal.append(minute)
        self._look_through(comparison, [m for m in unequal if m in theirs], theirs, now)
        if not (frame.asks and unequal):
            return []
        return [Send((connection,), self.digests(wall_ms, asks=False))]

    def _look_through(
        self, comparison: _Comparison, unequal: list[int], theirs: dict[int, bytes], now: float
    ) -> None:
        worth_it: list[int] = []
        for minute in unequal:
            known = comparison.fruitless.get(minute)
            if known is None or known.digest != theirs[minute]:
                known = comparison.fruitless[minute] = _Fruitless(theirs[minute])
            if known.count < limits.FRUITLESS_LIMIT:
                worth_it.append(minute)
        for table in (comparison.fruitless, comparison.cursors):
            for equal in [minute for minute in table if minute not in unequal]:
                del table[equal]
        comparison.minutes = worth_it
        comparison.pages = comparison.rounds_in_vain = 0
        comparison.has_progress = False
        comparison.is_opening &= bool(worth_it)
        self._wake(max(now, comparison.next_at))

    @staticmethod
    def _window(wall_ms: int) -> tuple[int, int]:
        present = minute_of(wall_ms)
        # The present minute is one of those past, and time on this planet began in 1970.
        oldest = max(0, present - limits.COMPARED_MINUTES_PAST + 1)
        return oldest, present + limits.COMPARED_MINUTES_AHEAD

    def _digest(self, minute: int, wall_ms: int, is_opening: bool) -> bytes:
        is_young = (
            not is_opening and 0 <= wall_ms - minute * _MINUTE_MS < limits.YOUNG_MINUTE_S * 1000
        )
        return _LEFT_OUT if is_young else self._store.digest(minute)

    # --- Pages ----------------------------------------------------------------------------------

    def on_page(self, connection: ConnectionId, frame: Page, now: float) -> list[Claim]:
        """Return what a page says to be there; nothing for a page that nobody asked for."""
        comparison = self._comparisons.get(connection)
        if comparison is None:
            return []
        if comparison.asked_page != (frame.minute, frame.after) or not _is_in_order(frame):
            self._strikes.strike(connection, "it sends pages that nobody asked for", now)
            return []
        comparison.asked_page = None
        comparison.pages += 1
        if frame.is_last or not frame.entries:
            self._finish_minute(comparison, frame.minute)
        elif frame.minute in comparison.minutes:
            last = frame.entries[-1]
            comparison.cursors[frame.minute] = last.author + last.epoch
        self._wake(max(now, comparison.next_at))
        return [Claim(series, span) for series, span in unpacked(frame.entries)]

    def on_progress(self, connection: ConnectionId, time_ms: int, now: float) -> None:
        """An envelope that this neighbour had was new."""
        comparison = self._comparisons.get(connection)
        if comparison is None:
            return
        comparison.has_progress = True
        known = comparison.fruitless.get(minute_of(time_ms))
        if known is not None:
            known.count = 0
        if comparison.minutes:
            self._wake(max(now, comparison.next_at))

    def pump(self, now: float, is_busy: Callable[[ConnectionId], bool]) -> list[Effect]:
        """Ask for the next pages.

        Args:
            now: Monotonic seconds.
            is_busy: Whether delivery of what that neighbour claims is still awaited.
        """
        if self._wake_at is None or now < self._wake_at:
            return []
        self._wake_at = None
        effects: list[Effect] = []
        for connection, comparison in self._comparisons.items():
            effects += self._turn(connection, comparison, now, is_busy)
        return effects

    def _turn(
        self,
        connection: ConnectionId,
        comparison: _Comparison,
        now: float,
        is_busy: Callable[[ConnectionId], bool],
    ) -> list[Effect]:
        if comparison.asked_page is not None:
            self._check_silence(connection, comparison, now)
        if comparison.asked_page is not None or not comparison.minutes:
            return []
        if now < comparison.next_at:
            self._wake(comparison.next_at)
            return []
        if comparison.pages >= limits.ROUND_PAGES:
            if is_busy(connection):
                self._wake(now + limits.ASK_EVERY_S)
                return []
            self._end_round(comparison)
            if not comparison.minutes:
                return []
        minute = comparison.minutes[0]
        after = comparison.cursors.get(minute, b"")
        comparison.asked_page, comparison.asked_at = (minute, after), now
        comparison.next_at = now + limits.PAGE_EVERY_S
        self._wake(now + limits.ASK_PATIENCE_S)
        return [Send((connection,), PageAsk(minute, after))]

    def _check_silence(self, connection: ConnectionId, comparison: _Comparison, now: float) -> None:
        deadline = comparison.asked_at + limits.ASK_PATIENCE_S
        if now < deadline:
            self._wake(deadline)
            return
        self._strikes.blame(connection, "it does not answer", now)
        comparison.asked_page = None
        comparison.minutes = []  # the next comparison goes on
        comparison.is_opening = False

    @staticmethod
    def _end_round(comparison: _Comparison) -> None:
        comparison.rounds_in_vain = 0 if comparison.has_progress else comparison.rounds_in_vain + 1
        comparison.pages, comparison.has_progress = 0, False
        if comparison.rounds_in_vain >= limits.FRUITLESS_LIMIT:
            comparison.minutes = []
            comparison.is_opening = False

    @staticmethod
    def _finish_minute(comparison: _Comparison, minute: int) -> None:
        comparison.cursors.pop(minute, None)
        if minute in comparison.minutes:
            comparison.minutes.remove(minute)
            comparison.fruitless[minute].count += 1
            comparison.is_opening &= bool(comparison.minutes)

    def _wake(self, at: float) -> None:
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at


def _is_in_order(frame: Page) -> bool:
    places = [frame.after, *(entry.author + entry.epoch for entry in frame.entries)]
    is_rising = all(lower < higher for lower, higher in pairwise(places))
    return is_rising and len(frame.after) in (0, SERIES_BYTES)

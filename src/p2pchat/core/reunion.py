"""Notices that two parts of the network met again."""

from __future__ import annotations

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import PeerId

_PEOPLE_LIMIT = 1_024


class Seam(Struct, frozen=True):
    """Two parts met again: what was said apart has been exchanged."""

    apart_s: float
    """Age of the oldest message recovered, by its author's clock."""
    people: int
    """How many authors they are of."""
    recovered: int
    """How many messages."""


class Reunion:
    """Gathers what a reunion brought, and tells it once, when no more comes.

    Whatever was written before a seam was told belongs to that reunion, even if it comes later:
    so nobody is told twice of the same one.
    """

    def __init__(self) -> None:
        self._authors: dict[PeerId, None] = {}
        self._recovered = 0
        self._oldest_ms = 0
        self._began_at = 0.0
        self._last_at = 0.0
        self._told_until_ms = 0

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        if not self._recovered:
            return None
        quiet_at = self._last_at + limits.SEAM_QUIET_S
        return min(quiet_at, self._began_at + limits.SEAM_LONGEST_S)

    def note(
        self, author: PeerId, written_ms: int, messages: int, now: float, *, is_sign: bool
    ) -> None:
        """Count messages that came by repair.

        Args:
            author: Who wrote them.
            written_ms: When, by its clock.
            messages: How many.
            now: Monotonic seconds.
            is_sign: Whether they prove that there was a time apart; others only count along.
        """
        if written_ms <= self._told_until_ms or not (is_sign or self._recovered):
            return
        if not self._recovered:
            self._began_at, self._oldest_ms = now, written_ms
        self._oldest_ms = min(self._oldest_ms, written_ms)
        self._last_at = now
        self._recovered += messages
        if len(self._authors) < _PEOPLE_LIMIT:
            self._authors[author] = None

    def on_time(self, now: float, wall_ms: int) -> Seam | None:
        """Tell the seam when it is due."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return None
        apart_s = max(0.0, (wall_ms - self._oldest_ms) / 1000)
        seam = Seam(apart_s, len(self._authors), self._recovered)
        self._authors, self._recovered = {}, 0
        self._told_until_ms = wall_ms
        return seam

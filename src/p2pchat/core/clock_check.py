"""Notices that one's own clock is off, by what neighbours say that theirs show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from p2pchat.core import limits
from p2pchat.core.values import ConnectionId

NOTICED_S: Final = 60.0
NEIGHBOURS_NEEDED: Final = 3
"""A median of so many neighbours that is off by more is told: one of them may be wrong."""

TOLD_EVERY_S: Final = 3600.0


def is_timely(time_ms: int, wall_ms: int) -> bool:
    """Tell whether what says that it was written then is taken, by our own clock."""
    age_s = (wall_ms - time_ms) / 1000
    return -limits.AGE_FUTURE_S <= age_s <= limits.AGE_PAST_S


class ClockCheck:
    """Compares clocks; nothing ever depends on the result but what people are told.

    With fewer than three neighbours only a difference is told that keeps messages from being
    taken at all.
    """

    def __init__(self) -> None:
        self._offsets_s: dict[ConnectionId, float] = {}  # bounded by the open connections
        self._told_at: float | None = None

    def note(self, connection: ConnectionId, wall_ms: int, now: float) -> None:
        """Take note of a neighbour's wall clock; `now` is monotonic seconds."""
        self._offsets_s[connection] = wall_ms / 1000 - now

    def forget(self, connection: ConnectionId) -> None:
        """A connection is gone."""
        self._offsets_s.pop(connection, None)

    def ahead_s(self, own_offset_s: float) -> float | None:
        """Return how far our clock is ahead of the median; None with too few neighbours."""
        if len(self._offsets_s) < NEIGHBOURS_NEEDED:
            return None
        return own_offset_s - _median(self._offsets_s.values())

    def warning(self, own_offset_s: float, now: float) -> str | None:
        """Return what to tell the user, at most once an hour.

        Args:
            own_offset_s: Our wall clock minus monotonic time.
            now: Monotonic seconds.
        """
        if not self._offsets_s:
            return None
        ahead_s = own_offset_s - _median(self._offsets_s.values())
        is_sure = len(self._offsets_s) >= NEIGHBOURS_NEEDED
        if abs(ahead_s) <= (NOTICED_S if is_sure else limits.AGE_FUTURE_S):
            return None
        if self._told_at is not None and now < self._told_at + TOLD_EVERY_S:
            return None
        self._told_at = now
        return _said(ahead_s, len(self._offsets_s))


def _median(values: Collection[float]) -> float:
    """Return what `statistics` would, which takes 2 ms of each start to load."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _said(ahead_s: float, neighbours: int) -> str:
    whose = "a neighbour's" if neighbours == 1 else f"those of {neighbours} neighbours"
    amount = (
        f"{abs(ahead_s) / 60:.0f} min" if abs(ahead_s) < 7200 else f"{abs(ahead_s) / 3600:.0f} h"
    )
    text = f"this machine's clock is {amount} {'ahead of' if ahead_s > 0 else 'behind'} {whose}"
    if not is_timely(round(ahead_s * 1000), 0):
        return f"{text}: messages are not taken from each other. Set the clock."
    return f"{text}. Set the clock, or people see wrong times."

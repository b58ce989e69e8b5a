"""Keeps who is not heard, with the count of what was not taken."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import PeerId


class Muted(Struct, frozen=True):
    """An author signed two different messages with one number; not heard for CONFLICT_MUTE_S."""

    author: PeerId


class TooFast(Struct, frozen=True):
    """So many messages of that author were not taken, because they came too fast."""

    author: PeerId
    messages: int


class Refusals:
    """Authors that are muted for a conflict, with the messages refused for their rate.

    Both tables are bounded; the oldest mute is lifted early, an author too many is not counted.
    """

    def __init__(self) -> None:
        self._muted_until: OrderedDict[PeerId, float] = OrderedDict()
        self._too_fast: dict[PeerId, int] = {}
        self._tell_at: float | None = None

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._tell_at

    def is_muted(self, author: PeerId, now: float) -> bool:
        """Tell whether that author is not heard at present."""
        return self._muted_until.get(author, now) > now

    def mute(self, author: PeerId, now: float) -> None:
        """Don't hear that author for CONFLICT_MUTE_S."""
        self._muted_until[author] = now + limits.CONFLICT_MUTE_S
        self._muted_until.move_to_end(author)
        if len(self._muted_until) > limits.MUTED_LIMIT_AUTHORS:
            self._muted_until.popitem(last=False)

    def count(self, author: PeerId, messages: int, now: float) -> None:
        """Count messages that were not taken for their rate."""
        if author not in self._too_fast and len(self._too_fast) >= limits.TOO_FAST_LIMIT_AUTHORS:
            return
        self._too_fast[author] = self._too_fast.get(author, 0) + messages
        if self._tell_at is None:
            self._tell_at = now + limits.TOO_FAST_TOLD_EVERY_S

    def on_time(self, now: float) -> list[TooFast]:
        """Tell what was counted, when it is due."""
        if self._tell_at is None or now < self._tell_at:
            return []
        told = [TooFast(author, messages) for author, messages in self._too_fast.items()]
        self._too_fast, self._tell_at = {}, None
        return told

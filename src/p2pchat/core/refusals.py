"""Keeps who is not heard, with the count of what was not taken."""

from __future__ import annotations

from collections import OrderedDict
from heapq import nlargest
from operator import itemgetter

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import PeerId


class Muted(Struct, frozen=True):
    """An author signed two different messages with one number; not heard for CONFLICT_MUTE_S."""

    author: PeerId


class TooFast(Struct, frozen=True):
    """So many messages were not taken, because their authors wrote too fast."""

    author: PeerId | None
    """None for several people, each of whom wrote less than those who are named."""
    messages: int
    is_muted: bool = False
    """Whether he went on with it, so that he is not heard for TOO_FAST_MUTE_S."""


class Overrun(Struct, frozen=True):
    """So many envelopes that this neighbour passed on were not looked at: they were too many."""

    neighbour: PeerId | None
    """None for several neighbours."""
    envelopes: int


class _Mutes:
    """Who is muted, all for equally long; the oldest are forgotten first."""

    def __init__(self, mute_s: float) -> None:
        self._mute_s = mute_s
        self._until: OrderedDict[PeerId, float] = OrderedDict()

    def has(self, author: PeerId, now: float) -> bool:
        return self._until.get(author, now) > now

    def add(self, author: PeerId, now: float) -> None:
        self._until[author] = now + self._mute_s
        self._until.move_to_end(author)
        if len(self._until) > limits.MUTED_LIMIT_AUTHORS:
            self._until.popitem(last=False)


class _Counts:
    """Counts by person, for as many as are told together; one too many is not counted."""

    def __init__(self) -> None:
        self._counts: dict[PeerId, int] = {}

    def add(self, peer: PeerId, count: int) -> None:
        if peer in self._counts or len(self._counts) < limits.TOO_FAST_LIMIT_AUTHORS:
            self._counts[peer] = self._counts.get(peer, 0) + count

    def take(self) -> list[tuple[PeerId | None, int]]:
        """Remove and return the counts: the highest by name, the others together."""
        counts, self._counts = self._counts, {}
        named = nlargest(limits.TOO_FAST_NAMED, counts.items(), key=itemgetter(1))
        rest = sum(counts.values()) - sum(count for _, count in named)
        return [*named, (None, rest)] if rest else [*named]


class Refusals:
    """Authors that are muted, and what was not taken of whom, or of what he passed on.

    All tables are bounded; the oldest mute is lifted early, an author too many is not counted.
    """

    def __init__(self) -> None:
        self._in_conflict = _Mutes(limits.CONFLICT_MUTE_S)
        self._loud = _Mutes(limits.TOO_FAST_MUTE_S)
        self._too_fast = _Counts()
        self._overrun = _Counts()
        self._tell_at: float | None = None

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._tell_at

    def is_muted(self, author: PeerId, now: float) -> bool:
        """Tell whether that author is not heard at present."""
        return self._in_conflict.has(author, now) or self._loud.has(author, now)

    def mute(self, author: PeerId, now: float) -> None:
        """Don't hear that author for CONFLICT_MUTE_S."""
        self._in_conflict.add(author, now)

    def mute_loud(self, author: PeerId, now: float) -> None:
        """Don't hear that author for TOO_FAST_MUTE_S."""
        self._loud.add(author, now)

    def count(self, author: PeerId, messages: int, now: float) -> None:
        """Count messages that were not taken for their rate."""
        if not self._in_conflict.has(author, now):  # it was told why he is not heard
            self._too_fast.add(author, messages)
            self._tell_soon(now)

    def count_lost(self, neighbour: PeerId, now: float) -> None:
        """Count an envelope that was not looked at, of those that a neighbour passed on."""
        self._overrun.add(neighbour, 1)
        self._tell_soon(now)

    def on_time(self, now: float) -> list[TooFast | Overrun]:
        """Tell what was counted, when it is due."""
        if self._tell_at is None or now < self._tell_at:
            return []
        self._tell_at = None
        told = [
            TooFast(author, messages, author is not None and self._loud.has(author, now))
            for author, messages in self._too_fast.take()
        ]
        return told + [Overrun(peer, envelopes) for peer, envelopes in self._overrun.take()]

    def _tell_soon(self, now: float) -> None:
        if self._tell_at is None:
            self._tell_at = now + limits.TOO_FAST_TOLD_EVERY_S

"""Meters envelopes: how many, how many bytes, and who brought most of late."""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

from p2pchat.core.limits import SPENT_FADES_S

_ROUNDING: Final = 1e-6
"""Of an envelope, or of a byte: what sums of many small times may be off by."""


class Limit(Struct, frozen=True):
    """So much at once, and so much each second in the long run."""

    envelopes: float
    envelopes_per_s: float
    size_bytes: float
    bytes_per_s: float

    def times(self, share: float) -> Limit:
        """Return that share of it."""
        return Limit(
            self.envelopes * share,
            self.envelopes_per_s * share,
            self.size_bytes * share,
            self.bytes_per_s * share,
        )


class Meter:
    """A bucket of envelopes and one of bytes, both held to one limit.

    Each bucket is one number: when it will be full again (the virtual scheduling of ATM's generic
    cell rate algorithm, ITU-T I.371). So there is nothing to refresh, and the time at which there
    will be room is known without asking for the time.
    """

    __slots__ = ("_bytes_full_at", "_full_at", "_limit")

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._full_at = self._bytes_full_at = -math.inf

    def has_room(self, size_bytes: int, now: float, *, kept: float = 0.0) -> bool:
        """Tell whether an envelope fits.

        Args:
            size_bytes: Its signed bytes.
            now: Seconds, on whatever clock this is metered by.
            kept: Share of both buckets that is to stay for others, below 1.
        """
        limit = self._limit
        spent = max(0.0, self._full_at - now) * limit.envelopes_per_s
        spent_bytes = max(0.0, self._bytes_full_at - now) * limit.bytes_per_s
        return (
            spent + 1 <= limit.envelopes * (1 - kept) + _ROUNDING
            and spent_bytes + size_bytes <= limit.size_bytes * (1 - kept) + _ROUNDING
        )

    def charge(self, size_bytes: int, now: float) -> None:
        """Take an envelope out, even where there is no room for it."""
        limit = self._limit
        self._full_at = max(self._full_at, now) + 1 / limit.envelopes_per_s
        self._bytes_full_at = max(self._bytes_full_at, now) + size_bytes / limit.bytes_per_s

    def ready_at(self) -> float:
        """When an envelope may go that owes its bytes: as soon as none are owed any more."""
        limit = self._limit
        return max(
            self._full_at - (limit.envelopes - 1) / limit.envelopes_per_s,
            self._bytes_full_at - limit.size_bytes / limit.bytes_per_s,
        )


class Fading:
    """A sum that forgets: what was added SPENT_FADES_S ago counts 1/e of what is added now."""

    __slots__ = ("_at", "_value")

    def __init__(self) -> None:
        self._value = self._at = 0.0

    def value(self, now: float) -> float:
        """Return what is left of all that was added."""
        return self._value * math.exp((self._at - now) / SPENT_FADES_S) if self._value else 0.0

    def add(self, amount: float, now: float) -> None:
        """Add something; `now` is monotonic seconds."""
        self._value = self.value(now) + amount
        self._at = now

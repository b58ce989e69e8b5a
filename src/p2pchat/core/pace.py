"""Keeps own envelopes below the rate that others hold an author to."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.meter import Meter
from p2pchat.core.rates import AUTHOR
from p2pchat.core.values import PeerId

_OWN: Final = AUTHOR.times(limits.OWN_PACE)


class Pace:
    """When the next own envelope may go, and the passing ones that wait for it.

    In a private room that is at once. In an open one texts wait in `Announcements` and gather, so
    that nobody who batches is slowed down; passing envelopes wait here, and go before texts.
    """

    def __init__(self, *, is_metered: bool) -> None:
        self._meter = Meter(_OWN) if is_metered else None
        self._held: deque[tuple[Envelope, PeerId | None]] = deque(
            maxlen=limits.HELD_LIMIT_ENVELOPES
        )

    @property
    def held_count(self) -> int:
        """Passing envelopes that wait."""
        return len(self._held)

    @property
    def ready_at(self) -> float:
        """When an envelope may go, if none does so before; minus infinity for at any time."""
        return -math.inf if self._meter is None else self._meter.ready_at()

    def charge(self, size_bytes: int, now: float) -> None:
        """An own envelope goes, of so many signed bytes."""
        if self._meter is not None:
            self._meter.charge(size_bytes, now)

    def hold(self, envelope: Envelope, avoid: PeerId | None) -> None:
        """Queue an own passing envelope, which is not to go to that neighbour.

        When too many wait, the oldest is dropped: it would come too late for what it was for.
        """
        self._held.append((envelope, avoid))

    def next_deadline(self) -> float | None:
        """When to call `release`; None for never."""
        return self.ready_at if self._held else None

    def release(self, now: float) -> list[tuple[Envelope, PeerId | None]]:
        """Remove and return the passing envelopes that go now; they are charged."""
        released = []
        while self._held and self.ready_at <= now:
            envelope, avoid = self._held.popleft()
            self.charge(len(envelope.signed), now)
            released.append((envelope, avoid))
        return released

"""Which neighbour brought something first: the way back to whoever it is from."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.holdings import Holding
from p2pchat.core.series import Series
from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId


class Arrival(Struct, frozen=True, gc=False):
    """How an envelope came here."""

    connection: ConnectionId | None
    """Who brought its first copy; None for an own envelope."""
    wall_ms: int
    """When, by our own clock, ms since 1970."""
    holds: tuple[Series, int] | None = None
    """Its author's numbering, and the number of its first message; None for a passing one."""


class Arrivals:
    """The first copies of the latest ARRIVALS_LIMIT envelopes; the oldest is forgotten first."""

    def __init__(self) -> None:
        # An ordinary dict looks through the places of all that were deleted for its oldest.
        self._arrivals: OrderedDict[EnvelopeId, Arrival] = OrderedDict()

    def note(
        self,
        envelope: EnvelopeId,
        connection: ConnectionId | None,
        wall_ms: int,
        holds: tuple[Series, int] | None = None,
    ) -> None:
        """Take note of a verified envelope; later copies change nothing.

        Args:
            envelope: One that was taken, live or by repair, or an own one.
            connection: Who brought it; None for an own one.
            wall_ms: Our own clock, ms since 1970.
            holds: Its author's numbering and the number of its first message, if it has any.
        """
        if envelope in self._arrivals:
            return
        self._arrivals[envelope] = Arrival(connection, wall_ms, holds)
        if len(self._arrivals) > limits.ARRIVALS_LIMIT:
            self._arrivals.popitem(last=False)

    def get(self, envelope: EnvelopeId) -> Arrival | None:
        """Return how it came; None where that is not known (any more)."""
        return self._arrivals.get(envelope)

    def holding(self, series: Series, number: int) -> EnvelopeId | None:
        """Return the envelope that holds that message; None where it is not known (any more)."""
        before = [
            (arrival.holds[1], envelope)
            for envelope, arrival in self._arrivals.items()
            if arrival.holds is not None
            and arrival.holds[0] == series
            and arrival.holds[1] <= number
        ]
        return max(before)[1] if before else None

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (Holding("arrivals", len(self._arrivals), limits.ARRIVALS_LIMIT),)


class Trails:
    """Who brought each author's latest envelope first.

    The latest one, because the way of an old one may have broken since. The author who was
    silent longest is forgotten first.
    """

    def __init__(self) -> None:
        # In the order in which they were last heard.
        self._trails: dict[PeerId, tuple[ConnectionId, float]] = {}

    def note(self, author: PeerId, connection: ConnectionId, now: float) -> None:
        """Take note of the first copy of a verified envelope that came live.

        Repaired ones do not count: whoever had them stored may have no way to their author.
        """
        self._trails.pop(author, None)
        self._trails[author] = (connection, now)
        if len(self._trails) > limits.TRAILS_LIMIT:
            del self._trails[next(iter(self._trails))]

    def towards(self, author: PeerId, now: float) -> ConnectionId | None:
        """Return the connection that leads to an author; None where the trail is cold.

        It may have been closed since.
        """
        connection, at = self._trails.get(author, (None, now))
        return connection if now - at < limits.TRAIL_S else None

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (Holding("trails", len(self._trails), limits.TRAILS_LIMIT),)

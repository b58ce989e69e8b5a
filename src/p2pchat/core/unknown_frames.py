"""Counts the frames of newer versions that are skipped, so that nobody floods us with them."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId
from p2pchat.errors import FrameUnexpected


class UnknownFrames:
    """Knows for each connection how many came within the present second."""

    def __init__(self) -> None:
        self._counts: dict[ConnectionId, tuple[int, int]] = {}

    def count(self, session: Session, now: float) -> None:
        """Take note of one.

        Raises:
            FrameUnexpected: Above UNKNOWN_FRAMES_PER_S.
        """
        second, count = self._counts.get(session.connection, (int(now), 0))
        count = count + 1 if second == int(now) else 1
        self._counts[session.connection] = (int(now), count)
        if count > limits.UNKNOWN_FRAMES_PER_S:
            raise FrameUnexpected("flood of unknown frames", session.state.value)

    def forget(self, connection: ConnectionId) -> None:
        """End with a connection that is gone."""
        self._counts.pop(connection, None)

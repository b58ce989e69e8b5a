"""The way back of what went through here: from which neighbour it came."""

from __future__ import annotations

from p2pchat.core.values import ConnectionId


class WaysBack:
    """Token to connection, for a while and for so many; the oldest is forgotten first."""

    def __init__(self, limit: int, life_s: float) -> None:
        self._limit = limit
        self._life_s = life_s
        self._ways: dict[bytes, tuple[ConnectionId, float]] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._ways)

    def remember(self, token: bytes, came_from: ConnectionId, now: float) -> bool:
        """Note where something came from; False where it was here before, by whatever way."""
        if self.find(token, now) is not None:
            return False
        self._ways.pop(token, None)
        self._ways[token] = (came_from, now + self._life_s)
        if len(self._ways) > self._limit:
            del self._ways[next(iter(self._ways))]
        return True

    def find(self, token: bytes, now: float) -> ConnectionId | None:
        """Return where it came from, unless that is too long ago."""
        way = self._ways.get(token)
        return way[0] if way is not None and way[1] > now else None

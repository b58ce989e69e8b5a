"""The way back of what went through here: from which neighbour it came."""

from __future__ import annotations

from msgspec import Struct

from p2pchat.core.expiry import forget_ended
from p2pchat.core.values import ConnectionId


class _Way(Struct):
    came_from: ConnectionId
    ends_at: float
    is_taken: bool = False


class WaysBack:
    """Token to connection, for a while and for so many; the oldest is forgotten first."""

    def __init__(self, limit: int, life_s: float) -> None:
        self._limit = limit
        self._life_s = life_s
        self._ways: dict[bytes, _Way] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._ways)

    def remember(self, token: bytes, came_from: ConnectionId, now: float) -> bool:
        """Note where something came from; False where it was here before, by whatever way."""
        self.forget_ended(now)
        if token in self._ways:
            return False
        self._ways[token] = _Way(came_from, now + self._life_s)
        if len(self._ways) > self._limit:
            del self._ways[next(iter(self._ways))]
        return True

    def take(self, token: bytes, now: float) -> ConnectionId | None:
        """Return where it came from, once and unless that is too long ago.

        One answer goes back by each way: who stands at its end may not send more by it.
        """
        way = self._ways.get(token)
        if way is None or way.is_taken or way.ends_at <= now:
            return None
        way.is_taken = True
        return way.came_from

    def forget_ended(self, now: float) -> None:
        """Forget what is too old; called by itself whenever something is remembered."""
        forget_ended(self._ways, now)

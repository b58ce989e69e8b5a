"""The way back of what went through here: from which neighbour it came."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.values import ConnectionId


@dataclass(slots=True)
class _Way:
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
        if self._living(token, now) is not None:
            return False
        self._ways.pop(token, None)
        self._ways[token] = _Way(came_from, now + self._life_s)
        if len(self._ways) > self._limit:
            del self._ways[next(iter(self._ways))]
        return True

    def take(self, token: bytes, now: float) -> ConnectionId | None:
        """Return where it came from, once and unless that is too long ago.

        One answer goes back by each way: who stands at its end may not send more by it.
        """
        way = self._living(token, now)
        if way is None or way.is_taken:
            return None
        way.is_taken = True
        return way.came_from

    def _living(self, token: bytes, now: float) -> _Way | None:
        way = self._ways.get(token)
        return way if way is not None and way.ends_at > now else None

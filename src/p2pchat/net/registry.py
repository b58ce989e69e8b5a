"""The connections of a node: what `announce()` writes to, shared by everybody who needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pchat.core import limits
from p2pchat.core.values import ConnectionId, PeerId
from p2pchat.net.connection import Connection


class ConnectionRegistry:
    """Every connection by its number, and the open ones by the peer at their other end."""

    def __init__(self) -> None:
        self._connections: dict[ConnectionId, Connection] = {}
        self._by_peer: dict[PeerId, ConnectionId] = {}
        self._to_flush: dict[ConnectionId, Connection] = {}  # until the next flush()

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._connections.values()))

    def get(self, connection: ConnectionId) -> Connection | None:
        """Return a connection that has not ended."""
        return self._connections.get(connection)

    def of_peer(self, peer: PeerId) -> Connection | None:
        """Return the connection that counts for a neighbour."""
        connection = self._by_peer.get(peer)
        return None if connection is None else self._connections.get(connection)

    def add(self, connection: Connection) -> None:
        """Take in a connection; it is not open yet."""
        self._connections[connection.id] = connection

    def register(self, peer: PeerId, connection: ConnectionId) -> None:
        """Make a connection the one that counts for that peer."""
        self._by_peer[peer] = connection

    def remove(self, connection: ConnectionId) -> None:
        """Forget a connection that has ended."""
        self._connections.pop(connection, None)
        self._by_peer = {p: c for p, c in self._by_peer.items() if c != connection}

    def write(self, to: Iterable[ConnectionId], payload: bytes) -> list[Connection]:
        """Queue one payload for all of them and return those that it no longer fitted.

        Never waits, and goes out with the next `flush()`. When all queues together hold more than
        they may, the fullest is returned as well: one slow peer must not cost the others their
        share.
        """
        overflowing: list[Connection] = []
        for number in to:
            connection = self._connections.get(number)
            if connection is None:
                continue
            self._to_flush[number] = connection
            if not connection.offer(payload):
                overflowing.append(connection)
        # Only a queue above its own share can push the total over its bound.
        if len(self._connections) * limits.SEND_QUEUE_LIMIT_BYTES > limits.SEND_QUEUES_TOTAL_BYTES:
            overflowing += self._fullest_above_total()
        return overflowing

    def flush(self) -> None:
        """Let what was written since the last time go out."""
        while self._to_flush:  # one that was behind, and no longer is, gets something to catch up
            to_flush, self._to_flush = self._to_flush, {}
            for connection in to_flush.values():
                connection.flush()

    def _fullest_above_total(self) -> list[Connection]:
        total_bytes = sum(c.queued_bytes for c in self._connections.values())
        if total_bytes <= limits.SEND_QUEUES_TOTAL_BYTES:
            return []
        return [max(self._connections.values(), key=lambda c: c.queued_bytes)]

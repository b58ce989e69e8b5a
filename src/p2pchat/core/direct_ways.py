"""What messages to one person need of the network around: trails, neighbours, requests."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core.direct_values import SEALING_REQUEST
from p2pchat.core.events import Effect
from p2pchat.core.flood import Flood
from p2pchat.core.neighbours import Neighbours
from p2pchat.core.setup import DIRECT
from p2pchat.core.trails import Trails
from p2pchat.core.values import ConnectionId, PeerId


class Ways:
    """Finds the next step towards somebody, and the one back."""

    def __init__(
        self,
        neighbours: Neighbours,
        trails: Trails,
        flood: Flood,
        encode_request: Callable[[PeerId, PeerId | None], bytes],
    ) -> None:
        self._neighbours = neighbours
        self._trails = trails
        self._flood = flood
        self._encode_request = encode_request

    def able(self) -> tuple[ConnectionId, ...]:
        """Return all connections that packets may go to."""
        return tuple(
            session.connection
            for session in self._neighbours
            if session.hello is not None and DIRECT in session.hello.abilities
        )

    def next_hop(self, peer: PeerId, now: float) -> ConnectionId | None:
        """Return the connection towards a peer: to himself, or where his latest words came from."""
        able = self.able()
        neighbour = self._neighbours.get(peer)
        if neighbour is not None and neighbour.session.connection in able:
            return neighbour.session.connection
        hop = self._trails.towards(peer, now)
        return hop if hop in able else None

    def peer_of(self, connection: ConnectionId) -> PeerId | None:
        """Return who is at the other end."""
        for session in self._neighbours:
            if session.connection == connection:
                return session.peer
        return None

    def connection_of(self, peer: PeerId | None) -> ConnectionId | None:
        """Return the connection to a neighbour."""
        neighbour = self._neighbours.get(peer)
        return None if neighbour is None else neighbour.session.connection

    def ask_for_key(
        self, recipient: PeerId, avoid: PeerId | None, nonce: bytes, now: float, wall_ms: int
    ) -> tuple[bytes, list[Effect]]:
        """Flood a request past one neighbour; return the id of its envelope, and what to do."""
        body = self._encode_request(recipient, avoid)
        return self._flood(SEALING_REQUEST, body, nonce, avoid, now, wall_ms)

    def note(self, peer: PeerId, connection: ConnectionId, now: float) -> None:
        """Note that somebody is that way: a sealing key that he signed came from there."""
        self._trails.note(peer, connection, now)

    def is_talking(self, connection: ConnectionId) -> bool:
        """Tell whether that connection is neither drained nor closed."""
        return self._neighbours.is_talking(connection)

"""Which connection of a neighbour counts, when there are two of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId, PeerId


class Arrival(Enum):
    """What a connection that has just been opened means for its peer."""

    NEW = "the peer becomes a neighbour"
    CROSSING = "both live: one is kept, the other one drained"
    ASK_OLD = "the old one is pinged, and replaced unless it answers"


def judge(old: Session | None, new: Session) -> Arrival:
    """Tell what the second connection of a peer is about.

    Crossing dials: each side dialled the other at about the same time, in the same runs of
    both programs. Anything else may be a peer that came back before its dead connection was
    noticed, so the old one has to answer.
    """
    if old is None:
        return Arrival.NEW
    is_crossing = (
        old.epoch == new.epoch
        and old.direction is not new.direction
        and abs(new.opened_at - old.opened_at) <= limits.CROSSING_S
    )
    return Arrival.CROSSING if is_crossing else Arrival.ASK_OLD


def rank(session: Session, me: PeerId) -> tuple[bool, bytes]:
    """Return what is least for the one that is kept of a pair's living connections.

    Both sides rank alike, in whatever order they saw them open: those that the lower id dialled
    come first, then what TLS exported decides. If age decided, each side could keep what the
    other one closes, and none would be left.
    """
    assert session.peer is not None
    is_dialled_by_higher = session.is_dialled == (me > session.peer)
    return is_dialled_by_higher, session.exported


class Neighbour(Struct):
    """A peer with an open connection, and perhaps a newer one that waits to replace it."""

    session: Session
    spare: Session | None = None


class Neighbours:
    """The open connections by peer; one each, whatever else is still being drained."""

    def __init__(self) -> None:
        self._by_peer: dict[PeerId, Neighbour] = {}
        self._everybody: tuple[ConnectionId, ...] = ()
        self._talking: dict[ConnectionId, None] = {}
        self._came: list[ConnectionId] = []  # taken after each event
        self._gone: list[ConnectionId] = []

    def __len__(self) -> int:
        return len(self._by_peer)

    def __iter__(self) -> Iterator[Session]:
        return (neighbour.session for neighbour in self._by_peer.values())

    def get(self, peer: PeerId | None) -> Neighbour | None:
        """Return the neighbour with that key."""
        return self._by_peer.get(peer) if peer is not None else None

    def by_peer(self) -> dict[PeerId, ConnectionId]:
        """Return the connection that counts, for each peer."""
        return {peer: neighbour.session.connection for peer, neighbour in self._by_peer.items()}

    def put(self, session: Session) -> None:
        """Make that connection the one that counts for its peer."""
        assert session.peer is not None
        self._by_peer[session.peer] = Neighbour(session)
        self._refresh()

    def remove(self, peer: PeerId) -> None:
        """Forget a peer that has no open connection any more."""
        self._by_peer.pop(peer, None)
        self._refresh()

    def begin_talk(self, connection: ConnectionId) -> None:
        """A connection was opened: frames about envelopes may pass, whether it counts or not."""
        if connection in self._talking:
            return
        self._talking[connection] = None
        self._came.append(connection)

    def end_talk(self, connection: ConnectionId) -> None:
        """A connection is drained, left or gone; it may be told more than once."""
        if connection in self._talking:
            del self._talking[connection]
            self._gone.append(connection)

    def is_talking(self, connection: ConnectionId) -> bool:
        """Tell whether frames about envelopes may pass on that connection."""
        return connection in self._talking

    @property
    def has_changed(self) -> bool:
        """Whether `take_changes` has something to tell."""
        return bool(self._came or self._gone)

    def take_changes(self) -> tuple[list[ConnectionId], list[ConnectionId]]:
        """Return the connections that began and ended to talk since the last call."""
        came, self._came = self._came, []
        gone, self._gone = self._gone, []
        return came, gone

    def forget_spare(self, session: Session) -> None:
        """That connection is not one any more that could replace another one."""
        neighbour = self.get(session.peer)
        if neighbour is not None and neighbour.spare is session:
            neighbour.spare = None

    def is_current(self, session: Session) -> bool:
        """Tell whether that connection is the one that counts for its peer."""
        neighbour = self.get(session.peer)
        return neighbour is not None and neighbour.session is session

    def connections(self, *without: PeerId) -> tuple[ConnectionId, ...]:
        """Return the connections to everybody but those peers, in order of age."""
        left_out = [
            self._by_peer[peer].session.connection for peer in without if peer in self._by_peer
        ]
        if not left_out:
            return self._everybody
        return tuple(connection for connection in self._everybody if connection not in left_out)

    def _refresh(self) -> None:
        self._everybody = tuple(sorted(session.connection for session in self))

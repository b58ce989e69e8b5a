"""Which connection of a neighbour counts, when there are two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from p2pchat.core import limits
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId, PeerId


class Arrival(Enum):
    """What a connection that has just been opened means for its peer."""

    NEW = "the peer becomes a neighbour"
    WINS = "crossing dials: the new one is kept, the old one drained"
    LOSES = "crossing dials: the old one is kept, the new one drained"
    ASK_OLD = "the old one is pinged, and replaced unless it answers"


def judge(old: Session | None, new: Session, me: PeerId) -> Arrival:
    """Decide between two connections of one peer; both sides decide alike.

    Crossing dials (each side dialled the other at about the same time, in the same runs of
    both programs): the one that the lower id dialled is kept. Anything else may be a peer
    that came back before its dead connection was noticed, so the old one has to answer.
    """
    if old is None:
        return Arrival.NEW
    crossing = (
        old.epoch == new.epoch
        and old.direction is not new.direction
        and abs(new.opened_at - old.opened_at) <= limits.CROSSING_S
    )
    if not crossing:
        return Arrival.ASK_OLD
    assert new.peer is not None
    lower_dialled_new = new.is_dialled == (me < new.peer)
    return Arrival.WINS if lower_dialled_new else Arrival.LOSES


@dataclass(slots=True)
class Neighbour:
    """A peer with an open connection, and perhaps a newer one that waits to replace it."""

    session: Session
    spare: Session | None = None


class Neighbours:
    """The open connections by peer; one each, whatever else is still being drained."""

    def __init__(self) -> None:
        self._by_peer: dict[PeerId, Neighbour] = {}
        self._everybody: tuple[ConnectionId, ...] = ()

    def __len__(self) -> int:
        return len(self._by_peer)

    def __iter__(self) -> Iterator[Session]:
        return (neighbour.session for neighbour in self._by_peer.values())

    def get(self, peer: PeerId | None) -> Neighbour | None:
        """Return the neighbour with that key."""
        return self._by_peer.get(peer) if peer is not None else None

    def put(self, session: Session) -> None:
        """Make that connection the one that counts for its peer."""
        assert session.peer is not None
        self._by_peer[session.peer] = Neighbour(session)
        self._refresh()

    def remove(self, peer: PeerId) -> None:
        """Forget a peer that has no open connection any more."""
        self._by_peer.pop(peer, None)
        self._refresh()

    def is_current(self, session: Session) -> bool:
        """Tell whether that connection is the one that counts for its peer."""
        neighbour = self.get(session.peer)
        return neighbour is not None and neighbour.session is session

    def connections(self, *without: PeerId) -> tuple[ConnectionId, ...]:
        """Return the connections to everybody but those peers, in order of age."""
        if not any(peer in self._by_peer for peer in without):
            return self._everybody
        return tuple(s.connection for s in self if s.peer not in without)

    def _refresh(self) -> None:
        self._everybody = tuple(sorted(session.connection for session in self))

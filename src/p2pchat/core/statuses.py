"""What `/peers` shows of a connection."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core.liveness import Liveness
from p2pchat.core.neighbours import Neighbours
from p2pchat.core.notices import Direction, How, NeighbourStatus, Place
from p2pchat.core.people import People
from p2pchat.core.session import Session
from p2pchat.core.values import PeerId, Person

PlaceOf = Callable[[PeerId | None], tuple[Place, How | None]]


def neighbour_statuses(
    neighbours: Neighbours, people: People, liveness: Liveness, place_of: PlaceOf, now: float
) -> tuple[NeighbourStatus, ...]:
    """Describe the neighbours, oldest connection first."""
    return tuple(
        neighbour_status(session, person_of(session, people), liveness, place_of, now)
        for session in sorted(neighbours, key=lambda s: s.connection)
    )


def neighbour_status(
    session: Session, person: Person, liveness: Liveness, place_of: PlaceOf, now: float
) -> NeighbourStatus:
    """Describe a neighbour by what was measured of its connection."""
    rtt_s = liveness.rtt_s(session.connection)
    heard_at = liveness.heard_at(session.connection)
    place, how = place_of(session.peer)
    return NeighbourStatus(
        person,
        session.address,
        Direction.OUT if session.is_dialled else Direction.IN,
        None if rtt_s is None else rtt_s * 1000,
        now - (heard_at if heard_at is not None else session.opened_at),
        now - session.opened_at,
        connection=session.connection,
        place=place,
        how=how,
    )


def person_of(session: Session, people: People) -> Person:
    """Return who is at the other end of an open connection, under the latest nick."""
    assert session.peer is not None
    assert session.person is not None
    return people.person(session.peer) or session.person

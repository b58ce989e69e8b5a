"""What `/peers` shows of a connection."""

from __future__ import annotations

from p2pchat.core.liveness import Liveness
from p2pchat.core.notices import Direction, NeighbourStatus
from p2pchat.core.session import Session
from p2pchat.core.values import Person


def neighbour_status(
    session: Session, person: Person, liveness: Liveness, now: float
) -> NeighbourStatus:
    """Describe a neighbour by what was measured of its connection."""
    rtt_s = liveness.rtt_s(session.connection)
    heard_at = liveness.heard_at(session.connection)
    return NeighbourStatus(
        person,
        session.address,
        Direction.OUT if session.is_dialled else Direction.IN,
        None if rtt_s is None else rtt_s * 1000,
        now - (heard_at if heard_at is not None else session.opened_at),
        now - session.opened_at,
        connection=session.connection,
    )

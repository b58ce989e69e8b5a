from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import CROSSING_S
from p2pchat.core.neighbours import Arrival, Neighbours, judge, rank
from p2pchat.core.notices import Direction
from p2pchat.core.session import Session
from p2pchat.core.values import ConnectionId, Epoch, PeerId
from p2pchat.sim.credentials import sim_peer_id
from tests.core.support import session_of

LOW = PeerId(bytes(31) + b"\1")
HIGH = PeerId(bytes(31) + b"\2")
BOB, CEM = sim_peer_id("bob"), sim_peer_id("cem")


def test_the_first_connection_of_a_peer_makes_it_a_neighbour() -> None:
    assert judge(None, session_of(BOB)) is Arrival.NEW


@pytest.mark.parametrize(
    ("direction", "epoch", "opened_at", "expected"),
    [
        (Direction.OUT, b"same-one", 5.0, Arrival.CROSSING),
        (Direction.OUT, b"same-one", CROSSING_S, Arrival.CROSSING),
        (Direction.OUT, b"same-one", CROSSING_S + 0.1, Arrival.ASK_OLD),
        (Direction.IN, b"same-one", 5.0, Arrival.ASK_OLD),
        (Direction.OUT, b"restarts", 5.0, Arrival.ASK_OLD),
    ],
)
def test_only_opposite_dials_of_the_same_runs_at_one_time_have_crossed(
    direction: Direction, epoch: bytes, opened_at: float, expected: Arrival
) -> None:
    old = session_of(BOB, epoch=Epoch(b"same-one"))
    new = session_of(BOB, direction=direction, epoch=Epoch(epoch), opened_at=opened_at)

    assert judge(old, new) is expected


_LINKS = st.lists(st.tuples(st.booleans(), st.binary(min_size=4, max_size=4)), min_size=1)


@given(_LINKS)
def test_both_sides_keep_the_same_of_any_connections(links: list[tuple[bool, bytes]]) -> None:
    def kept(me: PeerId, other: PeerId, *, am_lower: bool) -> bytes:
        sessions: list[Session] = [
            session_of(
                other,
                direction=Direction.OUT if lower_dialled == am_lower else Direction.IN,
                exported=exported,
            )
            for lower_dialled, exported in links
        ]
        return min(sessions, key=lambda session: rank(session, me)).exported

    assert kept(LOW, HIGH, am_lower=True) == kept(HIGH, LOW, am_lower=False)


def test_of_crossing_dials_the_lower_ids_is_kept() -> None:
    dialled = session_of(HIGH, direction=Direction.OUT, exported=b"\xff")
    accepted = session_of(HIGH, direction=Direction.IN, exported=b"\x00")

    assert rank(dialled, LOW) < rank(accepted, LOW)


def test_connections_are_listed_by_age_without_those_left_out() -> None:
    neighbours = Neighbours()
    neighbours.put(session_of(CEM, connection=7))
    neighbours.put(session_of(BOB, connection=3))

    assert neighbours.connections() == (3, 7)
    assert neighbours.connections(BOB) == (7,)
    assert neighbours.connections(LOW) == (3, 7)
    assert neighbours.connections(BOB, CEM) == ()
    assert neighbours.by_peer() == {CEM: 7, BOB: 3}
    assert len(neighbours) == 2


def test_a_later_connection_takes_the_place_of_the_earlier_one() -> None:
    neighbours = Neighbours()
    old, new = session_of(BOB, connection=1), session_of(BOB, connection=2)
    neighbours.put(old)

    neighbours.put(new)

    assert neighbours.is_current(new)
    assert not neighbours.is_current(old)
    assert neighbours.connections() == (2,)


def test_a_peer_that_is_removed_is_no_neighbour_any_more() -> None:
    neighbours = Neighbours()
    session = session_of(BOB)
    neighbours.put(session)

    neighbours.remove(BOB)
    neighbours.remove(BOB)

    assert neighbours.connections() == ()
    assert neighbours.get(BOB) is None
    assert neighbours.get(None) is None
    assert not neighbours.is_current(session)


def test_only_the_spare_itself_is_forgotten_as_one() -> None:
    neighbours = Neighbours()
    neighbours.put(session_of(BOB, connection=1))
    spare, other = session_of(BOB, connection=2), session_of(BOB, connection=3)
    neighbour = neighbours.get(BOB)
    assert neighbour is not None
    neighbour.spare = spare

    neighbours.forget_spare(other)
    kept = neighbour.spare
    neighbours.forget_spare(spare)

    assert kept is spare
    assert neighbour.spare is None


def test_beginnings_and_ends_of_talk_are_told_once() -> None:
    neighbours = Neighbours()

    neighbours.begin_talk(ConnectionId(1))
    neighbours.begin_talk(ConnectionId(2))
    neighbours.end_talk(ConnectionId(1))
    neighbours.end_talk(ConnectionId(1))
    neighbours.end_talk(ConnectionId(9))

    assert neighbours.has_changed
    assert neighbours.take_changes() == ([1, 2], [1])
    assert not neighbours.has_changed
    assert neighbours.is_talking(ConnectionId(2))
    assert not neighbours.is_talking(ConnectionId(1))

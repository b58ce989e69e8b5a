"""The world of the core targets notices what it is there to notice."""

from __future__ import annotations

import pytest

from p2pchat.core.events import ConnectionEnded, Send
from p2pchat.core.frames import Carry, Ping, Pong
from p2pchat.core.notices import Direction
from p2pchat.core.values import ConnectionId
from p2pchat.sim.credentials import sim_signature
from tests.fuzz import frames
from tests.fuzz.honest import HONEST
from tests.fuzz.world import HOSTS, PEERS, End, World


def neighbour(world: World) -> End:
    end = world.open(PEERS[0], Direction.IN, HOSTS[1])
    assert end is not None
    return end


def test_hostile_and_honest_neighbours_are_neighbours() -> None:
    world = World()
    neighbour(world)
    world.open_honest()

    assert set(world.core.neighbours) == {PEERS[0], HONEST}


def test_an_honest_neighbour_is_offended_by_a_frame_out_of_turn() -> None:
    world = World()
    world.open_honest()
    (end,) = world.ends.values()
    assert end.honest is not None

    end.honest.receive([Pong(7)], world.now)
    with pytest.raises(AssertionError, match="an honest neighbour is refused"):
        end.honest.receive([frames.HELLO], world.now)


def test_something_for_a_connection_that_has_ended_is_noticed() -> None:
    world = World()
    end = neighbour(world)
    world.feed(ConnectionEnded(end.connection, "connection lost"))

    with pytest.raises(AssertionError, match="after its end"):
        world._perform(Send((end.connection,), Ping(1)))


def test_a_frame_for_a_connection_without_tls_is_noticed() -> None:
    world = World()
    assert world.start(PEERS[0], Direction.IN, HOSTS[1]) is not None

    with pytest.raises(AssertionError, match="no TLS"):
        world._perform(Send((ConnectionId(1),), Ping(1)))


def test_the_forger_makes_an_envelope_true_but_not_in_the_name_of_the_victim() -> None:
    world = World()
    carry = frames.FLOOD[0]
    assert isinstance(carry, Carry)

    mended = world.forger.mended(carry, PEERS[0], world.now)

    assert isinstance(mended, Carry)
    assert mended.signature == sim_signature(PEERS[3], mended.signed)
    assert mended.signature != carry.signature

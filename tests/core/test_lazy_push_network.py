from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Close, Effect, Send
from p2pchat.core.frames import Carry, Graft
from p2pchat.core.values import ConnectionId, EnvelopeId

from .lazy_network import SimulatedNetwork
from .lazy_nodes import (
    ALL,
    LARGE_BYTES,
    SMALL_BYTES,
    SimulatedNode,
    assert_bounded,
    author,
    envelope,
    ihave,
    route,
)

# --- Any order of events ----------------------------------------------------------------------

connections = st.sampled_from(ALL)
envelopes = st.integers(0, 5).map(
    lambda number: envelope(number, LARGE_BYTES if number % 2 else SMALL_BYTES, author(number // 3))
)
happenings = st.one_of(
    st.tuples(st.just("open"), connections),
    st.tuples(st.just("close"), connections),
    st.tuples(st.just("rise"), connections),
    st.tuples(st.just("fall"), connections),
    st.tuples(st.just("prune"), connections),
    st.tuples(st.just("carry"), connections, envelopes),
    st.tuples(st.just("ihave"), connections, envelopes),
    st.tuples(st.just("graft"), connections, envelopes),
    st.tuples(st.just("wait"), st.floats(0, 40)),
)


class _Machine:
    """Drives one node by any events, and looks at everything that it sends."""

    def __init__(self) -> None:
        self.node = SimulatedNode(9)
        self.open: list[ConnectionId] = []
        self.carried: set[tuple[ConnectionId, EnvelopeId]] = set()
        self.now = 0.0

    def step(self, what: str, *of: object) -> None:
        match what, *of:
            case "open", int(c) if c not in self.open:
                self.open.append(ConnectionId(c))
                self.node.lazy.on_open(ConnectionId(c))
                self.carried = {pair for pair in self.carried if pair[0] != c}
            case "close", int(c) if c in self.open:
                self.open.remove(ConnectionId(c))
                self.node.lazy.on_closed(ConnectionId(c))
            case (("rise" | "fall"), int(c)):
                self.node.lazy.on_queue(ConnectionId(c), is_high=what == "rise")
            case "prune", int(c):
                self.node.lazy.on_prune(ConnectionId(c))
            case "carry", int(c), Envelope() as one if c in self.open:
                self.check(self.carry(ConnectionId(c), one))
            case "ihave", int(c), Envelope() as one:
                self.node.lazy.on_ihave(ConnectionId(c), ihave(one), self.now)
            case "graft", int(c), Envelope() as one:
                graft = Graft((one.id,))
                self.check(self.node.lazy.on_graft(ConnectionId(c), graft, self.now))
            case "wait", float(seconds):
                self.wait(seconds)

    def carry(self, connection: ConnectionId, one: Envelope) -> list[Effect]:
        if one.id in self.node.stored:
            return self.node.lazy.on_copy(connection, one.id, len(one.signed), self.now)
        to = tuple(c for c in self.open if c != connection)
        return route(self.node, one, to, connection, 1, self.now)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.node.lazy.next_deadline()) is not None and at <= until:
            self.now = max(self.now, at)
            self.check(self.node.lazy.on_time(self.now))
        self.now = until

    def check(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(to, frame):
                    assert to
                    assert set(to) <= set(self.open)
                    if isinstance(frame, Carry):
                        pairs = {(c, EnvelopeId(frame.id)) for c in to}
                        assert not pairs & self.carried, "more than once over a connection"
                        self.carried |= pairs
                case Close(connection):
                    self.open.remove(connection)
                case _:
                    raise AssertionError(effect)


@given(st.lists(happenings, max_size=60))
def test_any_events_send_nothing_twice_nor_to_the_closed_and_come_to_rest(
    events: list[tuple[object, ...]],
) -> None:
    machine = _Machine()

    for what, *of in events:
        machine.step(str(what), *of)
        assert_bounded(machine.node.lazy)
    machine.wait(1_000.0)

    assert machine.node.lazy.missing_count == 0
    assert machine.node.lazy.next_deadline() is None or machine.open == []


# --- A network --------------------------------------------------------------------------------


def speak(
    network: SimulatedNetwork, authors: int, messages: int, pause_s: float, size_bytes: int
) -> list[Envelope]:
    said = []
    for number in range(messages):
        speaker = network.chance.randrange(authors)
        said.append(envelope(number, size_bytes, author(speaker)))
        network.say(speaker, said[-1])
        network.run(network.now + pause_s)
    network.run(network.now + 10)
    return said


def redundancy(network: SimulatedNetwork, messages: int) -> float:
    """Return the large envelopes sent for each one needed, minus one."""
    return network.large_carries / (messages * (len(network.nodes) - 1)) - 1


@pytest.mark.parametrize("seed", range(3))
def test_one_author_costs_little_more_than_one_copy_a_node(seed: int) -> None:
    network = SimulatedNetwork(100, 6, Random(seed))

    said = speak(network, 1, 50, 0.2, LARGE_BYTES)

    assert network.share_with(said) == 1.0
    assert redundancy(network, 50) < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_many_authors_at_once_cost_less_than_two_copies_a_node(seed: int) -> None:
    network = SimulatedNetwork(100, 6, Random(seed))

    said = speak(network, 30, 100, 0.02, LARGE_BYTES)

    assert network.share_with(said) == 1.0
    assert redundancy(network, 100) < 1.0


def test_the_largest_network_keeps_the_aim() -> None:
    network = SimulatedNetwork(200, 6, Random(1))

    said = speak(network, 1, 50, 0.5, LARGE_BYTES)

    assert network.share_with(said) == 1.0
    assert redundancy(network, 50) < 0.2


def test_large_ones_flood_where_small_ones_do() -> None:
    """The control: what the aims above are worth."""
    network = SimulatedNetwork(50, 6, Random(1))
    before = network.frames

    said = speak(network, 1, 10, 0.2, SMALL_BYTES)

    assert network.share_with(said) == 1.0
    assert (network.frames - before) / (10 * 49) - 1 > 3


@pytest.mark.parametrize("authors", [1, 20])
@pytest.mark.parametrize("seed", range(5))
def test_a_tree_whose_branches_are_cut_repairs_itself(seed: int, authors: int) -> None:
    network = SimulatedNetwork(100, 6, Random(seed))
    said = []

    for number in range(60):
        speaker = network.chance.randrange(authors)
        said.append(envelope(number, LARGE_BYTES, author(speaker)))
        network.say(speaker, said[-1])
        network.run(network.now + network.chance.uniform(0.0, 0.1))
        cut_somewhere(network)  # with the envelope still under way
    network.run(network.now + 30)

    assert network.share_with(said) == 1.0
    assert redundancy(network, 60) < 1.0
    assert all(node.lazy.missing_count == 0 for node in network.nodes)


def cut_somewhere(network: SimulatedNetwork) -> None:
    """Cut a connection that does not leave anybody alone."""
    for connection in network.chance.sample(sorted(network.connections), 20):
        first, second = network.connections[connection]
        if min(len(first.neighbours), len(second.neighbours)) > 3:
            network.cut(connection)
            assert network.is_connected()
            return
    raise AssertionError("nothing left to cut")


def test_an_author_who_mixes_sizes_is_heard_in_order_nearly_always() -> None:
    network = SimulatedNetwork(50, 6, Random(1))
    speak(network, 1, 5, 0.5, LARGE_BYTES)
    said = []

    for number in range(100, 200):
        size_bytes = LARGE_BYTES if network.chance.random() < 0.3 else SMALL_BYTES
        said.append(envelope(number, size_bytes, author(0)))
        network.say(0, said[-1])
        network.run(network.now + 0.01)
    network.run(network.now + 10)

    orders = [node.order[author(0)][5:] for node in network.nodes]
    overtakings = sum(b < a for order in orders for a, b in pairwise(order))
    assert network.share_with(said) == 1.0
    assert overtakings < 0.02 * sum(len(order) for order in orders)


def test_the_same_seed_gives_the_same_run() -> None:
    def run() -> tuple[int, int, list[tuple[ConnectionId, ...]]]:
        network = SimulatedNetwork(30, 6, Random(5))
        speak(network, 10, 20, 0.05, LARGE_BYTES)
        return network.frames, network.large_carries, [n.lazy.eager for n in network.nodes]

    assert run() == run()

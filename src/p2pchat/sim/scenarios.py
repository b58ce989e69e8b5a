"""Graphs to join nodes by, and named stories that happen to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from p2pchat.sim.network import SimNetwork

Edge = tuple[int, int]
"""The first dials the second."""


class Graph(Struct, frozen=True):
    """So many nodes, and who dials whom; no pair twice, nobody itself."""

    size: int
    edges: tuple[Edge, ...]


def chain(size: int) -> Graph:
    """Each dials the next: the longest way through a network."""
    return Graph(size, tuple((i, i + 1) for i in range(size - 1)))


def ring(size: int) -> Graph:
    """A chain whose ends are joined."""
    closing = ((size - 1, 0),) if size > 2 else ()
    return Graph(size, chain(size).edges + closing)


def star(size: int) -> Graph:
    """Everybody dials the first; at most 65 fit around one."""
    return Graph(size, tuple((i, 0) for i in range(1, size)))


def complete(size: int) -> Graph:
    """Everybody is joined to everybody."""
    return Graph(size, tuple((a, b) for b in range(size) for a in range(b)))


def random_connected(size: int, extra: int, rng: random.Random) -> Graph:
    """A random tree and up to so many further edges, each pair in a random direction."""
    edges: dict[Edge, None] = {}
    for newcomer in range(1, size):
        edges[rng.randrange(newcomer), newcomer] = None
    for _ in range(extra if size > 1 else 0):
        low, high = sorted(rng.sample(range(size), 2))
        edges[low, high] = None
    return Graph(size, tuple(edge if rng.random() < 0.5 else edge[::-1] for edge in edges))


def random_regular(size: int, degree: int, rng: random.Random) -> Graph:
    """A ring through everybody in random order, filled up with random edges.

    So it is connected. Nobody has more than `degree` neighbours, at least 2; nearly all have
    exactly so many.
    """
    around = rng.sample(range(size), size)
    edges = {_pair(around[i], around[(i + 1) % size]): None for i in range(size) if size > 1}
    edges.pop((around[0], around[0]), None)
    missing = [node for node in range(size) for _ in range(degree - 2)]
    for _ in range(10):
        rng.shuffle(missing)
        left_over: list[int] = []
        for a, b in zip(missing[::2], missing[1::2], strict=False):
            if a == b or _pair(a, b) in edges:
                left_over += (a, b)
            else:
                edges[_pair(a, b)] = None
        missing = left_over + missing[len(missing) // 2 * 2 :]
    return Graph(size, tuple(edges))


def _pair(a: int, b: int) -> Edge:
    return (a, b) if a < b else (b, a)


class Plan(Struct, frozen=True):
    """What a named scenario is run with."""

    graph: Graph
    messages: int = 100
    interval_s: float = 0.1
    """Virtual seconds between two messages."""


def calm(network: SimNetwork, plan: Plan) -> None:
    """Nothing happens but talk."""
    _join(network, plan)
    _talk(network, plan, plan.messages)


def crash(network: SimNetwork, plan: Plan) -> None:
    """In the middle a fifth of all nodes dies at once, and the others are told by TCP."""
    _join(network, plan)
    _talk(network, plan, plan.messages // 2)
    for node in network.random.sample(network.nodes, len(network.nodes) // 5):
        network.crash(node)
    _talk(network, plan, plan.messages - plan.messages // 2)


def split(network: SimNetwork, plan: Plan) -> None:
    """A third of the time the network lies in two halves; then the broken pairs redial."""
    third = plan.messages // 3
    _join(network, plan)
    _talk(network, plan, third)
    half = len(network.nodes) // 2
    network.partition((network.nodes[:half], network.nodes[half:]))
    _talk(network, plan, third)
    network.heal()
    network.run(SETTLE_S)
    _talk(network, plan, plan.messages - 2 * third)


def lossy(network: SimNetwork, plan: Plan) -> None:
    """Again and again a connection falls silent; its ends find out and redial it."""
    _join(network, plan)
    for number in range(plan.messages):
        if number % 10 == 5:
            _lose_one(network, plan)
        _talk(network, plan, 1)


def churn(network: SimNetwork, plan: Plan) -> None:
    """Again and again a node leaves and comes back ten messages later."""
    _join(network, plan)
    for number in range(plan.messages):
        if number % 10 == 5:
            _restart_one(network, plan)
        _talk(network, plan, 1)


SCENARIOS: Final[dict[str, Callable[[SimNetwork, Plan], None]]] = {
    "calm": calm,
    "churn": churn,
    "crash": crash,
    "lossy": lossy,
    "split": split,
}
"""Every scenario by its name."""

SETTLE_S: Final = 60.0
"""Long enough for silent connections to be noticed, twice 20 s and what comes after."""


def _join(network: SimNetwork, plan: Plan) -> None:
    nodes = [network.add() for _ in range(plan.graph.size)]
    network.connect_all(nodes, plan.graph.edges)


def _talk(network: SimNetwork, plan: Plan, messages: int) -> None:
    for _ in range(messages):
        author = network.random.choice([node for node in network.nodes if node.is_running])
        network.announce(author, f"message {len(network.announced)}")
        network.run(plan.interval_s)
    network.run_until_quiet()


def _lose_one(network: SimNetwork, plan: Plan) -> None:
    a, b = (network.nodes[i] for i in network.random.choice(plan.graph.edges))
    network.cut(a, b)
    # Both ends have noticed by then: 20 s to the ping, 20 s more to giving up.
    network.run(SETTLE_S)
    network.connect(a, b)


def _restart_one(network: SimNetwork, plan: Plan) -> None:
    node = network.random.choice([node for node in network.nodes if node.is_running])
    network.stop(node)
    network.after(10 * plan.interval_s, _come_back, network, plan, node.index)


def _come_back(network: SimNetwork, plan: Plan, index: int) -> None:
    node = network.nodes[index]
    if node.is_running:  # its goodbyes are not all answered yet
        network.after(plan.interval_s, _come_back, network, plan, index)
        return
    network.restart(node)
    for dialler, acceptor in plan.graph.edges:
        if index in (dialler, acceptor):
            other = network.nodes[dialler + acceptor - index]
            network.connect(node, other)

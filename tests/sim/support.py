"""What several tests of the simulated network share."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import Carry
from p2pchat.core.values import Epoch, Kind, envelope_id, is_kept
from p2pchat.sim.credentials import sim_network_id, sim_peer_id, sim_signature
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import WALL_START_S, SimNetwork
from p2pchat.sim.node import Rules, SimNode
from p2pchat.sim.scenarios import Graph, random_connected
from p2pchat.wire.codec import Codec

SEEDS = st.integers(0, 2**32)

SETTLED_S = 60.0
"""By then every silent connection was noticed, every duplicate closed."""


@st.composite
def connected_graphs(draw: st.DrawFn, most: int = 12) -> Graph:
    """Connected graphs of 2 nodes and more, from chains to nearly complete ones."""
    size = draw(st.integers(2, most))
    extra = draw(st.integers(0, 2 * size))
    return random_connected(size, extra, random.Random(draw(SEEDS)))


def watched(
    seed: int = 0,
    latency_s: tuple[float, float] = (0.010, 0.050),
    bandwidth_bytes_s: float | None = None,
    *,
    is_private: bool = False,
) -> tuple[SimNetwork, Invariants]:
    """A network whose every step is checked; in a private room nobody is metered."""
    invariants = Invariants()
    network = SimNetwork(
        seed,
        latency_s,
        bandwidth_bytes_s=bandwidth_bytes_s,
        rules=Rules(is_metered=not is_private),
        watchers=[invariants],
    )
    return network, invariants


def build(network: SimNetwork, graph: Graph) -> list[SimNode]:
    """Start the nodes of a graph and open all its connections."""
    nodes = [network.add() for _ in range(graph.size)]
    network.connect_all(nodes, graph.edges)
    return nodes


def pair(network: SimNetwork) -> tuple[SimNode, SimNode]:
    """Two neighbours; the first dialled the second."""
    alice, bob = network.add("alice"), network.add("bob")
    network.connect(alice, bob)
    network.run_until_quiet()
    return alice, bob


def are_neighbours(a: SimNode, b: SimNode) -> bool:
    """Whether both sides say so."""
    return b.peer in a.core.neighbours and a.peer in b.core.neighbours


class Stranger:
    """Somebody with a key and no node."""

    def __init__(self, name: str) -> None:
        self.name, self.peer, self.epoch = name, sim_peer_id(name), Epoch(bytes(8))


def craft(
    author: SimNode | Stranger,
    texts: tuple[str, ...] = ("crafted",),
    *,
    number: int = 0,
    age_s: float = 0.0,
    now: float = 0.0,
    kind: int = Kind.TEXT,
    room: str = "lobby",
    body: bytes | None = None,
) -> Carry:
    """An envelope that the author signed, though its core knows nothing of it."""
    codec = Codec()
    kept = is_kept(kind)
    header = Header(
        sim_network_id(room),
        author.peer,
        author.epoch,
        int((WALL_START_S + now - age_s) * 1000),
        kind,
        number if kept else 0,
        len(texts) if kept else 0,
        b"" if kept else bytes(16),
        codec.encode_texts(Texts(author.name, texts)) if body is None else body,
    )
    return resigned(author, codec.encode_header(header))


def resigned(author: SimNode | Stranger, signed: bytes) -> Carry:
    """A frame with the id and the author's signature of those bytes."""
    return Carry(0, envelope_id(signed), sim_signature(author.peer, signed), signed)

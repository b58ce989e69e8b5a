"""What a network looks like: floods over it, its parts, degrees, clusters and ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import fmean

from msgspec import Struct

Adjacency = Sequence[Sequence[int]]
"""For each node, numbered from 0, its neighbours; whoever is somebody's neighbour has him too."""


class Spread(Struct, frozen=True):
    """How far a flood came."""

    reached: int
    """Nodes that have it, its author included."""
    last_hop: int
    """Connections that it crossed to the last of them."""
    sends: int
    """Copies sent: the author's to all neighbours, each other's to all but who brought it."""
    hops: int
    """Sum of the hops to all whom it reached."""

    @property
    def redundancy(self) -> float:
        """Copies sent for each one that was needed, minus 1."""
        return self.sends / (self.reached - 1) - 1 if self.reached > 1 else 0.0


class Shape(Struct, frozen=True):
    """The figures of a graph."""

    nodes: int
    largest: int
    """Nodes in the largest part."""
    degree_least: int
    degree_mean: float
    degree_most: int
    clustering: float
    """How often two neighbours of a node are neighbours as well: mean over all nodes, 0 to 1."""
    path_mean: float
    """Hops between two nodes of the largest part, from some nodes to all."""
    last_hop: int
    """Most hops that were met thereby."""


def flood(graph: Adjacency, author: int) -> Spread:
    """Let something spread from a node: each passes it on to all but who brought it."""
    seen = bytearray(len(graph))
    seen[author] = 1
    edge = [author]
    reached, hop, hops, sends = 1, 0, 0, len(graph[author])
    while True:
        onward: list[int] = []
        for node in edge:
            for other in graph[node]:
                if not seen[other]:
                    seen[other] = 1
                    onward.append(other)
        if not onward:
            return Spread(reached, hop, sends, hops)
        hop += 1
        reached += len(onward)
        hops += hop * len(onward)
        sends += sum(len(graph[node]) - 1 for node in onward)
        edge = onward


def parts(graph: Adjacency) -> list[list[int]]:
    """Return the connected parts, largest first."""
    left = dict.fromkeys(range(len(graph)))
    found = []
    while left:
        start = next(iter(left))
        del left[start]
        part = [start]
        for node in part:  # it grows meanwhile
            for other in graph[node]:
                if other in left:
                    del left[other]
                    part.append(other)
        found.append(part)
    return sorted(found, key=len, reverse=True)


def clustering(graph: Adjacency) -> float:
    """Return the mean local clustering coefficient; who has fewer than 2 neighbours counts 0."""
    near = [frozenset(others) for others in graph]
    return fmean([_local(others, near) for others in graph]) if graph else 0.0


def _local(others: Sequence[int], near: Sequence[frozenset[int]]) -> float:
    pairs = len(others) * (len(others) - 1) // 2
    if not pairs:
        return 0.0
    return sum(b in near[a] for a, b in combinations(others, 2)) / pairs


def shape(graph: Adjacency, sources: Iterable[int]) -> Shape:
    """Measure a graph; ways are measured from those nodes only."""
    degrees = [len(others) for others in graph]
    spreads = [flood(graph, source) for source in sources]
    ways = sum(spread.reached - 1 for spread in spreads)
    return Shape(
        nodes=len(graph),
        largest=len(parts(graph)[0]) if graph else 0,
        degree_least=min(degrees, default=0),
        degree_mean=fmean(degrees) if degrees else 0.0,
        degree_most=max(degrees, default=0),
        clustering=clustering(graph),
        path_mean=sum(spread.hops for spread in spreads) / ways if ways else 0.0,
        last_hop=max((spread.last_hop for spread in spreads), default=0),
    )

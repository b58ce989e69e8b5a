"""Single lazy pushes, with what the engine would put around them."""

from __future__ import annotations

import math
from collections import defaultdict
from hashlib import blake2b
from typing import Final

from p2pchat.core.envelopes import Envelope, Header
from p2pchat.core.events import Effect
from p2pchat.core.frames import Announced, IHave
from p2pchat.core.lazy_push import LazyPush
from p2pchat.core.values import ConnectionId, EnvelopeId, Kind, PeerId

EPOCH: Final = b"epoch---"
LARGE_BYTES: Final = 8 * 1024
SMALL_BYTES: Final = 100


def author(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


ALICE: Final = author(0)


def envelope(
    number: int, size_bytes: int = SMALL_BYTES, by: PeerId = ALICE, kind: int = Kind.TEXT
) -> Envelope:
    """Make an envelope that nobody signed; equal arguments make equal ones."""
    kept = kind < 64
    header = Header(b"n" * 16, by, EPOCH, 0, kind, number * kept, int(kept), b"", b"")
    place = by + number.to_bytes(8, "big")
    signed = place.ljust(size_bytes, b".")
    return Envelope(EnvelopeId(blake2b(place, digest_size=16).digest()), header, b"s" * 64, signed)


class SimulatedNode:
    """One lazy push with a seen cache and a store, as the engine would have them."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stored: dict[EnvelopeId, Envelope] = {}
        self.order: dict[PeerId, list[int]] = defaultdict(list)
        self.armed = math.inf
        self.lazy = LazyPush(self.stored.__contains__, self.stored.get)
        self.neighbours: dict[ConnectionId, SimulatedNode] = {}

    def take(
        self, carried: Envelope, sender: ConnectionId | None, hops: int, now: float
    ) -> list[Effect]:
        self.stored[carried.id] = carried
        self.order[carried.author].append(carried.header.first)
        to = tuple(
            connection
            for connection, node in self.neighbours.items()
            if connection != sender and author(node.number) != carried.author
        )
        return self.lazy.route(carried, to, sender, hops, now)


ANN = ConnectionId(1)
BEN = ConnectionId(2)
CEM = ConnectionId(3)
ALL = (ANN, BEN, CEM)

SMALL = envelope(1)
LARGE = envelope(2, LARGE_BYTES)


def node_with(*connections: ConnectionId, lazy: tuple[ConnectionId, ...] = ()) -> SimulatedNode:
    node = SimulatedNode(9)
    for connection in connections:
        node.lazy.on_open(connection)
    for connection in lazy:
        node.lazy.on_prune(connection)
    return node


def route(
    node: SimulatedNode,
    carried: Envelope,
    to: tuple[ConnectionId, ...],
    sender: ConnectionId | None = None,
    hops: int = 0,
    now: float = 0.0,
) -> list[Effect]:
    node.stored[carried.id] = carried
    return node.lazy.route(carried, to, sender, hops, now)


def announced(carried: Envelope, hops: int = 0) -> Announced:
    header = carried.header
    return Announced(carried.id, header.author, header.epoch, header.first, header.count, hops)


def ihave(*carried: Envelope, hops: int = 0) -> IHave:
    return IHave(tuple(announced(one, hops) for one in carried))


def ticks(lazy: LazyPush, until: float) -> list[tuple[float, Effect]]:
    """Let the clock go on and return every effect with its time."""
    effects: list[tuple[float, Effect]] = []
    at: float | None = 0.0
    while (at := lazy.next_deadline()) is not None and at <= until:
        effects += [(at, effect) for effect in lazy.on_time(at)]
        assert len(effects) < 10_000, "a deadline that passes nothing would spin"
    return effects


def assert_bounded(lazy: LazyPush) -> None:
    over = [holding for holding in lazy.holdings() if holding.count > holding.limit]
    assert over == []

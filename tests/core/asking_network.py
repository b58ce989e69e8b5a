"""A small network of machines that only ask along their connections: maps or paths."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Generic, Protocol, TypeVar

from p2pchat.core.events import Effect, Send
from p2pchat.core.mapping import MAP_ABILITY, Mapping
from p2pchat.core.mesh_frames import SignedStatement
from p2pchat.core.paths import PATH_ABILITY
from p2pchat.core.setup import Setup
from p2pchat.core.topology import StatedNeighbour, StatementHeader
from p2pchat.core.values import ConnectionId, Epoch, PeerId, Person
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id

WALL_MS = 1_700_000_000_000
ABILITIES = (MAP_ABILITY, PATH_ABILITY)


class Machine(Protocol):
    def on_closed(self, connection: ConnectionId) -> None: ...


Node = TypeVar("Node", bound=Machine)
Handle = Callable[[Node, ConnectionId, object, float], list[Effect]]
Open = Callable[[Node, ConnectionId, Person], None]


class AskingNetwork(Generic[Node]):
    """Frames between machines arrive after a moment, in order on each connection."""

    def __init__(self, handle: Handle[Node], open_: Open[Node], seed: int | None = None) -> None:
        self.nodes: dict[str, Node] = {}
        self.now = 100.0
        self.sent: list[tuple[str, str, object]] = []
        self.silent: set[str] = set()
        """Who gets frames and does nothing about them."""
        self._handle = handle
        self._open = open_
        self._chance = Random(seed) if seed is not None else None
        self._ends: dict[tuple[str, ConnectionId], str] = {}
        self._connections: dict[tuple[str, str], ConnectionId] = {}
        self._latest: dict[tuple[str, str], float] = {}
        self._under_way: list[tuple[float, int, str, str, object]] = []
        self._order = count(1)

    def connect(self, one: str, other: str) -> None:
        for name, far in ((one, other), (other, one)):
            connection = ConnectionId(next(self._order))
            self._ends[name, connection] = far
            self._connections[name, far] = connection
            self._open(self.nodes[name], connection, person(far))

    def connection(self, name: str, far: str) -> ConnectionId:
        return self._connections[name, far]

    def disconnect(self, one: str, other: str) -> None:
        for name, far in ((one, other), (other, one)):
            self.nodes[name].on_closed(self._connections.pop((name, far)))

    def perform(self, name: str, effects: list[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, Send)
            for connection in effect.connections:
                far = self._ends[name, connection]
                self.sent.append((name, far, effect.frame))
                at = self.now + (self._chance.uniform(0.01, 0.1) if self._chance else 0.05)
                at = self._latest[name, far] = max(at, self._latest.get((name, far), at))
                item = (at, next(self._order), name, far, effect.frame)
                heapq.heappush(self._under_way, item)

    def run(self) -> None:
        """Let everything arrive."""
        while self._under_way:
            self.deliver()

    def deliver(self) -> None:
        """Let the next frame arrive."""
        self.now, _, name, far, frame = heapq.heappop(self._under_way)
        if far in self.silent or (far, name) not in self._connections:
            return
        connection = self._connections[far, name]
        self.perform(far, self._handle(self.nodes[far], connection, frame, self.now))


def person(name: str) -> Person:
    return Person(sim_peer_id(name), name)


def statement(
    speaker: str,
    *neighbours: str,
    time_ms: int = WALL_MS,
    room: str = "lobby",
    signer: str | None = None,
    is_hidden: bool = False,
) -> SignedStatement:
    """What somebody says, or what `signer` says in his name."""
    header = stated(speaker, *neighbours, time_ms=time_ms, room=room, is_hidden=is_hidden)
    signed = MemoCodec().encode_statement(header)
    credentials = SimCredentials(sim_peer_id(signer or speaker), room)
    return SignedStatement(credentials.sign_statement(signed), signed)


def stated(
    speaker: str,
    *neighbours: str,
    time_ms: int = WALL_MS,
    room: str = "lobby",
    is_hidden: bool = False,
) -> StatementHeader:
    others = tuple(StatedNeighbour(sim_peer_id(name), name) for name in neighbours)
    return StatementHeader(
        sim_network_id(room), sim_peer_id(speaker), speaker, time_ms, is_hidden, others
    )


class Signatures(SimCredentials):
    """Counts what is signed and verified."""

    def __init__(self, me: PeerId) -> None:
        super().__init__(me, "lobby")
        self.signed = 0
        self.verified = 0

    def sign_statement(self, message: bytes) -> bytes:
        self.signed += 1
        return super().sign_statement(message)

    def is_valid_statement(self, speaker: PeerId, message: bytes, signature: bytes) -> bool:
        self.verified += 1
        return super().is_valid_statement(speaker, message, signature)


def mapping_of(
    name: str, signatures: Signatures | None = None, *, is_hidden: bool = False
) -> Mapping:
    setup = Setup(sim_peer_id(name), Epoch(b"an-epoch"), sim_network_id("lobby"), name)
    signs = signatures or Signatures(setup.me)
    return Mapping(setup, MemoCodec(), signs, Random(name), is_hidden=is_hidden)

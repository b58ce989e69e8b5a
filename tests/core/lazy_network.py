"""A network of lazy pushes on a virtual clock: no signatures, no repair, only what they decide."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from random import Random
from typing import Final

from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Close, Effect, Send
from p2pchat.core.frames import Carry, Frame, Graft, IHave, Prune
from p2pchat.core.limits import LAZY_ABOVE_BYTES
from p2pchat.core.values import ConnectionId, EnvelopeId

from .lazy_nodes import SimulatedNode

BYTES_PER_S: Final = 1_000_000


class SimulatedNetwork:
    """Delivers frames after each connection's delay, in order, until it is cut."""

    def __init__(self, nodes: int, degree: int, chance: Random) -> None:
        self.now = 0.0
        self.chance = chance
        self.nodes = [SimulatedNode(number) for number in range(nodes)]
        self.connections: dict[ConnectionId, tuple[SimulatedNode, SimulatedNode]] = {}
        self.large_carries = 0
        self.frames = 0
        self._delays: dict[ConnectionId, float] = {}
        self._free_at: dict[tuple[ConnectionId, SimulatedNode], float] = defaultdict(float)
        self._turns = count()
        self._names = count(1)
        self._under_way: list[tuple[float, int, ConnectionId, SimulatedNode, Frame]] = []
        self._alarms: list[tuple[float, int, SimulatedNode]] = []
        self._envelopes: dict[EnvelopeId, Envelope] = {}
        for number in range(nodes):
            self.connect(number, (number + 1) % nodes)
        while len(self.connections) < nodes * degree // 2:
            self.connect(*chance.sample(range(nodes), 2))

    def connect(self, one: int, other: int) -> None:
        first, second = self.nodes[one], self.nodes[other]
        if second in first.neighbours.values():
            return
        connection = ConnectionId(next(self._names))
        self.connections[connection] = (first, second)
        self._delays[connection] = self.chance.uniform(0.005, 0.05)
        for node, neighbour in ((first, second), (second, first)):
            node.neighbours[connection] = neighbour
            node.lazy.on_open(connection)

    def cut(self, connection: ConnectionId) -> None:
        """End a connection; what is under way on it is lost."""
        for node in self.connections.pop(connection):
            del node.neighbours[connection]
            node.lazy.on_closed(connection)

    def is_connected(self) -> bool:
        reached, edge = {self.nodes[0]}, [self.nodes[0]]
        while edge:
            for neighbour in edge.pop().neighbours.values():
                if neighbour not in reached:
                    reached.add(neighbour)
                    edge.append(neighbour)
        return len(reached) == len(self.nodes)

    def say(self, number: int, said: Envelope) -> None:
        self._envelopes[said.id] = said
        node = self.nodes[number]
        self._perform(node, node.take(said, None, 0, self.now))

    def run(self, until: float) -> None:
        """Let the clock go on to that time."""
        while True:
            tick_at = self._alarms[0][0] if self._alarms else until
            frame_at = self._under_way[0][0] if self._under_way else until
            if min(tick_at, frame_at) >= until:
                break
            if tick_at <= frame_at:
                self._tick()
            else:
                self._deliver()
        self.now = until

    def share_with(self, said: Iterable[Envelope]) -> float:
        """Return the share of all (node, envelope) pairs that are there."""
        wanted = [one.id for one in said]
        there = sum(name in node.stored for node in self.nodes for name in wanted)
        return there / (len(wanted) * len(self.nodes))

    def _tick(self) -> None:
        at, _, node = heapq.heappop(self._alarms)
        self.now = max(self.now, at)
        node.armed = math.inf
        deadline = node.lazy.next_deadline()
        is_due = deadline is not None and deadline <= self.now
        self._perform(node, node.lazy.on_time(self.now) if is_due else [])

    def _deliver(self) -> None:
        self.now, _, connection, node, frame = heapq.heappop(self._under_way)
        if connection in self.connections:
            self._perform(node, self._handle(node, connection, frame))

    def _handle(self, node: SimulatedNode, connection: ConnectionId, frame: Frame) -> list[Effect]:
        match frame:
            case Carry():
                return self._handle_carry(node, connection, frame)
            case IHave():
                node.lazy.on_ihave(connection, frame, self.now)
                return []
            case Graft():
                return node.lazy.on_graft(connection, frame, self.now)
            case Prune():
                node.lazy.on_prune(connection)
                return []
            case _:
                raise AssertionError(frame)

    def _handle_carry(
        self, node: SimulatedNode, connection: ConnectionId, frame: Carry
    ) -> list[Effect]:
        self.large_carries += len(frame.signed) > LAZY_ABOVE_BYTES
        name = EnvelopeId(frame.id)
        if name in node.stored:
            return node.lazy.on_copy(connection, name, len(frame.signed), self.now)
        return node.take(self._envelopes[name], connection, frame.hops + 1, self.now)

    def _perform(self, node: SimulatedNode, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(connections, frame):
                    for connection in connections:
                        self._send(node, connection, frame)
                case Close(connection):
                    self.cut(connection)
                case _:
                    raise AssertionError(effect)
        deadline = node.lazy.next_deadline()
        if deadline is not None and deadline < node.armed:
            node.armed = deadline
            heapq.heappush(self._alarms, (deadline, next(self._turns), node))

    def _send(self, node: SimulatedNode, connection: ConnectionId, frame: Frame) -> None:
        neighbour = node.neighbours.get(connection)
        if neighbour is None:
            return
        self.frames += 1
        # One frame after the other, so that large ones take their time.
        ready_at = max(self.now, self._free_at[connection, node]) + _size(frame) / BYTES_PER_S
        self._free_at[connection, node] = ready_at
        arrival = ready_at + self._delays[connection]
        heapq.heappush(self._under_way, (arrival, next(self._turns), connection, neighbour, frame))


def _size(frame: Frame) -> int:
    """Return about how many bytes a frame has."""
    match frame:
        case Carry():
            return 100 + len(frame.signed)
        case IHave():
            return 75 * len(frame.announced)
        case _:
            return 30

"""A few Repair machines on a virtual clock, with connections that lose frames."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from math import inf
from random import Random

from p2pchat.core.author_order import Missing, Released
from p2pchat.core.envelopes import Envelope, Header
from p2pchat.core.events import Close, Deliver, Effect, Send
from p2pchat.core.frames import Carry, Filled, Frame
from p2pchat.core.reading import News
from p2pchat.core.received import Verdict
from p2pchat.core.repair import REPAIR_FRAMES, Repair
from p2pchat.core.reunion import Seam
from p2pchat.core.values import (
    ConnectionId,
    EnvelopeId,
    Epoch,
    Kind,
    PeerId,
    Person,
    envelope_id,
)
from p2pchat.errors import RemoteFault
from p2pchat.wire.codec import Codec

NETWORK = bytes(16)
WALL_S = 1_700_000_040.0
"""What the wall clock shows at virtual time 0: 40 s... into a minute of its own."""

CODEC = Codec()


def peer(name: str) -> PeerId:
    return PeerId(blake2b(name.encode(), digest_size=32).digest())


def epoch(name: str = "") -> Epoch:
    return Epoch(blake2b(name.encode(), digest_size=8).digest())


def envelope(
    author: str,
    first: int,
    size: int = 1,
    *,
    time_ms: int = int(WALL_S * 1000),
    body: bytes = b"",
    of_epoch: Epoch | None = None,
) -> Envelope:
    """Make an envelope that every fake node takes for valid."""
    of_epoch = epoch(author) if of_epoch is None else of_epoch
    header = Header(NETWORK, peer(author), of_epoch, time_ms, Kind.TEXT, first, size, b"", body)
    signed = CODEC.encode_header(header)
    return Envelope(envelope_id(signed), header, bytes(64), signed)


def delivery(of: Envelope) -> Deliver:
    return Deliver(Person(of.author, "someone"), of, ("text",) * of.header.count, 1)


Damage = Callable[[Frame], list[Frame]]
"""What becomes of a frame on its way: usually just itself."""


class Node:
    """What an engine would do around one Repair machine, without rates or signatures."""

    def __init__(self, name: str, seed: int, started_s: float = 0.0, **options: float) -> None:
        self.name = name
        self.me = peer(name)
        self.epoch = epoch(name)
        rng = Random(f"{name} {seed}")
        self.repair = Repair(self.me, self.epoch, CODEC, rng, **options)  # type: ignore[arg-type]
        self.repair.begin(int((WALL_S + started_s) * 1000))
        self.seen: set[EnvelopeId] = set()
        self.next_number = 0
        self.links: dict[ConnectionId, tuple[Node, ConnectionId]] = {}
        self.news: list[News] = []
        self.closed_for: list[str] = []
        self.damage: Damage = lambda frame: [frame]

    @property
    def shown(self) -> list[tuple[PeerId, int]]:
        """Messages in the order in which people see them."""
        return [
            (item.envelope.author, number)
            for item in self.news
            if isinstance(item, Released) and item.is_shown
            for number in item.envelope.numbers
        ]

    @property
    def earlier(self) -> list[int]:
        return [
            item.envelope.header.first
            for item in self.news
            if isinstance(item, Released) and item.delivery is not None and item.delivery.earlier
        ]

    @property
    def seams(self) -> list[Seam]:
        return [item for item in self.news if isinstance(item, Seam)]

    @property
    def missing(self) -> list[Missing]:
        return [item for item in self.news if isinstance(item, Missing)]


class RepairNetwork:
    """Nodes, their connections, and what is under way; same seed, same run."""

    def __init__(self, seed: int = 0, loss: float = 0.0, latency_s: float = 0.02) -> None:
        self.now = 0.0
        self.seed = seed
        self.loss = loss
        self.sent: dict[str, int] = {}
        self.sent_bytes = 0
        self.nodes: dict[str, Node] = {}
        self._latency_s = latency_s
        self._rng = Random(seed)
        self._due: dict[str, float] = {}
        self._order = count()
        self._connections = count(1)
        self._under_way: list[tuple[float, int, Node, ConnectionId, Frame]] = []

    def add(self, *names: str, **options: float) -> list[Node]:
        made = [Node(name, self.seed, self.now, **options) for name in names]
        self.nodes.update({node.name: node for node in made})
        return made

    def wall_ms(self) -> int:
        return int((WALL_S + self.now) * 1000)

    def connect(self, one: Node, other: Node) -> None:
        first, second = ConnectionId(next(self._connections)), ConnectionId(next(self._connections))
        one.links[first] = (other, second)
        other.links[second] = (one, first)
        for node, connection in ((one, first), (other, second)):
            self.perform(node, node.repair.on_open(connection, self.now, self.wall_ms()))

    def cut(self, one: Node, other: Node) -> None:
        for connection, (far, far_connection) in list(one.links.items()):
            if far is other:
                self._end(one, connection)
                self._end(other, far_connection)

    def say(self, node: Node, size: int = 1, body: bytes = b"") -> Envelope:
        """Let a node announce so many messages, at once."""
        made = envelope(node.name, node.next_number, size, time_ms=self.wall_ms(), body=body)
        node.next_number += size
        node.seen.add(made.id)
        node.repair.on_own(made, self.now, self.wall_ms())
        self.perform(node, [Send(tuple(node.links), made.carried(0))])
        return made

    def inject(self, node: Node, connection: ConnectionId, frame: Frame) -> None:
        """Let a node receive a frame right now."""
        self._arrive(node, connection, frame)

    def run(self, until: float) -> None:
        """Go on to that time, doing whatever is due on the way."""
        while True:
            at, node = self._earliest()
            if at > until:
                break
            assert at >= self.now - 1e-9, "a deadline in the past that nothing was done about"
            self.now = max(self.now, at)
            if node is None:
                _, _, to, connection, frame = heapq.heappop(self._under_way)
                self._arrive(to, connection, frame)
            else:
                self.perform(node, node.repair.on_time(self.now, self.wall_ms()))
                deadline = node.repair.next_deadline()
                assert deadline is None or deadline > self.now or deadline == at, node.name
        self.now = until

    def perform(self, node: Node, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(connections, frame):
                    for connection in connections:
                        self._send(node, connection, frame)
                case Close(connection, _, reason):
                    self._fault(node, connection, reason)
                case _:
                    raise AssertionError(effect)
        self._touched(node)

    # --- Inside -------------------------------------------------------------------------------

    def _earliest(self) -> tuple[float, Node | None]:
        frame_at = self._under_way[0][0] if self._under_way else inf
        name = min(self._due, key=self._due.__getitem__, default=None)
        if name is None or max(self._due[name], self.now) >= frame_at:
            return frame_at, None
        return max(self._due[name], self.now), self.nodes[name]

    def _touched(self, node: Node) -> None:
        node.news += node.repair.take_news()
        deadline = node.repair.next_deadline()
        self._due[node.name] = inf if deadline is None else deadline

    def _send(self, node: Node, connection: ConnectionId, frame: Frame) -> None:
        link = node.links.get(connection)
        if link is None:
            return
        for damaged in node.damage(frame):
            name = type(damaged).__name__
            self.sent[name] = self.sent.get(name, 0) + 1
            if isinstance(damaged, Carry | Filled):
                self.sent_bytes += len(damaged.signed)
            if self._rng.random() < self.loss:
                continue
            at = self.now + self._latency_s
            heapq.heappush(self._under_way, (at, next(self._order), link[0], link[1], damaged))

    def _arrive(self, node: Node, connection: ConnectionId, frame: Frame) -> None:
        if connection not in node.links:
            return
        try:
            if isinstance(frame, Carry):
                self._take(node, connection, frame, live=True)
            elif isinstance(frame, Filled):
                if node.repair.expects(connection, frame, self.now):
                    carry = Carry(frame.hops, frame.id, frame.signature, frame.signed)
                    self._take(node, connection, carry, live=False)
            elif isinstance(frame, REPAIR_FRAMES):
                effects = node.repair.on_frame(connection, frame, self.now, self.wall_ms())
                self.perform(node, effects)
        except RemoteFault as fault:
            self._fault(node, connection, str(fault))
        self._touched(node)

    def _take(self, node: Node, connection: ConnectionId, frame: Carry, *, live: bool) -> None:
        name = EnvelopeId(frame.id)
        if name in node.seen:
            return
        node.seen.add(name)
        header = CODEC.decode_header(frame.signed)
        taken = Envelope(name, header, frame.signature, frame.signed)
        verdict = node.repair.on_taken(
            taken,
            connection,
            self.now,
            self.wall_ms(),
            live=live,
            hops=frame.hops + 1,
            delivery=delivery(taken),
        )
        if live and verdict is Verdict.NEW:
            to = tuple(c for c in node.links if c != connection)
            self.perform(node, [Send(to, taken.carried(frame.hops + 1))])

    def _fault(self, node: Node, connection: ConnectionId, reason: str) -> None:
        node.closed_for.append(reason)
        far = node.links.get(connection)
        self._end(node, connection)
        if far is not None:
            self._end(*far)

    def _end(self, node: Node, connection: ConnectionId) -> None:
        if node.links.pop(connection, None) is not None:
            node.repair.on_closed(connection, self.now)
            self._touched(node)


def in_author_order(node: Node) -> bool:
    """Whether the node showed each author's messages once, by rising number."""
    highest: dict[bytes, int] = {}
    for author, number in node.shown:
        if number <= highest.get(author, -1):
            return False
        highest[author] = number
    return True


def everything_but_own(net: RepairNetwork, node: Node) -> set[tuple[bytes, int]]:
    others = [other for other in net.nodes.values() if other is not node]
    return {(other.me, number) for other in others for number in range(other.next_number)}


def connection_to(node: Node, other: Node) -> ConnectionId:
    return next(connection for connection, (far, _) in node.links.items() if far is other)

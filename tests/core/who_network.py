"""A network of machines that ask who is here, and what flooding does for them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from random import Random

from p2pchat.core.broadcast import Broadcast
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Carry
from p2pchat.core.mesh_frames import WhoAnswer, WhoAnswers
from p2pchat.core.setup import Setup
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, PeerId, Person
from p2pchat.core.who import WHO, WhoIsHere, mark_of, who_bytes
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.wire.codec import encode
from tests.core.asking_network import WALL_MS, AskingNetwork

CODEC = MemoCodec()


class WhoNode:
    """The machine, and just enough of a node to flood questions."""

    def __init__(self, name: str, *, blocked: tuple[str, ...] = ()) -> None:
        self.me = Person(sim_peer_id(name), name)
        setup = Setup(sim_peer_id(name), Epoch(b"an-epoch"), sim_network_id("lobby"), name)
        self.credentials = SimCredentials(setup.me, "lobby")
        self._broadcast = Broadcast(setup, CODEC, self.credentials)
        self._open: dict[ConnectionId, None] = {}
        self._seen: set[EnvelopeId] = set()
        is_blocked = {sim_peer_id(each) for each in blocked}.__contains__
        self.who = WhoIsHere(
            self.me, CODEC, self.credentials, Random(name), self._flood, is_blocked
        )

    def on_open(self, connection: ConnectionId, abilities: tuple[str, ...] = (WHO,)) -> None:
        self._open[connection] = None
        self.who.on_open(connection, abilities)

    def on_closed(self, connection: ConnectionId) -> None:
        del self._open[connection]
        self.who.on_closed(connection)

    def on_frame(self, connection: ConnectionId, frame: object, now: float) -> list[Effect]:
        if isinstance(frame, WhoAnswers):
            return self.who.on_answers(connection, frame, now)
        assert isinstance(frame, Carry)
        if frame.id in self._seen:
            return []
        self._seen.add(EnvelopeId(frame.id))
        others = tuple(known for known in self._open if known != connection)
        onward: list[Effect] = [Send(others, frame)] if others else []
        header = CODEC.decode_header(frame.signed)
        envelope = Envelope(EnvelopeId(frame.id), header, frame.signature, frame.signed)
        return onward + self.who.on_query(envelope, connection, now)

    def _flood(
        self, kind: int, body: bytes, nonce: bytes, avoid: PeerId | None, now: float, wall_ms: int
    ) -> tuple[EnvelopeId, list[Effect]]:
        envelope = self._broadcast.seal_passing(kind, body, nonce, wall_ms, now)
        self._seen.add(envelope.id)
        return envelope.id, [Send(tuple(self._open), envelope.carried(0))]


class WhoNetwork(AskingNetwork[WhoNode]):
    def __init__(self, *edges: tuple[str, str], seed: int | None = None) -> None:
        super().__init__(WhoNode.on_frame, lambda node, link, _: node.on_open(link), seed)
        self._alarms: list[tuple[float, str]] = []
        for edge in edges:
            for name in edge:
                self.nodes.setdefault(name, WhoNode(name))
            self.connect(*edge)

    def ask(self, name: str, known: frozenset[PeerId] = frozenset()) -> None:
        """Let somebody ask, and wait as long as he would."""
        who = self.nodes[name].who
        self.perform(name, who.ask(known, self.now, WALL_MS))
        while not who.is_done:
            self.step()

    def step(self) -> None:
        """Let the next thing happen: something arrives, or somebody's time is over."""
        arrival = self._under_way[0][0] if self._under_way else float("inf")
        if not self._alarms or self._alarms[0][0] > arrival:
            self.deliver()
            return
        at, name = heapq.heappop(self._alarms)
        if self.nodes[name].who.next_deadline() == at:
            self.now = at
            self.perform(name, self.nodes[name].who.on_time(at))

    def perform(self, name: str, effects: list[Effect]) -> None:
        super().perform(name, effects)
        deadline = self.nodes[name].who.next_deadline()
        if deadline is not None:
            heapq.heappush(self._alarms, (deadline, name))

    def answered(self, name: str) -> list[str]:
        return sorted(each.person.nick for each in self.nodes[name].who.answered)

    def answer_bytes(self) -> dict[tuple[str, str], int]:
        """How many bytes of answers went over each connection, each way, lengths included."""
        found: dict[tuple[str, str], int] = {}
        for one, far, frame in self.sent:
            if isinstance(frame, WhoAnswers):
                found[one, far] = found.get((one, far), 0) + 4 + len(encode(frame))
        return found


def answer(query: EnvelopeId, name: str, nick: str = "", signer: str = "") -> WhoAnswer:
    """What somebody answers, or what `signer` answers in his name."""
    peer = sim_peer_id(name)
    message = who_bytes(query, peer, nick or name)
    signature = SimCredentials(sim_peer_id(signer or name), "lobby").sign_who(message)
    return WhoAnswer(peer, nick or name, signature, 0, 0)


def invented(query: EnvelopeId, share: int, prefix: str = "sybil") -> Iterator[WhoAnswer]:
    """Answers of people whom somebody invents so that their marks are below the share."""
    number = 0
    while True:
        number += 1
        name = f"{prefix}{number}"
        if mark_of(query, sim_peer_id(name)) < share:
            yield answer(query, name)


Edges = Callable[[Random], list[tuple[str, str]]]


def random_edges(size: int, degree: int, seed: int) -> list[tuple[str, str]]:
    """A connected random graph: a ring in random order, and random chords besides."""
    rng = Random(seed)
    names = [f"n{number:04}" for number in range(size)]
    rng.shuffle(names)
    edges = {tuple(sorted((names[i - 1], names[i]))) for i in range(size)}
    while len(edges) < size * degree // 2:
        edges.add(tuple(sorted(rng.sample(names, 2))))
    return [(one, other) for one, other in sorted(edges)]

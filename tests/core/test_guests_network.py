"""Nodes that are attached to each other by plain lines must not shout at each other."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

import pytest

from p2pchat.core.guests import GUEST_NICK, GuestLine, Guests, line_of
from p2pchat.core.limits import GUEST_ECHO_S
from p2pchat.core.values import ConnectionId, Kind


@dataclass
class PlainNode:
    """A node reduced to its plain-line peers; each of them is another node."""

    name: str
    guests: Guests = field(default_factory=Guests)
    peers: dict[ConnectionId, tuple[PlainNode, ConnectionId]] = field(default_factory=dict)
    announced: list[str] = field(default_factory=list)


class PlainNetwork:
    """Nodes that know each other by plain lines only, each in a room of its own."""

    def __init__(self, names: str, latency_s: float) -> None:
        self.nodes = [PlainNode(name) for name in names]
        self._latency_s = latency_s
        self._numbers = count(1)
        self._under_way: list[tuple[float, int, PlainNode, ConnectionId, str]] = []

    def dial(self, dialler: PlainNode, accepter: PlainNode) -> None:
        here, there = ConnectionId(next(self._numbers)), ConnectionId(next(self._numbers))
        dialler.guests.join(here, dialled=True, now=0.0)
        accepter.guests.join(there, dialled=False, now=0.0)
        dialler.peers[here] = (accepter, there)
        accepter.peers[there] = (dialler, here)

    def say(self, node: PlainNode, text: str, now: float) -> None:
        self._announce(node, node.name, text, Kind.TEXT, None, now)

    def step(self, now: float) -> None:
        """Let arrive what is due; what that causes arrives in a later step at the earliest."""
        due = []
        while self._under_way and self._under_way[0][0] <= now:
            due.append(heapq.heappop(self._under_way))
        for _, _, node, connection, line in due:
            if heard := node.guests.hear(connection, line, now):
                self._announce_guest(node, heard, now)
        for node in self.nodes:
            for released in node.guests.release(now):
                self._announce_guest(node, released, now)

    @property
    def is_quiet(self) -> bool:
        waiting = [node.guests.next_deadline() for node in self.nodes]
        return not self._under_way and waiting == [None] * len(self.nodes)

    def _announce_guest(self, node: PlainNode, line: GuestLine, now: float) -> None:
        self._announce(node, GUEST_NICK, line.text, line.kind, line.connection, now)

    def _announce(
        self,
        node: PlainNode,
        nick: str,
        text: str,
        kind: Kind,
        source: ConnectionId | None,
        now: float,
    ) -> None:
        node.announced.append(text)
        audience = node.guests.audience(kind, earlier=False, source=source)
        line = line_of(nick, text)
        if audience:
            node.guests.wrote(line, now)
        for connection in audience:
            peer, theirs = node.peers[connection]
            at = now + self._latency_s
            heapq.heappush(self._under_way, (at, next(self._numbers), peer, theirs, line))


@pytest.mark.parametrize("names", ["ab", "abc"])
@pytest.mark.parametrize(
    "latency_s",
    [
        pytest.param(0.25, id="echoes are remembered"),
        pytest.param(GUEST_ECHO_S + 10, id="echoes are forgotten"),
    ],
)
def test_nodes_that_dial_each_others_plain_ports_fall_silent(names: str, latency_s: float) -> None:
    network = PlainNetwork(names, latency_s)
    for dialler in network.nodes:
        for accepter in network.nodes:
            if dialler is not accepter:
                network.dial(dialler, accepter)

    for step in range(1_000):
        if step < 20:
            for node in network.nodes:
                network.say(node, f"{step}", float(step))
        network.step(float(step))

    said = 20 * len(names)
    connections = 2 * (len(names) - 1)  # of each node
    announced = [text for node in network.nodes for text in node.announced]
    assert network.is_quiet
    assert len(announced) <= said * (1 + connections + connections**2)
    for node in network.nodes:
        others = [name for name in names if name != node.name]
        assert {f"{name} -> 19" for name in others} <= set(node.announced)


def test_two_nodes_linked_both_ways_announce_each_text_twice_at_the_other() -> None:
    network = PlainNetwork("ab", latency_s=0.25)
    alice, bob = network.nodes
    network.dial(alice, bob)
    network.dial(bob, alice)

    network.say(alice, "hi", 0.0)
    for step in range(1_000):
        network.step(float(step))

    assert alice.announced == ["hi"]
    assert bob.announced == ["a -> hi", "a -> hi"]

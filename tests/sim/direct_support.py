"""What tests of messages to one person share: who got what when, and relays that misbehave."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from p2pchat.core.direct_frames import DirectFrame, KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.engine import Core
from p2pchat.core.events import Effect, Event, Send, SendDirect, Tell
from p2pchat.core.frames import Incoming
from p2pchat.core.notices import DirectArrived, DirectReceipt, DirectWaits
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules, SimNode
from p2pchat.sim.scenarios import Graph, random_regular

DIRECT_FRAMES: Final = (Packet, NoWay, KeyAnswer, Receipt)

ATTEMPTS_S: Final = 10.0
"""The trail, the request, what follows it, and the flood: then a message waits."""

DIAMOND: Final = Graph(5, ((0, 1), (1, 4), (0, 2), (2, 3), (3, 4)))
"""From 0 to 4 by 1, or the longer way by 2 and 3."""

Lie = Callable[[SimNode, DirectFrame], Sequence[DirectFrame]]
"""Gets whom a relay sends what; returns what it sends instead."""


class Post:
    """Watches what becomes of messages to one person."""

    def __init__(self) -> None:
        self.written: dict[str, float] = {}
        self.shown: defaultdict[str, list[float]] = defaultdict(list)
        self.receipts: dict[str, float] = {}
        self.own_packets: Counter[bool] = Counter()
        """Packets that their authors sent, by whether they were flooded."""
        self.frames: Counter[type] = Counter()

    def on_start(self, node: SimNode) -> None:
        """A restart changes nothing about what was written."""

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Note what was written, shown and answered."""
        if isinstance(event, SendDirect):
            self.written[event.message.hex()] = now
        for effect in effects:
            match effect:
                case Tell(DirectArrived(message)):
                    self.shown[message.id].append(now)
                case Tell(DirectReceipt(message_id)):
                    self.receipts[message_id] = now
                case Send(connections, frame) if isinstance(frame, DIRECT_FRAMES):
                    self.frames[type(frame)] += len(connections)
                    if isinstance(frame, Packet) and frame.hops == 0:
                        self.own_packets[frame.is_flooded] += 1

    def delays_s(self) -> list[float]:
        """How long each shown message took, in order of writing."""
        return [self.shown[name][0] - at for name, at in self.written.items() if self.shown[name]]

    def late(self, within_s: float) -> list[str]:
        """Ids of what was not shown in time."""
        return [
            name
            for name, at in self.written.items()
            if not self.shown[name] or self.shown[name][0] - at > within_s
        ]


class _CrookedCore(Core):
    """Shares everything with the honest core that it was, but for what it passes on."""

    def __init__(self, honest: Core, node: SimNode, lie: Lie) -> None:
        self.__dict__ = honest.__dict__
        self._node, self._lie = node, lie

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for effect in super().handle(event, now):
            if isinstance(effect, Send) and isinstance(effect.frame, DIRECT_FRAMES):
                effects += self._changed(effect, effect.frame)
            else:
                effects.append(effect)
        return effects

    def _changed(self, effect: Send, frame: DirectFrame) -> list[Effect]:
        sent: list[Effect] = []
        for connection in effect.connections:
            receiver = self._node.ends[connection].other.node
            sent += [Send((connection,), told) for told in self._lie(receiver, frame)]
        return sent


def make_crooked(node: SimNode, lie: Lie) -> None:
    """Let a node change what it says about messages to one person, until it restarts."""
    node.core = _CrookedCore(node.core, node, lie)


def silent(_receiver: SimNode, _frame: DirectFrame) -> Sequence[DirectFrame]:
    """Pass nothing on."""
    return ()


def deaf_to(*kinds: type) -> Lie:
    """Pass everything on but frames of those kinds."""

    def lie(_receiver: SimNode, frame: DirectFrame) -> Sequence[DirectFrame]:
        return () if isinstance(frame, kinds) else (frame,)

    return lie


def late_by(network: SimNetwork, relay: SimNode, seconds: float) -> Lie:
    """Pass everything on after a while."""

    def lie(receiver: SimNode, frame: DirectFrame) -> Sequence[DirectFrame]:
        network.after(seconds, _inject, network, relay, receiver, frame)
        return ()

    return lie


def _inject(network: SimNetwork, sender: SimNode, receiver: SimNode, frame: Incoming) -> None:
    if any(end.other.node is receiver for end in sender.ends.values()):
        network.inject(sender, receiver, frame)


def altered(_receiver: SimNode, frame: DirectFrame) -> Sequence[DirectFrame]:
    """Change the last byte of what was sealed."""
    if not isinstance(frame, Packet):
        return (frame,)
    return (replace(frame, signed=frame.signed[:-1] + bytes([frame.signed[-1] ^ 1])),)


def post_network(
    graph: Graph,
    seed: int = 0,
    *,
    rules: Rules = Rules(),  # noqa: B008 - it is frozen
) -> tuple[SimNetwork, Post, list[SimNode], Invariants]:
    """A network of that graph, all of it open, whose post is watched."""
    post, invariants = Post(), Invariants(bounds_every_steps=4)
    network = SimNetwork(seed, rules=rules, watchers=[post, invariants])
    nodes = [network.add() for _ in range(graph.size)]
    network.connect_all(nodes, graph.edges)
    return network, post, nodes, invariants


def texts(node: SimNode) -> list[str]:
    """Messages to that person alone which were shown, in order."""
    return [notice.message.text for notice in node.told if isinstance(notice, DirectArrived)]


def receipts(node: SimNode) -> list[str]:
    """Ids of own messages that were told to have arrived, in order."""
    return [notice.id for notice in node.told if isinstance(notice, DirectReceipt)]


def told_to_wait(node: SimNode) -> list[str]:
    """Ids of own messages that were told to wait, in order."""
    return [notice.id for notice in node.told if isinstance(notice, DirectWaits)]


def write(network: SimNetwork, author: SimNode, recipient: SimNode, text: str) -> None:
    """Do that later, in the middle of a run."""
    network.write(author, recipient, text)


CHURN_A_MINUTE: Final = 0.3
"""Share of all nodes that vanish within a minute; each is back 10 s later."""

AWAY_S: Final = 10.0


def under_churn(
    size: int, seed: int, *, messages: int = 100, every_s: float = 0.5, is_metered: bool = True
) -> Post:
    """Let a tenth of a network, who stay, write to each other while the others come and go."""
    chance = random.Random(seed)
    graph = random_regular(size, 5, chance)
    network, post, nodes, _ = post_network(graph, seed, rules=Rules(is_metered=is_metered))
    everybody = chance.sample(nodes, size)
    steady, restless = everybody[: size // 10], everybody[size // 10 :]

    def come_back(node: SimNode) -> None:
        network.restart(node)
        for edge in graph.edges:
            if node.index in edge and nodes[sum(edge) - node.index].is_running:
                network.connect(node, nodes[sum(edge) - node.index])

    def go() -> None:
        node = chance.choice([node for node in restless if node.is_running])
        network.crash(node)
        network.after(AWAY_S, come_back, node)

    going = round(size * CHURN_A_MINUTE * messages * every_s / 60.0)
    for number in range(going):
        network.after(messages * every_s * number / going, go)
    for number in range(messages):
        author, recipient = chance.sample(steady, 2)
        network.after(every_s * number, write, network, author, recipient, str(number))
    network.run(messages * every_s + 2 * ATTEMPTS_S)
    return post

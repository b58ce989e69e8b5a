"""What has to hold in every simulated run, whatever happens in it.

1. No message is shown twice.
2. Nothing is shown whose signature is not its author's.
3. Every table is within its bound.
4. At rest: who has a neighbour is its neighbour, over the same link.
5. At rest: at most one connection a pair, none to oneself.
6. At rest, where no link was ever broken: everybody has everything. Where what was broken is
   whole again, and repair had its time: everybody has what anybody has.
7. No envelope goes back to where it came from, nor twice over one connection.
8. No timer lies in the past once it was served, nor is it served again and again at one
   moment; none belongs to a connection that is gone.
9. What is shown behind a later one of its author was told to be missing, or is marked as earlier.

That a core never waits needs no check: its only method is an ordinary one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from p2pchat.core.events import Deliver, Effect, Event, FrameReceived, Send, Tell, Tick
from p2pchat.core.frames import Carry
from p2pchat.core.notices import Gap
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, PeerId
from p2pchat.sim.credentials import sim_signature
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from p2pchat.sim.report import is_expected
from p2pchat.sim.said import MessageKey

_OLDEST_S: Final = 15 * 60.0
"""What was said longer ago is not promised to who was away meanwhile."""

_TICKS_AT_ONCE: Final = 16
"""Ticks of one node at one moment: what one brings about may be due at once, but not for ever."""


class _Memory:
    """What one node has done since it started."""

    def __init__(self) -> None:
        self.shown: set[MessageKey] = set()
        self.latest: dict[tuple[PeerId, Epoch], int] = {}
        self.told_missing: Counter[PeerId | None] = Counter()
        self.came_over: dict[ConnectionId, set[bytes]] = {}
        self.sent_over: dict[ConnectionId, set[bytes]] = {}
        self.ticked_at = -math.inf
        self.ticks = 0


class Invariants:
    """A `Watcher` that looks at the touched node after each step, and at all when asked.

    Every broken invariant is an `AssertionError` that names its number and the node. What a
    node holds changes by its own steps only, so that looking at it then misses nothing.
    """

    def __init__(self, bounds_every_steps: int = 1) -> None:
        """Begin to watch.

        Args:
            bounds_every_steps: How often tables are counted, which costs as much as a step.
        """
        self.steps = 0
        self._bounds_every_steps = bounds_every_steps
        self._memories: dict[int, _Memory] = {}
        self._verified: set[EnvelopeId] = set()

    def on_start(self, node: SimNode) -> None:
        """Forget what the node did before."""
        self._memories[node.index] = _Memory()

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        """Check what one node has just done."""
        self.steps += 1
        memory = self._memories[node.index]
        # What was lost for a rate may come by another way, and then goes to everybody else.
        if (
            isinstance(event, FrameReceived)
            and isinstance(event.frame, Carry)
            and node.core.knows(EnvelopeId(event.frame.id))
        ):
            memory.came_over.setdefault(event.connection, set()).add(event.frame.id)
        for effect in effects:
            match effect:
                case Deliver():
                    self._check_delivery(node, memory, effect)
                    _check_order(node, memory, effect)
                case Tell(Gap(author, missing)):
                    memory.told_missing[author.id] += missing
                case Send(connections, Carry() as frame):
                    _check_carry(node, memory, connections, frame)
        if isinstance(event, Tick):
            _check_timers(node, memory, now)
        if self.steps % self._bounds_every_steps == 0:
            _check_bounds(node)

    def lacking(self, network: SimNetwork) -> Iterator[tuple[SimNode, MessageKey]]:
        """Iterate over what somebody has and somebody else lacks, among who runs now."""
        living = [(n, self._memories[n.index].shown) for n in network.nodes if n.is_running]
        shown_by_any = set[MessageKey]().union(*(shown for _, shown in living))
        had = [
            (key, announced)
            for announced in network.announced.values()
            if announced.at >= network.now - _OLDEST_S
            and ((key := announced.key) in shown_by_any or announced.is_its_authors)
        ]
        for node, shown in living:
            for key, announced in had:
                if key not in shown and is_expected(announced, node):
                    yield node, key

    def check_rest(
        self, network: SimNetwork, *, everything_arrived: bool = False, is_repaired: bool = False
    ) -> None:
        """Check the whole network, when nothing is under way and openings are over.

        Args:
            network: The one that is watched.
            everything_arrived: Whether the links were never broken, so that nobody may have
                missed anything.
            is_repaired: Whether who runs is connected again and had a minute for repair.
        """
        living = [node for node in network.nodes if node.is_running]
        for node in living:
            _check_neighbours(node)
            _check_bounds(node)
        if everything_arrived:
            for node in living:
                _check_everything_arrived(network, node)
        if is_repaired:
            lacking = list(self.lacking(network))
            names = ", ".join(sorted({node.name for node, _ in lacking})[:5])
            assert not lacking, f"6: {len(lacking)} messages are missing, such as at {names}"

    def _check_delivery(self, node: SimNode, memory: _Memory, effect: Deliver) -> None:
        envelope = effect.envelope
        for number in envelope.numbers:
            key = (envelope.author, envelope.epoch, number)
            assert key not in memory.shown, f"1: {node.name} shows number {number} twice"
            memory.shown.add(key)
        if envelope.id in self._verified:
            return
        expected = sim_signature(envelope.author, envelope.signed)
        assert envelope.signature == expected, f"2: {node.name} shows a forgery"
        assert effect.signer.id == envelope.author, f"2: {node.name} shows a wrong signer"
        self._verified.add(envelope.id)


def _check_order(node: SimNode, memory: _Memory, effect: Deliver) -> None:
    envelope, header = effect.envelope, effect.envelope.header
    series = (envelope.author, envelope.epoch)
    latest = memory.latest.get(series, -1)
    if header.first < latest and not effect.earlier:
        left = memory.told_missing[envelope.author] - header.count
        memory.told_missing[envelope.author] = left
        assert left >= 0, f"9: {node.name} shows number {header.first} behind number {latest}"
    memory.latest[series] = max(latest, header.first + header.count - 1)


def _check_carry(
    node: SimNode, memory: _Memory, connections: tuple[ConnectionId, ...], frame: Carry
) -> None:
    for connection in connections:
        came = memory.came_over.get(connection, ())
        sent = memory.sent_over.setdefault(connection, set())
        assert frame.id not in came, f"7: {node.name} sends an envelope back"
        assert frame.id not in sent, f"7: {node.name} sends an envelope twice on a link"
        sent.add(frame.id)


def _check_timers(node: SimNode, memory: _Memory, now: float) -> None:
    deadline = node.core.next_deadline()
    waits = node.core.waiting_texts > 0
    assert deadline is None or deadline >= now or waits, f"8: {node.name} has a timer in the past"
    memory.ticks = memory.ticks + 1 if now == memory.ticked_at else 1
    memory.ticked_at = now
    assert memory.ticks <= _TICKS_AT_ONCE, f"8: {node.name} has a timer that rings for ever"


def _check_bounds(node: SimNode) -> None:
    for holding in node.core.holdings():
        assert holding.count <= holding.limit, (
            f"3: {node.name} holds {holding.count} {holding.what}, the limit is {holding.limit}"
        )


def _check_neighbours(node: SimNode) -> None:
    for peer, connection in node.core.neighbours.items():
        assert peer != node.peer, f"5: {node.name} is its own neighbour"
        end = node.ends.get(connection)
        assert end is not None, f"4: {node.name} has a neighbour without a link"
        if end.link.is_silent:
            continue  # it can't know yet
        other = end.other
        assert other.node.core.neighbours.get(node.peer) == other.connection, (
            f"4: {node.name} has the neighbour {other.node.name}, but not the reverse"
        )
    pairs = [end.other.node.index for end in node.ends.values() if not end.link.is_silent]
    assert len(pairs) == len(set(pairs)), f"5: {node.name} has two connections to one peer"


def _check_everything_arrived(network: SimNetwork, node: SimNode) -> None:
    shown = frozenset(node.message_ids)
    missing = [
        message
        for message, announced in network.announced.items()
        if announced.author is not node and message not in shown
    ]
    assert not missing, f"6: {node.name} misses {len(missing)} messages"

"""Many real cores on one virtual clock, joined by links with latency.

What is real: the cores, every frame's value, every envelope's bytes. What is left out: TLS,
framing, sockets. The same seed gives the same run; `digest()` is the proof.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final, Protocol

from p2pchat.core import limits
from p2pchat.core.events import (
    ClockSet,
    Close,
    Closing,
    ConnectionEnded,
    Deliver,
    Effect,
    Event,
    Failed,
    FrameReceived,
    HangUp,
    Leave,
    Note,
    Opened,
    Published,
    QueueFell,
    QueueRose,
    Send,
    Tell,
    Tick,
)
from p2pchat.core.frames import Carry, Incoming
from p2pchat.core.values import MessageId, PeerId
from p2pchat.errors import NoAnswer, NobodyListening, SlowPeer
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.dialling import begin
from p2pchat.sim.link import End, Link
from p2pchat.sim.node import Delivery, SimNode
from p2pchat.wire.codec import encode
from p2pchat.wire.framing import HEADER_BYTES

WALL_START_S: Final = 1_700_000_000.0
"""What every node's wall clock shows when the virtual clock stands at 0."""


class Watcher(Protocol):
    """Looks at every step of a simulated network."""

    def on_start(self, node: SimNode) -> None:
        """A node begins with an empty memory."""
        ...

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        """A node handled an event; the effects are not performed yet."""
        ...


class SimNetwork:
    """Discrete-event network: `run()` jumps the clock from one arrival to the next."""

    def __init__(
        self,
        seed: int = 0,
        latency_s: tuple[float, float] = (0.010, 0.050),
        *,
        bandwidth_bytes_s: float | None = None,
        watchers: Iterable[Watcher] = (),
    ) -> None:
        """Begin with nobody.

        Args:
            seed: Every chance of the run follows from it.
            latency_s: Shortest and longest time of a frame on its way, drawn for each.
            bandwidth_bytes_s: What each direction of a link carries; None for no limit.
            watchers: Told of every step, in order.
        """
        self.now = 0.0
        self.nodes: list[SimNode] = []
        self.events = 0
        """Events handled by all nodes together."""
        self.announced_at: dict[MessageId, float] = {}
        self._rng = random.Random(seed)
        self._latency_s = latency_s
        self._bandwidth_bytes_s = bandwidth_bytes_s
        self._watchers = tuple(watchers)
        self._codec = MemoCodec()
        self._agenda: list[tuple[float, int, bool, Callable[..., None], tuple[object, ...]]] = []
        self._order = 0
        self._under_way = 0
        self._links = 0
        self._cut: list[tuple[SimNode, SimNode]] = []
        self._trace = blake2b(digest_size=16)

    # --- Nodes --------------------------------------------------------------------------------

    def add(
        self, name: str | None = None, *, room: str = "lobby", clock_offset_s: float = 0.0
    ) -> SimNode:
        """Start a node; two of one name are copies of one profile."""
        index = len(self.nodes)
        node = SimNode(index, name or f"n{index}", room, self._codec)
        node.wall_offset_s = WALL_START_S + clock_offset_s
        self.nodes.append(node)
        self._start(node)
        return node

    def announce(self, node: SimNode, text: str) -> MessageId:
        """Say something; it leaves as soon as the node gets round to it."""
        message = node.core.announce(text)
        self.announced_at[message] = self.now
        self._arm(node)
        return message

    def stop(self, node: SimNode) -> None:
        """Let a node say goodbye, then end it as the real one ends: after 5 s at the latest."""
        node.is_leaving = True
        self._feed(node, Leave())
        self._halt_when_alone(node)
        self._later(limits.LEAVE_TIMEOUT_S, self._halt, node, node.starts)

    def crash(self, node: SimNode, *, silent: bool = False) -> None:
        """End a node without a word; `silent` when its whole machine vanishes."""
        node.is_running = False
        node.tick_at = math.inf
        for end in tuple(node.ends.values()):
            end.is_over = True
            end.link.is_silent |= silent
            self._tell_end(end.other, "connection lost")
        node.ends.clear()

    def restart(self, node: SimNode) -> None:
        """Start a node that was stopped or crashed, with its key and another epoch."""
        assert not node.is_running
        self._start(node)

    def suspend(self, node: SimNode, seconds: float) -> None:
        """Let a node handle nothing for a while; what comes meanwhile waits for it."""
        node.awake_at = self.now + seconds

    # --- Links --------------------------------------------------------------------------------

    def connect(
        self,
        dialler: SimNode,
        acceptor: SimNode,
        *,
        expected: PeerId | None = None,
        delay_s: float = 0.0,
    ) -> Link:
        """Let one node dial another, after a delay; the opening is up to their cores."""
        self._links += 1
        exported = self._links.to_bytes(32, "big")
        link = Link(dialler, acceptor, exported, expected)
        self._push(self.now + delay_s, self._dial, link)
        return link

    def connect_all(self, nodes: Sequence[SimNode], edges: Iterable[tuple[int, int]]) -> None:
        """Let the first of each pair dial the second, then wait until all is open.

        Nobody gets more dials at once than it takes from one address.
        """
        dials: dict[int, int] = {}
        round_s = 10 * self._latency_s[1]
        for dialler, acceptor in edges:
            earlier = dials.get(acceptor, 0)
            dials[acceptor] = earlier + 1
            delay_s = round_s * (earlier // limits.OPENING_PER_PRIVATE_ADDRESS)
            self.connect(nodes[dialler], nodes[acceptor], delay_s=delay_s)
        self.run_until_quiet()

    def hang_up(self, node: SimNode, peer: SimNode) -> None:
        """Let a node say goodbye to one neighbour."""
        connection = node.core.neighbours.get(peer.peer)
        if connection is not None:
            self._feed(node, HangUp(connection))

    def cut(self, a: SimNode, b: SimNode, *, silent: bool = True) -> None:
        """Break every link between two nodes: in silence, or so that both are told."""
        for end in tuple(a.ends.values()):
            if end.other.node is b:
                self._break(end.link, silent=silent)

    def partition(self, groups: Iterable[Iterable[SimNode]]) -> None:
        """Cut in silence what joins different groups; nobody can dial across until `heal()`."""
        for number, group in enumerate(groups):
            for node in group:
                node.group = number
        for node in self.nodes:
            for end in node.ends.values():
                if node.group < end.other.node.group and not end.link.is_silent:
                    self._cut.append((end.link.dialler.node, end.link.acceptor.node))
                    self._break(end.link, silent=True)

    def heal(self) -> None:
        """Make everybody reachable again; who lost a neighbour by the partition redials it."""
        for node in self.nodes:
            node.group = 0
        pairs, self._cut = self._cut, []
        for dialler, acceptor in pairs:
            self.connect(dialler, acceptor)

    def inject(self, sender: SimNode, receiver: SimNode, *frames: Incoming) -> None:
        """Put frames on the newest link as if that sender's core had sent them."""
        ends = [e for e in sender.ends.values() if e.other.node is receiver and not e.is_over]
        for frame in frames:
            self._transmit(ends[-1], frame, 0)

    # --- Time ---------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let that much virtual time pass."""
        until = self.now + seconds
        while self._agenda and self._agenda[0][0] <= until:
            self._step()
        self.now = until

    def run_until_quiet(self) -> None:
        """Let time pass until nothing is under way but timers."""
        while self._under_way:
            self._step()

    def digest(self) -> str:
        """Return the hash of everything that happened: equal for equal runs."""
        return self._trace.hexdigest()

    def after(self, seconds: float, action: Callable[..., None], *arguments: object) -> None:
        """Do something in the middle of a run."""
        self._push(self.now + seconds, action, *arguments)

    def _step(self) -> None:
        self.now, _, is_timer, action, arguments = heapq.heappop(self._agenda)
        if not is_timer:
            self._under_way -= 1
        action(*arguments)

    def _push(self, at: float, action: Callable[..., None], *arguments: object) -> None:
        self._order += 1
        self._under_way += 1
        heapq.heappush(self._agenda, (at, self._order, False, action, arguments))

    def _later(self, seconds: float, action: Callable[..., None], *arguments: object) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._order, True, action, arguments))

    # --- Cores --------------------------------------------------------------------------------

    def _start(self, node: SimNode) -> None:
        node.start()
        for watcher in self._watchers:
            watcher.on_start(node)
        self._feed(node, ClockSet(node.wall_offset_s))

    def _feed(self, node: SimNode, event: Event) -> None:
        now = self.now
        if now < node.awake_at:
            self._push(node.awake_at, self._feed, node, event)
            return
        self.events += 1
        self._note(node, event)
        effects = node.core.handle(event, now)
        for watcher in self._watchers:
            watcher.on_step(node, event, effects, now)
        for effect in effects:
            self._perform(node, effect)
        self._arm(node)

    def _note(self, node: SimNode, event: Event) -> None:
        what = type(event).__name__
        if type(event) is FrameReceived:
            frame = event.frame
            what = frame.id.hex() if type(frame) is Carry else type(frame).__name__
        self._trace.update(f"{self.now!r} {node.index} {what}\n".encode())

    def _perform(self, node: SimNode, effect: Effect) -> None:
        match effect:
            case Send(connections, frame):
                self._send(node, connections, frame)
            case Deliver():
                self._trace.update(effect.envelope.id)
                node.delivered.append(Delivery(self.now, effect))
            case Published():
                node.published.append(effect)
            case Tell(notice):
                node.told.append(notice)
            case Opened():
                node.opened.append(effect)
            case Failed():
                node.failed.append(effect)
            case Note(text):
                node.notes.append(text)
            case Close(connection, how, reason):
                end = node.ends.get(connection)
                if end is not None:
                    self._close(end, how, reason)
            case _:
                return  # registering is the core's own business here; nobody speaks plain lines

    def _arm(self, node: SimNode) -> None:
        deadline = node.core.next_deadline()
        if deadline is None or deadline >= node.tick_at or not node.is_running:
            return
        node.tick_at = at = max(deadline, self.now)
        self._order += 1
        # What waits to be sent is under way; any other deadline is only a timer.
        is_timer = at > self.now
        self._under_way += not is_timer
        heapq.heappush(self._agenda, (at, self._order, is_timer, self._tick, (node, at)))

    def _tick(self, node: SimNode, at: float) -> None:
        if at != node.tick_at:
            return  # an earlier one came instead
        node.tick_at = math.inf
        self._feed(node, Tick())

    # --- Frames -------------------------------------------------------------------------------

    def _send(self, node: SimNode, connections: tuple[int, ...], frame: Incoming) -> None:
        size_bytes = HEADER_BYTES + len(encode(frame))  # type: ignore[arg-type]  # cores send no Skipped
        if type(frame) is Carry:
            node.carried += len(connections)
        ends = node.ends
        for connection in connections:
            end = ends.get(connection)  # type: ignore[call-overload]
            if end is not None and not end.has_said_end:
                self._transmit(end, frame, size_bytes)

    def _transmit(self, end: End, frame: Incoming, size_bytes: int) -> None:
        end.node.sent_frames += 1
        end.node.sent_bytes += size_bytes
        leaves_at = self.now
        if self._bandwidth_bytes_s is not None:
            leaves_at = self._queue(end, size_bytes, self._bandwidth_bytes_s)
        if end.link.is_silent:
            return
        at = self._arrival(end, leaves_at)
        self._push(at, self._arrive, end.other, frame)

    def _arrival(self, end: End, leaves_at: float) -> float:
        """When something sent from that end arrives: never before what was sent earlier."""
        shortest, longest = self._latency_s
        at = leaves_at + shortest + (longest - shortest) * self._rng.random()
        end.arrival_at = at = max(at, end.arrival_at)
        return at

    def _arrive(self, end: End, frame: Incoming) -> None:
        if not end.is_over and not end.link.is_silent:
            self._feed(end.node, FrameReceived(end.connection, frame))

"""Many real cores on one virtual clock, joined by links with latency.

What is real: the cores, every frame's value, every envelope's bytes. What is left out: TLS,
framing, sockets. The same seed gives the same run; `digest()` is the proof.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final

from p2pchat.core import limits
from p2pchat.core.events import (
    ClockSet,
    Close,
    Deliver,
    DeliveredNoted,
    Dial,
    DialEnded,
    Effect,
    Event,
    Failed,
    ForgetWaiting,
    FrameReceived,
    HangUp,
    KeepWaiting,
    Leave,
    NetworkChanged,
    Note,
    NoteDelivered,
    Opened,
    Probe,
    Probed,
    Published,
    Send,
    SendDirect,
    Tell,
    Tick,
)
from p2pchat.core.frames import Carry, Filled, Incoming
from p2pchat.core.notices import Connected
from p2pchat.core.outbox import DirectId
from p2pchat.core.values import Address, Kind, MessageId, PeerId, Person
from p2pchat.errors import NoAnswer
from p2pchat.sim.agenda import Agenda
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.node import Delivery, Link, Rules, SimNode
from p2pchat.sim.said import Announced, Watcher
from p2pchat.sim.traffic import Traffic
from p2pchat.wire.codec import encode
from p2pchat.wire.framing import HEADER_BYTES

WALL_START_S: Final = 1_700_000_000.0
"""What every node's wall clock shows when the virtual clock stands at 0."""

_PLACE: Final = struct.Struct(">dIB")


class SimNetwork:
    """Discrete-event network: running it jumps the clock from one arrival to the next."""

    def __init__(
        self,
        seed: int = 0,
        latency_s: tuple[float, float] = (0.010, 0.050),
        *,
        bandwidth_bytes_s: float | None = None,
        rules: Rules = Rules(),  # noqa: B008 - it is frozen
        watchers: Iterable[Watcher] = (),
    ) -> None:
        """Begin with nobody.

        Args:
            seed: Every chance of the run follows from it.
            latency_s: Shortest and longest time of a frame on its way, drawn for each.
            bandwidth_bytes_s: What each direction of a link carries; None for no limit.
            rules: What all nodes are set up with alike.
            watchers: Told of every step, in order.
        """
        self.nodes: list[SimNode] = []
        self.events = 0
        """Events handled by all nodes together."""
        self.announced: dict[MessageId, Announced] = {}
        self._seed = seed
        self.random = random.Random(seed)
        """The one source of chance, for scenarios too."""
        self._latency_s = latency_s
        self._rules = rules
        self._watchers = tuple(watchers)
        self._agenda = Agenda()
        self._traffic = Traffic(self._agenda, self.random, latency_s, bandwidth_bytes_s, self._feed)
        self._codec = MemoCodec()
        self._links = 0
        self._by_ip: dict[str, SimNode] = {}
        self._to_redial: list[tuple[SimNode, SimNode]] = []
        self._trace = blake2b(digest_size=16)

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self._agenda.now

    # --- Nodes --------------------------------------------------------------------------------

    def add(
        self, name: str | None = None, *, room: str = "lobby", clock_offset_s: float = 0.0
    ) -> SimNode:
        """Start a node; two of one name are copies of one profile."""
        index = len(self.nodes)
        node = SimNode(index, name or f"n{index}", room, self._codec, self._seed, self._rules)
        node.wall_offset_s = WALL_START_S + clock_offset_s
        self.nodes.append(node)
        self._by_ip[node.ip] = node
        self._start(node)
        return node

    def announce(self, node: SimNode, text: str) -> MessageId:
        """Say something; it leaves as soon as the node gets round to it."""
        number, message = node.core.announce(text)
        self.announced[message] = Announced(node, self.now, node.epoch, number)
        self._arm(node)
        return message

    def write(self, node: SimNode, recipient: SimNode, text: str) -> DirectId:
        """Say something to one person."""
        message = DirectId(self.random.randbytes(16))
        person = Person(recipient.peer, recipient.name)
        self._feed(node, SendDirect(message, person, Kind.TEXT, text))
        return message

    def stop(self, node: SimNode) -> None:
        """Let a node say goodbye; it ends when all is said, after 5 s at the latest."""
        node.is_leaving = True
        self._feed(node, Leave())
        self._halt_if_alone(node)
        at = self.now + limits.LEAVE_TIMEOUT_S
        self._agenda.at(at, self._halt, node, node.starts)

    def crash(self, node: SimNode, *, silent: bool = False) -> None:
        """End a node without a word; `silent` when its whole machine vanishes."""
        node.is_running = False
        node.tick_at = math.inf
        for end in tuple(node.ends.values()):
            self._traffic.die(end, silent=silent)
        node.ends.clear()

    def restart(self, node: SimNode) -> None:
        """Start a node that was stopped or crashed, with its key and another epoch."""
        assert not node.is_running
        self._start(node)

    def suspend(self, node: SimNode, seconds: float) -> None:
        """Let a node handle nothing for a while; what comes meanwhile waits for it."""
        node.awake_at = self.now + seconds

    def jump_clock(self, node: SimNode, seconds: float) -> None:
        """Set a node's wall clock ahead, as after a sleep in which its own time stood still."""
        node.wall_offset_s += seconds
        self._feed(node, ClockSet(node.wall_offset_s))

    # --- Links --------------------------------------------------------------------------------

    def connect(
        self,
        dialler: SimNode,
        acceptor: SimNode,
        *,
        expected: PeerId | None = None,
        delay_s: float = 0.0,
        attempt: int = 0,
        is_typed: bool = False,
    ) -> Link:
        """Let one node dial another, after a delay; the opening is up to their cores."""
        self._links += 1
        exported = self._links.to_bytes(32, "big")
        link = Link(dialler, acceptor, exported, expected, attempt, is_typed=is_typed)
        self._agenda.at(self.now + delay_s, self._traffic.dial, link)
        return link

    def connect_all(self, nodes: Sequence[SimNode], edges: Iterable[tuple[int, int]]) -> None:
        """Let the first of each pair dial the second, then wait until all is open.

        Nobody gets more dials at once than it has places for newcomers.
        """
        dials: dict[int, int] = {}
        round_s = 12 * self._latency_s[1]
        for dialler, acceptor in edges:
            earlier = dials.get(acceptor, 0)
            dials[acceptor] = earlier + 1
            delay_s = round_s * (earlier // limits.OPENING_LIMIT)
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
                self._traffic.cut(end.link, silent=silent)

    def partition(self, groups: Iterable[Iterable[SimNode]]) -> None:
        """Cut in silence what joins different groups; nobody can dial across until `heal()`."""
        for number, group in enumerate(groups):
            for node in group:
                node.group = number
        for node in self.nodes:
            for end in node.ends.values():
                if node.group < end.other.node.group and not end.link.is_silent:
                    self._to_redial.append((end.link.dialler.node, end.link.acceptor.node))
                    self._traffic.cut(end.link, silent=True)

    def heal(self) -> None:
        """Make everybody reachable again.

        Who lost a neighbour by the partition redials it, unless nodes join by themselves.
        """
        for node in self.nodes:
            node.group = 0
        pairs, self._to_redial = self._to_redial, []
        for dialler, acceptor in pairs if not self._rules.joins else ():
            self.connect(dialler, acceptor)

    def inject(self, sender: SimNode, receiver: SimNode, *frames: Incoming) -> None:
        """Put frames on the newest link as if the sender's core had sent them."""
        ends = [end for end in sender.ends.values() if end.other.node is receiver]
        for frame in frames:
            self._traffic.send(ends[-1], frame, 0)

    # --- Time ---------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let that much virtual time pass."""
        self._agenda.run(self.now + seconds)

    def run_until_quiet(self) -> None:
        """Let time pass until nothing is under way but timers."""
        self._agenda.run_until_quiet()

    def after(self, seconds: float, action: Callable[..., None], *arguments: object) -> None:
        """Do something in the middle of a run."""
        self._agenda.at(self.now + seconds, action, *arguments)

    def digest(self) -> str:
        """Return the hash of everything that happened: equal for equal runs."""
        return self._trace.hexdigest()

    # --- Cores --------------------------------------------------------------------------------

    def _start(self, node: SimNode) -> None:
        node.start(self.now)
        for watcher in self._watchers:
            watcher.on_start(node)
        self._feed(node, ClockSet(node.wall_offset_s))
        if self._rules.joins:
            self._feed(node, NetworkChanged((node.address,)))

    def _halt_if_alone(self, node: SimNode) -> None:
        if node.is_leaving and not node.ends and not node.core.waiting_texts:
            self._halt(node, node.starts)

    def _halt(self, node: SimNode, start: int) -> None:
        if node.is_running and node.starts == start:
            self.crash(node)

    def _feed(self, node: SimNode, event: Event) -> None:
        now = self._agenda.now
        if now < node.awake_at:
            self._agenda.at(node.awake_at, self._feed_awake, node, node.starts, event)
            return
        if not node.is_running:
            return
        self.events += 1
        self._record(node, event)
        effects = node.core.handle(event, now)
        for watcher in self._watchers:
            watcher.on_step(node, event, effects, now)
        for effect in effects:
            self._perform(node, effect)
        self._arm(node)
        if node.is_leaving:
            self._halt_if_alone(node)

    def _feed_awake(self, node: SimNode, start: int, event: Event) -> None:
        """Feed what waited for a suspended node, unless that was another start of it."""
        if node.starts == start:
            self._feed(node, event)

    def _record(self, node: SimNode, event: Event) -> None:
        frame = event.frame if type(event) is FrameReceived else event
        what = frame.id if type(frame) is Carry else type(frame).__name__.encode()
        if type(frame) is Filled:
            node.filled.add(frame.id)
        self._trace.update(_PLACE.pack(self._agenda.now, node.index, len(what)) + what)

    def _perform(self, node: SimNode, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(node, effect)
            case Deliver():
                name = effect.envelope.id
                self._trace.update(name)
                by_repair = name in node.filled
                node.delivered.append(Delivery(self.now, effect, node.starts, by_repair))
            case Published():
                node.published.append(effect)
            case Tell(notice):
                node.told.append(notice)
                if node.opened_at is None and type(notice) is Connected:
                    node.opened_at = self.now
            case Opened():
                node.opened.append(effect)
            case Failed():
                node.failed.append(effect)
            case Note(text):
                node.notes.append(text)
            case Dial():
                self._dial(node, effect)
            case KeepWaiting(waiting):
                node.waiting[waiting.message_id] = waiting
            case ForgetWaiting(message):
                node.waiting.pop(message, None)
            case NoteDelivered(author, message):
                node.direct_shown.add((author, message))
                self.after(0.0, self._feed, node, DeliveredNoted(author, message))
            case Probe(attempt, address):
                self._probe(node, attempt, address)
            case Close(connection, how, reason):
                end = node.ends.get(connection)
                if end is not None:
                    self._traffic.close(end, how, reason)
            case _:
                return  # registering is for the shell; nobody speaks plain lines here

    def _dial(self, node: SimNode, wish: Dial) -> None:
        """Dial the first address; nobody is there where none of our nodes has it."""
        other = self._by_ip.get(wish.addresses[0].host)
        if other is not None:
            self.connect(node, other, expected=wish.expected, attempt=wish.attempt)
            return
        ended = DialEnded(wish.attempt, NoAnswer(wish.addresses[0], wish.timeout_s))
        self._agenda.timer_at(self.now + wish.timeout_s, self._feed, node, ended)

    def _probe(self, node: SimNode, attempt: int, address: Address) -> None:
        other = self._by_ip.get(address.host)
        can_reach = other is not None and other.is_running and other.group == node.group
        is_open = can_reach and other is not None and not other.is_behind_nat
        self.after(self._latency_s[1], self._feed, node, Probed(attempt, is_open))

    def _send(self, node: SimNode, effect: Send) -> None:
        frame, ends = effect.frame, node.ends
        size_bytes = HEADER_BYTES + len(encode(frame))
        if type(frame) is Carry:
            node.carried += len(effect.connections)
        for connection in effect.connections:
            end = ends.get(connection)
            if end is not None and not end.has_said_end:
                self._traffic.send(end, frame, size_bytes)

    def _arm(self, node: SimNode) -> None:
        deadline = node.core.next_deadline()
        if deadline is None:
            return
        now = self._agenda.now
        at = max(deadline, now)
        if 0 <= at - node.tick_at <= limits.TIMER_SLACK_S:
            return  # it comes a little early: not worth another timer
        node.tick_at = at
        # What waits to be sent is under way; any other deadline is only a timer.
        schedule = self._agenda.timer_at if at > now else self._agenda.at
        schedule(at, self._tick, node, at)

    def _tick(self, node: SimNode, at: float) -> None:
        if at != node.tick_at:
            return  # an earlier one came instead
        node.tick_at = math.inf
        self._feed(node, Tick())

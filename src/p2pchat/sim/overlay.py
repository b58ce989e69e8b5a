"""Thousands of membership machines alone on a virtual clock: who is connected to whom.

What is real: the machines, their frames, and when each arrives. What is left out: sessions,
envelopes, bytes. A flood is not simulated frame by frame but looked up in the graph of open
connections, because it is over long before the views have changed.

Nodes and connections are numbers here, so that a whole network can be pickled.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Final

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.address_book import AddressBook
from p2pchat.core.events import Dial, Send
from p2pchat.core.membership import Move, Part
from p2pchat.core.mesh_frames import MembershipFrame
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.sim.agenda import Agenda
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.sim.desk import OverlayDesk, SharedRecords
from p2pchat.sim.overlay_books import SimMembershipWithBook, reread
from p2pchat.sim.overlay_nodes import Fate, OverlayNode, SimMembership, Wire

LATENCY_S: Final = (0.010, 0.050)
"""One way, drawn for each connection, so that its frames keep their order."""

OPENING_TRIPS: Final = 6
"""One-way trips until the acceptor counts a connection as open: a round trip each for TCP, TLS
and our own opening. The dialler gets to know it one trip later."""

SILENCE_S: Final = (limits.PING_AFTER_S, limits.PING_AFTER_S + limits.DEAD_AFTER_PING_S)
"""After so long neighbours notice that a host has vanished: a ping after 20 s of silence, given up
20 s later, and the last sign of life is up to 20 s old by then."""

PORT: Final = 55_555

_WALL_START_MS: Final = 1_700_000_000_000


class Overlay:
    """Nodes, the connections between them, and whatever happens to both."""

    def __init__(self, seed: int | str = 0, *, has_books: bool = False) -> None:
        """Begin with nobody; every chance follows from the seed.

        Args:
            seed: Of all chance.
            has_books: Whether nodes have address books; without them they can't be restarted.
        """
        self._has_books = has_books
        self.nodes: list[OverlayNode] = []
        self.random = random.Random(seed)
        """The one source of chance, of all machines too."""
        self.events = 0
        """Handled by all machines together."""
        self._agenda = Agenda()
        self._is_split = False
        self._wires_so_far = 0
        self._at: dict[Address, int] = {}
        self._records: SharedRecords = {}

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self._agenda.now

    @property
    def wall_ms(self) -> int:
        """What everybody's wall clock shows."""
        return _WALL_START_MS + int(self._agenda.now * 1000)

    def run(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        self._agenda.run(self._agenda.now + seconds)

    def end(self) -> None:
        """Forget what lies ahead: it refers to all of this, so that it would stay in memory."""
        self._agenda = Agenda()

    # --- Nodes --------------------------------------------------------------------------------

    def add(self, name: str = "", host: str = "") -> OverlayNode:
        """Start a node that knows nobody, at that IP address or at one in a network of its own."""
        index = len(self.nodes)
        book = AddressBook(self.random) if self._has_books else None
        address = Address(host or public_host(index), PORT)
        return self._begin(sim_peer_id(name or f"o{index}"), address, book)

    def restart(self, old: OverlayNode) -> OverlayNode:
        """Let another process begin in the place of one that has ended, with the same book."""
        assert not old.runs
        assert isinstance(old.machine, SimMembershipWithBook)
        book = reread(old.machine.book, self.random, self.wall_ms)
        node = self._begin(old.peer, old.address, book)
        assert isinstance(node.machine, SimMembershipWithBook)
        self.perform(node, node.machine.learn_from_book(self.now))
        return node

    def _begin(self, peer: PeerId, address: Address, book: AddressBook | None) -> OverlayNode:
        desk = OverlayDesk(peer, address, self._records)
        if book is None:
            machine = SimMembership(desk, self.random)
        else:
            machine = SimMembershipWithBook(desk, self.random, book)
        node = self.put(OverlayNode(len(self.nodes), peer, address, machine))
        machine.begin(self.now, self.wall_ms)
        self._set_timer(node)
        return node

    def put(self, node: OverlayNode) -> OverlayNode:
        """Add a node with a machine of one's own; its index is how many there are."""
        assert node.index == len(self.nodes)
        self.nodes.append(node)
        self._at[node.address] = node.index
        return node

    def introduce(self, node: OverlayNode, *others: OverlayNode) -> None:
        """Let a node know where others are, as from an invite or the address book."""
        for other in others:
            known = Known(other.peer, (other.address,), How.BOOK)
            self.perform(node, node.membership.learn(known, self.now))

    def hide(self, node: OverlayNode, *, knows_it: bool) -> None:
        """Put a node behind a NAT: nobody can dial it any more."""
        node.is_behind_nat = True
        node.membership.desk.set_addresses((node.address,), is_diallable=not knows_it)

    def kill(self, nodes: Iterable[OverlayNode], fate: Fate) -> None:
        """End nodes without a word, all at once."""
        for node in nodes:
            node.fate = fate
        for node in nodes:
            for number, wire in node.wires.items():
                self._agenda.at(self._noticed_at(wire), self._lose, number, wire.other(node.index))
            node.wires.clear()
            node.current.clear()

    def leave(self, node: OverlayNode) -> None:
        """End a node that says goodbye to everybody."""
        if isinstance(node.machine, SimMembershipWithBook):
            node.machine.note_end(self.now)
        for wire in node.wires.values():
            self._say_goodbye(wire, node)
        self.kill([node], Fate.DIED)

    def _noticed_at(self, wire: Wire) -> float:
        is_told = Fate.VANISHED not in (
            self.nodes[wire.dialler].fate,
            self.nodes[wire.acceptor].fate,
        )
        return self.now + (wire.latency_s if is_told else self.random.uniform(*SILENCE_S))

    # --- Splits -------------------------------------------------------------------------------

    def split(self, nodes: Iterable[OverlayNode]) -> None:
        """Cut those nodes off from all others; nothing passes, and nobody is told."""
        self._is_split = True
        for node in nodes:
            node.side = 1
        for node in self.nodes:
            for wire in node.wires.values():
                if self._is_cut(wire.dialler, wire.acceptor):
                    at = self.now + self.random.uniform(*SILENCE_S)
                    self._agenda.at(at, self._lose_if_cut, wire.number, node.index)

    def heal(self) -> None:
        """Let everything pass again."""
        self._is_split = False
        for node in self.nodes:
            node.side = 0

    def _is_cut(self, one: int, other: int) -> bool:
        return self.nodes[one].side != self.nodes[other].side

    def _lose_if_cut(self, number: int, index: int) -> None:
        wire = self.nodes[index].wires.get(number)
        if wire is not None and self._is_cut(wire.dialler, wire.acceptor):
            self._lose(number, index)

    # --- What machines ask for ----------------------------------------------------------------

    def perform(self, node: OverlayNode, moves: list[Move]) -> None:
        """Do what a machine asks for, in order."""
        self.events += 1
        for move in moves:
            match move:
                case Send(connections, frame):
                    for connection in connections:
                        self._send(node, connection, frame)
                case Dial():
                    self._dial(node, move)
                case Part(connection):
                    wire = node.wires.get(connection)
                    if wire is not None:
                        self._say_goodbye(wire, node)
                        self._close_end(connection, node, left=False)
                case _:
                    pass
        self._set_timer(node)

    def _send(self, node: OverlayNode, connection: int, frame: object) -> None:
        wire = node.wires.get(connection)
        if wire is not None:
            at = self._agenda.now + wire.latency_s
            self._agenda.at(at, self._arrive, connection, wire.other(node.index), frame)

    def _arrive(self, number: int, index: int, frame: MembershipFrame) -> None:
        node = self.nodes[index]
        wire = node.wires.get(number)
        if wire is None or (self._is_split and self._is_cut(wire.dialler, wire.acceptor)):
            return  # it has closed that end meanwhile, or died
        moves = node.machine.on_frame(ConnectionId(number), frame, self.now, self.wall_ms)
        self.perform(node, moves)

    def _say_goodbye(self, wire: Wire, node: OverlayNode) -> None:
        other = wire.other(node.index)
        self._agenda.at(self.now + wire.latency_s, self._hear_goodbye, wire.number, other)

    def _hear_goodbye(self, number: int, index: int) -> None:
        node = self.nodes[index]
        wire = node.wires.get(number)
        if wire is not None and not self._is_cut(wire.dialler, wire.acceptor):
            self._close_end(number, node, left=True)

    # --- Time ---------------------------------------------------------------------------------

    def _set_timer(self, node: OverlayNode) -> None:
        at = node.machine.next_deadline()
        if at is not None and (node.wake_at is None or at < node.wake_at):
            node.wake_at = at
            self._agenda.timer_at(max(at, self.now), self._wake, node.index, at)

    def _wake(self, index: int, planned: float) -> None:
        node = self.nodes[index]
        if planned != node.wake_at or not node.runs:
            return
        node.wake_at = None
        at = node.machine.next_deadline()
        if at is not None and at <= self.now:
            self.perform(node, node.machine.on_time(self.now, self.wall_ms))
        else:
            self._set_timer(node)

    # --- Dials --------------------------------------------------------------------------------

    def _dial(self, node: OverlayNode, dial: Dial) -> None:
        latency_s = self.random.uniform(*LATENCY_S)
        found = [self._at[address] for address in dial.addresses if address in self._at]
        target = self.nodes[found[0]] if found else None
        if target is None or target.fate is Fate.DIED:
            at = self.now + 2 * latency_s
            self._agenda.at(at, self._fail, node.index, dial.attempt)
        elif not self._can_reach(node, target):
            self._agenda.at(self.now + dial.timeout_s, self._fail, node.index, dial.attempt)
        else:
            self._wires_so_far += 1
            wire = Wire(self._wires_so_far, node.index, target.index, dial.attempt, latency_s)
            self._agenda.at(self.now + OPENING_TRIPS * latency_s, self._accept, wire)

    def _can_reach(self, node: OverlayNode, target: OverlayNode) -> bool:
        return target.runs and not target.is_behind_nat and node.side == target.side

    def _fail(self, index: int, attempt: int) -> None:
        node = self.nodes[index]
        if node.runs:
            self.perform(node, node.machine.on_dial_failed(attempt, self.now))

    def _accept(self, wire: Wire) -> None:
        dialler, acceptor = self.nodes[wire.dialler], self.nodes[wire.acceptor]
        is_full = len(acceptor.wires) >= limits.CONNECTIONS_LIMIT
        if not dialler.runs or is_full or not self._can_reach(dialler, acceptor):
            is_silent = acceptor.fate is Fate.VANISHED or dialler.side != acceptor.side
            wait_s = limits.OPENING_TIMEOUT_S if is_silent else wire.latency_s
            self._agenda.at(self.now + wait_s, self._fail, wire.dialler, wire.attempt)
            return
        # First, so that the dialler has the connection before anything comes over it.
        self._agenda.at(self.now + wire.latency_s, self._reach_dialler, wire)
        self._open(wire, acceptor)

    def _reach_dialler(self, wire: Wire) -> None:
        dialler = self.nodes[wire.dialler]
        if not dialler.runs:
            self._agenda.at(self._noticed_at(wire), self._lose, wire.number, wire.acceptor)
        elif self._is_cut(wire.dialler, wire.acceptor):
            self._fail(wire.dialler, wire.attempt)
        else:
            self._open(wire, dialler)

    # --- Connections --------------------------------------------------------------------------

    def _open(self, wire: Wire, node: OverlayNode) -> None:
        other = self.nodes[wire.other(node.index)]
        is_dialled = wire.dialler == node.index
        node.wires[wire.number] = wire
        number = node.current.get(other.index)
        old = None if number is None else node.wires[number]
        if old is not None and not self._is_better(wire, old, node):
            self._drain(wire, node)
            if is_dialled:
                self.perform(node, node.machine.on_dial_failed(wire.attempt, self.now))
            return
        node.current[other.index] = wire.number
        how = How.MESH if is_dialled else How.CALLED
        connection = ConnectionId(wire.number)
        link = Link(other.peer, connection, is_dialled, other.address, self.now, how)
        attempt = wire.attempt if is_dialled else 0
        if old is not None:
            self._drain(old, node)
        self.perform(node, node.machine.on_open(link, attempt, self.now, self.wall_ms))

    def _is_better(self, new: Wire, old: Wire, node: OverlayNode) -> bool:
        """Rank two connections of one pair as `core/neighbours` does; both ends agree."""
        other = self.nodes[old.other(node.index)]
        # The dialler has it last, so the acceptor may not conclude anything before that.
        may_be_on_its_way = node.index == old.acceptor and new.dialler == node.index
        if old.number not in other.wires and not may_be_on_its_way:
            return True  # it would not answer
        lower = min(node, other, key=lambda end: end.peer).index
        return (new.dialler != lower, new.number) < (old.dialler != lower, old.number)

    def _drain(self, wire: Wire, node: OverlayNode) -> None:
        """The losing connection of two: its dialler closes it soon, and nobody has left."""
        wait_s = limits.DRAIN_S
        if node.index == wire.acceptor:
            wait_s += limits.LEAVE_TIMEOUT_S
        at = self.now + wait_s
        self._agenda.timer_at(at, self._lose, wire.number, node.index)
        at += wire.latency_s
        self._agenda.timer_at(at, self._lose, wire.number, wire.other(node.index))

    def _lose(self, number: int, index: int) -> None:
        self._close_end(number, self.nodes[index], left=False)

    def _close_end(self, number: int, node: OverlayNode, *, left: bool) -> None:
        wire = node.wires.pop(number, None)
        if wire is None:
            return
        if node.current.get(wire.other(node.index)) == number:
            del node.current[wire.other(node.index)]
        moves = node.machine.on_closed(ConnectionId(number), self.now, left=left)
        self.perform(node, moves)

    # --- What it looks like -------------------------------------------------------------------

    @property
    def running(self) -> list[OverlayNode]:
        """Those nodes that run."""
        return [node for node in self.nodes if node.runs]

    def graph(self) -> list[list[int]]:
        """Return the open connections between running nodes, these numbered in their order."""
        running = self.running
        place = [0] * len(self.nodes)
        for number, node in enumerate(running):
            place[node.index] = number
        current = [node.current for node in self.nodes]  # empty where it does not run
        return [
            [place[other] for other in node.current if node.index in current[other]]
            for node in running
        ]


def public_host(index: int) -> str:
    """Return an address that exists in simulations only; 1,024 in turn are in different /16."""
    group, host = index % 1_024, index // 1_024
    return f"{20 + group // 256}.{group % 256}.{host // 250 + 1}.{host % 250 + 1}"

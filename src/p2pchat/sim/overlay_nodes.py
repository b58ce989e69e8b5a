"""What an overlay is made of: nodes with their machines, and connections between them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from p2pchat.core.active_view import Link
from p2pchat.core.membership import Membership, Move
from p2pchat.core.mesh_frames import MembershipFrame
from p2pchat.core.passive_view import Known
from p2pchat.core.records import AddressRecord
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.sim.desk import OverlayDesk


class Fate(Enum):
    """What has become of a node."""

    RUNS = auto()
    DIED = auto()
    """Its process has ended: TCP tells everybody who is or gets connected."""
    VANISHED = auto()
    """Its host is gone: silence."""


class Machine(Protocol):
    """What decides for a node: `Membership`, or something that a test lets lie."""

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        ...

    def on_open(self, link: Link, attempt: int, now: float, wall_ms: int) -> list[Move]:
        """Somebody is connected."""
        ...

    def on_closed(self, connection: ConnectionId, now: float, *, left: bool) -> list[Move]:
        """Somebody is not connected any more."""
        ...

    def on_dial_failed(self, number: int, now: float) -> list[Move]:
        """A dial led to nothing."""
        ...

    def on_frame(
        self, connection: ConnectionId, frame: MembershipFrame, now: float, wall_ms: int
    ) -> list[Move]:
        """A frame came."""
        ...

    def on_time(self, now: float, wall_ms: int) -> list[Move]:
        """Do what is due."""
        ...


def _unheard(_record: AddressRecord, _source: PeerId) -> None:
    pass


def _nobody(_count: int) -> list[Known]:
    return []


class SimMembership(Membership):
    """The real machine; its once-a-minute work can be put off."""

    def __init__(
        self,
        desk: OverlayDesk,
        rng: random.Random,
        on_record: Callable[[AddressRecord, PeerId], None] = _unheard,
        refill: Callable[[int], list[Known]] = _nobody,
    ) -> None:
        super().__init__(desk, rng, on_record, refill)
        self.desk = desk

    def put_off_cycle(self, until: float, now: float) -> None:
        """Begin nothing of what is done once a minute before that time."""
        self.cycles.set(until)
        self._plan(now)


@dataclass(slots=True)
class OverlayNode:
    """One node: its machine, and which connections it has open."""

    index: int
    peer: PeerId
    address: Address
    machine: Machine
    fate: Fate = Fate.RUNS
    side: int = 0
    """On which side of a split network it is."""
    is_behind_nat: bool = False
    wires: dict[int, Wire] = field(default_factory=dict)
    """The connections that are open at this end, by their numbers."""
    current: dict[int, int] = field(default_factory=dict)
    """Which of them counts, by the index of the node at its other end."""
    wake_at: float | None = None

    @property
    def runs(self) -> bool:
        """Whether it can do anything."""
        return self.fate is Fate.RUNS

    @property
    def membership(self) -> SimMembership:
        """Its machine, where that is the real one."""
        assert isinstance(self.machine, SimMembership)
        return self.machine


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection, as long as either end has it open."""

    number: int
    dialler: int
    acceptor: int
    attempt: int
    latency_s: float

    def other(self, index: int) -> int:
        """Return the node at the other end."""
        return self.acceptor if index == self.dialler else self.dialler

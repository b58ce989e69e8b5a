"""What a node tells whoever uses it: plain values, made for people and programs alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from p2pchat.core.values import Address, ConnectionId, Message, MessageId, PeerId, Person

NO_CONNECTION: Final = ConnectionId(0)


class Direction(Enum):
    """Which side dialled."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Listening:
    """The node accepts connections."""

    person: Person
    room: str
    address: Address
    """The address as bound: `[::]:PORT` when both families are."""
    reachable_at: tuple[Address, ...]
    """What others can type, IPv4 first, never an any-address."""


@dataclass(frozen=True, slots=True)
class Dialling:
    """A connection was asked for."""

    address: Address


@dataclass(frozen=True, slots=True)
class Connected:
    """A neighbour, or with `guest` a plain-line peer, is there."""

    person: Person
    address: Address
    direction: Direction
    already: bool = False
    """Whether it was a neighbour before, so that nothing changed."""
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A neighbour, or with `guest` a plain-line peer, is gone."""

    person: Person
    address: Address
    reason: str
    left: bool = False
    """Whether it said goodbye; otherwise the connection was lost or ended by us."""
    guest: bool = False
    direction: Direction | None = None
    """Which side had dialled; None where it is not known any more."""


@dataclass(frozen=True, slots=True)
class Received:
    """Somebody said something."""

    message: Message


@dataclass(frozen=True, slots=True)
class Sent:
    """An own announcement left, to that many neighbours."""

    message: Message
    neighbours: int


@dataclass(frozen=True, slots=True)
class NickChanged:
    """Somebody calls himself otherwise from now on."""

    who: Person
    """With the new nick."""
    old: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong that the user should know; one line."""

    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth a quiet line."""

    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of an author have not come; later ones are shown from here on."""

    author: Person
    missing: int
    """How many messages. They are shown when they come after all."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Two parts of the network met again, and what was said apart has been exchanged."""

    people: int
    """How many authors the recovered messages are of."""
    apart_s: float
    """Age of the oldest of them in seconds, by its author's clock."""
    recovered: int
    """How many messages."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Who has an own message; every acknowledgement was verified."""

    has: tuple[Person, ...]
    """In the order in which their word came."""
    waiting: tuple[Person, ...]
    """Who was heard in the last 10 minutes and has not acknowledged it."""
    estimate: int
    """How many have it; more than are named where only some were meant to answer."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """So many notices were dropped because they were not taken in time."""

    count: int


Notice = (
    Listening
    | Dialling
    | Connected
    | Disconnected
    | Received
    | Sent
    | NickChanged
    | Trouble
    | Remark
    | Gap
    | Seam
    | Skipped
)


@dataclass(frozen=True, slots=True)
class NeighbourStatus:
    """One row of `/peers`: facts, not guesses."""

    person: Person
    address: Address
    direction: Direction
    rtt_ms: float | None
    """Round trip of the last ping; None before the first."""
    heard_s: float
    """Seconds since the last byte from it."""
    connected_s: float
    guest: bool = False
    connection: ConnectionId = NO_CONNECTION
    """Its number on this node."""


@dataclass(frozen=True, slots=True)
class HeardStatus:
    """Somebody who was heard through others."""

    person: Person
    hops: int
    heard_s: float
    """Seconds since the last envelope of that author."""


@dataclass(frozen=True, slots=True)
class Peers:
    """The answer of `/peers`."""

    neighbours: tuple[NeighbourStatus, ...]
    heard: tuple[HeardStatus, ...]


__all__ = [
    "Connected", "Dialling", "Direction", "Disconnected", "Gap", "HeardStatus", "Listening",
    "MessageId", "NeighbourStatus", "NickChanged", "Notice", "PeerId", "Peers", "Reach", "Received",
    "Remark", "Seam", "Sent", "Skipped", "Trouble",
]  # fmt: skip

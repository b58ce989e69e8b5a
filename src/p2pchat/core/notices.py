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


class How(Enum):
    """How a neighbour came to be one; the value is what people read."""

    TYPED = "you typed the address"
    INVITE = "by an invite"
    MACHINE = "found on this machine"
    LAN = "found on this network"
    BOOK = "known from before"
    MESH = "found through others"
    CALLED = "came to us"


@dataclass(frozen=True, slots=True)
class Listening:
    """The node accepts connections."""

    person: Person
    room: str
    address: Address
    """The address as bound: `[::]:PORT` when both families are."""
    reachable_at: tuple[Address, ...]
    """What others can type, IPv4 first, never an any-address."""
    is_manual: bool = False
    """Whether it connects only where its user says, so that nobody joins by himself."""


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
    how: How | None = None
    is_news: bool = True
    """Whether it tells of somebody new; otherwise only a way to somebody who was there changed."""


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
    is_news: bool = True
    """Whether somebody may be gone; otherwise one side only gave the place to somebody else."""


@dataclass(frozen=True, slots=True)
class Around:
    """What joining by itself has found so far, and what it waits for."""

    text: str
    """One line, clean."""


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
    | Around
    | Received
    | Sent
    | NickChanged
    | Trouble
    | Remark
    | Gap
    | Seam
    | Skipped
)


class Place(Enum):
    """What a connection is kept for; the value is what people read."""

    VIEW = "view"
    """Chosen by the two nodes, and replaced when it breaks."""
    PINNED = "pinned"
    """Our user typed it."""
    BESIDE = "beside"
    """Pinned by the other side, or only here for a moment."""


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
    place: Place = Place.BESIDE
    how: How | None = None


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


@dataclass(frozen=True, slots=True)
class MapPerson:
    """Somebody on the map."""

    person: Person
    has_answered: bool
    """Whether his own word is in the map; otherwise he only occurs in that of others."""
    is_hidden: bool = False
    """Whether he keeps his neighbours for himself."""


@dataclass(frozen=True, slots=True)
class MapEdge:
    """A connection of two people, by their keys, the lower one first."""

    one: PeerId
    other: PeerId
    is_mutual: bool
    """Whether both say so."""


@dataclass(frozen=True, slots=True)
class WeakPlace:
    """Somebody who alone holds parts of the network together."""

    person: Person
    cut_off: tuple[Person, ...]
    """Who would be cut off from us without him."""


@dataclass(frozen=True, slots=True)
class NetworkMap:
    """The answer of `/map`: what others said within three hops."""

    me: Person
    people: tuple[MapPerson, ...]
    """Ourselves first, then by distance."""
    edges: tuple[MapEdge, ...]
    weak: tuple[WeakPlace, ...]
    is_complete: bool
    """Whether everybody who occurs has answered; otherwise weak places are "as far as seen"."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One node on a way."""

    person: Person | None
    """None where it hides itself."""
    wall_ms: int
    """When it got the envelope, by its own clock, ms since 1970; 0 where not asked for."""


@dataclass(frozen=True, slots=True)
class Path:
    """The answer of `/trace` and `/ping`: the way to somebody, the nearest step first."""

    steps: tuple[PathStep, ...]
    is_complete: bool
    """Whether the last step is the author or the person that was asked for."""
    rtt_ms: float | None
    """Until the answer was here; None where none came in time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How this node stands in its network, for `/doctor`: facts, no judgement."""

    is_reachable: bool | None
    """Whether neighbours could dial us lately; None where none has tried."""
    outside: tuple[Address, ...]
    """Where neighbours of two networks see us."""
    clock_ahead_s: float | None
    """How far our clock is ahead of the median of three neighbours or more; None with fewer."""
    neighbours: int
    known_before: int
    """Peers in the address book."""
    found: int
    """Nodes of our room that discovery has found since the start."""
    others_rooms: int
    """Nodes of other rooms that it has found."""
    joins: bool
    """Whether it connects by itself."""
    has_lan_consent: bool
    """Whether strangers on the LAN are joined, and may find us."""


class Health(Enum):
    """How a finding of `/doctor` is; the value is what people read."""

    GOOD = "ok"
    UNSURE = "?"
    BAD = "!"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `/doctor`."""

    what: str
    """One or two words: port, network, LAN, clock, reachable, room, people, profile."""
    health: Health
    text: str
    """What was found; clean."""
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""


__all__ = [
    "Around", "Connected", "Dialling", "Direction", "Disconnected", "Finding", "Gap", "Health",
    "HeardStatus", "How", "Listening", "MapEdge", "MapPerson", "MessageId", "NeighbourStatus",
    "NetworkMap", "NickChanged", "Notice", "Path", "PathStep", "PeerId", "Peers", "Place", "Reach",
    "Received", "Remark", "Seam", "Sent", "Skipped", "Standing", "Trouble", "WeakPlace",
]  # fmt: skip

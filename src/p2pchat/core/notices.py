"""What a node tells whoever uses it: plain values, made for people and programs alike."""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

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


class Listening(Struct, frozen=True):
    """The node accepts connections."""

    person: Person
    room: str
    address: Address
    """The address as bound: `[::]:PORT` when both families are."""
    reachable_at: tuple[Address, ...]
    """What others can type, IPv4 first, never an any-address."""
    is_manual: bool = False
    """Whether it connects only where its user says, so that nobody joins by himself."""
    is_private: bool = False
    """Whether only who has the room's secret gets in."""


class Dialling(Struct, frozen=True):
    """A connection was asked for."""

    address: Address


class Connected(Struct, frozen=True):
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


class Disconnected(Struct, frozen=True):
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


class Around(Struct, frozen=True):
    """What joining by itself has found so far, and what it waits for."""

    text: str
    """One line, clean."""


class Received(Struct, frozen=True):
    """Somebody said something."""

    message: Message


class Sent(Struct, frozen=True):
    """An own announcement left, to that many neighbours."""

    message: Message
    neighbours: int


class Direct(Struct, frozen=True):
    """A message to one person; the text is exact, clean it before showing it."""

    id: str
    """32 hex digits, the same at both ends."""
    person: Person
    """The other one: its author, or its recipient."""
    time_ms: int
    """The author's clock, milliseconds since 1970 UTC."""
    kind: int
    text: str


class DirectArrived(Struct, frozen=True):
    """Somebody wrote to us alone."""

    message: Direct


class DirectSent(Struct, frozen=True):
    """We wrote to somebody alone; it is on its way, and kept until his receipt comes."""

    message: Direct


class DirectReceipt(Struct, frozen=True):
    """The recipient has a message: only he could have made the receipt."""

    id: str
    to: Person


class DirectWaits(Struct, frozen=True):
    """No way to the recipient was found: the message waits and goes when he is back."""

    id: str
    to: Person


class DirectGivenUp(Struct, frozen=True):
    """A message waited for seven days in vain."""

    id: str
    to: Person


class Joined(Struct, frozen=True):
    """Somebody who is no neighbour says that he has come."""

    who: Person
    via: Person
    """The neighbour that brought the word."""
    hops: int


class Left(Struct, frozen=True):
    """Somebody who is no neighbour says that he goes."""

    who: Person


class NickChanged(Struct, frozen=True):
    """Somebody calls himself otherwise from now on."""

    who: Person
    """With the new nick."""
    old: str


class Trouble(Struct, frozen=True):
    """Something went wrong that the user should know; one line."""

    text: str
    code: str


class Remark(Struct, frozen=True):
    """Something worth a quiet line."""

    text: str


class Gap(Struct, frozen=True):
    """Messages of an author have not come; later ones are shown from here on."""

    author: Person
    missing: int
    """How many messages. They are shown when they come after all."""


class Seam(Struct, frozen=True):
    """Two parts of the network met again, and what was said apart has been exchanged."""

    people: int
    """How many authors the recovered messages are of."""
    apart_s: float
    """Age of the oldest of them in seconds, by its author's clock."""
    recovered: int
    """How many messages."""


class Reach(Struct, frozen=True):
    """Who has an own message; every acknowledgement was verified."""

    has: tuple[Person, ...]
    """In the order in which their word came."""
    waiting: tuple[Person, ...]
    """Who was heard in the last 10 minutes and has not acknowledged it."""
    estimate: int
    """How many have it; more than are named where only some were meant to answer."""


class Skipped(Struct, frozen=True):
    """So many notices were dropped because they were not taken in time."""

    count: int


Notice = (
    Listening
    | Dialling
    | Connected
    | Disconnected
    | Around
    | DirectArrived
    | DirectSent
    | DirectReceipt
    | DirectWaits
    | DirectGivenUp
    | Joined
    | Left
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


class NeighbourStatus(Struct, frozen=True):
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


class HeardStatus(Struct, frozen=True):
    """Somebody who was heard through others."""

    person: Person
    hops: int
    heard_s: float
    """Seconds since the last envelope of that author."""


class Peers(Struct, frozen=True):
    """The answer of `/peers`."""

    neighbours: tuple[NeighbourStatus, ...]
    heard: tuple[HeardStatus, ...]
    blocked: frozenset[PeerId] = frozenset()
    """Who of them is blocked by the user."""


class MapPerson(Struct, frozen=True):
    """Somebody on the map."""

    person: Person
    has_answered: bool
    """Whether his own word is in the map; otherwise he only occurs in that of others."""
    is_hidden: bool = False
    """Whether he keeps his neighbours for himself."""


class MapEdge(Struct, frozen=True):
    """A connection of two people, by their keys, the lower one first."""

    one: PeerId
    other: PeerId
    is_mutual: bool
    """Whether both say so."""


class WeakPlace(Struct, frozen=True):
    """Somebody who alone holds parts of the network together."""

    person: Person
    cut_off: tuple[Person, ...]
    """Who would be cut off from us without him."""


class NetworkMap(Struct, frozen=True):
    """The answer of `/map`: what others said within three hops."""

    me: Person
    people: tuple[MapPerson, ...]
    """Ourselves first, then by distance."""
    edges: tuple[MapEdge, ...]
    weak: tuple[WeakPlace, ...]
    is_complete: bool
    """Whether everybody who occurs has answered; otherwise weak places are "as far as seen"."""


class PathStep(Struct, frozen=True):
    """One node on a way."""

    person: Person | None
    """None where it hides itself."""
    wall_ms: int
    """When it got the envelope, by its own clock, ms since 1970; 0 where not asked for."""


class Path(Struct, frozen=True):
    """The answer of `/trace` and `/ping`: the way to somebody, the nearest step first."""

    steps: tuple[PathStep, ...]
    is_complete: bool
    """Whether the last step is the author or the person that was asked for."""
    rtt_ms: float | None
    """Until the answer was here; None where none came in time."""


class Standing(Struct, frozen=True):
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


class Finding(Struct, frozen=True):
    """One line of `/doctor`."""

    what: str
    """One or two words: port, network, LAN, clock, reachable, room, people, profile, run."""
    health: Health
    text: str
    """What was found; clean."""
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""


__all__ = [
    "Around", "Connected", "Dialling", "Direct", "DirectArrived", "DirectGivenUp", "DirectReceipt",
    "DirectSent", "DirectWaits", "Direction", "Disconnected", "Finding", "Gap", "Health",
    "HeardStatus", "How", "Joined", "Left", "Listening", "MapEdge", "MapPerson", "MessageId",
    "NeighbourStatus", "NetworkMap", "NickChanged", "Notice", "Path", "PathStep", "PeerId",
    "Peers", "Place", "Reach", "Received", "Remark", "Seam", "Sent", "Skipped", "Standing",
    "Trouble", "WeakPlace",
]  # fmt: skip

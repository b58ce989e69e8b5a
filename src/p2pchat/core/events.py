"""What the world tells the core, and what the core asks of the world.

Events are past tense, effects imperative. `Core.handle(event, now)` takes one event and
returns the effects in the order in which they have to be performed.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from p2pchat.core.envelopes import Envelope
from p2pchat.core.frames import Frame, Incoming
from p2pchat.core.notices import Direction, How, Notice
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.values import Address, ConnectionId, PeerId, Person
from p2pchat.errors import DialFailed

# --- Events -----------------------------------------------------------------------------------


class ConnectionStarted(Struct, frozen=True):
    """Bytes can flow; nobody knows yet who it is."""

    connection: ConnectionId
    address: Address
    """The other end: for a dial what was asked for, else where it comes from."""
    host_ip: str
    """The other end's numeric IP address."""
    direction: Direction
    expected: PeerId | None = None
    """Whose key has to appear, where that is known."""
    attempt: int = 0
    """Which `Dial` of the core led here; 0 for what the user typed, and for who dialled us."""
    is_typed: bool = False
    """Whether the user named that address: then it is pinned once it is open."""


class DialEnded(Struct, frozen=True):
    """A `Dial` of the core led to no connection at all."""

    attempt: int
    error: DialFailed


class Probed(Struct, frozen=True):
    """A `Probe` has found out whether anything accepts connections there."""

    attempt: int
    is_open: bool


class AddressFound(Struct, frozen=True):
    """Discovery has found a node, or something that says that it is one."""

    addresses: tuple[Address, ...]
    how: How
    peer: PeerId | None = None
    """Whose key it is said to be; None where that shows only when it is dialled."""
    is_same_room: bool = True
    """Whether it says that it is in our room."""


class NetworkChanged(Struct, frozen=True):
    """Own interfaces have these addresses now, and the node listens there."""

    addresses: tuple[Address, ...]


class LookAround(Struct, frozen=True):
    """The user wants to join whoever is there: the consent that strangers on a LAN need."""


class Rename(Struct, frozen=True):
    """The user is called otherwise from now on."""

    nick: str


class AskMap(Struct, frozen=True):
    """The user wants to see the network."""


class AskWho(Struct, frozen=True):
    """The user wants to know who is here."""


class SendDirect(Struct, frozen=True):
    """The user has something to say to one person."""

    message: DirectId
    """16 random bytes that name it."""
    recipient: Person
    kind: int
    text: str


class DeliveredNoted(Struct, frozen=True):
    """The disk has it that a direct message was shown: its author may have his receipt."""

    author: PeerId
    message: DirectId


class AskPath(Struct, frozen=True):
    """The user wants to know a way: of an envelope (16 bytes) or to a peer (32 bytes)."""

    number: int
    """By which the answer is fetched; no two questions have the same."""
    target: bytes


class ConnectionSecured(Struct, frozen=True):
    """TLS is done and the other side owns that key."""

    connection: ConnectionId
    peer: PeerId
    exported: bytes
    """Keying material of this very TLS connection, equal on both sides."""


class FrameReceived(Struct, frozen=True):
    """A neighbour, or somebody who wants to be one, sent a frame."""

    connection: ConnectionId
    frame: Incoming


class BytesReceived(Struct, frozen=True):
    """Something came that completes no frame: a sign of life, though not for ever."""

    connection: ConnectionId


class BytesTaken(Struct, frozen=True):
    """The other side took in some of what had waited for it: a sign of life."""

    connection: ConnectionId


class LinesReceived(Struct, frozen=True):
    """A connection speaks plain lines; `lines` may be empty where it said nothing yet."""

    connection: ConnectionId
    lines: tuple[str, ...]


class ConnectionEnded(Struct, frozen=True):
    """The bytes have stopped; the connection is gone."""

    connection: ConnectionId
    reason: str
    error: DialFailed | None = None
    """Why a dial did not open, where the shell knows better than the core."""


class QueueRose(Struct, frozen=True):
    """A send queue went above SEND_QUEUE_HIGH_BYTES."""

    connection: ConnectionId


class QueueFell(Struct, frozen=True):
    """A send queue that had risen fell below SEND_QUEUE_LOW_BYTES."""

    connection: ConnectionId


class ClockSet(Struct, frozen=True):
    """The wall clock stands at monotonic time plus this many seconds."""

    offset_s: float


class HangUp(Struct, frozen=True):
    """The user wants that connection ended."""

    connection: ConnectionId


class AskWhoHas(Struct, frozen=True):
    """The user wants to know who has an own message; None for the one that left last."""

    number: int | None


class Leave(Struct, frozen=True):
    """The user leaves: say goodbye to everybody."""


class Tick(Struct, frozen=True):
    """The moment that `next_deadline()` named has come."""


Wish = (
    HangUp
    | AskWhoHas
    | AskMap
    | AskWho
    | AskPath
    | SendDirect
    | DeliveredNoted
    | AddressFound
    | LookAround
    | Rename
    | NetworkChanged
    | Probed
    | Leave
)
"""What a user wants, and the answers of what was asked of the shell for it."""

Event = (
    Wish
    | ConnectionStarted
    | DialEnded
    | ConnectionSecured
    | FrameReceived
    | BytesReceived
    | BytesTaken
    | LinesReceived
    | ConnectionEnded
    | QueueRose
    | QueueFell
    | ClockSet
    | Tick
)

# --- Effects ----------------------------------------------------------------------------------


class Send(Struct, frozen=True):
    """Queue a frame on those connections; encode it once."""

    connections: tuple[ConnectionId, ...]
    frame: Frame


class WriteLine(Struct, frozen=True):
    """Write `nick -> text` to those plain-line connections."""

    connections: tuple[ConnectionId, ...]
    nick: str
    text: str


class TreatAsGuest(Struct, frozen=True):
    """That connection speaks plain lines from now on, though it has said nothing yet."""

    connection: ConnectionId


class Dial(Struct, frozen=True):
    """Open a connection to the first of those addresses that answers; one host has them all.

    Answered by a `ConnectionStarted` with the same `attempt`, or by a `DialEnded`.
    """

    attempt: int
    addresses: tuple[Address, ...]
    expected: PeerId | None
    timeout_s: float


class Probe(Struct, frozen=True):
    """Find out whether anything accepts TCP connections there, and send nothing."""

    attempt: int
    address: Address


class Search(Struct, frozen=True):
    """Let discovery look again, on this machine and on the LAN."""


class Advertise(Struct, frozen=True):
    """Let the LAN find this node from now on."""


class SaveBook(Struct, frozen=True):
    """The address book has changed: write it."""


class SaveContacts(Struct, frozen=True):
    """The contacts have changed: write them."""


class KeepWaiting(Struct, frozen=True):
    """Write a direct message to the disk until its receipt comes."""

    waiting: Waiting


class ForgetWaiting(Struct, frozen=True):
    """Remove a direct message from the disk."""

    message: DirectId


class NoteDelivered(Struct, frozen=True):
    """Once a direct message was shown, write that down; then `DeliveredNoted` answers."""

    author: PeerId
    message: DirectId


class Register(Struct, frozen=True):
    """From now on what is meant for that peer goes over that connection."""

    connection: ConnectionId
    peer: PeerId


class Closing(Enum):
    """How a connection is ended."""

    AFTER_LAST_FRAME = "write what is queued, say that the stream ends, read to its end"
    AT_ONCE = "throw everything away: for faults, and for who does not react"


class Close(Struct, frozen=True):
    """End a connection; `reason` goes to the log."""

    connection: ConnectionId
    how: Closing
    reason: str


class Opened(Struct, frozen=True):
    """Whoever waits for that dial: it led to that neighbour."""

    connection: ConnectionId
    person: Person
    already: bool


class Failed(Struct, frozen=True):
    """Whoever waits for that dial: it led to nothing."""

    connection: ConnectionId
    error: DialFailed


class Deliver(Struct, frozen=True):
    """Somebody's messages are to be shown; one envelope's worth at a time."""

    signer: Person
    envelope: Envelope
    texts: tuple[str, ...]
    hops: int
    earlier: bool = False


class Published(Struct, frozen=True):
    """Own messages left to so many neighbours; one envelope's worth at a time."""

    signer: Person
    envelope: Envelope
    texts: tuple[str, ...]
    neighbours: int


class Tell(Struct, frozen=True):
    """Something that whoever uses the node should know."""

    notice: Notice


class Note(Struct, frozen=True):
    """Something for the log only; never texts, never keys."""

    text: str


Effect = (
    Send
    | WriteLine
    | TreatAsGuest
    | Dial
    | Probe
    | Search
    | Advertise
    | SaveBook
    | SaveContacts
    | KeepWaiting
    | ForgetWaiting
    | NoteDelivered
    | Register
    | Close
    | Opened
    | Failed
    | Deliver
    | Published
    | Tell
    | Note
)

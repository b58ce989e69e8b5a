"""What the world tells the core, and what the core asks of the world.

Events are past tense, effects imperative. `Core.handle(event, now)` takes one event and
returns the effects in the order in which they have to be performed.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from p2pchat.core.envelopes import Envelope
from p2pchat.core.frames import Frame, Incoming
from p2pchat.core.notices import Direction, Notice
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
    """Something came, though no whole frame, or the send queue went on: a sign of life."""

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


Event = (
    ConnectionStarted
    | ConnectionSecured
    | FrameReceived
    | BytesReceived
    | LinesReceived
    | ConnectionEnded
    | QueueRose
    | QueueFell
    | ClockSet
    | HangUp
    | AskWhoHas
    | Leave
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
    | Register
    | Close
    | Opened
    | Failed
    | Deliver
    | Published
    | Tell
    | Note
)

"""One connection's life as a table of states.

    SECURING ── TLS is done ──► GREETING ── Hello ──► PROVING ── Proof ──► WELCOMING
                                                                              │ Welcome
        CLOSED ◄── GoodbyeSeen ── LEAVING ◄── we leave ── OPEN ◄──────────────┘
           ▲                                               │ Goodbye
           └───────────── end of stream ── PARTING ◄───────┘

Both sides greet at once. Then the *dialler* proves first that it knows the room; the acceptor
checks, and only then shows its own proof together with its welcome. So names and addresses go
to members only, and a proof cannot be echoed or relayed. The connection is open for a side
once it has both sent and received a welcome.

What is not in the table is a protocol error of the other side and ends the connection:
anything but the opening's frames before it is open, a second Hello, a Proof or a Welcome out
of turn, anything at all after a Goodbye. A Refusal may come at any time before the end.
Who leaves still listens: until `GoodbyeSeen` the neighbour's frames are handled as before.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.events import ConnectionSecured, ConnectionStarted, Leave
from p2pchat.core.frames import (
    Acks,
    Answered,
    Ask,
    Carry,
    Digests,
    Filled,
    Gone,
    Goodbye,
    GoodbyeSeen,
    Graft,
    Hello,
    IHave,
    Incoming,
    Offer,
    Page,
    PageAsk,
    Ping,
    Pong,
    Proof,
    Prune,
    Refusal,
    Skipped,
    Welcome,
)
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MapAnswer,
    MapAsk,
    PathAnswer,
    PathAsk,
    PlaceAnswer,
    PlaceAsk,
    ReachabilityAnswer,
    ReachabilityAsk,
    Release,
    Shuffle,
    ShuffleAnswer,
    Walk,
    WhoAnswers,
)
from p2pchat.core.notices import Direction
from p2pchat.core.values import Address, ConnectionId, Epoch, PeerId, Person
from p2pchat.errors import FrameUnexpected


class State(Enum):
    """Where a connection stands; the value is the word used in logs and errors."""

    # The inherited one runs Python code, for each frame that is looked up in the table.
    __hash__ = object.__hash__

    SECURING = "securing"
    GREETING = "greeting"
    PROVING = "proving"
    WELCOMING = "welcoming"
    OPEN = "open"
    LEAVING = "leaving"
    PARTING = "parting"
    CLOSED = "closed"


Input = type[Incoming] | type[ConnectionSecured] | type[Leave]

_TALK: Final = (
    Carry, IHave, Graft, Prune, Acks, Ping, Pong, Skipped,
    Digests, PageAsk, Page, Offer, Ask, Filled, Answered, Gone,
    Introduce, Join, Walk, Found, PlaceAsk, PlaceAnswer, Release, Shuffle, ShuffleAnswer,
    ReachabilityAsk, ReachabilityAnswer, MapAsk, MapAnswer, PathAsk, PathAnswer,
    WhoAnswers,
    Packet, NoWay, KeyAnswer, Receipt,
)  # fmt: skip

TABLE: Final[dict[tuple[State, Input], State]] = {
    (State.SECURING, ConnectionSecured): State.GREETING,
    (State.GREETING, Hello): State.PROVING,
    (State.PROVING, Proof): State.WELCOMING,
    (State.WELCOMING, Welcome): State.OPEN,
    (State.OPEN, Leave): State.LEAVING,
    (State.OPEN, Goodbye): State.PARTING,
    # Both leave at the same moment: each answers the other and waits for its own answer.
    (State.LEAVING, Goodbye): State.LEAVING,
    (State.LEAVING, GoodbyeSeen): State.CLOSED,
    **{(state, frame): state for state in (State.OPEN, State.LEAVING) for frame in _TALK},
    **{
        (state, Refusal): State.CLOSED
        for state in State
        if state not in (State.SECURING, State.CLOSED)
    },
}


class RefusalReason(Enum):
    """Why a side will not go on; the value is the number in the frame."""

    VERSION = 1
    WRONG_ROOM = 2
    OWN_SELF = 3
    SAME_IDENTITY = 4
    BUSY = 5
    DUPLICATE = 6

    @property
    def words(self) -> str:
        """The reason as people and logs read it."""
        return _REASON_WORDS[self]


_REASON_WORDS: Final = {
    RefusalReason.VERSION: "no common protocol version",
    RefusalReason.WRONG_ROOM: "another room or another secret",
    RefusalReason.OWN_SELF: "this very node",
    RefusalReason.SAME_IDENTITY: "a copy of this profile",
    RefusalReason.BUSY: "no room for a further connection",
    RefusalReason.DUPLICATE: "already connected",
}


class Session:
    """State and known facts of one connection."""

    __slots__ = (
        "address", "attempt", "connection", "direction", "epoch", "expected", "exported", "hello",
        "host_ip", "is_typed", "opened_at", "peer", "person", "started_at", "state", "was_known",
        "welcome",
    )  # fmt: skip

    def __init__(self, started: ConnectionStarted, now: float) -> None:
        self.connection: ConnectionId = started.connection
        self.address: Address = started.address
        self.host_ip: str = started.host_ip
        self.direction: Direction = started.direction
        self.expected: PeerId | None = started.expected
        self.attempt: int = started.attempt
        self.is_typed: bool = started.is_typed
        self.started_at: float = now
        self.opened_at: float = now
        self.state: State = State.SECURING
        self.peer: PeerId | None = None
        self.person: Person | None = None
        self.exported: bytes = b""
        self.epoch: Epoch | None = None
        self.hello: Hello | None = None
        self.welcome: Welcome | None = None
        self.was_known = False
        """Whether the peer was heard of lately, before this connection was opened."""

    @property
    def is_dialled(self) -> bool:
        """Whether we dialled it."""
        return self.direction is Direction.OUT

    @property
    def is_opening(self) -> bool:
        """Whether the welcomes are not exchanged yet."""
        return self.state in _OPENING

    @property
    def is_admitted(self) -> bool:
        """Whether the other side has shown that it knows the room, and takes a place by that."""
        return self.state in _ADMITTED

    def advance(self, happened: Input) -> State:
        """Take one step of the table and return the new state.

        Raises:
            FrameUnexpected: When the table has no such step.
        """
        following = TABLE.get((self.state, happened))
        if following is None:
            raise FrameUnexpected(happened.__name__, self.state.value)
        self.state = following
        return following


_ADMITTED: Final = frozenset({State.WELCOMING, State.OPEN, State.LEAVING, State.PARTING})
_OPENING: Final = frozenset({State.SECURING, State.GREETING, State.PROVING, State.WELCOMING})

"""What goes over a connection: one frozen struct for each frame.

On the wire a frame is a msgpack array whose first element is the type number. Fields are
added at the end with a default, so that older nodes read newer frames and the reverse.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.fields import (
    AddressText,
    Count,
    Digest32,
    EpochBytes,
    Id16,
    Key,
    Nick,
    Number,
    SignatureBytes,
    Version,
    Word,
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

FIRST_SKIPPABLE: Final = 128
"""Unknown frame types from here on are skipped; unknown ones below are a fault."""


class Hello(Struct, frozen=True, array_like=True, tag=1):
    """Opens the opening: both sides send it at once.

    The two versions come first for ever, so that any version understands a refusal.
    """

    lowest: Version
    highest: Version
    abilities: Annotated[tuple[Word, ...], Meta(max_length=limits.ABILITIES_LIMIT)]
    epoch: EpochBytes


class Proof(Struct, frozen=True, array_like=True, tag=2):
    """Shows that the room is known, bound to this connection, role and pair; dialler first."""

    digest: Digest32


class Welcome(Struct, frozen=True, array_like=True, tag=3):
    """Tells a member name, wall clock and listening addresses; ends the opening."""

    nick: Nick
    wall_ms: Number
    addresses: Annotated[tuple[AddressText, ...], Meta(max_length=8)]
    seen_as: AddressText = ""
    """Numeric IP address that the receiver's connection comes from, or leads to."""


class Refusal(Struct, frozen=True, array_like=True, tag=4):
    """Says why the connection will not open, or why it ends; it is closed behind this."""

    reason: Annotated[int, Meta(ge=0, le=255)]


class Ping(Struct, frozen=True, array_like=True, tag=5):
    """Asks for a Pong with the same token."""

    token: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Pong(Struct, frozen=True, array_like=True, tag=6):
    """Answers a Ping."""

    token: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Goodbye(Struct, frozen=True, array_like=True, tag=7):
    """The last frame of who leaves."""


class GoodbyeSeen(Struct, frozen=True, array_like=True, tag=8):
    """Everything before your Goodbye was handled."""


class Carry(Struct, frozen=True, array_like=True, tag=16):
    """Carries an envelope: the signed bytes exactly as their author made them.

    `id` in front serves to drop copies before anything else is looked at; `hops` is not
    signed, is counted for people, and stops nothing.
    """

    hops: Annotated[int, Meta(ge=0, le=limits.HOPS_LIMIT)]
    id: Id16
    signature: SignatureBytes
    signed: bytes


class Announced(Struct, frozen=True, array_like=True):
    """Names an envelope of a kept kind that its sender has; `hops` as a Carry would say."""

    id: Id16
    author: Key
    epoch: EpochBytes
    first: Number
    count: Count
    hops: Annotated[int, Meta(ge=0, le=limits.HOPS_LIMIT)] = 0


class IHave(Struct, frozen=True, array_like=True, tag=17):
    """Announces envelopes instead of carrying them; who lacks one asks by a Graft."""

    announced: Annotated[tuple[Announced, ...], Meta(min_length=1, max_length=limits.LIST_LIMIT)]


class Graft(Struct, frozen=True, array_like=True, tag=18):
    """Send me large envelopes whole from now on, and first these, which you announced."""

    ids: Annotated[tuple[Id16, ...], Meta(max_length=limits.LIST_LIMIT)]


class Prune(Struct, frozen=True, array_like=True, tag=19):
    """Announce large envelopes to me from now on: others bring them first."""


class Ack(Struct, frozen=True, array_like=True):
    """Somebody's signed word to have an envelope."""

    envelope: Id16
    acknowledger: Key
    time_ms: Number
    signature: SignatureBytes


class Acks(Struct, frozen=True, array_like=True, tag=20):
    """Takes acknowledgements one connection back along the way that an envelope came.

    `way` is that envelope's id: the acknowledged one itself, or the query that asked for them.
    """

    way: Id16
    acks: Annotated[tuple[Ack, ...], Meta(min_length=1, max_length=limits.LIST_LIMIT)]


class Span(Struct, frozen=True, array_like=True):
    """So many numbers of one author, from the first on."""

    first: Number
    count: Annotated[int, Meta(ge=1, le=2**53)]


class Entry(Struct, frozen=True, array_like=True):
    """Numbers of one author in one epoch, lowest first."""

    author: Key
    epoch: EpochBytes
    spans: Annotated[tuple[Span, ...], Meta(min_length=1, max_length=limits.INTERVALS_LIMIT)]


class Digests(Struct, frozen=True, array_like=True, tag=32):
    """Tells in few bytes which minutes of author's time two stores differ in.

    `digests` holds 8 bytes for each minute from `oldest` on, minutes counted since 1970:
    BLAKE2b-64 over the sorted ids stored, or zeros for a minute left out. When `asks`, who
    finds a difference answers with its own.
    """

    oldest: Number
    digests: Annotated[bytes, Meta(max_length=8 * limits.LIST_LIMIT)]
    asks: bool


class PageAsk(Struct, frozen=True, array_like=True, tag=33):
    """Asks which numbers of one minute are stored, behind that place of the alphabet.

    `after` is empty for the beginning, else author and epoch of the last entry known.
    """

    minute: Number
    after: Annotated[bytes, Meta(max_length=40)]


class Page(Struct, frozen=True, array_like=True, tag=34):
    """Answers a PageAsk: the next entries in alphabetical order of author and epoch."""

    minute: Number
    after: Annotated[bytes, Meta(max_length=40)]
    entries: Annotated[tuple[Entry, ...], Meta(max_length=limits.LIST_LIMIT)]
    is_last: bool


class Offer(Struct, frozen=True, array_like=True, tag=35):
    """Tells what came by repair, for who lacks it too."""

    entries: Annotated[tuple[Entry, ...], Meta(min_length=1, max_length=limits.LIST_LIMIT)]


class Ask(Struct, frozen=True, array_like=True, tag=36):
    """Asks for envelopes; answered by at most so many of them and one `Answered`."""

    token: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    envelopes: Annotated[int, Meta(ge=1, le=limits.ASK_ENVELOPES)]
    size_bytes: Annotated[int, Meta(ge=1, le=limits.ASK_BYTES)]
    entries: Annotated[tuple[Entry, ...], Meta(min_length=1, max_length=limits.LIST_LIMIT)]


class Filled(Struct, frozen=True, array_like=True, tag=37):
    """Carries an envelope that was asked for; never flooded on."""

    hops: Annotated[int, Meta(ge=0, le=limits.HOPS_LIMIT)]
    id: Id16
    signature: SignatureBytes
    signed: bytes


class Answered(Struct, frozen=True, array_like=True, tag=38):
    """Ends the answer to an Ask; not complete where a limit cut it short."""

    token: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    is_complete: bool


class Gone(Struct, frozen=True, array_like=True, tag=39):
    """Of what was asked for, everything below that number was here once, and is no more."""

    author: Key
    epoch: EpochBytes
    up_to: Annotated[int, Meta(ge=1, le=2**54)]


class Skipped(Struct, frozen=True):
    """Stands for a frame of an unknown type that may be skipped; never encoded."""

    type_number: int


Frame = (
    Hello
    | Proof
    | Welcome
    | Refusal
    | Ping
    | Pong
    | Goodbye
    | GoodbyeSeen
    | Carry
    | IHave
    | Graft
    | Prune
    | Acks
    | Digests
    | PageAsk
    | Page
    | Offer
    | Ask
    | Filled
    | Answered
    | Gone
    | Introduce
    | Join
    | Walk
    | Found
    | PlaceAsk
    | PlaceAnswer
    | Release
    | Shuffle
    | ShuffleAnswer
    | ReachabilityAsk
    | ReachabilityAnswer
    | MapAsk
    | MapAnswer
    | PathAsk
    | PathAnswer
    | WhoAnswers
    | Packet
    | NoWay
    | KeyAnswer
    | Receipt
)
"""Everything that can be sent."""

Incoming = Frame | Skipped
"""Everything that can arrive."""

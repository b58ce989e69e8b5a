"""What goes over a connection: one frozen struct for each frame.

On the wire a frame is a msgpack array whose first element is the type number. Fields are
added at the end with a default, so that older nodes read newer frames and the reverse.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from p2pchat.core import limits

Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Digest32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
EpochBytes = Annotated[bytes, Meta(min_length=8, max_length=8)]
SignatureBytes = Annotated[bytes, Meta(min_length=64, max_length=64)]
Nick = Annotated[str, Meta(max_length=limits.NICK_LIMIT_CHARACTERS)]
Version = Annotated[int, Meta(ge=0, le=65_535)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=1, le=limits.ENVELOPE_TEXTS_LIMIT)]
Word = Annotated[str, Meta(min_length=1, max_length=32)]
AddressText = Annotated[str, Meta(max_length=280)]

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
)
"""Everything that can be sent."""

Incoming = Frame | Skipped
"""Everything that can arrive."""

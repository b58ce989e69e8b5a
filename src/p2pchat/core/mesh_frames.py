"""Frames about who is here and connected to whom: membership, map, paths, and who."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.fields import Id16, Key, Nick, Number, SignatureBytes


class SignedRecord(Struct, frozen=True, array_like=True):
    """An address record exactly as its owner signed it: see `core/records.py`."""

    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=limits.RECORD_LIMIT_BYTES)]


class PassedRecord(Struct, frozen=True, array_like=True):
    """A record of somebody else, and how often it was passed on since its owner was dialled."""

    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=limits.RECORD_LIMIT_BYTES)]
    passed: Annotated[int, Meta(ge=0, le=limits.RECORD_PASSED_LIMIT)]


Records = Annotated[tuple[PassedRecord, ...], Meta(max_length=limits.RECORDS_PER_FRAME)]
Steps = Annotated[int, Meta(ge=0, le=limits.WALK_LIMIT_STEPS)]


class Introduce(Struct, frozen=True, array_like=True, tag=48):
    """Tells where its sender can be dialled; right after the opening, and when that changes."""

    record: SignedRecord


class Join(Struct, frozen=True, array_like=True, tag=49):
    """Asks for a place in the active view, be it another one's, and for walks that find more.

    From who has fewer than ACTIVE_DIALLED_AIM neighbours, or may come from another part of the
    network.

    `is_pinned`: its sender's user typed the address, so the connection stays beside the views.
    """

    is_pinned: bool


class Walk(Struct, frozen=True, array_like=True, tag=50):
    """Takes a newcomer's record so many random steps further; whoever has a place then dials it."""

    token: Id16
    steps: Steps
    record: SignedRecord


class Found(Struct, frozen=True, array_like=True, tag=51):
    """Goes back along a Walk: its sender's end has a place but can't dial; the newcomer may."""

    token: Id16
    record: SignedRecord


class PlaceAsk(Struct, frozen=True, array_like=True, tag=52):
    """Asks for a place in the active view, if there is one to spare."""


class PlaceAnswer(Struct, frozen=True, array_like=True, tag=53):
    """Answers PlaceAsk and Join: both have each other in their views now, or neither has."""

    is_given: bool
    records: Records


class Release(Struct, frozen=True, array_like=True, tag=54):
    """Its sender needs the place: neither has the other in its view any more."""

    records: Records


class Shuffle(Struct, frozen=True, array_like=True, tag=55):
    """Swaps a sample of both views with whoever stands at the end of a random walk."""

    token: Id16
    steps: Steps
    record: SignedRecord
    """Of who began it."""
    records: Records


class ShuffleAnswer(Struct, frozen=True, array_like=True, tag=56):
    """Goes back along a Shuffle with a sample of as many records."""

    token: Id16
    records: Records


MembershipFrame = (
    Introduce | Join | Walk | Found | PlaceAsk | PlaceAnswer | Release | Shuffle | ShuffleAnswer
)


class ReachabilityAsk(Struct, frozen=True, array_like=True, tag=57):
    """Asks whether that port can be reached at the address that this connection comes from."""

    port: Annotated[int, Meta(ge=limits.LEAST_PORT, le=65_535)]


class ReachabilityAnswer(Struct, frozen=True, array_like=True, tag=58):
    """Answers it, after one attempt."""

    is_reachable: bool


class MapAsk(Struct, frozen=True, array_like=True, tag=64):
    """Asks for the neighbours of everybody within so many hops."""

    token: Id16
    depth: Annotated[int, Meta(ge=1, le=limits.MAP_DEPTH)]


class SignedStatement(Struct, frozen=True, array_like=True):
    """Who somebody's neighbours are, as he signed it: see `core/topology.py`."""

    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=limits.MAP_STATEMENT_BYTES)]


class MapAnswer(Struct, frozen=True, array_like=True, tag=65):
    """Goes back along a MapAsk; several may come for one."""

    token: Id16
    statements: Annotated[tuple[SignedStatement, ...], Meta(max_length=limits.LIST_LIMIT)]


class PathAsk(Struct, frozen=True, array_like=True, tag=66):
    """Goes the way back to an author, step by step.

    `target` is the id of an envelope, 16 bytes, whose very way it follows, or a peer, 32 bytes,
    along whose latest envelope's way it goes.
    """

    token: Id16
    target: Annotated[bytes, Meta(min_length=16, max_length=32)]


class PathHop(Struct, frozen=True, array_like=True):
    """One node on such a way, as it tells itself."""

    peer: Annotated[bytes, Meta(max_length=32)]
    """Its key, or nothing where it hides itself."""
    nick: Nick
    wall_ms: Number
    """When it got the envelope, by its own clock; 0 where it was asked for no envelope."""


class PathAnswer(Struct, frozen=True, array_like=True, tag=67):
    """Comes back along a PathAsk; each step puts itself in front."""

    token: Id16
    is_complete: bool
    """Whether the last hop is the target, or the author of the envelope."""
    hops: Annotated[tuple[PathHop, ...], Meta(max_length=limits.LIST_LIMIT)]


class WhoAnswer(Struct, frozen=True, array_like=True):
    """Somebody's signed word that he is here: see `core/who.py`."""

    peer: Key
    nick: Nick
    signature: SignatureBytes
    halvings: Annotated[int, Meta(ge=0, le=limits.WHO_HALVINGS)]
    """How often half of the answers were left out where it passed."""
    hops: Annotated[int, Meta(ge=0, le=limits.HOPS_LIMIT)]
    """As of a Carry: 0 from himself, not signed, for people."""


class WhoAnswers(Struct, frozen=True, array_like=True, tag=68):
    """Takes answers one connection back along the way that a question came.

    `way` is the id of the question's envelope.
    """

    way: Id16
    answers: Annotated[tuple[WhoAnswer, ...], Meta(min_length=1, max_length=limits.LIST_LIMIT)]

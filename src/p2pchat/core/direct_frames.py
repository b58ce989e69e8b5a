"""Frames of messages to one person: packets, the keys they are sealed to, and receipts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from p2pchat.core import limits
from p2pchat.core.direct_values import PACKET_LIMIT_BYTES, SEALING_RECORD_LIMIT_BYTES
from p2pchat.core.fields import Digest32, Id16, SignatureBytes


class Packet(Struct, frozen=True, array_like=True, tag=72):
    """Hands on what is sealed for one person: see `core/direct_values.py`, `Outside`.

    The id only serves to drop copies cheaply; whoever knows it not makes it anew of `signed`.
    """

    id: Id16
    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=PACKET_LIMIT_BYTES)]
    is_flooded: bool
    """Whether it goes to everybody because no way was found, or along one way."""
    hops: Annotated[int, Meta(ge=0, le=limits.HOPS_LIMIT)]


class NoWay(Struct, frozen=True, array_like=True, tag=73):
    """Answers a Packet that its sender's end can't take any further."""

    packet: Id16


class KeyAnswer(Struct, frozen=True, array_like=True, tag=74):
    """Goes back along a request with the sealing key that it asked for."""

    way: Id16
    """Id of the envelope with the request."""
    signature: SignatureBytes
    signed: Annotated[bytes, Meta(max_length=SEALING_RECORD_LIMIT_BYTES)]


class Receipt(Struct, frozen=True, array_like=True, tag=75):
    """Goes back along a Packet: its recipient opened and kept the message."""

    packet: Id16
    proof: Digest32


DirectFrame = Packet | NoWay | KeyAnswer | Receipt

"""Invites: which room to join, and where its people may be found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import PEER_ID_BYTES, Address, PeerId
from p2pchat.errors import BadInvite

INVITE_SCHEME: Final = "p2pchat://"
"""Begins every invite; whoever reads one with a secret is in the room."""

INVITE_ADDRESSES: Final = 8
"""Addresses in an invite, over all its places: enough that a room outlives its founder, few
enough that the whole can be scanned from a screen."""

INVITE_SECRET_BYTES: Final = 128
"""Longest secret of a room in an invite; a generated one has 16 bytes."""

INVITE_LIMIT_CHARACTERS: Final = 4_096
"""Longest text that is read as an invite; the largest possible one has 3,500."""


class InvitePlace(Struct, frozen=True):
    """Somebody of the room, and where he could be reached when the invite was made."""

    peer: PeerId
    """Who has to answer there; anybody else is not in the room that the invite means."""
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Invite:
    """What somebody needs to join a room.

    Raises:
        BadInvite: A part is longer than the limits above.
    """

    room: str
    secret: bytes | None = field(repr=False)
    """None for an open room, which anybody may join who knows its name."""
    places: tuple[InvitePlace, ...] = ()

    def __post_init__(self) -> None:
        fault = _fault_of(self)
        if fault:
            raise BadInvite(fault)

    @property
    def has_secret(self) -> bool:
        """Whether whoever reads it is a member for good."""
        return self.secret is not None


def _fault_of(invite: Invite) -> str:
    # Surrogates count as one byte here; they have no form on the wire at all.
    if not 1 <= len(invite.room.encode("utf-8", "replace")) <= limits.ROOM_LIMIT_BYTES:
        return f"its room's name does not have 1 to {limits.ROOM_LIMIT_BYTES} bytes"
    if invite.secret is not None and not 1 <= len(invite.secret) <= INVITE_SECRET_BYTES:
        return f"its secret does not have 1 to {INVITE_SECRET_BYTES} bytes"
    if any(len(place.peer) != PEER_ID_BYTES for place in invite.places):
        return f"an id in it does not have {PEER_ID_BYTES} bytes"
    addresses = sum(len(place.addresses) for place in invite.places)
    if max(len(invite.places), addresses) > INVITE_ADDRESSES:
        return f"there are more than {INVITE_ADDRESSES} addresses in it"
    return ""

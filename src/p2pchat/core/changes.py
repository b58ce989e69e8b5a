"""What has changed about who is a neighbour, for everything that follows it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from p2pchat.core.session import Session


class Arrived(Struct, frozen=True):
    """A connection counts for its peer from now on."""

    session: Session
    is_new: bool
    """Whether the peer was no neighbour before; otherwise another connection counted for him."""


class Drained(Struct, frozen=True):
    """A connection was opened in vain: another one counts for its peer."""

    session: Session


class Parting(Enum):
    """Who said goodbye, where a neighbour is one no more."""

    THEIRS = "the peer"
    OURS = "this node"
    NOBODYS = "nobody"
    """The connection was lost: it is not known what has become of the peer."""


class Departed(Struct, frozen=True):
    """A peer is no neighbour any more."""

    session: Session
    reason: str
    parting: Parting

    @property
    def left(self) -> bool:
        """Whether the peer said goodbye."""
        return self.parting is Parting.THEIRS

    @property
    def is_lost(self) -> bool:
        """Whether nobody did."""
        return self.parting is Parting.NOBODYS


Change = Arrived | Drained | Departed

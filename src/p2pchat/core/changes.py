"""What has changed about who is a neighbour, for everything that follows it."""

from __future__ import annotations

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


class Departed(Struct, frozen=True):
    """A peer is no neighbour any more."""

    session: Session
    reason: str
    left: bool
    """Whether it said goodbye."""


Change = Arrived | Drained | Departed

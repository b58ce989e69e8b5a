"""What is remembered about one person who was met, and what may be believed of a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core.values import PEER_ID_BYTES, PeerId, Person
from p2pchat.errors import BadNick
from p2pchat.nicks import check_nick

CONTACTS_LIMIT: Final = 4_096
"""People remembered across runs, as many as a node remembers while it runs; about 2 MiB."""

VERIFIED_LIMIT: Final = 1_024
BLOCKED_LIMIT: Final = 1_024
"""Of these, people who are never forgotten; half of all, so that there is room for newcomers."""


class Contact(Struct, frozen=True):
    """A key with the nick that was pinned to it; times are of our wall clock, in ms."""

    peer: PeerId
    nick: str
    first_seen_ms: int
    last_seen_ms: int
    verified_ms: int | None = None
    """When the user compared the key with its owner."""
    blocked_ms: int | None = None
    former_nick: str | None = None
    """The one before, when there was another."""

    @property
    def person(self) -> Person:
        """Return the key and the nick."""
        return Person(self.peer, self.nick)

    @property
    def is_kept(self) -> bool:
        """Whether it is never forgotten for want of room."""
        return self.verified_ms is not None or self.blocked_ms is not None


class ContactsState(Struct, frozen=True):
    """Everybody as plain values, to be written down."""

    contacts: tuple[Contact, ...]


def sound(contact: Contact, wall_ms: int) -> Contact | None:
    """Return what may be believed of a contact that was read; None if it is none.

    Times that are yet to come become now, or somebody would be the one seen last for ever.
    """
    if len(contact.peer) != PEER_ID_BYTES or not _is_nick(contact.nick):
        return None
    former = contact.former_nick
    last_seen_ms = _past(contact.last_seen_ms, wall_ms)
    return Contact(
        contact.peer,
        contact.nick,
        min(_past(contact.first_seen_ms, wall_ms), last_seen_ms),
        last_seen_ms,
        None if contact.verified_ms is None else _past(contact.verified_ms, wall_ms),
        None if contact.blocked_ms is None else _past(contact.blocked_ms, wall_ms),
        former if former is not None and _is_nick(former) else None,
    )


def within_limits(contacts: Iterable[Contact]) -> list[Contact]:
    """Return whom there is room for, in the same order; whoever stands first goes first.

    Marks beyond their limits are taken off before it is asked who may be forgotten.
    """
    verified = blocked = 0
    marked = []
    for contact in contacts:
        verified += contact.verified_ms is not None
        blocked += contact.blocked_ms is not None
        if verified > VERIFIED_LIMIT:
            contact = replace(contact, verified_ms=None)
        if blocked > BLOCKED_LIMIT:
            contact = replace(contact, blocked_ms=None)
        marked.append(contact)
    ordinary = [contact.peer for contact in marked if not contact.is_kept]
    room = CONTACTS_LIMIT - (len(marked) - len(ordinary))
    forgotten = set(ordinary[room:])
    return [contact for contact in marked if contact.peer not in forgotten]


def _is_nick(text: str) -> bool:
    try:
        return check_nick(text) == text
    except BadNick:
        return False


def _past(time_ms: int, wall_ms: int) -> int:
    return min(max(time_ms, 0), wall_ms)

"""Whom this person has met: nicks pinned to keys, whom he verified, whom he does not want."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core.contact_entries import (
    BLOCKED_LIMIT,
    CONTACTS_LIMIT,
    VERIFIED_LIMIT,
    Contact,
    ContactsState,
    sound,
    within_limits,
)
from p2pchat.core.holdings import Holding
from p2pchat.core.look_index import LookIndex
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import tame_nick

TOLD_LIMIT: Final = 8_192
"""Pairs of people of whom it was told that they look alike; more forget the oldest, about 1 MiB.
A pair that is forgotten is told again."""

_SEEN_STEP_MS: Final = 3_600_000
"""That somebody was seen again is worth writing down once an hour: the whole file is written."""


class FirstSeen(Struct, frozen=True):
    """That key was not met before, or so long ago that it was forgotten."""


class Renamed(Struct, frozen=True):
    """Somebody calls himself by another nick than before."""

    old: str
    was_verified: bool


class LooksLike(Struct, frozen=True):
    """His nick is, or looks like, that of somebody who had it first, or who is verified."""

    other: Person
    is_other_verified: bool


News = FirstSeen | Renamed | LooksLike
"""What is new about somebody who was met."""


class Contacts:
    """Remembers people across runs, bounded in count.

    Times are milliseconds of the wall clock. Who is neither verified nor blocked is forgotten
    when there are too many, the one not seen longest first; the others are kept for good.
    """

    def __init__(self) -> None:
        self._contacts: dict[PeerId, Contact] = {}
        # Those who may be forgotten; who was seen last stands last.
        self._ordinary: OrderedDict[PeerId, None] = OrderedDict()
        self._looks, self._verified = LookIndex(), LookIndex()
        self._blocked: set[PeerId] = set()
        # Whose nick was compared in this run, and with whom he was found to look alike.
        self._checked: set[PeerId] = set()
        self._told: OrderedDict[tuple[PeerId, PeerId], None] = OrderedDict()
        self._is_changed = False

    def __len__(self) -> int:
        return len(self._contacts)

    @property
    def is_changed(self) -> bool:
        """Whether there is something that was not written yet."""
        return self._is_changed

    def take_changed(self) -> bool:
        """Tell whether something worth writing has changed since the last call."""
        changed, self._is_changed = self._is_changed, False
        return changed

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            Holding("contacts", len(self._contacts), CONTACTS_LIMIT),
            Holding("nicks told to look alike", len(self._told), TOLD_LIMIT),
        )

    def contact(self, peer: PeerId) -> Contact | None:
        """Return what is known of somebody."""
        return self._contacts.get(peer)

    def everybody(self) -> Iterable[Contact]:
        """Return all contacts, who was met first standing first."""
        return self._contacts.values()

    def is_verified(self, peer: PeerId) -> bool:
        """Tell whether the user verified that key."""
        return peer in self._verified

    def is_blocked(self, peer: PeerId) -> bool:
        """Tell whether the user blocked that key."""
        return peer in self._blocked

    def meet(self, peer: PeerId, nick: str, wall_ms: int) -> tuple[News, ...]:
        """Take note that somebody was heard, under that nick; return what is new about him.

        A likeness is told once for each pair in a run. Of blocked people nothing is told.
        """
        nick = nick if self._is_nick_of(peer, nick) else tame_nick(nick, peer)
        news = self._pin(peer, nick, wall_ms)
        self._see(peer, wall_ms)
        news += self._likeness(peer, nick)
        return () if peer in self._blocked else tuple(news)

    def verify(self, person: Person, wall_ms: int) -> str | None:
        """Take note that the user compared the key with its owner.

        Returns:
            What to tell the user when it could not be noted, else None.
        """
        if person.id is None:
            return "a guest has no key that could be verified."
        if self.is_verified(person.id):
            return None
        if len(self._verified) >= VERIFIED_LIMIT:
            return (
                f"{VERIFIED_LIMIT:,} people are verified, which is the limit. Unverify one first."
            )
        contact = self._pinned(person.id, person.nick, wall_ms)
        self._put(replace(contact, verified_ms=wall_ms))
        self._checked -= self._looks.alike(contact.nick)  # some may have had the nick before him
        return None

    def unverify(self, peer: PeerId) -> bool:
        """Treat somebody as not verified; tell whether he was."""
        if not self.is_verified(peer):
            return False
        self._put(replace(self._contacts[peer], verified_ms=None))
        return True

    def block(self, person: Person, wall_ms: int) -> str | None:
        """Take note that the user does not want to hear of somebody.

        Returns:
            What to tell the user when it could not be noted, else None.
        """
        if person.id is None:
            return "a guest has no key that could be blocked."
        if self.is_blocked(person.id):
            return None
        if len(self._blocked) >= BLOCKED_LIMIT:
            return f"{BLOCKED_LIMIT:,} people are blocked, which is the limit. Unblock one first."
        contact = self._pinned(person.id, person.nick, wall_ms)
        self._put(replace(contact, blocked_ms=wall_ms))
        return None

    def unblock(self, peer: PeerId) -> bool:
        """Hear of somebody again; tell whether he was blocked."""
        if not self.is_blocked(peer):
            return False
        self._put(replace(self._contacts[peer], blocked_ms=None))
        return True

    def snapshot(self) -> ContactsState:
        """Return everything that a later run is to know."""
        return ContactsState(tuple(self._contacts.values()))

    def restore(self, state: ContactsState, wall_ms: int) -> None:
        """Begin with what an earlier run knew; to be called before anybody is met.

        The file may be old or damaged: a contact that can't be so is left out, and marks beyond
        their limits are, of those seen longest ago.

        Args:
            state: Values of the right types.
            wall_ms: Times later than this become this.
        """
        assert not self._contacts, "somebody was met before"
        found: dict[PeerId, Contact] = {}
        for each in state.contacts:
            contact = sound(each, wall_ms)
            if contact is not None:
                found.setdefault(contact.peer, contact)
        latest = sorted(found.values(), key=lambda contact: contact.last_seen_ms)[::-1]
        kept = {contact.peer: contact for contact in within_limits(latest)}
        for peer in found:  # as they were written, who was met first first
            if peer in kept:
                self._put(kept[peer])
        for peer in reversed(kept):
            self._note_seen(peer)
        self._is_changed = self.snapshot() != state

    def _is_nick_of(self, peer: PeerId, nick: str) -> bool:
        known = self._contacts.get(peer)
        return known is not None and known.nick == nick

    def _pin(self, peer: PeerId, nick: str, wall_ms: int) -> list[News]:
        known = self._contacts.get(peer)
        contact = self._pinned(peer, nick, wall_ms)
        if known is None:
            self._put(contact)
            return [FirstSeen()]
        if known.nick == nick:
            return []
        self._put(replace(contact, nick=nick, former_nick=known.nick))
        self._checked.discard(peer)
        return [Renamed(known.nick, self.is_verified(peer))]

    def _pinned(self, peer: PeerId, nick: str, wall_ms: int) -> Contact:
        known = self._contacts.get(peer)
        return known or Contact(peer, tame_nick(nick, peer), wall_ms, wall_ms)

    def _likeness(self, peer: PeerId, nick: str) -> list[News]:
        if peer in self._checked:
            return []
        self._checked.add(peer)
        other = self._verified.earlier(peer, nick)
        if other is None and not self.is_verified(peer):
            other = self._looks.earlier(peer, nick)
        if other is None or (peer, other) in self._told:
            return []
        self._told[peer, other] = None
        if len(self._told) > TOLD_LIMIT:
            self._told.popitem(last=False)
        return [LooksLike(self._contacts[other].person, self.is_verified(other))]

    def _see(self, peer: PeerId, wall_ms: int) -> None:
        known = self._contacts[peer]
        self._is_changed |= wall_ms // _SEEN_STEP_MS > known.last_seen_ms // _SEEN_STEP_MS
        seen_ms = max(known.last_seen_ms, wall_ms)
        self._contacts[peer] = replace(known, last_seen_ms=seen_ms)
        self._note_seen(peer)

    def _note_seen(self, peer: PeerId) -> None:
        if peer in self._ordinary:
            self._ordinary.move_to_end(peer)

    def _put(self, contact: Contact) -> None:
        peer = contact.peer
        self._contacts[peer] = contact
        self._is_changed = True
        self._looks.put(peer, contact.nick)
        if contact.verified_ms is None:
            self._verified.discard(peer)
        else:
            self._verified.put(peer, contact.nick)
        if contact.blocked_ms is None:
            self._blocked.discard(peer)
        else:
            self._blocked.add(peer)
        if contact.is_kept:
            self._ordinary.pop(peer, None)
        else:
            self._ordinary.setdefault(peer)
        if len(self._contacts) > CONTACTS_LIMIT:
            self._forget(next(iter(self._ordinary)))

    def _forget(self, peer: PeerId) -> None:
        del self._contacts[peer], self._ordinary[peer]
        self._looks.discard(peer)
        self._checked.discard(peer)

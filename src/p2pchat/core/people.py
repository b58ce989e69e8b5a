"""Whoever was heard: nick, distance and when, bounded in count."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from p2pchat.core.limits import KNOWN_S
from p2pchat.core.notices import HeardStatus
from p2pchat.core.values import PeerId, Person
from p2pchat.nicks import default_nick, tame_nick

PEOPLE_LIMIT: Final = 4_096
"""Authors remembered with their nick; whoever was silent longest is forgotten first."""


class _Acquaintance(Struct):
    raw_nick: str
    person: Person
    hops: int
    heard_at: float
    has_left: bool = False


class People:
    """Remembers what keys call themselves."""

    def __init__(self) -> None:
        self._known: OrderedDict[PeerId, _Acquaintance] = OrderedDict()
        self._met: dict[PeerId, None] = {}
        """Who was heard since `take_met`; bounded by what one event can bring."""

    def take_met(self) -> list[Person]:
        """Return who was heard since the last call."""
        met, self._met = self._met, {}
        return [self._known[peer].person for peer in met if peer in self._known]

    @property
    def has_met(self) -> bool:
        """Whether `take_met` has something to tell."""
        return bool(self._met)

    def __len__(self) -> int:
        return len(self._known)

    def meet(
        self, peer: PeerId, nick: str, hops: int, now: float, age_s: float = 0.0
    ) -> tuple[Person, str | None]:
        """Take note of somebody and return the person, with the old nick where it changed.

        A nick that breaks the rules of nicks is replaced by the one that follows from the key.

        Args:
            peer: Who said something.
            nick: What he calls himself in it.
            hops: Connections that it crossed.
            now: Monotonic seconds.
            age_s: How long ago he said it, where it came by repair: by that nobody who has gone
                counts as back. 0 for what came live.
        """
        self._met[peer] = None
        known = self._known.get(peer)
        heard_at, has_left = now - age_s, False
        if known is not None and age_s and heard_at < known.heard_at and known.raw_nick != nick:
            return Person(peer, tame_nick(nick, peer)), None  # what he was called then
        if known is not None and age_s:
            heard_at, has_left = max(heard_at, known.heard_at), known.has_left
        if known is not None and known.raw_nick == nick:
            known.hops, known.heard_at, known.has_left = hops, heard_at, has_left
            self._known.move_to_end(peer)
            return known.person, None
        person = Person(peer, tame_nick(nick, peer))
        self._known[peer] = _Acquaintance(nick, person, hops, heard_at, has_left)
        self._known.move_to_end(peer)
        if len(self._known) > PEOPLE_LIMIT:
            self._known.popitem(last=False)
        changed = known is not None and known.person.nick != person.nick
        return person, known.person.nick if known is not None and changed else None

    def person(self, peer: PeerId) -> Person | None:
        """Return who that key is, if it was heard."""
        known = self._known.get(peer)
        return known.person if known else None

    def is_around(self, peer: PeerId, now: float) -> bool:
        """Tell whether somebody was heard in the last KNOWN_S and has not left."""
        known = self._known.get(peer)
        return known is not None and _is_around(known, now)

    def stranger(self, peer: PeerId) -> Person:
        """Return somebody whose nick nobody told: called by what follows from the key."""
        return Person(peer, default_nick(peer))

    def part(self, peer: PeerId) -> None:
        """Take note that somebody said goodbye or was lost; heard again, he is back."""
        known = self._known.get(peer)
        if known is not None:
            known.has_left = True

    def known(self, now: float) -> tuple[PeerId, ...]:
        """Return who was heard in the last KNOWN_S, the latest first."""
        return tuple(
            peer for peer, known in reversed(self._known.items()) if _is_around(known, now)
        )

    def known_count(self, now: float) -> int:
        """Count who was heard in the last KNOWN_S."""
        return len(self.known(now))

    def heard(self, now: float, without: frozenset[PeerId]) -> tuple[HeardStatus, ...]:
        """Return everybody else who was heard, the latest first."""
        return tuple(
            HeardStatus(known.person, known.hops, now - known.heard_at)
            for peer, known in reversed(self._known.items())
            if peer not in without and _is_around(known, now)
        )


def _is_around(known: _Acquaintance, now: float) -> bool:
    return not known.has_left and now - known.heard_at <= KNOWN_S

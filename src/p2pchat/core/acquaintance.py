"""Remembers whom we meet, and says what is odd about names."""

from __future__ import annotations

from collections.abc import Iterable

from p2pchat.core.contacts import TOLD_LIMIT, Contacts, LooksLike, Renamed
from p2pchat.core.events import Effect, SaveContacts, Tell
from p2pchat.core.notices import Remark
from p2pchat.core.values import PeerId, Person
from p2pchat.lookalikes import looks_like
from p2pchat.nicks import full_label

SAVE_AFTER_S = 30.0
"""After a change; what is verified or blocked is written at once."""


class Acquaintance:
    """Takes note of everybody who is heard; tells once of names that could mislead."""

    def __init__(self, contacts: Contacts, me: Person) -> None:
        self._contacts = contacts
        self._me = me
        # The oldest is forgotten beyond the limit, and told again.
        self._told: dict[tuple[PeerId, str, str], None] = {}
        self._save_at: float | None = None

    def rename(self, nick: str) -> None:
        """We call ourselves otherwise."""
        self._me = Person(self._me.id, nick)

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._save_at

    def on_met(self, people: Iterable[Person], now: float, wall_ms: int) -> list[Effect]:
        """Those people were heard just now."""
        effects: list[Effect] = []
        for person in people:
            if person.id is None or person.id == self._me.id:
                continue  # what we said in an earlier run is heard like everything else
            effects += self._compare_with_us(person.id, person)
            for news in self._contacts.meet(person.id, person.nick, wall_ms):
                match news:
                    case Renamed(old, True):
                        text = f"your verified {old} is now called {person.nick}: the same key"
                        effects.append(Tell(Remark(text)))
                    case LooksLike(other, is_verified):
                        effects.append(Tell(Remark(_likeness(person, other, is_verified))))
        self._plan(now)
        return effects

    def on_time(self, now: float) -> list[Effect]:
        """Write what has changed, when it is time for that."""
        if self._save_at is None or now < self._save_at:
            return []
        self._save_at = None
        return [SaveContacts()]

    def _compare_with_us(self, peer: PeerId, person: Person) -> list[Effect]:
        key = (peer, person.nick, self._me.nick)
        if key in self._told or not looks_like(person.nick, self._me.nick):
            return []
        self._told[key] = None
        if len(self._told) > TOLD_LIMIT:
            del self._told[next(iter(self._told))]
        them, us = full_label(person, (self._me,)), full_label(self._me, (person,))
        return [Tell(Remark(f"{them} has a nick that looks like yours; you are {us}"))]

    def _plan(self, now: float) -> None:
        if self._save_at is None and self._contacts.is_changed:
            self._save_at = now + SAVE_AFTER_S


def _likeness(person: Person, other: Person, is_verified: bool) -> str:
    new, known = full_label(person, (other,)), full_label(other, (person,))
    if is_verified:
        return (
            f"somebody new also calls himself {person.nick}: {new}. Your verified {other.nick} "
            f"is {known}; @{other.nick} still means him"
        )
    return f"{new} and {known} have names that look alike: tell them apart by what is behind #"

"""Names for many people at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from p2pchat.core.values import Person
from p2pchat.lookalikes import looks
from p2pchat.nicks import label
from p2pchat.sanitize import visible_line


def name_alone(person: Person) -> str:
    """Return the nick, clean, however many others have it."""
    return visible_line(label(person, ()))


def naming_among(people: Iterable[Person]) -> Callable[[Person], str]:
    """Return what gives clean names by which nobody else among those people is meant."""
    everybody = tuple(people)
    return lambda person: visible_line(label(person, everybody))


def labels(people: Iterable[Person]) -> list[str]:
    """Return what to call each of them, as `label` does, in their order.

    Each is compared only with those whose nicks look like his: all with all would be 16 million
    comparisons for the people that a node remembers.
    """
    everybody = tuple(people)
    alike: defaultdict[str, list[Person]] = defaultdict(list)
    for person in everybody:
        for look in looks(person.nick):
            alike[look].append(person)
    return [
        label(person, [rival for look in looks(person.nick) for rival in alike[look]])
        for person in everybody
    ]

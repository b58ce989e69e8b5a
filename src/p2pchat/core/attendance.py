"""Who said within a moment that he is here: the answer of `/who`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from msgspec import Struct

from p2pchat.core.values import PeerId, Person


class Attendee(Struct, frozen=True):
    """Somebody who answered that he is here; his signature was verified."""

    person: Person
    hops: int
    """As relays counted; not signed."""


class Attendance(Struct, frozen=True):
    """Who is here; ourselves not counted."""

    answered: tuple[Attendee, ...]
    """The nearest first."""
    silent: tuple[Person, ...]
    """Who was heard in the last 10 minutes and did not answer: he may be here or not."""
    estimate: int
    """How many would have answered: more than `answered` and `blocked` where only a share had to,
    or not all answers were handed on."""
    blocked: int = 0
    """How many of those who answered are not named because the user blocks them."""

    @property
    def is_exact(self) -> bool:
        """Whether everybody was meant to answer; else it is "about" so many."""
        return self.estimate == len(self.answered) + self.blocked


def attendance(
    answered: Iterable[Attendee],
    estimate: int,
    known: Iterable[Person],
    neighbours: Container[PeerId],
    is_blocked: Callable[[PeerId], bool],
) -> Attendance:
    """Put together what is shown.

    Args:
        answered: Whose answers came.
        estimate: How many would have answered; at least as many.
        known: Who was heard in the last 10 minutes, ourselves not counted.
        neighbours: Who is one hop away, whichever way his answer took.
        is_blocked: Whom the user wants to see nothing of.
    """

    def is_shown(person: Person) -> bool:
        return person.id is not None and not is_blocked(person.id)

    placed = (
        Attendee(each.person, 1) if each.person.id in neighbours else each for each in answered
    )
    everybody = sorted(placed, key=lambda each: each.hops)
    shown = tuple(each for each in everybody if is_shown(each.person))
    here = {each.person.id for each in everybody}
    silent = tuple(person for person in known if person.id not in here and is_shown(person))
    return Attendance(shown, silent, estimate, len(everybody) - len(shown))

"""What `/who` says: who answered that he is here, who did not, and how many there may be."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from p2pchat.sanitize import visible_line
from p2pchat.ui.names import labels
from p2pchat.ui.words import Verdict, listed, nobody_is_verified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p2pchat.core.attendance import Attendance
    from p2pchat.core.values import Person

NAMES_SHOWN: Final = 100
"""Names of one distance; `--json` has them all."""


def lines_of_attendance(
    found: Attendance, known: Iterable[Person] = (), is_verified: Verdict = nobody_is_verified
) -> list[str]:
    """Return the answer as clean lines, the first one a heading.

    Args:
        found: Who answered; names are told apart among these and all who are known.
        known: Who else is around.
        is_verified: Whose keys the user has verified; these are marked.
    """
    people = dict.fromkeys([*(e.person for e in found.answered), *found.silent, *known])
    names = dict(zip(people, map(visible_line, labels(people)), strict=True))

    def name(person: Person) -> str:
        is_sure = person.id is not None and is_verified(person.id)
        return f"{names[person]} (verified)" if is_sure else names[person]

    lines = [_heading(found)]
    for hops, group in groupby(found.answered, key=lambda each: each.hops):
        distance = "1 hop" if hops == 1 else f"{hops} hops"
        lines.append(f"{distance}: {_some([name(each.person) for each in group])}")
    if found.silent:
        silent = _some([name(person) for person in found.silent])
        lines.append(f"heard in the last 10 minutes, no answer now: {silent}")
    if found.blocked:
        lines.append(f"not named because you block them: {found.blocked}")
    return lines


def _heading(found: Attendance) -> str:
    count = len(found.answered) + found.blocked
    if not count:
        return "no one answered"
    if not found.is_exact:
        return f"about {_rounded(found.estimate)} people are here; {count} of them answered"
    return "1 person answered" if count == 1 else f"{count} people answered"


def _rounded(number: int) -> str:
    """Return a number with the two digits that an estimate is good for."""
    unit = 10 ** max(0, len(str(number)) - 2)
    return f"{round(number / unit) * unit:,}"


def _some(names: list[str]) -> str:
    return listed(names, NAMES_SHOWN)

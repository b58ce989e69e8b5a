"""Who is meant by a name that the user typed. Never a guess: a text could go to somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from p2pchat.core.contacts import Contacts
from p2pchat.core.values import PEER_ID_BYTES, PeerId, Person, fingerprint
from p2pchat.lookalikes import looks
from p2pchat.nicks import SUFFIX_DIGITS, comparable, full_label, label
from p2pchat.sanitize import visible_line

SHOWN_CHOICES: Final = 5
"""People whom one line offers to choose from; there may be thousands."""

_SHOWN_CHARACTERS: Final = 40
_MARK: Final = "#"
_COUNTS: Final = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_CROCKFORD_READING: Final = str.maketrans("oil", "011", "-")
"""How Crockford reads letters that are no digits of his; groups make no difference."""


class Found(Struct, frozen=True):
    """Exactly one person is meant."""

    person: Person


class Ambiguous(Struct, frozen=True):
    """Several may be meant."""

    persons: tuple[Person, ...]
    labels: tuple[str, ...]
    """For the first SHOWN_CHOICES of them a name that means nobody else, in the same order."""


class Unknown(Struct, frozen=True):
    """Nobody is called so."""

    suggestion: str | None = None
    """Whom the user may have meant: a name that would be understood."""


Resolution = Found | Ambiguous | Unknown


def resolve(name: str, people: Iterable[Person], contacts: Contacts) -> Resolution:
    """Find the person whom a name means.

    The name is a nick, `nick#k3f9` with four or more digits of the fingerprint, or the whole key
    in 64 hexadecimal digits; case and dashes make no difference. A nick alone means the only one
    who is called so, or the only verified one among those who are. Who merely looks as if he were
    called so is never meant, but makes a nick ambiguous.

    Args:
        name: What was typed, without the `@`.
        people: Who is here; guests among them are nobody to write to.
        contacts: Whoever was met before, and who is verified.
    """
    known = _known(people, contacts)
    key = _key(name)
    if key is not None:
        return Found(known[key]) if key in known else Unknown()
    nick, mark, digits = name.partition(_MARK)
    wanted = set(looks(nick))
    alike = [p for p in known.values() if not wanted.isdisjoint(looks(p.nick))]
    if mark:
        return _by_digits(name, digits, alike, known)
    return _by_nick(nick, alike, known, contacts)


def explain(name: str, resolution: Ambiguous | Unknown, at: str = "@") -> str:
    """Return the sentence that tells the user why nobody is meant, clean to be shown.

    Args:
        name: What was typed.
        resolution: What `resolve` said.
        at: What stands before a name in the place where it was typed.
    """
    shown = visible_line(name, _SHOWN_CHARACTERS)
    if isinstance(resolution, Unknown):
        hint = resolution.suggestion
        return f'no one called "{shown}".' + (f" Did you mean {hint}?" if hint else "")
    number = len(resolution.persons)
    count = _COUNTS[number - 2] if number - 2 < len(_COUNTS) else f"{number:,}"
    names = [at + each for each in resolution.labels[:SHOWN_CHOICES]]
    if number > SHOWN_CHOICES:
        return f"{count} people are called {shown}. Use {', '.join(names)} or another one's key."
    return f"{count} people are called {shown}. Use {', '.join(names[:-1])} or {names[-1]}."


def _known(people: Iterable[Person], contacts: Contacts) -> dict[PeerId, Person]:
    known = {person.id: person for person in people if person.id is not None}
    for contact in contacts.everybody():
        known.setdefault(contact.peer, contact.person)
    return known


def _key(name: str) -> PeerId | None:
    # bytes.fromhex would also take blanks between the digits.
    if len(name) != 2 * PEER_ID_BYTES or not name.isalnum():
        return None
    try:
        return PeerId(bytes.fromhex(name))
    except ValueError:
        return None


def _by_digits(
    name: str, digits: str, alike: list[Person], known: dict[PeerId, Person]
) -> Resolution:
    has_key = _begins_with(digits)
    found = [person for person in alike if has_key(person)]
    if len(found) == 1:
        return Found(found[0])
    if found:
        return _ambiguous(found)
    # The key may be somebody's who has another nick now: it says more than the nick.
    meant = [person for person in known.values() if has_key(person)] or alike
    return Unknown(full_label(meant[0], known.values()) if len(meant) == 1 else None)


def _by_nick(
    nick: str, alike: list[Person], known: dict[PeerId, Person], contacts: Contacts
) -> Resolution:
    equal = [person for person in alike if comparable(person.nick) == comparable(nick)]
    if len(equal) == len(alike) == 1:
        return Found(equal[0])
    verified = [p for p in alike if p.id is not None and contacts.is_verified(p.id)]
    if len(verified) == 1 and verified[0] in equal:
        return Found(verified[0])
    if len(alike) > 1:
        return _ambiguous(alike)
    if alike:
        return Unknown(full_label(alike[0], known.values()))
    return Unknown(_suggestion(nick, known, contacts))


def _ambiguous(persons: list[Person]) -> Ambiguous:
    shown = persons[:SHOWN_CHOICES]
    return Ambiguous(tuple(persons), tuple(full_label(person, persons) for person in shown))


def _suggestion(nick: str, known: dict[PeerId, Person], contacts: Contacts) -> str | None:
    for contact in contacts.everybody():
        if contact.former_nick is not None and comparable(contact.former_nick) == comparable(nick):
            return label(known[contact.peer], known.values())
    from difflib import get_close_matches  # noqa: PLC0415 - only whoever mistypes needs it

    names = {comparable(person.nick): person for person in known.values()}
    close = get_close_matches(comparable(nick)[:_SHOWN_CHARACTERS], names, 1)
    return label(names[close[0]], known.values()) if close else None


def _begins_with(digits: str) -> Callable[[Person], bool]:
    start = digits.lower().translate(_CROCKFORD_READING)

    def has_key(person: Person) -> bool:
        if person.id is None or len(start) < SUFFIX_DIGITS:
            return False
        return fingerprint(person.id).replace("-", "").startswith(start)

    return has_key

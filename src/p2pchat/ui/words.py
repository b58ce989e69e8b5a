"""Sentences that every face of the program says alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from p2pchat.core.notices import (
    Direct,
    DirectArrived,
    DirectGivenUp,
    DirectReceipt,
    DirectSent,
    DirectWaits,
    Gap,
    Reach,
    Seam,
)
from p2pchat.core.values import Kind, PeerId, Person
from p2pchat.ui.commands import HISTORY_LIMIT_MESSAGES

DirectNotice = DirectArrived | DirectSent | DirectReceipt | DirectWaits | DirectGivenUp
"""All that is told of messages to one person."""

Verdict = Callable[[PeerId], bool]
"""Tells whether the user has verified somebody's key."""

NAMES_SHOWN: Final = 20
"""Names in one sentence; nobody reads more of them."""

NOBODY_CONNECTED: Final = "no one is connected"
"""The answer of `/peers` and `/map` when there is none."""

NOTHING_SAID: Final = "nobody has said anything yet"
"""The answer of `/history` when there is none."""


def of_waiting(name: str) -> str:
    """Say that somebody does not have a direct message yet, and what becomes of it."""
    return f"not delivered to {name} yet; it stays in the outbox and goes when {name} is back"


def of_given_up(name: str) -> str:
    """Say that a direct message will not be delivered any more."""
    return f"your message to {name} waited for 7 days in vain and is given up"


def of_those_left(count: int, *, is_kept: bool) -> str:
    """Say what becomes of direct messages that wait when the program ends."""
    messages = "1 direct message is" if count == 1 else f"{count} direct messages are"
    if is_kept:
        return f"{messages} not delivered yet; p2pchat tries again when you start it next"
    return f"{messages} not delivered and lost, because nothing is kept with --ephemeral"


def of_gap(gap: Gap, nick: str) -> str:
    """Say what is missing, of whom."""
    if gap.missing == 1:
        return f"1 earlier message of {nick} is missing"
    return f"{gap.missing} earlier messages of {nick} are missing"


def of_seam(seam: Seam) -> str:
    """Say that two parts of the network met again, and what that brought."""
    people = "1 person" if seam.people == 1 else f"{seam.people} people"
    messages = "1 message" if seam.recovered == 1 else f"{seam.recovered} messages"
    return f"together again with {people} after {span(seam.apart_s)} apart: {messages} recovered"


def of_direct(direct: Direct, text: str) -> str:
    """Return a direct message as it is read, so that an action can't be taken for a text."""
    return f"* {text}" if direct.kind == Kind.ACTION else text


def of_trust(person: Person, is_verified: Verdict) -> str:
    """Say whether somebody is verified."""
    return "verified" if person.id is not None and is_verified(person.id) else "not verified"


def nobody_is_verified(_peer: PeerId) -> bool:
    """Stand in where trust makes no difference."""
    return False


def of_hidden(hidden: int, shown: int) -> str:
    """Say that more messages came than are shown, and what to type to read them all."""
    count = min(hidden + shown, HISTORY_LIMIT_MESSAGES)
    return f"… {hidden} more, /history {count}"


def of_reach(reach: Reach, name: Callable[[Person], str]) -> str:
    """Say who has a message, and who not yet."""
    has, waiting = ([name(person) for person in group] for group in (reach.has, reach.waiting))
    about = "" if reach.estimate == len(has) else "about "
    known = reach.estimate + len(waiting) if not about else max(reach.estimate, len(waiting))
    text = f"{about}{reach.estimate} of {known} have it"
    if not known:
        return "no one is known who could have it"
    if has:
        text += f": {listed(has)}"
    return f"{text}; not yet: {listed(waiting)}" if waiting else text


def together(names: Sequence[str]) -> str:
    """Join names as people do: "ann", "ann and bob", "ann, bob and cem", "… and 5 more"."""
    shown = [*names[:NAMES_SHOWN]]
    if len(names) > NAMES_SHOWN:
        shown.append(f"{len(names) - NAMES_SHOWN} more")
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last


def listed(names: Sequence[str], limit: int = NAMES_SHOWN) -> str:
    """Join so many names, and count the rest."""
    shown = ", ".join(names[:limit])
    more = len(names) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def span(seconds: float) -> str:
    """Say a length of time in the unit that people would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"


NAMED_NEWCOMERS: Final = 5
"""Of a crowd, so many are named."""


def of_newcomers(people: Sequence[Person], count: int) -> str:
    """Say that a crowd has come; nicks are cleaned by whoever shows it."""
    names = ", ".join(person.nick for person in people[:NAMED_NEWCOMERS])
    others = count - min(count, NAMED_NEWCOMERS)
    return f"{count} people joined: {names}" + (f" and {others} more" if others else "")

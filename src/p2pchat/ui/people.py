"""Answers of the commands about people: whom they are about, and what is said of him."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.core.notices import HeardStatus, NeighbourStatus
from p2pchat.core.values import Person, fingerprint
from p2pchat.sanitize import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable

GROUPS_IN_A_LINE: Final = 4
"""Of a safety number: few enough that nobody loses his place while reading aloud."""

UNKNOWN_TIME: Final = "an unknown time"

Way = NeighbourStatus | HeardStatus


class Whois(Struct, frozen=True):
    """The answer of `/whois`; times are of our wall clock, in ms."""

    person: Person
    """With a key; guests have none, so there is nothing to tell of them."""
    is_me: bool = False
    first_seen_ms: int | None = None
    last_seen_ms: int | None = None
    verified_ms: int | None = None
    blocked_ms: int | None = None
    former_nick: str | None = None
    way: Way | None = None
    """None for somebody who is not here."""
    version: int | None = None
    """Of the protocol; None where it was not agreed on with him."""


class SafetyNumber(Struct, frozen=True):
    """The answer of `/verify NAME`."""

    person: Person
    me: Person
    number: str
    """12 groups of 5 digits with blanks between."""
    is_verified: bool


class Marked(Struct, frozen=True):
    """The answer of a command that marks somebody, or takes a mark away."""

    person: Person
    command: str
    """Its name without slash: verify, block or unblock."""
    is_verified: bool
    is_blocked: bool
    is_new: bool
    """Whether anything has changed."""


AboutPerson = Whois | SafetyNumber | Marked


def lines_about(told: AboutPerson, name: Callable[[Person], str], at: datetime) -> list[str]:
    """Return the answer as clean lines, the first one a heading.

    Args:
        told: What was found out.
        name: What people are called, so that nobody else is meant; clean.
        at: Now, in the time zone to show.
    """
    match told:
        case Whois():
            return _whois(told, name(told.person), at)
        case SafetyNumber():
            return _safety_number(told, name(told.person))
        case Marked():
            return [_marked(told, name(told.person))]


def spoken_time(wall_ms: int, at: datetime) -> str:
    """Say a time of the wall clock with its day, in the time zone of `at`."""
    try:
        return f"{datetime.fromtimestamp(wall_ms / 1000, at.tzinfo):%Y-%m-%d %H:%M}"
    except (OverflowError, OSError, ValueError):
        return UNKNOWN_TIME


def _whois(told: Whois, who: str, at: datetime) -> list[str]:
    peer = told.person.id
    key = "" if peer is None else fingerprint(peer)
    if told.is_me:
        return [f"{who} is you", f"key: {key}"]
    facts = [f"key: {key}", *_since(told, at), f"here: {_way(told.way)}"]
    if told.version is not None:
        facts.append(f"protocol: {told.version}")
    facts += _marks(told, who, at)
    return [f"this is known of {who}:", *facts]


def _since(told: Whois, at: datetime) -> list[str]:
    facts = []
    if told.first_seen_ms is not None:
        facts.append(f"known since: {spoken_time(told.first_seen_ms, at)}")
    if told.last_seen_ms is not None:
        facts.append(f"last heard: {spoken_time(told.last_seen_ms, at)}")
    if told.former_nick is not None:
        facts.append(f"was called: {visible_line(told.former_nick)}")
    return facts


def _way(way: Way | None) -> str:
    match way:
        case None:
            return "no"
        case HeardStatus(hops=hops):
            return f"yes, over {hops} hops"
        case NeighbourStatus():
            rtt = "" if way.rtt_ms is None else f", {way.rtt_ms:.1f} ms away"
            return f"yes, as a neighbour at {visible_line(str(way.address))}{rtt}"


def _marks(told: Whois, who: str, at: datetime) -> list[str]:
    facts = []
    if told.verified_ms is None:
        facts.append(f"verified: no; /verify {who} tells how")
    else:
        facts.append(f"verified: since {spoken_time(told.verified_ms, at)}")
    if told.blocked_ms is not None:
        since = spoken_time(told.blocked_ms, at)
        facts.append(f"blocked: since {since}; /unblock {who} ends it")
    return facts


def _safety_number(told: SafetyNumber, who: str) -> list[str]:
    groups = told.number.split(" ")
    size = GROUPS_IN_A_LINE
    rows = [" ".join(groups[start : start + size]) for start in range(0, len(groups), size)]
    nick = visible_line(told.me.nick)
    lines = [
        f"the safety number of you and {who}:",
        *(f"  {row}" for row in rows),
        f"compare it with him, face to face or by voice, not in this chat; he types /verify {nick}",
        f"all 60 digits are the same: /verify {who} yes. Any differs: somebody is between you",
    ]
    return [*lines, f"{who} is verified; /verify {who} no ends that"] if told.is_verified else lines


def _marked(told: Marked, who: str) -> str:
    match told.command, told.is_new:
        case "verify", True:
            if told.is_verified:
                return f"{who} is verified now, and stays so whatever he calls himself"
            return f"{who} is not verified any more"
        case "verify", False:
            return f"{who} is {'' if told.is_verified else 'not '}verified already"
        case "block", True:
            return f"{who} is blocked: nothing of him is shown any more. /unblock {who} ends that"
        case "block", False:
            return f"{who} is blocked already"
        case _, True:
            return f"{who} is not blocked any more"
    return f"{who} is not blocked"

"""What discovery finds, whom of them to join, and what the user is told of it.

Who runs on this machine is joined, and so is whoever was known before. Strangers on the LAN are a
matter of consent: until the user says `connect`, or has said so once, they are only told of.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from p2pchat.core.alarms import earliest
from p2pchat.core.limits import DIAL_BACKOFF_LONGEST_S, DIAL_BACKOFF_S
from p2pchat.core.notices import How
from p2pchat.core.values import Address

HINTS_LIMIT = 64
"""Addresses without a key that are remembered; of more, later ones are not looked at."""

GATHER_S = 2.0
"""Who is found within this time is told of in one line."""

LOOK_AGAIN_S = 5.0
"""How often a node that has nobody looks who else runs on this machine."""

ANSWER_S = 4.0
"""When a user who asked for others is told that nobody was found."""


class LanPolicy(Enum):
    """What to do about strangers on the LAN."""

    OFF = "off"
    """Neither look nor be found."""
    ASK = "ask"
    """Look, tell the user, and wait for his `connect`."""
    AUTO = "auto"
    """Find and be found."""


class Hint(Struct):
    """Somebody who can be dialled, whose key shows only then."""

    addresses: tuple[Address, ...]
    how: How
    failures: int = 0
    not_before: float = 0.0
    attempt: int = 0


class Lookout:
    """Gathers what discovery finds, and words it."""

    def __init__(self, policy: LanPolicy, room: str) -> None:
        self._room = room
        self.has_consent = policy is LanPolicy.AUTO
        """Whether strangers on the LAN are joined, and may find us."""
        self._hints: dict[tuple[Address, ...], Hint] = {}
        self._told_of = 0
        self._tell_at: float | None = None
        self._answer_at: float | None = None
        self._in_other_rooms: dict[tuple[Address, ...], None] = {}
        self._in_our_room: dict[tuple[Address, ...], None] = {}
        """Whoever was found is found again and again, and counts once; HINTS_LIMIT of each."""

    def __len__(self) -> int:
        return len(self._hints)

    @property
    def found(self) -> int:
        """How many nodes of our room were found."""
        return len(self._in_our_room)

    @property
    def others_rooms(self) -> int:
        """How many nodes were found that are in another room."""
        return len(self._in_other_rooms)

    def next_deadline(self) -> float | None:
        """When to call `take_words`; None for never."""
        return earliest(self._tell_at, self._answer_at)

    def count(self, addresses: tuple[Address, ...], *, is_same_room: bool) -> None:
        """Somebody was found, perhaps again."""
        counted = self._in_our_room if is_same_room else self._in_other_rooms
        if len(counted) < HINTS_LIMIT:
            counted[addresses] = None

    def note(
        self, addresses: tuple[Address, ...], how: How, now: float, *, is_same_room: bool
    ) -> None:
        """Somebody was found whose key is not known."""
        self.count(addresses, is_same_room=is_same_room)
        if not is_same_room:
            return
        if addresses in self._hints or len(self._hints) >= HINTS_LIMIT:
            return
        self._hints[addresses] = Hint(addresses, how)
        if not self.has_consent and self._tell_at is None:
            self._tell_at = now + GATHER_S

    def consent(self, now: float) -> bool:
        """The user wants to join whoever is there; True the first time."""
        self._answer_at = now + ANSWER_S
        self._tell_at = None
        is_first, self.has_consent = not self.has_consent, True
        return is_first

    def due(self, now: float) -> list[Hint]:
        """Return whom to dial now, where that is allowed."""
        if not self.has_consent:
            return []
        return [h for h in self._hints.values() if not h.attempt and h.not_before <= now]

    def on_failed(self, attempt: int, now: float) -> None:
        """A dial led to nothing: wait longer."""
        for hint in self._hints.values():
            if attempt and hint.attempt == attempt:
                hint.attempt = 0
                hint.failures += 1
                wait_s = DIAL_BACKOFF_S * 2.0 ** min(hint.failures, 10)
                hint.not_before = now + min(wait_s, DIAL_BACKOFF_LONGEST_S)

    def on_open(self, attempt: int) -> None:
        """A dial led to somebody, whose key is known from now on; 0 for none of ours."""
        for addresses in [a for a, hint in self._hints.items() if hint.attempt == attempt]:
            if attempt:
                del self._hints[addresses]

    def retry_soon(self, now: float) -> None:
        """The network has changed."""
        for hint in self._hints.values():
            hint.not_before, hint.failures = min(hint.not_before, now), 0

    def take_words(
        self, now: float, is_here: Callable[[tuple[Address, ...]], bool], *, company: int
    ) -> list[str]:
        """Return what the user should read now.

        Args:
            now: Monotonic seconds.
            is_here: Tells whether somebody with those addresses is a neighbour already.
            company: How many people are neighbours.
        """
        words = []
        if self._tell_at is not None and self._tell_at <= now:
            self._tell_at = None
            strangers = sum(not is_here(addresses) for addresses in self._hints)
            if strangers > self._told_of and not self.has_consent:
                self._told_of = strangers
                words.append(self._invitation(strangers))
        if self._answer_at is not None and self._answer_at <= now:
            self._answer_at = None
            words.append(_with_company(company) if company else self.nobody())
        return words

    def nobody(self) -> str:
        """Say what was looked at in vain, so that the user knows what to do next."""
        if self.others_rooms:
            others = _people(self.others_rooms)
            return f"nobody is in {self._room} here, but {others} in another room: see --room"
        return (
            "nobody was found on this machine, on this network or from before. "
            "/doctor looks for what is wrong; connect host:port dials somebody"
        )

    def _invitation(self, count: int) -> str:
        return f"{_people(count)} in {self._room} on this network. Type connect to join"


def _with_company(people: int) -> str:
    return f"connected with {'1 person' if people == 1 else f'{people} people'} now"


def _people(count: int) -> str:
    return "1 person is" if count == 1 else f"{count} people are"

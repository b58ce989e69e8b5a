"""Who is around, and who was met before."""

from __future__ import annotations

import asyncio
import math

from p2pchat.core.attendance import Attendance
from p2pchat.core.limits import KNOWN_S
from p2pchat.core.notices import (
    Connected,
    Direct,
    DirectArrived,
    Disconnected,
    Joined,
    Left,
    NickChanged,
    Notice,
    Received,
)
from p2pchat.core.values import Message, PeerId, Person
from p2pchat.node import Node


class Company:
    """Answers whom the user can mean; asks the node again only when that may have changed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._people: tuple[Person, ...] | None = None
        self._stale_at = float("inf")
        self._known: tuple[Person, ...] = ()
        self._ids: frozenset[PeerId | None] = frozenset()
        self._attendance: tuple[Person, ...] = ()
        self._present: tuple[Person, ...] = ()

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody around, ourselves not counted."""
        self._ask()
        return self._people or ()

    @property
    def present(self) -> tuple[Person, ...]:
        """Everybody around, then whoever answered the last `/who`: all who can be spoken to."""
        self._ask()
        return self._present

    @property
    def known(self) -> tuple[Person, ...]:
        """Everybody present, then whoever was met before, in this run or an earlier one.

        Names have to differ among all of them: an absent bob is still somebody to write to.
        """
        self._ask()
        return self._known

    def person(self, peer: PeerId) -> Person | None:
        """Return who that is, with the nick of today; None for nobody who is known."""
        return next((person for person in self.known if person.id == peer), None)

    def is_verified(self, peer: PeerId) -> bool:
        """Whether the user has verified that key."""
        return self._node.contacts.is_verified(peer)

    @property
    def stale_s(self) -> float | None:
        """In how many seconds somebody may count no more; None while all are neighbours."""
        self._ask()
        left_s = self._stale_at - asyncio.get_running_loop().time()
        return None if math.isinf(left_s) else max(0.0, left_s)

    def note(self, notice: Notice) -> None:
        """Take note of what may change who is around."""
        match notice:
            case Connected() | Disconnected() | Joined() | Left() | NickChanged():
                self._people = None
            case Received(Message(signer=person)) | DirectArrived(Direct(person=person)):
                if person.id not in self._ids:
                    self._people = None

    def is_hidden(self, notice: Notice) -> bool:
        """Whether it tells of the coming and going of somebody whom the user blocks."""
        match notice:
            case (
                Connected(person=person, already=False)
                | Disconnected(person=person)
                | Joined(who=person)
                | Left(who=person)
                | NickChanged(who=person)
            ) if person.id is not None:
                return self._node.contacts.is_blocked(person.id)
        return False

    def note_attendance(self, found: Attendance) -> None:
        """Take note of who answered `/who`: whoever is read there can be written to."""
        self._attendance = tuple(each.person for each in found.answered)
        self._people = None

    def _ask(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._people is not None and now < self._stale_at:
            return
        peers = self._node.peers()
        silent_s = max((status.heard_s for status in peers.heard), default=-math.inf)
        self._stale_at = now + KNOWN_S - silent_s
        near = [status.person for status in peers.neighbours if not status.guest]
        self._people = (*near, *(status.person for status in peers.heard))
        self._ids = here = frozenset(person.id for person in self._people)
        self._present = (*self._people, *(p for p in self._attendance if p.id not in here))
        here = frozenset(person.id for person in self._present)
        others = (each for each in self._node.contacts.everybody() if each.peer not in here)
        self._known = (*self._present, *(each.person for each in others))

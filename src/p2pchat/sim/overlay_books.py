"""Nodes of an overlay that have address books, kept as the program keeps them."""

from __future__ import annotations

import random

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.address_book import AddressBook
from p2pchat.core.membership import Move
from p2pchat.core.mesh_frames import MembershipFrame
from p2pchat.core.passive_view import Known
from p2pchat.core.remembering import Remembering
from p2pchat.core.values import ConnectionId
from p2pchat.sim.desk import OverlayDesk
from p2pchat.sim.overlay_nodes import SimMembership


class SimMembershipWithBook(SimMembership):
    """The real machine and the real address book; the disk is left out."""

    def __init__(self, desk: OverlayDesk, rng: random.Random, book: AddressBook) -> None:
        self._remembering = Remembering(book, desk.me, rng)
        super().__init__(desk, rng, self._remembering.note_record, self._look_up)

    @property
    def book(self) -> AddressBook:
        """Whom this node knows from before."""
        return self._remembering.book

    def begin(self, now: float, wall_ms: int) -> None:
        """Start the clock of what is done again and again."""
        self._remembering.wall_ms = wall_ms
        self._remembering.begin(self.view, now)
        super().begin(now, wall_ms)

    def learn_from_book(self, now: float) -> list[Move]:
        """Dial whom the book names, as a node does when it starts."""
        found = self._look_up(limits.PASSIVE_LIMIT // 2)
        return [move for known in found for move in self.learn(known, now)]

    def _look_up(self, count: int) -> list[Known]:
        return self._remembering.candidates(count, self.view)

    def note_end(self, now: float) -> None:
        """Write down whom to dial first after the next start, and whom last."""
        self._remembering.note_view(self.view, now)

    def on_open(self, link: Link, attempt: int, now: float, wall_ms: int) -> list[Move]:
        """Somebody is connected."""
        self._remembering.wall_ms = wall_ms
        self._remembering.note_open(link)
        return super().on_open(link, attempt, now, wall_ms)

    def on_dial_failed(self, number: int, now: float) -> list[Move]:
        """A dial led to nothing."""
        self._remembering.note_failure(self.attempt(number))
        return super().on_dial_failed(number, now)

    def on_frame(
        self, connection: ConnectionId, frame: MembershipFrame, now: float, wall_ms: int
    ) -> list[Move]:
        """A frame came."""
        self._remembering.wall_ms = wall_ms
        return super().on_frame(connection, frame, now, wall_ms)

    def on_time(self, now: float, wall_ms: int) -> list[Move]:
        """Do what is due."""
        self._remembering.wall_ms = wall_ms
        return super().on_time(now, wall_ms)


def reread(book: AddressBook, rng: random.Random, wall_ms: int) -> AddressBook:
    """Return the book that the next start reads from the disk."""
    read = AddressBook(rng)
    read.restore(book.snapshot(), wall_ms)
    return read

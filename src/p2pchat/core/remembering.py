"""Between membership and the address book: what is written down, and who is looked up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.address_book import AddressBook
from p2pchat.core.filling import Attempt
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known
from p2pchat.core.records import AddressRecord
from p2pchat.core.values import PeerId

if TYPE_CHECKING:
    from random import Random


class Remembering:
    """Keeps the address book by what happens to neighbours; nodes and simulations share it."""

    def __init__(self, book: AddressBook, me: PeerId, rng: Random) -> None:
        """Go on with a book.

        Args:
            book: Whom this node knows from before.
            me: This node, who is not looked up.
            rng: Draws whom to look up.
        """
        self.book = book
        self._me = me
        self._rng = rng
        self.wall_ms = 0
        """Own wall clock, as of the event that is being handled."""

    def note_record(self, record: AddressRecord, source: PeerId) -> None:
        """A neighbour has brought a valid record."""
        self.book.add(record, source, self.wall_ms)

    def note_open(self, link: Link) -> None:
        """Somebody is a neighbour: remember him where we dialled him."""
        if link.is_dialled and link.takes_part:
            self.book.note_success(link.peer, (link.address,), link.record, self.wall_ms)

    def note_failure(self, attempt: Attempt | None) -> None:
        """A dial led to nothing."""
        if attempt is not None and attempt.peer is not None:
            self.book.note_failure(attempt.peer, self.wall_ms)

    def begin(self, view: ActiveView, now: float) -> None:
        """This node starts: who was insistent before is so still."""
        view.insistence.assume(self.book.insistent, now)

    def note_view(self, view: ActiveView, now: float) -> None:
        """Name whom to dial first after the next start, the oldest of our dials, and whom last."""
        links = [link for link in view if link.is_dialled and link.takes_part]
        oldest = sorted(links, key=lambda link: link.opened_at)
        self.book.set_anchors([link.peer for link in oldest[: limits.ANCHORS]])
        self.book.set_insistent(view.insistence.networks(now))

    def candidates(self, count: int, view: ActiveView) -> list[Known]:
        """Return up to so many who could be dialled and are not in the view, anchors first."""
        without = {link.peer for link in view} | {self._me}
        found = self.book.candidates(count, self._rng, self.wall_ms, without)
        return [Known(c.peer, c.addresses, How.BOOK, c.record) for c in found]

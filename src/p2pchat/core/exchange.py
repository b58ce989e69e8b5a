"""Has another own dial in the place of one, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.events import Dial
from p2pchat.core.filling import Filling, Purpose

if TYPE_CHECKING:
    from random import Random


class Exchange:
    """Ends an own dial once somebody in another network has given a place.

    Who withholds never leaves, and honest neighbours come and go: without this, chance would bring
    every own dial to him in the end, and no lost one would be drawn anew. The one that ends is one
    to an insistent network, at once, or else any, once in EXCHANGE_EVERY_S.
    """

    def __init__(self, view: ActiveView, filling: Filling, rng: Random) -> None:
        self._view = view
        self._filling = filling
        self._rng = rng
        self._due_at = 0.0

    def begin(self, now: float) -> None:
        """Start the clock anew; not all nodes that start together exchange together."""
        self._due_at = now + limits.EXCHANGE_EVERY_S * self._rng.uniform(0.5, 1.5)

    def visit(self, now: float) -> list[Dial]:
        """Dial somebody who may take the place of an own dial, if it is time for that."""
        if now < self._due_at and not self._doubtful(now):
            return []
        known = self._filling.pick_fresh(now)
        if known is None:
            return []
        return self._filling.dial(known.addresses, known.peer, known.how, now, Purpose.EXCHANGE)

    def made(self, newcomer: Link, now: float) -> Link | None:
        """Somebody has given a place: return the own dial that ends; None where they are few."""
        self.begin(now)
        own = [link for link in self._own_dials() if link is not newcomer]
        if len(own) < limits.ACTIVE_DIALLED_AIM:
            return None
        return self._rng.choice([link for link in self._doubtful(now) if link in own] or own)

    def _own_dials(self) -> list[Link]:
        return [link for link in self._view.members if link.is_dialled]

    def _doubtful(self, now: float) -> list[Link]:
        return [link for link in self._own_dials() if self._view.is_insistent(link, now)]

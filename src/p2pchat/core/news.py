"""Which neighbours are told of: those who stay. Visits of a moment are nobody's news."""

from __future__ import annotations

from msgspec import Struct

from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.changes import Departed
from p2pchat.core.events import Effect, Tell
from p2pchat.core.notices import Connected, Disconnected, How
from p2pchat.core.people import People
from p2pchat.core.session import Session
from p2pchat.core.statuses import person_of
from p2pchat.core.values import ConnectionId, PeerId


class _Waiting(Struct):
    session: Session
    how: How


class News:
    """Tells of a neighbour once it is clear what he is here for."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._waiting: dict[PeerId, _Waiting] = {}
        self._told: dict[PeerId, ConnectionId] = {}
        self._has_ended = False

    def end(self) -> None:
        """We leave: whoever leaves need not be told that everybody is gone."""
        self._has_ended = True

    def arrived(self, session: Session, link: Link) -> None:
        """Somebody has become a neighbour."""
        self._waiting[link.peer] = _Waiting(session, link.how)

    def take(self, view: ActiveView) -> list[Effect]:
        """Tell of those who are here to stay by now."""
        if not self._waiting:
            return []
        effects: list[Effect] = []
        for peer in tuple(self._waiting):
            link = view.get(peer)
            if link is not None and _stays(link):
                waiting = self._waiting.pop(peer)
                self._told[peer] = link.connection
                effects.append(Tell(_connected(waiting)))
        return effects

    def departed(
        self, departed: Departed, *, is_released: bool, is_redialled: bool
    ) -> list[Effect]:
        """Somebody is no neighbour any more."""
        session = departed.session
        assert session.peer is not None
        self._waiting.pop(session.peer, None)
        was_told = self._told.pop(session.peer, None) is not None
        if departed.is_lost and not is_released:
            self._people.part(session.peer)  # gone or not: he counts when he is heard again
        if not was_told or self._has_ended:
            return []
        if departed.left and not is_released:
            self._people.part(session.peer)  # whoever only gave up a place is still around
        reason = departed.reason
        if is_released:
            reason = "its place went to another"
        elif is_redialled:
            reason = f"{reason}, dialling again"
        gone = Disconnected(
            person_of(session, self._people),
            session.address,
            reason,
            departed.left and not is_released,
            direction=session.direction,
            is_news=not is_released,
        )
        return [Tell(gone)]


def _stays(link: Link) -> bool:
    return link.is_in_view or link.is_pinned or link.is_pinned_there or not link.takes_part


def _connected(waiting: _Waiting) -> Connected:
    session = waiting.session
    assert session.person is not None
    return Connected(
        session.person,
        session.address,
        session.direction,
        how=waiting.how,
        is_news=not session.was_known,
    )

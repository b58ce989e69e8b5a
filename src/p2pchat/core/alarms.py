"""Points in time at which something has to happen to a connection."""

from __future__ import annotations

from enum import Enum

from p2pchat.core.values import ConnectionId


class Purpose(Enum):
    """What an alarm is for."""

    OPENING = "the opening has to be finished"
    GUEST_SILENCE = "who said nothing until now is a guest who listens"
    DUPLICATE = "the old connection has to have answered"
    DRAINED = "the losing connection of two has been read out"
    LEAVING = "the goodbye has to be over"


def earlier(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two deadlines; None stands for never."""
    if one is None:
        return other
    if other is None:
        return one
    return one if one <= other else other


def earliest(*deadlines: float | None) -> float | None:
    """Return the earliest of several deadlines; None stands for never."""
    found: float | None = None
    for at in deadlines:  # a plain loop, because this is asked after each event
        if at is not None and (found is None or at < found):
            found = at
    return found


class Alarms:
    """A few deadlines, at most one for each connection and purpose."""

    def __init__(self) -> None:
        self._deadlines: dict[tuple[ConnectionId, Purpose], float] = {}
        self._earliest: float | None = None

    def __len__(self) -> int:
        return len(self._deadlines)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline; None for never."""
        return self._earliest

    def set(self, connection: ConnectionId, purpose: Purpose, deadline: float) -> None:
        """Ring for that connection and purpose at that time, instead of an earlier wish."""
        self._deadlines[connection, purpose] = deadline
        self._refresh()

    def set_only(self, connection: ConnectionId, purpose: Purpose, deadline: float) -> None:
        """Ring for that purpose of a connection, and for no other one any more."""
        self.cancel(connection)
        self.set(connection, purpose, deadline)

    def cancel(self, connection: ConnectionId, *purposes: Purpose) -> None:
        """Forget those purposes of a connection; without any, all of them."""
        for purpose in purposes or Purpose:
            self._deadlines.pop((connection, purpose), None)
        self._refresh()

    def forgive(self, late_s: float) -> None:
        """Move every deadline: we were asleep ourselves."""
        self._deadlines = {key: at + late_s for key, at in self._deadlines.items()}
        self._refresh()

    def take_due(self, now: float) -> list[tuple[ConnectionId, Purpose]]:
        """Remove and return what is due, earliest first."""
        if self._earliest is None or now < self._earliest:
            return []
        due = sorted(
            ((at, key) for key, at in self._deadlines.items() if at <= now),
            key=lambda item: (item[0], item[1][0], item[1][1].name),
        )
        for _, key in due:
            del self._deadlines[key]
        self._refresh()
        return [key for _, key in due]

    def _refresh(self) -> None:
        self._earliest = min(self._deadlines.values(), default=None)

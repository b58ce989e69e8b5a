"""Counts broken promises of neighbours until one has broken too many."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.values import ConnectionId

_BLAME_EVERY_S = 1.0


class Strikes:
    """Forgives each neighbour STRIKES_BURST strikes, plus a few over time.

    An honest neighbour earns some: what it offered was evicted before it was asked, or it
    passed something on without having what came before. One that keeps on is put out.
    """

    def __init__(self) -> None:
        self._left: dict[ConnectionId, Allowance] = {}
        self._blamed_at: dict[ConnectionId, float] = {}
        self._out: dict[ConnectionId, str] = {}

    def on_open(self, connection: ConnectionId) -> None:
        """Begin to count."""
        self._left[connection] = Allowance(limits.STRIKES_BURST, limits.STRIKES_PER_S)

    def on_closed(self, connection: ConnectionId) -> None:
        """Forget a neighbour that is gone."""
        self._left.pop(connection, None)
        self._blamed_at.pop(connection, None)
        self._out.pop(connection, None)

    def strike(self, connection: ConnectionId, why: str, now: float) -> None:
        """Count what no honest neighbour does."""
        left = self._left.get(connection)
        if left is not None and not left.spend(1, now):
            self._out.setdefault(connection, why)

    def blame(self, connection: ConnectionId, why: str, now: float) -> None:
        """Count what honest neighbours do at times; once a second at most."""
        if connection in self._left and now >= self._blamed_at.get(connection, now):
            self._blamed_at[connection] = now + _BLAME_EVERY_S
            self.strike(connection, why, now)

    def take_out_one(self, connection: ConnectionId) -> str | None:
        """Return why that neighbour has to go, if it has; once."""
        why = self._out.pop(connection, None)
        if why is not None:
            self._left.pop(connection, None)
        return why

    def take_out(self) -> dict[ConnectionId, str]:
        """Return who has to go, with the last reason; each of them once."""
        out, self._out = self._out, {}
        for connection in out:
            self._left.pop(connection, None)
        return out

    @property
    def has_any_out(self) -> bool:
        """Whether anybody has to go."""
        return bool(self._out)

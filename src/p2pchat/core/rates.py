"""Meters what is said live in an open room: who may still be looked at, and who be taken."""

from __future__ import annotations

import math
from collections import OrderedDict
from enum import Enum
from typing import Final

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.holdings import Holding
from p2pchat.core.meter import Fading, Limit, Meter
from p2pchat.core.values import ConnectionId, PeerId

AUTHOR: Final = Limit(
    limits.AUTHOR_ENVELOPES,
    limits.AUTHOR_ENVELOPES_PER_S,
    limits.AUTHOR_BYTES,
    limits.AUTHOR_BYTES_PER_S,
)
CONNECTION: Final = Limit(
    limits.CONNECTION_ENVELOPES,
    limits.CONNECTION_ENVELOPES_PER_S,
    limits.CONNECTION_BYTES,
    limits.CONNECTION_BYTES_PER_S,
)
ROOM: Final = Limit(
    limits.ROOM_ENVELOPES,
    limits.ROOM_ENVELOPES_PER_S,
    limits.ROOM_BYTES,
    limits.ROOM_BYTES_PER_S,
)

_ENVELOPE_BYTES: Final = limits.ROOM_BYTES_PER_S / limits.ROOM_ENVELOPES_PER_S
"""Bytes that weigh as much as one envelope where it is asked who spent most."""


class Over(Enum):
    """What to make of an envelope above its author's rate."""

    LATE = "he kept to his rate, so it was held up on its way: left to repair"
    TOO_FAST = "he wrote too fast: not taken, and not asked for"
    LOUD = "the same, and he has done so again and again: he is not to be heard for a while"


class _Connection:
    """What one neighbour brings."""

    __slots__ = ("brought", "copies", "first")

    def __init__(self) -> None:
        self.first = Meter(CONNECTION)
        self.copies = Allowance(limits.COPIES_PER_S, limits.COPIES_PER_S)
        self.brought = Fading()


class _Author:
    """What one author signs: by our clock, and by the times that he signed."""

    __slots__ = ("by_his_clock", "by_ours", "counts_since", "latest_s", "over", "spent")

    def __init__(self) -> None:
        self.by_ours = Meter(AUTHOR)
        self.by_his_clock = Meter(AUTHOR)
        self.latest_s = -math.inf
        self.spent = Fading()
        self.over = 0
        self.counts_since = -math.inf

    def charge_his_clock(self, size_bytes: int, time_s: float) -> None:
        if not self._is_stale(time_s):
            self.latest_s = max(self.latest_s, time_s)
            self.by_his_clock.charge(size_bytes, self.latest_s)

    def kept_his_rate(self, size_bytes: int, time_s: float) -> bool:
        """Whether by his own clock there was room for it."""
        at = max(self.latest_s, time_s)
        return self._is_stale(time_s) or self.by_his_clock.has_room(size_bytes, at)

    def _is_stale(self, time_s: float) -> bool:
        # It tells nothing: anybody can say somebody's true words again, the latest first.
        return time_s < self.latest_s - limits.DISORDER_S

    def is_loud(self, now: float) -> bool:
        """Count one more above the rate; whether these were too many."""
        if now > self.counts_since + limits.OVER_WINDOW_S:
            self.counts_since, self.over = now, 0
        self.over += 1
        return self.over >= limits.OVER_LIMIT_ENVELOPES


class Rates:
    """The rates of each connection, of each author, and of the room.

    first copy ─► may_look ─► may_take ─► (age, signature) ─► take       what is within the rates
                 connection   room        │                   author, room
                 charged      looked at   └─ is_over ───────► over       what is above its author's
                              author                          who kept his rate, who did not?
                              looked at

    Only a signature charges its author, else anybody could have anybody muted. What is not looked
    at, or not taken because the room is full, leaves no trace: it counts as lost on the way, and
    repair finds it where it is worth it.

    When the room is full, who spent most of late is shed first. There is no queue to choose from,
    for what was taken is already passed on. So everybody has to leave something in the room's
    buckets: up to KEPT_FOR_OTHERS of it, in proportion to the share that his author has of all
    that came of late, or to the share of his connection above an equal one. Whoever spent little
    may use the last drop. So the room's limit holds in any case, and who is loud meets it first.
    Where there is one neighbour only, he has nobody to leave anything for.

    In a private room everything may pass.
    """

    def __init__(self, *, is_metered: bool) -> None:
        self._is_metered = is_metered
        self._connections: dict[ConnectionId, _Connection] = {}
        self._parting = _Connection()  # those that are being drained, together
        self._authors: OrderedDict[PeerId, _Author] = OrderedDict()  # longest silent first
        self._room = Meter(ROOM)
        self._brought = Fading()

    def holding(self) -> Holding:
        """Count what strangers can make grow."""
        return Holding("metered authors", len(self._authors), limits.AUTHORS_METERED)

    def on_open(self, connection: ConnectionId) -> None:
        """Meter a new neighbour."""
        if self._is_metered:
            self._connections[connection] = _Connection()

    def on_closed(self, connection: ConnectionId) -> None:
        """Forget a neighbour."""
        self._connections.pop(connection, None)

    # --- Connections --------------------------------------------------------------------------

    def may_copy(self, connection: ConnectionId, now: float) -> bool:
        """Charge a connection for a copy; False for one that is not worth a look."""
        return not self._is_metered or self._of(connection).copies.spend(1, now)

    def may_look(self, connection: ConnectionId, size_bytes: int, now: float) -> bool:
        """Charge a connection for a first copy; False for one that is not to be looked at."""
        if not self._is_metered:
            return True
        of = self._of(connection)
        weight = 1 + size_bytes / _ENVELOPE_BYTES
        of.brought.add(weight, now)
        self._brought.add(weight, now)
        if not of.first.has_room(size_bytes, now):
            return False
        of.first.charge(size_bytes, now)
        return True

    def _of(self, connection: ConnectionId) -> _Connection:
        return self._connections.get(connection, self._parting)

    # --- The room -----------------------------------------------------------------------------

    def to_keep(self, author: PeerId, connection: ConnectionId, now: float) -> float:
        """Return the share of what all have that these two have to leave for others."""
        if not self._is_metered or not (brought := self._brought.value(now)):
            return 0.0
        metered = self._authors.get(author)
        of_author = 0.0 if metered is None else metered.spent.value(now) / brought
        equal = 1 / max(1, len(self._connections))
        of_connection = self._of(connection).brought.value(now) / brought - equal
        return limits.KEPT_FOR_OTHERS * min(1.0, max(0.0, of_author, of_connection))

    def may_take(self, size_bytes: int, kept: float, now: float) -> bool:
        """Tell whether the room has room for an envelope, if so much is left for others."""
        return not self._is_metered or self._room.has_room(size_bytes, now, kept=kept)

    # --- Authors ------------------------------------------------------------------------------

    def is_over(self, author: PeerId, size_bytes: int, now: float) -> bool:
        """Tell whether an envelope would be above its author's rate; nothing is charged."""
        metered = self._authors.get(author)
        return metered is not None and not metered.by_ours.has_room(size_bytes, now)

    def take(self, author: PeerId, size_bytes: int, time_ms: int, now: float) -> None:
        """Charge an author, and the room, for an envelope that was verified and is taken."""
        if not self._is_metered:
            return
        metered = self._authors.get(author)
        if metered is None:
            metered = self._authors[author] = _Author()
            if len(self._authors) > limits.AUTHORS_METERED:
                self._authors.popitem(last=False)
        else:
            self._authors.move_to_end(author)
        metered.by_ours.charge(size_bytes, now)
        metered.charge_his_clock(size_bytes, time_ms / 1000)
        metered.spent.add(1 + size_bytes / _ENVELOPE_BYTES, now)
        self._room.charge(size_bytes, now)

    def over(self, author: PeerId, size_bytes: int, time_ms: int, now: float) -> Over:
        """Charge the author of a verified envelope that is not taken, being above his rate."""
        metered = self._authors[author]
        metered.spent.add(1 + size_bytes / _ENVELOPE_BYTES, now)
        if metered.kept_his_rate(size_bytes, time_ms / 1000):
            metered.charge_his_clock(size_bytes, time_ms / 1000)
            return Over.LATE
        return Over.LOUD if metered.is_loud(now) else Over.TOO_FAST

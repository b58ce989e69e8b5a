"""Missing envelopes that neighbours have announced: when to ask for them, whom, what if in vain."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct, field

from p2pchat.core import limits
from p2pchat.core.frames import Announced
from p2pchat.core.holdings import Holding
from p2pchat.core.values import ConnectionId, EnvelopeId

Named = TypeVar("Named")

Author = tuple[bytes, bytes]
"""An author's key and epoch."""


class _Missing(Struct):
    """An envelope that was announced and has not come."""

    announced: Announced
    since: float
    announcers: dict[ConnectionId, int]
    """Hops that each one said, in the order of their announcements."""
    asked: ConnectionId | None = None


class _Announcer(Struct):
    """What one neighbour has announced, and how it kept its word."""

    missing: dict[EnvelopeId, None] = field(default_factory=dict)
    under_way: int = 0
    """Envelopes asked of it that it has not brought."""
    late: int = 0
    """Envelopes that somebody else had to be asked for; whoever has fewer is asked first."""
    withheld: int = 0


class Grafts:
    """Waits a while for what was announced, then asks one announcer after the other.

    Life of a missing envelope (Plumtree's timers):

        announced ─ GRAFT_AFTER_S ─► asked of one ─ GRAFT_NEXT_S ─► of the next ─ … ─► given up
            └────────── it comes, from whomever ◄─────┴──────────────────┘

    The clock starts with the first announcement. What is given up is a matter for repair; a
    new announcement begins anew, but not by a neighbour that already owes that envelope. What
    a neighbour was asked for and has not brought within GRAFT_OVERDUE_S counts against it.
    """

    def __init__(self) -> None:
        self._announcers: dict[ConnectionId, _Announcer] = {}
        self._missing: dict[EnvelopeId, _Missing] = {}
        self._by_author: dict[Author, dict[EnvelopeId, None]] = {}
        # Each of these holds deadlines of one length, so that insertion order is their order,
        # because the caller's clock never runs backwards.
        self._unasked: dict[EnvelopeId, float] = {}
        self._asked: dict[EnvelopeId, float] = {}
        self._owed: dict[tuple[ConnectionId, EnvelopeId], float] = {}

    def __len__(self) -> int:
        return len(self._missing)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        here = len(self._announcers)
        return (
            Holding("announced envelopes", len(self._missing), here * limits.ANNOUNCED_LIMIT_IDS),
            Holding("grafts under way", len(self._owed), here * limits.GRAFTS_UNDER_WAY),
        )

    def next_deadline(self) -> float | None:
        """When to call `due` and `overdue`; None for never."""
        if not (self._unasked or self._asked or self._owed):
            return None  # asked after each event, and most of the time there is nothing
        heads = (next(iter(d.values()), None) for d in (self._unasked, self._asked, self._owed))
        return min((at for at in heads if at is not None), default=None)

    def forgive(self, late_s: float) -> None:
        """Move every deadline by the time that we ourselves were asleep."""
        self._unasked = {name: at + late_s for name, at in self._unasked.items()}
        self._asked = {name: at + late_s for name, at in self._asked.items()}
        self._owed = {debt: at + late_s for debt, at in self._owed.items()}

    # --- What happens -------------------------------------------------------------------------

    def on_open(self, connection: ConnectionId) -> None:
        """Listen to a neighbour's announcements from now on."""
        self._announcers.setdefault(connection, _Announcer())

    def on_closed(self, connection: ConnectionId) -> None:
        """Ask nothing more of that neighbour; nothing counts against it any more."""
        announcer = self._announcers.pop(connection, None)
        if announcer is None:
            return
        for name in announcer.missing:
            self._forget_announcer(name, connection)
        for debt in [debt for debt in self._owed if debt[0] == connection]:
            del self._owed[debt]

    def on_announced(self, connection: ConnectionId, announced: Announced, now: float) -> None:
        """Take note of an envelope that is not known here."""
        announcer = self._announcers.get(connection)
        name = EnvelopeId(announced.id)
        if announcer is None or (connection, name) in self._owed:
            return
        missing = self._missing.get(name)
        if missing is None:
            missing = self._missing[name] = _Missing(announced, now, {})
            self._unasked[name] = now + limits.GRAFT_AFTER_S
            self._by_author.setdefault(_author(announced), {})[name] = None
        if connection in missing.announcers:
            return
        if len(missing.announcers) >= limits.ANNOUNCERS_LIMIT:
            return
        missing.announcers[connection] = announced.hops
        announcer.missing[name] = None
        if len(announcer.missing) > limits.ANNOUNCED_LIMIT_IDS:
            oldest = next(iter(announcer.missing))
            del announcer.missing[oldest]
            self._forget_announcer(oldest, connection)

    def settle(self, name: EnvelopeId, bringer: ConnectionId | None) -> dict[ConnectionId, int]:
        """Take note that an envelope has come, and return who had announced it, with its hops.

        Args:
            name: The envelope, new or a copy.
            bringer: Who brought it; None for nobody in particular.
        """
        if bringer is not None:
            self.keep_word(bringer, name)
        missing = self._missing.get(name)
        if missing is None:
            return {}
        self._drop(name, missing)
        return missing.announcers

    def keep_word(self, connection: ConnectionId, name: EnvelopeId) -> None:
        """Take note that a neighbour has brought an envelope, whatever became of that."""
        if self._owed.pop((connection, name), None) is None:
            return
        announcer = self._announcers[connection]
        announcer.under_way -= 1
        announcer.late = max(0, announcer.late - 1)
        announcer.withheld = max(0, announcer.withheld - 1)

    def is_awaited(self, author: bytes, epoch: bytes, number: int, now: float) -> bool:
        """Tell whether that message may well come by a graft soon.

        True for GRAFT_AFTER_S and one GRAFT_NEXT_S after the first announcement only: whoever
        announces what does not exist must not hold up repair.
        """
        patience_s = limits.GRAFT_AFTER_S + limits.GRAFT_NEXT_S
        for name in self._by_author.get((author, epoch), ()):
            missing = self._missing[name]
            place = number - missing.announced.first
            if 0 <= place < missing.announced.count and now < missing.since + patience_s:
                return True
        return False

    # --- Time ---------------------------------------------------------------------------------

    def due(self, now: float) -> dict[ConnectionId, list[EnvelopeId]]:
        """Return what has to be asked of whom now, in the order of the announcements."""
        names = _take_due(self._asked, now) + _take_due(self._unasked, now)
        asking: dict[ConnectionId, list[EnvelopeId]] = {}
        for name in names:
            connection = self._ask_next(name, now)
            if connection is not None:
                asking.setdefault(connection, []).append(name)
        return asking

    def overdue(self, now: float) -> list[ConnectionId]:
        """Return neighbours that keep on announcing what they do not bring."""
        given_up: dict[ConnectionId, None] = {}
        for connection, _ in _take_due(self._owed, now):
            announcer = self._announcers[connection]
            announcer.under_way -= 1
            announcer.withheld += limits.WITHHELD_WEIGHT
            if announcer.withheld >= limits.WITHHELD_LIMIT:
                given_up[connection] = None
        return list(given_up)

    def _ask_next(self, name: EnvelopeId, now: float) -> ConnectionId | None:
        missing = self._missing[name]
        if missing.asked in self._announcers:
            self._announcers[missing.asked].late += 1
        missing.asked = None
        unasked = [c for c in missing.announcers if (c, name) not in self._owed]
        if not unasked:
            self._drop(name, missing)
            return None
        self._asked[name] = now + limits.GRAFT_NEXT_S
        free = [c for c in unasked if self._announcers[c].under_way < limits.GRAFTS_UNDER_WAY]
        if not free:
            return None  # all of them owe enough; their answers or their ends make room
        # Among equals the first who announced it: the shortest way just now.
        missing.asked = min(free, key=lambda connection: self._announcers[connection].late)
        self._announcers[missing.asked].under_way += 1
        self._owed[missing.asked, name] = now + limits.GRAFT_OVERDUE_S
        return missing.asked

    # --- Forgetting ---------------------------------------------------------------------------

    def _forget_announcer(self, name: EnvelopeId, connection: ConnectionId) -> None:
        missing = self._missing[name]
        del missing.announcers[connection]
        if not missing.announcers:
            self._drop(name, missing)

    def _drop(self, name: EnvelopeId, missing: _Missing) -> None:
        del self._missing[name]
        self._unasked.pop(name, None)
        self._asked.pop(name, None)
        for connection in missing.announcers:
            self._announcers[connection].missing.pop(name, None)
        author = _author(missing.announced)
        del self._by_author[author][name]
        if not self._by_author[author]:
            del self._by_author[author]


def _author(announced: Announced) -> Author:
    return announced.author, announced.epoch


def _take_due(deadlines: dict[Named, float], now: float) -> list[Named]:
    """Remove and return what is due, without looking at the rest."""
    due = []
    for key, at in deadlines.items():
        if at > now:
            break
        due.append(key)
    for key in due:
        del deadlines[key]
    return due

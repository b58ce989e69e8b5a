"""Whom to dial so that the view is full, and what became of each dial."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView
from p2pchat.core.dialling import DialBudget
from p2pchat.core.events import Dial
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known, PassiveView
from p2pchat.core.records import netgroup
from p2pchat.core.values import Address, PeerId

_REFILL_EVERY_S = 30.0
"""Between two looks at what was known before, while nobody else is left to dial."""


class Purpose(Enum):
    """What a dial is for."""

    PLACE = auto()
    """To fill the view."""
    WALK = auto()
    """A newcomer's record walked here."""
    EXCHANGE = auto()
    """To have another own dial in the place of one."""
    REINTRODUCE = auto()
    """To find out whether there is another part of the network."""


class Attempt(Struct, frozen=True):
    """A dial under way."""

    purpose: Purpose
    peer: PeerId | None
    """Whose key has to appear; None where nobody knows it yet."""
    how: How
    addresses: tuple[Address, ...]
    token: bytes = b""
    """Of the walk that it is for."""
    is_urgent: bool = False
    """Whether he is asked for a place with a `Join`, be it another one's."""


class Filling:
    """Dials from the passive view as long as the active one lacks somebody."""

    def __init__(
        self, view: ActiveView, passive: PassiveView, refill: Callable[[int], list[Known]]
    ) -> None:
        self._view = view
        self._passive = passive
        self._refill = refill
        self._refill_at = 0.0
        self._newcomer_until = 0.0
        self.budget = DialBudget()
        self._attempts: dict[int, Attempt] = {}
        self._last_number = 0

    def begin(self, now: float) -> None:
        """The node starts: for a moment it is a newcomer."""
        self._newcomer_until = now + limits.NEWCOMER_S

    def attempt(self, number: int) -> Attempt | None:
        """Return what a dial under way is for."""
        return self._attempts.get(number)

    def is_dialling(self, peer: PeerId) -> bool:
        """Tell whether that peer is being dialled."""
        return any(attempt.peer == peer for attempt in self._attempts.values())

    @property
    def expected(self) -> int:
        """Places taken, with those that dials under way may take."""
        return self._view.taken + self._under_way

    @property
    def expected_dials(self) -> int:
        """Of these, own dials."""
        return self._view.dialled + self._under_way

    @property
    def _under_way(self) -> int:
        if not self._attempts:
            return 0
        attempts = self._attempts.values()
        return len([a for a in attempts if a.purpose is not Purpose.REINTRODUCE])

    def dial(
        self,
        addresses: tuple[Address, ...],
        peer: PeerId | None,
        how: How,
        now: float,
        purpose: Purpose = Purpose.PLACE,
        token: bytes = b"",
    ) -> list[Dial]:
        """Dial somebody, unless that was in vain too often, or too much is dialled already."""
        allowed = self.budget.allowed(addresses, now)
        self._last_number += 1
        number = self._last_number
        if not allowed or not self.budget.begin(number, allowed, now):
            return []
        is_urgent = self._is_urgent(peer, purpose, now)
        self._attempts[number] = Attempt(purpose, peer, how, allowed, token, is_urgent)
        is_replacing = bool(len(self._view)) and purpose is Purpose.PLACE
        timeout_s = limits.REPLACE_TIMEOUT_S if is_replacing else limits.DIAL_TIMEOUT_S
        return [Dial(number, allowed, peer, timeout_s)]

    def _is_urgent(self, peer: PeerId | None, purpose: Purpose, now: float) -> bool:
        if purpose is Purpose.EXCHANGE:
            return True
        # Whom a newcomer dials is drawn fairly, who grants a mere question is not: whoever
        # withholds always has room, while honest nodes are full.
        if purpose is Purpose.PLACE and now < self._newcomer_until:
            return True
        # Earlier dials led to nothing: he may come from another part of the network.
        known = self._passive.get(peer) if peer is not None else None
        return known is not None and known.failures > 0

    def settle(self, number: int, now: float, *, is_open: bool) -> Attempt | None:
        """A dial is over, well or not; return what it was for."""
        attempt = self._attempts.pop(number, None)
        if attempt is None:
            return None
        if is_open:
            self.budget.opened(number)
        else:
            self.budget.failed(number, now)
            if attempt.peer is not None:
                self._passive.note_failure(attempt.peer, now)
        return attempt

    def fill(self, now: float) -> list[Dial]:
        """Dial as many as the view lacks, and as may be dialled now."""
        dials: list[Dial] = []
        while self.lacks_somebody and self.budget.next_at(now) <= now:
            known = self.pick(now)
            if known is None:
                break
            dialled = self.dial(known.addresses, known.peer, known.how, now)
            if not dialled:
                self._passive.wait(known.peer, now + limits.DIALS_PER_IP_S)
            dials += dialled
        return dials

    def next_fill(self, now: float) -> float | None:
        """When `fill` can do more than now; None for not before something else happens."""
        if len(self.budget) >= limits.DIALS_AT_ONCE or not self.lacks_somebody:
            return None
        due = self._passive.next_due(self._busy())
        return None if due is None else max(due, self.budget.next_at(now))

    @property
    def lacks_somebody(self) -> bool:
        """Whether somebody is to be dialled as soon as there is somebody to dial."""
        # Where nearly everybody is behind a NAT, the others have no places left. Who has a
        # neighbour waits then, until some of those who refused him have gone: otherwise each would
        # dial twice a second for ever, and the crowd of refused ones would fill every listener.
        taken, dialled = self._view.places()
        if taken + self._under_way < limits.ACTIVE_AIM:
            return not taken or self._view.refused < limits.ACTIVE_LIMIT
        # Only own dials are lacking: one after another is tried.
        is_short = dialled + self._under_way < limits.ACTIVE_DIALLED_AIM
        return is_short and not self._view.refused

    def pick(self, now: float) -> Known | None:
        """Choose whom to dial next; where nobody is left, look at who was known before."""
        busy, groups = self._busy(), self._taken(now)
        known = self._passive.pick(now, busy, groups)
        if known is None and now >= self._refill_at:
            self._refill_at = now + _REFILL_EVERY_S
            for older in self._refill(limits.PASSIVE_LIMIT // 2):
                if older.peer not in self._view and older.peer not in busy:
                    self._passive.put(older)
            known = self._passive.pick(now, busy, groups)
        return known

    def visit(self, now: float) -> list[Dial]:
        """Dial somebody again, be it in vain: of those known now, or known before."""
        busy, groups = self._busy(), self._taken(now)
        for older in self._refill(1):
            if older.peer not in self._view and older.peer not in busy:
                self._passive.put(older)
        known = self._passive.pick(now, busy, groups, likeliest=False)
        if known is None:
            return []
        return self.dial(known.addresses, known.peer, known.how, now, Purpose.REINTRODUCE)

    def pick_fresh(self, now: float) -> Known | None:
        """Choose somebody in a network that no own dial leads to and that is not insistent."""
        taken = self._taken(now)
        known = self._passive.pick(now, self._busy(), taken)
        is_fresh = known is not None and netgroup(known.ip) not in taken
        return known if is_fresh else None

    def _taken(self, now: float) -> set[str]:
        return self._view.groups() | self._view.insistence.networks(now)

    def forgive(self, now: float) -> None:
        """The network has changed: what failed before may work now."""
        self._passive.reset_waits(now)
        self.budget.forget_failures()

    def _busy(self) -> set[PeerId]:
        return {a.peer for a in self._attempts.values() if a.peer is not None}

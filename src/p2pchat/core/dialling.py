"""How often this node dials by itself: nobody can have it knock at somebody's door."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.records import Scope, scope_of
from p2pchat.core.values import Address

_NEVER: Final = float("inf")


class DialBudget:
    """DIALS_PER_S, DIALS_AT_ONCE, and DIALS_PER_IP for dials that lead to nothing."""

    def __init__(self) -> None:
        self._allowance = Allowance(limits.DIALS_BURST, limits.DIALS_PER_S)
        self._under_way: dict[int, tuple[str, ...]] = {}
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def remembered_ips(self) -> int:
        """How many IP addresses are remembered for failed dials."""
        return len(self._failed)

    def next_at(self, now: float) -> float:
        """Return when the next dial may begin; infinity while too many are under way."""
        if len(self._under_way) >= limits.DIALS_AT_ONCE:
            return _NEVER
        return self._allowance.has_at(1, now)

    def allowed(self, addresses: tuple[Address, ...], now: float) -> tuple[Address, ...]:
        """Return those of somebody's addresses that were not tried in vain too often."""
        return tuple(address for address in addresses if self._may(address.host, now))

    def begin(self, attempt: int, addresses: tuple[Address, ...], now: float) -> bool:
        """Spend one dial on those addresses; False when there is none to spend."""
        # Asked as `next_at` is, so that a whole dial less a rounding error is one for both.
        if self.next_at(now) > now:
            return False
        self._allowance.charge(1, now)
        self._under_way[attempt] = tuple(dict.fromkeys(address.host for address in addresses))
        return True

    def opened(self, attempt: int) -> None:
        """That dial led to somebody who belongs here."""
        self._under_way.pop(attempt, None)

    def failed(self, attempt: int, now: float) -> None:
        """That dial led to nothing: remember where."""
        for ip in self._under_way.pop(attempt, ()):
            if scope_of(ip) is Scope.MACHINE:
                continue  # many nodes share it, and nobody else can be bothered there
            times = self._failed.setdefault(ip, deque(maxlen=limits.DIALS_PER_IP))
            times.append(now)
            self._failed.move_to_end(ip)
            if len(self._failed) > limits.DIALLED_IPS_LIMIT:
                self._failed.popitem(last=False)

    def forget_failures(self) -> None:
        """The network has changed: what failed before may work now."""
        self._failed.clear()

    def _may(self, ip: str, now: float) -> bool:
        under_way = sum(ip in ips for ips in self._under_way.values())
        times = self._failed.get(ip, ())
        recent = sum(now - at < limits.DIALS_PER_IP_S for at in times)
        return scope_of(ip) is Scope.MACHINE or under_way + recent < limits.DIALS_PER_IP

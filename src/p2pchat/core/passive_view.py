"""The passive view: peers known that could be dialled (HyParView, Leitão et al. 2007)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.crowds import Crowds, Network
from p2pchat.core.notices import How
from p2pchat.core.records import AddressRecord, Scope, netgroup, scope_of
from p2pchat.core.urn import Urn
from p2pchat.core.values import Address, PeerId

if TYPE_CHECKING:
    from random import Random

_FAILED_LIMIT: Final = limits.PASSIVE_LIMIT // 4
"""Up to so many that can't be reached stay, because they may lie in another part of the network;
more of them would leave too few when all neighbours are lost at once."""

_PER_IP: Final = 4
"""Most peers at one public address."""


class Known(Struct, eq=False):
    """A peer that could be dialled, and what is known of that."""

    peer: PeerId
    addresses: tuple[Address, ...]
    how: How
    record: AddressRecord | None = None
    passed: int = limits.RECORD_PASSED_LIMIT
    """How often its record was passed on since somebody had dialled its owner."""
    dialled_at: float | None = None
    """When we dialled it successfully."""
    failures: int = 0
    """Dials in a row that led to nothing."""
    refusals: int = 0
    """How often in a row it had no place for us."""
    not_before: float = 0.0
    """When it may be dialled next."""
    group: str | None = None
    """The public network that he is in: of his first address, asked for too often to read it."""
    place: int = 0
    """Of the view."""

    def __post_init__(self) -> None:
        self.group = netgroup(self.ip)

    @property
    def ip(self) -> str:
        """The first of its addresses, which stands for all."""
        return self.addresses[0].host if self.addresses else ""

    @property
    def network(self) -> Network:
        """The public network that he is in; whoever is in none is one by himself."""
        return self.group or self.peer

    def move(self, addresses: tuple[Address, ...]) -> None:
        """He can be dialled there from now on."""
        self.addresses = addresses
        self.group = netgroup(self.ip)

    def was_dialled(self, now: float) -> bool:
        """Tell whether we dialled it within the life of a record."""
        return self.dialled_at is not None and now - self.dialled_at <= limits.RECORD_LIFE_S

    def can_be_passed_on(self, now: float) -> bool:
        """Tell whether others may learn of it from us."""
        if self.record is None or not self.record.is_diallable:
            return False
        return self.was_dialled(now) or self.passed < limits.RECORD_PASSED_LIMIT


class PassiveView:
    """At most PASSIVE_LIMIT peers, none of whom is a neighbour."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._known: dict[PeerId, Known] = {}
        self._urn: Urn[Known] = Urn()
        self._crowds: Crowds[Known] = Crowds(rng)
        self._dialled = 0
        """Those whom we dialled ourselves."""
        self._failed = 0
        """Those whom a dial has failed to reach."""

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, peer: object) -> bool:
        return peer in self._known

    def get(self, peer: PeerId) -> Known | None:
        """Return what is known of somebody."""
        return self._known.get(peer)

    def everybody(self) -> Iterable[Known]:
        """Return all, in the order in which they came."""
        return self._known.values()

    def take(self, peer: PeerId) -> Known | None:
        """Remove somebody who has become a neighbour."""
        known = self._known.get(peer)
        if known is not None:
            self._remove(known)
        return known

    def heard(self, record: AddressRecord, passed: int) -> bool:
        """Tell whether that very record is here already, and note by how few it came."""
        known = self._known.get(record.peer)
        if known is None or known.record != record:
            return False
        known.passed = min(known.passed, passed)
        return True

    def put(self, known: Known) -> bool:
        """Take somebody in, or what is newer about him; False where there is no place for him."""
        old = self._known.get(known.peer)
        if old is not None:
            self._learn(old, known)
            return True
        if not self._has_place_at_ip(known):
            return False
        self._add(known)
        if len(self._known) <= limits.PASSIVE_LIMIT:
            return True
        victim = self._worst(known)
        self._remove(victim)
        return victim is not known

    def note_failure(self, peer: PeerId, now: float) -> None:
        """A dial led to nothing: wait longer each time, and do not forget him.

        Forgetting failed addresses keeps healed partitions apart.
        """
        known = self._known.get(peer)
        if known is not None:
            self._failed += not known.failures
            known.failures += 1
            known.not_before = now + backoff_s(known.failures, self._rng)

    def note_refusal(self, peer: PeerId, now: float) -> None:
        """Somebody had no place for us, which may soon be otherwise."""
        known = self._known.get(peer)
        if known is not None:
            known.refusals += 1
            known.not_before = now + backoff_s(known.refusals, self._rng)

    def wait(self, peer: PeerId, until: float) -> None:
        """Somebody has no place for us now."""
        known = self._known.get(peer)
        if known is not None:
            known.not_before = max(known.not_before, until)

    def reset_waits(self, now: float) -> None:
        """The network has changed: what failed before may work now."""
        for known in self._known.values():
            known.not_before = min(known.not_before, now)

    def pick(
        self,
        now: float,
        without: Container[PeerId],
        taken: Container[str],
        *,
        likeliest: bool = True,
    ) -> Known | None:
        """Choose whom to dial: by chance, other networks first.

        Args:
            now: Monotonic seconds.
            without: Whom not.
            taken: Netgroups that own dials lead to already.
            likeliest: Whether only those with fewest failures are meant.
        """
        due = [k for k in self._known.values() if k.not_before <= now and k.peer not in without]
        if not due:
            return None
        if likeliest:
            least = min(known.failures + known.refusals for known in due)
            due = [known for known in due if known.failures + known.refusals == least]
        groups: dict[str | None, list[Known]] = {}
        for known in due:
            groups.setdefault(known.group, []).append(known)
        fresh = [group for group in groups if group is None or group not in taken]
        # A group first, then somebody in it: many addresses of one owner weigh as one.
        return self._rng.choice(groups[self._rng.choice(fresh or list(groups))])

    def next_due(self, without: Container[PeerId]) -> float | None:
        """Return when the next one may be dialled; None where nobody is left."""
        waiting = (k.not_before for k in self._known.values() if k.peer not in without)
        return min(waiting, default=None)

    def sample(self, count: int, is_wanted: Callable[[Known], bool]) -> list[Known]:
        """Return up to so many by chance; looks at no more of them than that takes."""
        return list(islice(filter(is_wanted, self._urn.drawn(self._rng)), count))

    def _has_place_at_ip(self, newcomer: Known) -> bool:
        if newcomer.group is None:
            return True
        ip = newcomer.ip
        return sum(known.ip == ip for known in self._crowds.of(newcomer.group)) < _PER_IP

    def _learn(self, old: Known, new: Known) -> None:
        if new.dialled_at is None and new.addresses == old.addresses:
            _learn(old, new)  # nothing of what is counted
            return
        self._remove(old)
        _learn(old, new)
        self._add(old)

    def _add(self, known: Known) -> None:
        self._known[known.peer] = known
        self._urn.put(known)
        self._crowds.add(known.network, known)
        self._count(known, 1)

    def _remove(self, known: Known) -> None:
        del self._known[known.peer]
        self._urn.take(known)
        self._crowds.remove(known.network, known)
        self._count(known, -1)

    def _count(self, known: Known, by: int) -> None:
        self._dialled += by * (known.dialled_at is not None)
        self._failed += by * (known.failures > 0)

    def _worst(self, newcomer: Known) -> Known:
        """Return who gives way: where too many can't be reached, one of them.

        What we dialled ourselves gives way to hearsay only where it fills half of the view. The
        public network with most in the view goes first: whoever rents few must not fill it. Where
        nobody may go, the newcomer does.
        """
        is_safe = newcomer.dialled_at is None and 2 * self._dialled <= limits.PASSIVE_LIMIT

        def may_go(known: Known) -> bool:
            return known is not newcomer and (known.dialled_at is None or not is_safe)

        def is_useless(known: Known) -> bool:
            return known.failures > 0 and may_go(known)

        if self._failed >= _FAILED_LIMIT and (useless := self.sample(1, is_useless)):
            return useless[0]
        return self._crowds.one_of_the_largest(may_go) or newcomer


def backoff_s(failures: int, rng: Random) -> float:
    """Return how long to wait after so many dials in a row that led to nothing."""
    wait_s = limits.DIAL_BACKOFF_S * 2.0 ** min(failures - 1, 16)
    spread = limits.DIAL_BACKOFF_SPREAD
    return min(wait_s, limits.DIAL_BACKOFF_LONGEST_S) * rng.uniform(1 - spread, 1 + spread)


def _learn(old: Known, new: Known) -> None:
    if new.record is not None and (old.record is None or new.record.time_ms >= old.record.time_ms):
        is_same = old.record is not None and old.record.signed == new.record.signed
        old.passed = min(old.passed, new.passed) if is_same else new.passed
        old.record = new.record
        if old.addresses != new.addresses and _keeps_scope(old, new):
            old.move(new.addresses)
    elif old.record is None:
        old.move(new.addresses)
    if new.dialled_at is not None:
        old.dialled_at = new.dialled_at


def _keeps_scope(old: Known, new: Known) -> bool:
    """Tell whether a newer record may replace addresses: not where it loses the nearest one."""
    nearest = min((scope_of(a.host) for a in old.addresses), default=Scope.PUBLIC)
    return min((scope_of(a.host) for a in new.addresses), default=Scope.PUBLIC) <= nearest

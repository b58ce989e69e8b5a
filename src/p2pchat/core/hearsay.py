"""What neighbours say of where others can be dialled, and what we say of it to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.mesh_frames import PassedRecord, SignedRecord
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known, PassiveView
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import AddressRecord
from p2pchat.core.values import PeerId

if TYPE_CHECKING:
    from random import Random


class Hearsay:
    """Reads records into the passive view, and takes samples of both views for others."""

    def __init__(
        self,
        view: ActiveView,
        passive: PassiveView,
        desk: RecordDesk,
        rng: Random,
        on_record: Callable[[AddressRecord, PeerId], None],
    ) -> None:
        self._view = view
        self._passive = passive
        self._desk = desk
        self._rng = rng
        self._on_record = on_record
        self.wall_ms = 0
        """Own wall clock, as of the event that is being handled."""

    def own(self, link: Link) -> SignedRecord:
        """Return this node's own record, for somebody as far away as that neighbour."""
        return self._desk.own(link.scope, self.wall_ms)

    def renew(self) -> bool:
        """Sign anew what is an hour old; True when it is so."""
        return self._desk.renew(self.wall_ms)

    def read(self, record: SignedRecord | PassedRecord, link: Link) -> AddressRecord | None:
        """Return a record that a neighbour sent, if it is valid."""
        read = self._desk.read(record, link.scope, self.wall_ms)
        if read is not None:
            self._on_record(read, link.peer)
        return read

    def introduced(self, record: SignedRecord, link: Link) -> None:
        """A neighbour tells where he can be dialled himself."""
        read = self.read(record, link)
        if read is not None and read.peer == link.peer:
            link.record = read

    def learn(self, records: tuple[PassedRecord, ...], link: Link, now: float) -> None:
        """Take note of a sample that a neighbour sent; what is too much is not looked at."""
        for record in records[: link.hearsay.spend_up_to(len(records), now)]:
            read = self.read(record, link)
            if read is not None:
                self.put(read, record.passed, now)

    def may_learn(self, record: SignedRecord | PassedRecord, link: Link) -> bool:
        """Tell whether a neighbour may be handed a record: nothing private goes far."""
        return self._desk.may_learn(record, link.scope)

    def put(self, record: AddressRecord, passed: int, now: float) -> None:
        """Take note of somebody who can be dialled."""
        link = self._view.get(record.peer)
        if link is not None:
            if link.record is None or link.record.time_ms < record.time_ms:
                link.record = record
        elif record.is_diallable and not self._passive.heard(record, passed):
            known = Known(record.peer, record.addresses, How.MESH, record, passed, not_before=now)
            self._passive.put(known)

    def sample(self, link: Link, count: int, now: float) -> tuple[PassedRecord, ...]:
        """Return up to so many records that a neighbour may learn: some neighbours', then others.

        Each was dialled by us within a day, or is young in hearsay; none has an address that is
        good only nearer than he is.
        """
        count = min(count, limits.RECORDS_PER_FRAME)
        scope = link.scope
        near = [
            (record, 0 if other.is_dialled else 1)
            for other in self._view
            if other is not link
            and (record := other.record) is not None
            and record.is_diallable
            and record.scope >= scope
        ]
        near = self._rng.sample(near, min(limits.SHUFFLE_ACTIVE, len(near), count))

        def is_fit(known: Known) -> bool:
            record = known.record
            return (
                record is not None
                and known.peer != link.peer
                and record.scope >= scope
                and known.can_be_passed_on(now)
            )

        far = self._passive.sample(count - len(near), is_fit)
        return (
            *(PassedRecord(record.signature, record.signed, passed) for record, passed in near),
            *(_passed(known, now) for known in far),
        )


def _passed(known: Known, now: float) -> PassedRecord:
    assert known.record is not None
    passed = 0 if known.was_dialled(now) else known.passed + 1
    return PassedRecord(known.record.signature, known.record.signed, passed)


def known_from(link: Link, now: float) -> Known | None:
    """Return what is worth remembering of a neighbour that is gone."""
    if link.record is not None and link.record.addresses:
        known = Known(link.peer, link.record.addresses, link.how, link.record, 0)
    elif link.is_dialled:
        known = Known(link.peer, (link.address,), link.how)
    else:
        return None
    known.dialled_at = now if link.is_dialled else None
    known.refusals = link.refusals
    return known

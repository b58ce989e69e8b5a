"""Takes newcomers' records through the network, to whoever has a place for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.events import Effect, Send
from p2pchat.core.filling import Filling, Purpose
from p2pchat.core.hearsay import Hearsay
from p2pchat.core.mesh_frames import Found, SignedRecord, Walk
from p2pchat.core.notices import How
from p2pchat.core.records import AddressRecord
from p2pchat.core.values import ConnectionId, PeerId
from p2pchat.core.ways_back import WaysBack

if TYPE_CHECKING:
    from random import Random

TOKEN_BYTES: Final = 16


class Walks:
    """HyParView's ForwardJoin, each with a token by which an answer finds its way back.

    At the end of a walk stands somebody with a place, who dials the newcomer. Where he can't, for
    the newcomer sits behind a NAT, his own record goes back, and the newcomer dials him.
    """

    def __init__(self, view: ActiveView, filling: Filling, hearsay: Hearsay, rng: Random) -> None:
        self._view = view
        self._filling = filling
        self._hearsay = hearsay
        self._rng = rng
        self._ways = WaysBack(limits.WALKS_LIMIT, limits.WALK_S)
        self._joined: dict[ConnectionId, int] = {}
        """Connections on which we sent a Join: how many answers may still come by each."""

    def __len__(self) -> int:
        return len(self._ways)

    def joining(self, link: Link) -> None:
        """We have asked that neighbour for walks."""
        self._joined[link.connection] = limits.ACTIVE_LIMIT

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing comes by that connection any more."""
        self._joined.pop(connection, None)

    def forget_ended(self, now: float) -> None:
        """Forget walks that no answer can come back from any more; without newcomers none comes."""
        self._ways.forget_ended(now)

    def start(self, newcomer: Link, now: float) -> list[Effect]:
        """Send the newcomer's record into the network, by each neighbour; not again at once."""
        record = newcomer.record
        if record is None or now < newcomer.walks_from:
            return []
        newcomer.walks_from = now + limits.WALK_S
        effects: list[Effect] = []
        for partner in self._view.partners(newcomer.peer)[: limits.ACTIVE_AIM]:
            token = self._rng.randbytes(TOKEN_BYTES)
            self._ways.remember(token, newcomer.connection, now)
            steps = limits.WALK_STEPS + limits.WALK_EXTRA_STEPS
            effects += _pass(partner, token, steps, record)
        return effects

    def on_walk(self, link: Link, walk: Walk, now: float) -> list[Effect]:
        """Take a record one step further, or take its owner."""
        record = self._hearsay.read(walk.record, link)
        if record is None or not self._ways.remember(walk.token, link.connection, now):
            return []
        others = self._view.partners(link.peer, record.peer)
        left = walk.steps - limits.WALK_EXTRA_STEPS
        if left == limits.PASSIVE_WALK_STEPS:
            self._hearsay.put(record, 1, now)
        # Whoever lacks somebody anyway comes first; at the very end a free place is enough.
        is_last = walk.steps == 0 or not others
        places = limits.ACTIVE_LIMIT if is_last else limits.ACTIVE_AIM
        if (left <= 0 or not others) and self._has_place_for(record.peer, places):
            if self._has_own_dials or not record.is_diallable:
                return self._take(record, walk.token, now)
            self._hearsay.put(record, 1, now)
        if walk.steps == 0 or not others:
            return []
        return _pass(self._rng.choice(others), walk.token, walk.steps - 1, record)

    def on_found(self, link: Link, found: Found, now: float) -> list[Effect]:
        """Hand an answer back along its walk, or dial whom it names."""
        back = self._ways.take(found.token, now)
        if back is not None:
            onward = self._view.of(back)
            is_fit = onward is not None and self._hearsay.may_learn(found.record, onward)
            return [Send((back,), found)] if is_fit else []
        left = self._joined.get(link.connection, 0)
        record = self._hearsay.read(found.record, link) if left else None
        if record is None or not record.is_diallable:
            return []
        if not self._has_place_for(record.peer, limits.ACTIVE_AIM):
            return []
        self._joined[link.connection] = left - 1
        return [*self._filling.dial(record.addresses, record.peer, How.MESH, now)]

    def tell_found(self, token: bytes, now: float) -> list[Effect]:
        """We can't dial the newcomer of that walk: let him dial us."""
        connection = self._ways.take(token, now)
        back = self._view.of(connection) if connection is not None else None
        if back is None:
            return []
        return [Send((back.connection,), Found(token, self._hearsay.own(back)))]

    @property
    def _has_own_dials(self) -> bool:
        # Until then who walks here is one to choose from, and no more: the first own dials are
        # nobody else's choice.
        return self._filling.expected_dials >= limits.ACTIVE_DIALLED_AIM

    def _has_place_for(self, peer: PeerId, places: int) -> bool:
        if peer in self._view or self._filling.is_dialling(peer):
            return False
        return self._filling.expected < places

    def _take(self, record: AddressRecord, token: bytes, now: float) -> list[Effect]:
        if record.is_diallable:
            dials = self._filling.dial(
                record.addresses, record.peer, How.MESH, now, Purpose.WALK, token
            )
            if dials:
                return [*dials]
        return self.tell_found(token, now)


def _pass(partner: Link, token: bytes, steps: int, record: AddressRecord) -> list[Effect]:
    if record.scope < partner.scope:
        return []  # he is too far away to learn of such an address
    walk = Walk(token, steps, SignedRecord(record.signature, record.signed))
    return [Send((partner.connection,), walk)]

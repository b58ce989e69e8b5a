"""Nodes of one attacker, who has many keys and few networks: they name one another only.

The honest ones are in networks of their own, each in another /16 up to 1,024 of them, as people at
home are. All have address books. They and the attacker's nodes can all be dialled.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial, Send
from p2pchat.core.membership import Move
from p2pchat.core.mesh_frames import (
    Found,
    Introduce,
    Join,
    MembershipFrame,
    PassedRecord,
    PlaceAnswer,
    PlaceAsk,
    Shuffle,
    ShuffleAnswer,
    Walk,
)
from p2pchat.core.records import Scope
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.sim.desk import OverlayDesk
from p2pchat.sim.overlay import PORT, Overlay
from p2pchat.sim.overlay_nodes import OverlayNode

GROUPS: Final = 8
"""Networks that the attacker rents."""

_DIALS_EVERY_S: Final = 60.0


@dataclass
class Gang:
    """What all nodes of the attacker know: their own records, and everybody's address."""

    rng: random.Random
    victims: list[OverlayNode]
    desks: list[OverlayDesk] = field(default_factory=list)
    peers: set[PeerId] = field(default_factory=set)

    def records(self, count: int, wall_ms: int) -> tuple[PassedRecord, ...]:
        """Return records of so many of them, as if each had been dialled just now."""
        own = [desk.own(Scope.PUBLIC, wall_ms) for desk in self.rng.sample(self.desks, count)]
        return tuple(PassedRecord(record.signature, record.signed, 0) for record in own)


class Sybil:
    """One of them: takes whoever comes, and knocks at everybody's door in turn."""

    def __init__(self, gang: Gang, desk: OverlayDesk) -> None:
        self._gang = gang
        self._desk = desk
        self._dial_at = gang.rng.uniform(0, _DIALS_EVERY_S)
        self._dials = 0

    def next_deadline(self) -> float | None:
        return self._dial_at

    def on_time(self, now: float, wall_ms: int) -> list[Move]:
        self._dial_at = now + _DIALS_EVERY_S
        self._dials += 1
        victim = self._gang.rng.choice(self._gang.victims)
        return [Dial(self._dials, (victim.address,), victim.peer, 5.0)]

    def on_open(self, link: Link, attempt: int, now: float, wall_ms: int) -> list[Move]:
        moves: list[Move] = [_to(link, Introduce(self._desk.own(Scope.PUBLIC, wall_ms)))]
        return [*moves, _to(link, Join(is_pinned=False))] if link.is_dialled else moves

    def on_closed(self, connection: ConnectionId, now: float, *, left: bool) -> list[Move]:
        return []

    def on_dial_failed(self, number: int, now: float) -> list[Move]:
        return []

    def on_frame(
        self, connection: ConnectionId, frame: MembershipFrame, now: float, wall_ms: int
    ) -> list[Move]:
        match frame:
            case Join() | PlaceAsk():
                return [Send((connection,), PlaceAnswer(True, self._friends(wall_ms)))]
            case Walk(token):
                friend = self._gang.rng.choice(self._gang.desks).own(Scope.PUBLIC, wall_ms)
                return [Send((connection,), Found(token, friend))]
            case Shuffle(token):
                return [Send((connection,), ShuffleAnswer(token, self._friends(wall_ms)))]
            case _:
                return []

    def _friends(self, wall_ms: int) -> tuple[PassedRecord, ...]:
        return self._gang.records(limits.RECORDS_PER_FRAME, wall_ms)


def add_sybils(overlay: Overlay, count: int, victims: list[OverlayNode]) -> Gang:
    """Let so many of them begin, in GROUPS networks of /16, each with an address of its own."""
    gang = Gang(random.Random(overlay.random.random()), victims)
    for number in range(count):
        peer = sim_peer_id(f"sybil {number}")
        group, host = number % GROUPS, number // GROUPS
        address = Address(f"60.{group}.{host // 250}.{host % 250 + 1}", PORT)
        desk = OverlayDesk(peer, address, overlay._records)
        gang.desks.append(desk)
        gang.peers.add(peer)
        node = OverlayNode(len(overlay.nodes), peer, address, Sybil(gang, desk))
        overlay.perform(overlay.put(node), [])
    return gang


def _to(link: Link, frame: Introduce | Join) -> Send:
    return Send((link.connection,), frame)

"""An honest node beside the victim: whatever strangers do, it finds no fault with him.

Otherwise a stranger could part neighbours, by having one of them say what the other refuses.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from p2pchat.core.engine import Core
from p2pchat.core.events import (
    ClockSet,
    Close,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    DeliveredNoted,
    Effect,
    Event,
    FrameReceived,
    NoteDelivered,
    Send,
    Tick,
)
from p2pchat.core.notices import Direction
from p2pchat.core.session import Session
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import Address, ConnectionId, Epoch, NetworkId, PeerId
from p2pchat.errors import RemoteFault
from p2pchat.sim.credentials import SimCredentials, sim_peer_id
from p2pchat.sim.sealing import SimSealer
from p2pchat.wire.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p2pchat.core.frames import Incoming

NAME: Final = "honest"
HONEST: Final = sim_peer_id(NAME)
IP: Final = "10.0.0.66"
_HERE: Final = ConnectionId(1)


class _Offended(Core):
    """A core for which a fault of its neighbour is the end of the test."""

    def _on_fault(self, session: Session, fault: RemoteFault, now: float) -> list[Effect]:
        raise AssertionError(f"an honest neighbour is refused by another one: {fault}")


class Honest:
    """A node with one connection, to the victim; what it sends waits in `outgoing`."""

    def __init__(self, room: str, network: NetworkId, wall_offset_s: float, now: float) -> None:
        setup = Setup(
            HONEST, Epoch(b"honest.."), network, NAME, (Address(IP, 55555),), GuestPolicy.OFF,
            joins=True, tells_presence=True,
        )  # fmt: skip
        self._core = _Offended(
            setup, Codec(), SimCredentials(HONEST, room), random.Random(2), sealer=SimSealer(HONEST)
        )
        self.outgoing: list[Incoming] = []
        self.is_over = False
        """Whether it has ended the connection, in good order."""
        self._feed(ClockSet(wall_offset_s), now)

    def start(self, ip: str, now: float) -> None:
        """Dial the victim."""
        address = Address(ip, 55555)
        self._feed(ConnectionStarted(_HERE, address, ip, Direction.OUT, is_typed=True), now)

    def secure(self, victim: PeerId, exported: bytes, now: float) -> None:
        """TLS is done."""
        self._feed(ConnectionSecured(_HERE, victim, exported), now)

    def receive(self, frames: Iterable[Incoming], now: float) -> None:
        """Take what the victim sent."""
        for frame in frames:
            if not self.is_over:
                self._feed(FrameReceived(_HERE, frame), now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        deadline = self._core.next_deadline()
        if deadline is not None and deadline <= now:
            self._feed(Tick(), now)

    def _feed(self, event: Event, now: float) -> None:
        pending = [event]
        while pending:
            for effect in self._core.handle(pending.pop(0), now):
                pending += self._perform(effect)

    def _perform(self, effect: Effect) -> list[Event]:
        match effect:
            case Send(connections, frame):
                assert connections == (_HERE,)
                self.outgoing.append(frame)
            case Close():
                self.is_over = True
                return [ConnectionEnded(_HERE, "closed")]
            case NoteDelivered(author, message):
                return [DeliveredNoted(author, message)]
        return []

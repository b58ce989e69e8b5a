"""One core without a network: the test plays everybody else, frame by frame."""

from __future__ import annotations

import random
from itertools import count
from typing import TypeVar

from p2pchat.core.engine import Core
from p2pchat.core.events import (
    ClockSet,
    Close,
    ConnectionSecured,
    ConnectionStarted,
    Effect,
    Event,
    FrameReceived,
    Send,
    Tell,
    Tick,
)
from p2pchat.core.frames import Frame, Hello, Incoming, Ping, Pong, Proof, Welcome
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.notices import Direction, Disconnected
from p2pchat.core.session import Session, State
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import Address, ConnectionId, Epoch, PeerId
from p2pchat.sim.codec import MemoCodec
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.sim.sealing import SimSealer

WALL_S = 1_700_000_000.0
IP = "192.0.2.7"
EPOCH = Epoch(b"their-ep")

Kind = TypeVar("Kind")


def of(effects: list[Effect], kind: type[Kind]) -> list[Kind]:
    """The effects of one kind, in order."""
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(effects: list[Effect], connection: ConnectionId) -> list[Frame]:
    """The frames that are sent on one connection, in order."""
    return [send.frame for send in of(effects, Send) if connection in send.connections]


def closed(effects: list[Effect]) -> list[ConnectionId]:
    """The connections that are closed, in order."""
    return [close.connection for close in of(effects, Close)]


def disconnected(effects: list[Effect]) -> list[Disconnected]:
    """The losses of neighbours that are told, in order."""
    told = [tell.notice for tell in of(effects, Tell)]
    return [notice for notice in told if isinstance(notice, Disconnected)]


def started(
    connection: int = 1, direction: Direction = Direction.IN, ip: str = IP, port: int = 55555
) -> ConnectionStarted:
    """Bytes can flow on a connection."""
    return ConnectionStarted(ConnectionId(connection), Address(ip, port), ip, direction)


def session_of(
    peer: PeerId,
    *,
    connection: int = 1,
    direction: Direction = Direction.IN,
    opened_at: float = 0.0,
    epoch: Epoch = EPOCH,
    exported: bytes = b"",
    state: State = State.OPEN,
) -> Session:
    """The session of a connection, in whatever state."""
    session = Session(started(connection, direction), opened_at)
    session.peer, session.epoch, session.exported = peer, epoch, exported
    session.state = state
    return session


class OneCore:
    """A core, its clock, the numbers of its connections."""

    def __init__(
        self,
        name: str = "alice",
        room: str = "lobby",
        guests: GuestPolicy = GuestPolicy.LOCAL,
        *,
        joins: bool = False,
        addresses: tuple[Address, ...] = (),
        lan: LanPolicy = LanPolicy.OFF,
    ) -> None:
        self.me = sim_peer_id(name)
        self.room = room
        self.now = 100.0
        network = sim_network_id(room)
        setup = Setup(
            self.me, Epoch(b"our-epoc"), network, name, addresses, guests, joins=joins, lan=lan
        )
        self.abilities = setup.abilities
        """What everybody else can do, too."""
        credentials = SimCredentials(self.me, room)
        sealer = SimSealer(self.me)
        self.core = Core(setup, MemoCodec(), credentials, random.Random(1), sealer=sealer)
        self._numbers = count(1)
        self._names: dict[ConnectionId, tuple[PeerId, Direction]] = {}
        self.feed(ClockSet(WALL_S))

    def feed(self, event: Event) -> list[Effect]:
        """Let something happen now."""
        return self.core.handle(event, self.now)

    def frame(self, connection: ConnectionId, frame: Incoming) -> list[Effect]:
        """Let a frame arrive now."""
        return self.feed(FrameReceived(connection, frame))

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, with a Tick whenever the core wants one."""
        effects: list[Effect] = []
        until = self.now + seconds
        while (at := self.core.next_deadline()) is not None and at <= until:
            self.now = max(self.now, at)
            effects += self.feed(Tick())
        self.now = until
        return effects

    def publish(self) -> list[Effect]:
        """Let own messages leave, without time passing."""
        effects: list[Effect] = []
        while (at := self.core.next_deadline()) is not None and at <= self.now:
            effects += self.feed(Tick())
        return effects

    def answer(self, connection: ConnectionId, effects: list[Effect]) -> list[Effect]:
        """Let the other side answer the ping that was sent to it."""
        (ping,) = [frame for frame in sent(effects, connection) if isinstance(frame, Ping)]
        return self.frame(connection, Pong(ping.token))

    # --- Openings -----------------------------------------------------------------------------

    def start(
        self,
        direction: Direction = Direction.IN,
        *,
        ip: str = IP,
        expected: PeerId | None = None,
        plain: bool = False,
        attempt: int = 0,
        is_typed: bool = False,
    ) -> tuple[ConnectionId, list[Effect]]:
        """Begin a connection that has not said anything."""
        connection = ConnectionId(next(self._numbers))
        address = Address(ip, 55555, plain)
        event = ConnectionStarted(
            connection, address, ip, direction, expected, attempt, is_typed=is_typed
        )
        return connection, self.feed(event)

    def secure(
        self,
        name: str = "bob",
        direction: Direction = Direction.IN,
        *,
        ip: str = IP,
        attempt: int = 0,
        is_typed: bool = False,
    ) -> ConnectionId:
        """Begin a connection whose TLS is done."""
        connection, _ = self.start(direction, ip=ip, attempt=attempt, is_typed=is_typed)
        self._names[connection] = (sim_peer_id(name), direction)
        self.feed(ConnectionSecured(connection, sim_peer_id(name), self.exported(connection)))
        return connection

    def greet(self, connection: ConnectionId, epoch: Epoch = EPOCH) -> list[Effect]:
        """Let the other side's Hello arrive."""
        return self.frame(connection, Hello(1, 1, self.abilities, bytes(epoch)))

    def prove(self, connection: ConnectionId, room: str | None = None) -> list[Effect]:
        """Let the other side prove that it knows a room, ours by default."""
        peer, direction = self._names[connection]
        theirs = SimCredentials(peer, self.room if room is None else room)
        is_theirs = direction is Direction.IN  # they dialled
        digest = theirs.prove(
            as_dialler=is_theirs,
            exported=self.exported(connection),
            dialler=peer if is_theirs else self.me,
            acceptor=self.me if is_theirs else peer,
        )
        return self.frame(connection, Proof(digest))

    def welcome(self, connection: ConnectionId, nick: str = "bob") -> list[Effect]:
        """Let the other side's Welcome arrive."""
        return self.frame(connection, Welcome(nick, int(WALL_S * 1000), ()))

    def open(
        self,
        name: str = "bob",
        direction: Direction = Direction.IN,
        *,
        epoch: Epoch = EPOCH,
        ip: str = IP,
        attempt: int = 0,
        is_typed: bool = False,
    ) -> tuple[ConnectionId, list[Effect]]:
        """Open a connection; return it with what its last frame brought about."""
        connection = self.secure(name, direction, ip=ip, attempt=attempt, is_typed=is_typed)
        self.greet(connection, epoch)
        self.prove(connection)
        return connection, self.welcome(connection, name)

    @staticmethod
    def exported(connection: ConnectionId) -> bytes:
        """The keying material of a connection; that of later ones is greater."""
        return connection.to_bytes(32, "big")

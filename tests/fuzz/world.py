"""One core, and everybody around it who means no good: performs effects, watches invariants."""

from __future__ import annotations

import random
from collections import deque
from typing import Final

from p2pchat.core.engine import Core
from p2pchat.core.events import (
    ClockSet,
    Close,
    Closing,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    Deliver,
    DeliveredNoted,
    Dial,
    Effect,
    Event,
    Failed,
    ForgetWaiting,
    FrameReceived,
    KeepWaiting,
    NoteDelivered,
    Opened,
    Probe,
    Published,
    Register,
    Send,
    Tell,
    Tick,
    TreatAsGuest,
    WriteLine,
)
from p2pchat.core.frames import Hello, Incoming, Proof, Welcome
from p2pchat.core.limits import FRAME_LIMIT_BYTES
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.notices import Direction, Received, Sent
from p2pchat.core.outbox import DirectId
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import Address, ConnectionId, Epoch, PeerId
from p2pchat.notice_queue import messages_of
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id, sim_signature
from p2pchat.sim.sealing import SimSealer
from p2pchat.wire.codec import Codec, decode, encode
from p2pchat.wire.plain_line import guest_line
from tests.fuzz.forger import Forger
from tests.fuzz.honest import HONEST, IP, Honest
from tests.fuzz.sinks import show

ROOM: Final = "lobby"
ME: Final = sim_peer_id("me")
NETWORK: Final = sim_network_id(ROOM)
EPOCH: Final = Epoch(b"our-epoc")
WALL_S: Final = 1_700_000_000.0
BEGIN_S: Final = 100.0

PEERS: Final = tuple(sim_peer_id(f"p{number}") for number in range(6))
HOSTS: Final = ("127.0.0.1", "10.0.0.7", "203.0.113.9", "2001:db8::5")

ABILITIES: Final = ("membership", "map", "path", "direct", "who")

CONNECTIONS_LIMIT: Final = 12
TICKS_LIMIT: Final = 200
"""Ticks of one input; then the node sleeps through whatever else is due."""

TICKS_AT_ONCE: Final = 50
"""Ticks at one moment: a deadline that never moves on is a node that burns a processor."""


class End:
    """The other side of one connection."""

    def __init__(self, number: int, peer: PeerId, direction: Direction) -> None:
        self.connection = ConnectionId(number)
        self.peer = peer
        self.direction = direction
        self.is_secured = False
        self.is_plain = False
        self.honest: Honest | None = None
        """Who is there, where it is not the input that speaks."""
        self.is_closing = False
        """Whether the core has said that nothing more goes there."""

    @property
    def exported(self) -> bytes:
        """What only the two ends know."""
        return self.connection.to_bytes(32, "big")


class World:
    """Feeds one core and fails at the first thing that must not be."""

    def __init__(self, *, joins: bool = True) -> None:
        self.now = BEGIN_S
        self.ends: dict[ConnectionId, End] = {}
        self.dials: deque[Dial] = deque(maxlen=32)
        self.probes: deque[Probe] = deque(maxlen=32)
        self.started = 0
        self._ticks_left = TICKS_LIMIT
        self._honest: End | None = None
        codec, sealer = Codec(), SimSealer(ME)
        setup = Setup(
            ME, EPOCH, NETWORK, "me", (Address("10.0.0.1", 55555),), GuestPolicy.LOCAL,
            joins=joins, lan=LanPolicy.ASK, tells_presence=True,
        )  # fmt: skip
        self.core = Core(
            setup, codec, SimCredentials(ME, ROOM), random.Random(1), sealer=sealer,
            delivered=(shown := set[tuple[PeerId, DirectId]]()),
        )  # fmt: skip
        self._directly_shown = shown
        self.forger = Forger(ME, NETWORK, EPOCH, sealer, codec)
        self._shown: set[tuple[PeerId, Epoch, int]] = set()
        self._waiting: set[DirectId] = set()
        self.feed(ClockSet(WALL_S))

    @property
    def wall_ms(self) -> int:
        """The wall clock."""
        return int((WALL_S + self.now) * 1000)

    # --- Events -------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Let something happen, and whatever follows from it at once."""
        pending = deque([event])
        while pending or (pending := deque(self._said_by_honest())):
            happened = pending.popleft()
            if isinstance(happened, ConnectionEnded):
                self.ends.pop(happened.connection, None)
            for effect in self.core.handle(happened, self.now):
                pending.extend(self._perform(effect))

    def tick(self) -> None:
        """Do what is due; a deadline must not stay behind."""
        if self._honest is not None and self._honest.honest is not None:
            self._honest.honest.tick(self.now)
        for _ in range(TICKS_AT_ONCE):
            self.feed(Tick())
            deadline = self.core.next_deadline()
            if deadline is None or deadline > self.now:
                return
            # What waits to be said is due at once, whenever its turn began.
            is_due = deadline == self.now or self.core.waiting_texts
            assert is_due, f"a deadline in the past: {deadline}"
        raise AssertionError("a deadline that rings for ever")

    def wait(self, seconds: float, ticks: int = 40) -> None:
        """Let time pass; after so many moments the node sleeps through the rest."""
        until = self.now + seconds
        for _ in range(min(ticks, self._ticks_left)):
            deadline = self.core.next_deadline()
            if deadline is None or deadline > until:
                break
            self._ticks_left -= 1
            self.now = max(self.now, deadline)
            self.tick()
        self.now = until
        self.tick()

    def start(
        self, peer: PeerId, direction: Direction, ip: str, *, attempt: int = 0, plain: bool = False
    ) -> End | None:
        """Begin a connection, as long as there are not too many of them."""
        if len(self.ends) >= CONNECTIONS_LIMIT:
            return None
        self.started += 1
        end = End(self.started, peer, direction)
        end.is_plain = plain
        self.ends[end.connection] = end
        address = Address(ip, 55555, plain)
        self.feed(
            ConnectionStarted(end.connection, address, ip, direction, None, attempt, is_typed=plain)
        )
        return self.ends.get(end.connection)

    def secure(self, end: End) -> None:
        """Let TLS be done; it is once."""
        if not end.is_secured and not end.is_plain and not end.is_closing:
            end.is_secured = True
            self.feed(ConnectionSecured(end.connection, end.peer, end.exported))

    def open(self, peer: PeerId, direction: Direction, ip: str, attempt: int = 0) -> End | None:
        """Open a connection as an honest peer does."""
        end = self.start(peer, direction, ip, attempt=attempt)
        if end is None:
            return None
        self.secure(end)
        nick = f"nick{peer[0]}"
        for frame in (
            Hello(1, 1, ABILITIES, peer[:8]),
            self.proof(end),
            Welcome(nick, self.wall_ms, (f"{HOSTS[1]}:6000",), ip),
        ):
            self.receive(end, frame)
        return end

    def open_honest(self) -> None:
        """Let an honest node connect, where there is room; only the victim speaks to it."""
        end = self.start(HONEST, Direction.IN, IP)
        if end is None:
            return
        honest = Honest(ROOM, NETWORK, WALL_S, self.now)
        end.honest, self._honest = honest, end
        honest.start(HOSTS[1], self.now)
        honest.secure(ME, end.exported, self.now)
        self.secure(end)

    def _said_by_honest(self) -> list[Event]:
        """Take what the honest node sends, as events; end what it has ended."""
        end = self._honest
        if end is None or end.honest is None or end.connection not in self.ends:
            return []
        said, end.honest.outgoing = end.honest.outgoing, []
        events: list[Event] = [FrameReceived(end.connection, frame) for frame in said]
        if end.honest.is_over:
            self._honest = None
            events.append(ConnectionEnded(end.connection, "closed"))
        return events

    def receive(self, end: End, frame: Incoming) -> None:
        """Let a frame arrive, if the connection still is one."""
        if end.connection in self.ends and end.is_secured:
            self.feed(FrameReceived(end.connection, frame))

    def end(self, end: End, reason: str) -> None:
        """Let the bytes of a connection stop."""
        if end.connection in self.ends:
            self.feed(ConnectionEnded(end.connection, reason))

    def proof(self, end: End) -> Proof:
        """Return the true proof of the other side."""
        is_dialler = end.direction is Direction.IN
        dialler, acceptor = (end.peer, ME) if is_dialler else (ME, end.peer)
        digest = SimCredentials(end.peer, ROOM).prove(
            as_dialler=is_dialler, exported=end.exported, dialler=dialler, acceptor=acceptor
        )
        return Proof(digest)

    # --- Effects ------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> list[Event]:
        match effect:
            case Send(connections, frame):
                payload = encode(frame)
                assert len(payload) <= FRAME_LIMIT_BYTES
                for connection in connections:
                    end = self._living(connection)
                    assert end.is_secured, "a frame where there is no TLS"
                    assert not end.is_plain
                    # That it can be read at all is checked for every frame.
                    arrived = decode(payload)
                    if end.honest is not None:
                        end.honest.receive([arrived], self.now)
                self.forger.note(frame)
            case WriteLine(connections, nick, text):
                assert guest_line(nick, text).count(b"\n") == 1
                for connection in connections:
                    assert self._living(connection).is_plain, "a line where there is TLS"
            case TreatAsGuest(connection):
                end = self._living(connection)
                assert not end.is_secured
                end.is_plain = True
            case Close(connection, how):
                return self._close(connection, how)
            case Register(connection) | Opened(connection):
                self._living(connection)
            case Failed(error=error):
                str(error)
            case _:
                return self._perform_outside(effect)
        return []

    def _perform_outside(self, effect: Effect) -> list[Event]:
        match effect:
            case Dial(addresses=addresses):
                assert addresses
                assert all(1 <= each.port <= 65_535 for each in addresses)
                self.dials.append(effect)
            case Probe(address=address):
                assert 1 <= address.port <= 65_535
                self.probes.append(effect)
            case NoteDelivered(author, message):
                assert (author, message) not in self._directly_shown, "shown twice"
                self._directly_shown.add((author, message))
                return [DeliveredNoted(author, message)]
            case KeepWaiting(waiting):
                self._waiting.add(waiting.message_id)
            case ForgetWaiting(message):
                self._waiting.discard(message)
            case Tell(notice):
                show(notice, self.core.me)
            case Deliver() | Published():
                self._show(effect)
            case _:
                pass  # to be written down, or looked for: nothing that a stranger hears of
        return []

    def _close(self, connection: ConnectionId, how: Closing) -> list[Event]:
        end = self.ends.get(connection)
        assert end is not None, f"connection {connection} is closed after its end"
        end.is_closing = True
        if how is Closing.AT_ONCE:
            return [ConnectionEnded(connection, "aborted")]
        return []

    def _living(self, connection: ConnectionId) -> End:
        end = self.ends.get(connection)
        assert end is not None, f"something for connection {connection} after its end"
        assert not end.is_closing, f"something for connection {connection} behind its Close"
        return end

    def _show(self, effect: Deliver | Published) -> None:
        envelope = effect.envelope
        if isinstance(effect, Deliver):
            expected = sim_signature(envelope.author, envelope.signed)
            assert envelope.signature == expected, "a forgery is shown"
            assert effect.signer.id == envelope.author
        for message in messages_of(effect):
            key = (envelope.author, envelope.epoch, message.number)
            assert key not in self._shown, f"number {message.number} is shown twice"
            self._shown.add(key)
            is_own = isinstance(effect, Published) and not message.guest
            show(Sent(message, 1) if is_own else Received(message), self.core.me)

    # --- Bounds -------------------------------------------------------------------------------

    def check(self) -> None:
        """Count everything that strangers can make grow, and ask for everything that is shown."""
        for holding in self.core.holdings():
            assert holding.count <= holding.limit, f"{holding.count} {holding.what}"
        assert len(self._waiting) == self.core.waiting_count
        self.core.peers(self.now)
        self.core.standing(self.now)
        self.core.map(self.now)
        self.core.seen(None, self.now)

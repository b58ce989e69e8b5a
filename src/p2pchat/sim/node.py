"""One simulated node: a real core, the records of what it asked for, its ends of links."""

from __future__ import annotations

import math
from itertools import count
from random import Random

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.engine import Core
from p2pchat.core.events import Deliver, Failed, Opened, Published
from p2pchat.core.machines import CoreCodec
from p2pchat.core.notices import Notice
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import Address, ConnectionId, Epoch, MessageId, PeerId, message_id
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.sim.sealing import SimSealer

PORT = 55555
"""Where every simulated node listens."""


class Rules(Struct, frozen=True):
    """What all nodes of a network are set up with alike."""

    is_metered: bool = True
    """Whether the room is open, so that authors are limited."""
    lazy_above_bytes: int = limits.LAZY_ABOVE_BYTES
    """Signed bytes above which an envelope is pushed lazily."""
    joins: bool = False
    """Whether nodes find others and keep themselves connected; otherwise the test does."""


class Delivery(Struct, frozen=True):
    """Something was shown at that time."""

    at: float
    effect: Deliver
    start: int
    """Which start of the node it was: a restarted one has forgotten what it showed."""
    by_repair: bool
    """Whether it came as an answer to a request, and did not flood here."""


class SimNode:
    """A core on the virtual clock; what it asks for is recorded in plain lists."""

    def __init__(
        self,
        index: int,
        name: str,
        room: str,
        codec: CoreCodec,
        seed: int = 0,
        rules: Rules = Rules(),  # noqa: B008 - it is frozen
    ) -> None:
        self.index = index
        self.name = name
        self.room = room
        self.peer: PeerId = sim_peer_id(name)
        # One address for each node, all in a private network.
        self.ip = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
        self.address = Address(self.ip, PORT)
        self.wall_offset_s = 0.0
        self.is_behind_nat = False
        """Whether nobody can dial it."""
        self.group = 0
        """Nodes of different groups can't reach each other."""
        self.is_running = False
        self.is_leaving = False
        self.tick_at = math.inf
        """When the next Tick is due, on the virtual clock."""
        self.awake_at = -math.inf
        """Until then it handles nothing, as a suspended process."""
        self.ends: dict[ConnectionId, End] = {}
        self.delivered: list[Delivery] = []
        self.published: list[Published] = []
        self.told: list[Notice] = []
        self.opened: list[Opened] = []
        self.failed: list[Failed] = []
        self.notes: list[str] = []
        self.direct_shown: set[tuple[PeerId, DirectId]] = set()
        """Direct messages that were shown here; as a disk, it outlives a restart."""
        self.waiting: dict[DirectId, Waiting] = {}
        """Own ones without a receipt, likewise."""
        self.sent_frames = 0
        self.sent_bytes = 0
        self.carried = 0
        """Envelopes handed to neighbours, each counted for each of them."""
        self.starts = 0
        self.started_at = 0.0
        """When it started last, on the virtual clock."""
        self.opened_at: float | None = None
        """When it had its first neighbour since then."""
        self.filled: set[bytes] = set()
        """Ids of the envelopes that came by repair since then."""
        self._codec = codec
        self._seed = seed
        self._rules = rules
        self._numbers = count(1)
        self.core = self._make_core()

    def start(self, now: float) -> None:
        """Begin anew with the same key, another epoch and an empty memory."""
        self.starts += 1
        self.started_at, self.opened_at, self.filled = now, None, set()
        self.core = self._make_core()
        self.ends = {}
        self.tick_at = math.inf
        self.awake_at = -math.inf
        self.is_running, self.is_leaving = True, False

    def next_connection(self) -> ConnectionId:
        """Return a number that no connection of this node had."""
        return ConnectionId(next(self._numbers))

    @property
    def epoch(self) -> Epoch:
        """What tells this start of the node from its other ones."""
        return Epoch((self.index << 32 | self.starts).to_bytes(8, "big"))

    @property
    def texts(self) -> list[str]:
        """Everything that was shown here, in order."""
        return [text for delivery in self.delivered for text in delivery.effect.texts]

    @property
    def message_ids(self) -> list[MessageId]:
        """Ids of everything that was shown here, in order."""
        return [
            message_id(envelope.author, envelope.epoch, number)
            for envelope in (delivery.effect.envelope for delivery in self.delivered)
            for number in envelope.numbers
        ]

    def _make_core(self) -> Core:
        setup = Setup(
            self.peer,
            self.epoch,
            sim_network_id(self.room),
            self.name,
            (self.address,),
            GuestPolicy.OFF,
            is_metered=self._rules.is_metered,
            lazy_above_bytes=self._rules.lazy_above_bytes,
            joins=self._rules.joins,
            port=PORT,
        )
        rng = Random(f"{self.name} {self.index} {self.starts} {self._seed}")
        return Core(
            setup,
            self._codec,
            SimCredentials(self.peer, self.room),
            rng,
            sealer=SimSealer(self.peer),
            delivered=self.direct_shown,
            waiting=tuple(self.waiting.values()),
        )


class End:
    """One node's side of a link: a connection, as that node calls it."""

    __slots__ = (
        "arrival_at", "busy_until", "connection", "has_risen", "has_said_end", "is_over",
        "is_started", "link", "node", "other",
    )  # fmt: skip

    other: End

    def __init__(self, node: SimNode, connection: ConnectionId, link: Link) -> None:
        self.node = node
        self.connection = connection
        self.link = link
        self.arrival_at = 0.0
        """When the last frame sent from here arrives; later ones don't overtake it."""
        self.busy_until = 0.0
        """When the last frame sent from here has left, where the bandwidth is limited."""
        self.has_risen = False
        self.is_started = False
        """Whether the node was told that it began."""
        self.has_said_end = False
        """Whether nothing more is sent from here."""
        self.is_over = False
        """Whether the node was told, or is being told, that it ended."""


class Link:
    """A stream of frames in both directions, each in order."""

    __slots__ = (
        "acceptor", "attempt", "dialler", "expected", "exported", "is_silent", "is_typed",
    )  # fmt: skip

    def __init__(
        self,
        dialler: SimNode,
        acceptor: SimNode,
        exported: bytes,
        expected: PeerId | None,
        attempt: int = 0,
        *,
        is_typed: bool = False,
    ) -> None:
        self.dialler = End(dialler, dialler.next_connection(), self)
        self.acceptor = End(acceptor, acceptor.next_connection(), self)
        self.dialler.other, self.acceptor.other = self.acceptor, self.dialler
        self.exported = exported
        """Keying material, the same at both ends of this link and at no other."""
        self.expected = expected
        """Whose key the dialler expects."""
        self.attempt = attempt
        """Which dial of the dialler's core it is; 0 for what a test asked for."""
        self.is_typed = is_typed
        """Whether it counts as typed by the dialler's user."""
        self.is_silent = False
        """Whether everything sent vanishes, without either end being told."""

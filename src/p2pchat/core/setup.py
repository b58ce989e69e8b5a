"""What a core has to know about itself, and the secrets' services that it is handed."""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.direct_values import DirectSignatures
from p2pchat.core.envelopes import Signatures
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.reach import AckSignatures
from p2pchat.core.records import RecordSignatures
from p2pchat.core.topology import StatementSignatures
from p2pchat.core.values import Address, Epoch, NetworkId, PeerId
from p2pchat.core.who import WHO, WhoSignatures

MEMBERSHIP: Final = "membership"
MAP: Final = "map"
PATH: Final = "path"
DIRECT: Final = "direct"
"""Abilities: takes part in membership, answers for maps, answers along ways, passes packets on."""


class GuestPolicy(Enum):
    """Who may take part by plain lines."""

    LOCAL = "local"
    """Only from this machine."""
    ANY = "any"
    OFF = "off"


class Setup(Struct, frozen=True):
    """One node's own facts; they do not change while it runs, but for nick and addresses."""

    me: PeerId
    epoch: Epoch
    network: NetworkId
    nick: str
    addresses: tuple[Address, ...] = ()
    guests: GuestPolicy = GuestPolicy.LOCAL
    is_metered: bool = True
    """Whether strangers may come in, as into an open room: then there are rates."""
    joins: bool = False
    """Whether it finds others and keeps itself connected; otherwise the user chooses."""
    room: str = "lobby"
    """Name of the room, for people."""
    port: int = limits.DEFAULT_PORT
    """The TCP port that it listens on."""
    lan: LanPolicy = LanPolicy.OFF
    """What to do about strangers on the LAN."""
    tells_presence: bool = False
    """Whether it says that it comes, is here and goes, while few people are here."""
    is_mapped: bool = True
    """Whether others may see its neighbours on their maps."""
    backlog_minutes: float = limits.BACKLOG_MINUTES
    """How much of what was said before this start is shown; 0 for none."""
    lazy_above_bytes: int = limits.LAZY_ABOVE_BYTES
    """Signed bytes above which an envelope is pushed lazily; FRAME_LIMIT_BYTES to flood all."""

    @property
    def abilities(self) -> tuple[str, ...]:
        """What it does besides what every node does, as its `Hello` says."""
        everybodys = (MAP, PATH, DIRECT, WHO)
        return (MEMBERSHIP, *everybodys) if self.joins else everybodys


class Credentials(
    Signatures,
    AckSignatures,
    RecordSignatures,
    StatementSignatures,
    DirectSignatures,
    WhoSignatures,
    Protocol,
):
    """Signs and checks envelopes and acknowledgements, and proves knowledge of the room."""

    def prove(
        self, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bytes:
        """Return the 32-byte proof of one side of a connection."""
        ...

    def is_proof(
        self, digest: bytes, *, as_dialler: bool, exported: bytes, dialler: PeerId, acceptor: PeerId
    ) -> bool:
        """Compare a proof in constant time."""
        ...

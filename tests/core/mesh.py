"""One node's membership without a core: the test plays its neighbours, frame by frame."""

from __future__ import annotations

import random
from itertools import count
from typing import TypeVar

from p2pchat.core import limits
from p2pchat.core.active_view import Link
from p2pchat.core.events import Dial, Send
from p2pchat.core.frames import Frame
from p2pchat.core.membership import Membership, Move, Part
from p2pchat.core.mesh_frames import Introduce, MembershipFrame, PassedRecord, SignedRecord
from p2pchat.core.notices import How
from p2pchat.core.passive_view import Known
from p2pchat.core.record_desk import RecordDesk
from p2pchat.core.records import AddressRecord, RecordHeader, Scope
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.sim.credentials import SimCredentials, sim_network_id, sim_peer_id
from p2pchat.wire.codec import Codec

WALL_MS = 1_700_000_000_000
PRIVATE_IP = "10.1.0.7"
PUBLIC_IP = "8.8.8.8"

Kind = TypeVar("Kind")


def header_of(
    name: str,
    *addresses: str,
    time_ms: int = WALL_MS,
    room: str = "lobby",
    flags: int = 0,
) -> RecordHeader:
    """What somebody says of where he can be dialled."""
    texts = addresses or (f"{PRIVATE_IP}:55555",)
    return RecordHeader(sim_network_id(room), sim_peer_id(name), time_ms, texts, flags)


def signed(header: RecordHeader, by: str) -> SignedRecord:
    """It as a frame, signed by whomever."""
    message = Codec().encode_record(header)
    return SignedRecord(SimCredentials(sim_peer_id(by), "lobby").sign_record(message), message)


def record_of(name: str, *addresses: str, time_ms: int = WALL_MS, flags: int = 0) -> SignedRecord:
    """A valid record of that peer."""
    return signed(header_of(name, *addresses, time_ms=time_ms, flags=flags), name)


def passed(name: str, *addresses: str, times: int = 0, flags: int = 0) -> PassedRecord:
    """A valid record that somebody else hands on."""
    record = record_of(name, *addresses, flags=flags)
    return PassedRecord(record.signature, record.signed, times)


def desk_of(name: str = "alice") -> RecordDesk:
    """The desk of that peer, in the lobby."""
    peer = sim_peer_id(name)
    return RecordDesk(peer, sim_network_id("lobby"), Codec(), SimCredentials(peer, "lobby"))


def read_record(name: str, *addresses: str, time_ms: int = WALL_MS) -> AddressRecord:
    """A valid record as alice has read it."""
    frame = record_of(name, *addresses, time_ms=time_ms)
    read = desk_of().read(frame, Scope.MACHINE, WALL_MS)
    assert read is not None
    return read


def known_of(name: str, ip: str = PRIVATE_IP, *, passed_on: int = 0) -> Known:
    """Somebody who could be dialled."""
    record = read_record(name, f"{ip}:55555")
    return Known(sim_peer_id(name), record.addresses, How.MESH, record, passed_on)


class OneView:
    """The membership of alice, its clock, the numbers of her connections."""

    def __init__(self, seed: int = 1, *, refill: tuple[Known, ...] = ()) -> None:
        self.now = 1_000.0
        self.heard: list[tuple[PeerId, PeerId]] = []
        """Owner and bringer of each valid record."""
        self.desk = desk_of()
        self.desk.set_addresses((Address("10.1.0.1", 55555),), is_diallable=True)
        self.membership = Membership(
            self.desk,
            random.Random(seed),
            lambda record, source: self.heard.append((record.peer, source)),
            lambda wanted: list(refill[:wanted]),
        )
        self.membership.begin(self.now, WALL_MS)
        self._numbers = count(1)

    def open(
        self,
        name: str,
        *,
        ip: str = PRIVATE_IP,
        is_dialled: bool = False,
        attempt: int = 0,
        takes_part: bool = True,
        is_pinned: bool = False,
    ) -> tuple[Link, list[Move]]:
        """Let somebody become a neighbour; return him with what that brings about."""
        link = Link(
            sim_peer_id(name),
            ConnectionId(next(self._numbers)),
            is_dialled,
            Address(ip, 55555 if is_dialled else 0),
            self.now,
            How.MESH if is_dialled else How.CALLED,
            takes_part=takes_part,
            is_pinned=is_pinned,
        )
        return link, self.membership.on_open(link, attempt, self.now, WALL_MS)

    def introduced(self, name: str, *, ip: str = PRIVATE_IP, is_dialled: bool = False) -> Link:
        """Let somebody become a neighbour who tells where he can be dialled."""
        link, _ = self.open(name, ip=ip, is_dialled=is_dialled)
        self.frame(link, Introduce(record_of(name, f"{ip}:55555")))
        return link

    def frame(self, link: Link, frame: MembershipFrame) -> list[Move]:
        """Let a frame of that neighbour arrive now."""
        return self.membership.on_frame(link.connection, frame, self.now, WALL_MS)

    def close(self, link: Link, *, left: bool = False) -> list[Move]:
        """Let that connection end."""
        return self.membership.on_closed(link.connection, self.now, left=left)

    def wait(self, seconds: float) -> list[Move]:
        """Let time pass, with a look whenever membership wants one."""
        moves: list[Move] = []
        until = self.now + seconds
        while (at := self.membership.next_deadline()) is not None and at <= until:
            self.now = max(self.now, at)
            moves += self.membership.on_time(self.now, WALL_MS)
        self.now = until
        return moves

    def fill(self, places: int = limits.ACTIVE_LIMIT) -> list[Link]:
        """Have so many places taken, each by somebody whom alice dialled."""
        links = [self.open(f"friend{n}", is_dialled=True)[0] for n in range(places)]
        for link in links:
            link.is_in_view, link.is_asked = True, False
        return links


def of(moves: list[Move], kind: type[Kind]) -> list[Kind]:
    """The moves of one kind, in order."""
    return [move for move in moves if isinstance(move, kind)]


def told(moves: list[Move], link: Link) -> list[Frame]:
    """The frames that are sent to one neighbour, in order."""
    return [send.frame for send in of(moves, Send) if link.connection in send.connections]


def frames(moves: list[Move], kind: type[Kind]) -> list[Kind]:
    """The frames of one kind, whoever gets them."""
    return [send.frame for send in of(moves, Send) if isinstance(send.frame, kind)]


def parted(moves: list[Move]) -> list[ConnectionId]:
    """The connections that are ended, in order."""
    return [part.connection for part in of(moves, Part)]


def dialled(moves: list[Move]) -> list[PeerId | None]:
    """Who is dialled, in order."""
    return [dial.expected for dial in of(moves, Dial)]

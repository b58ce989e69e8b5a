"""Statements for the map that were verified, and our own one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.holdings import Holding
from p2pchat.core.mesh_frames import SignedStatement
from p2pchat.core.topology import (
    StatedNeighbour,
    StatementCodec,
    StatementHeader,
    StatementSignatures,
)
from p2pchat.core.values import NetworkId, PeerId, Person
from p2pchat.errors import FrameMalformed

_AROUND_BYTES: Final = 80
"""What a frame has for a statement besides its signed bytes: a signature, and some lengths."""


class Heard(Struct, frozen=True):
    """A statement that was verified, or our own."""

    header: StatementHeader
    statement: SignedStatement
    at: float

    @property
    def speaker(self) -> PeerId:
        """Who states it."""
        return PeerId(self.header.speaker)

    @property
    def neighbours(self) -> tuple[PeerId, ...]:
        """Whom he states as his neighbours; nobody where he hides them."""
        if self.header.is_hidden:
            return ()
        return tuple(PeerId(one.peer) for one in self.header.neighbours)


class Room(Struct):
    """How much more may pass: MAP_NODES statements, MAP_LIMIT_BYTES."""

    statements: int = limits.MAP_NODES
    size_bytes: int = limits.MAP_LIMIT_BYTES

    def take(self, statement: SignedStatement) -> bool:
        """Take the room of one statement, or return False where there is none."""
        if not self.statements or self.size_bytes < len(statement.signed):
            return False
        self.statements -= 1
        self.size_bytes -= len(statement.signed)
        return True


class Statements:
    """What was stated in the last MAP_CACHE_S: at most MAP_NODES of them, MAP_LIMIT_BYTES."""

    def __init__(
        self, network: NetworkId, codec: StatementCodec, signatures: StatementSignatures
    ) -> None:
        self._network = network
        self._codec = codec
        self._signatures = signatures
        # In the order in which they came.
        self._heard: dict[PeerId, Heard] = {}
        self._heard_bytes = 0
        self._said: Heard | None = None
        self._said_of: object = None

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            Holding("statements", len(self._heard), limits.MAP_NODES),
            Holding("bytes of statements", self._heard_bytes, limits.MAP_LIMIT_BYTES),
        )

    def say(
        self,
        me: Person,
        neighbours: Iterable[Person],
        now: float,
        wall_ms: int,
        *,
        is_hidden: bool,
    ) -> Heard:
        """Return our own statement, signed anew only after a change or MAP_CACHE_S.

        Args:
            me: This node's person, with a key.
            neighbours: Those with keys are stated, unless we hide them.
            now: Monotonic seconds.
            wall_ms: Wall clock, for the statement.
            is_hidden: Whether we keep our neighbours for ourselves.
        """
        stated = () if is_hidden else tuple(_stated(neighbours))
        is_same = self._said_of == (me, stated)
        if self._said and is_same and now < self._said.at + limits.MAP_CACHE_S:
            return self._said
        assert me.id is not None
        header = StatementHeader(self._network, me.id, me.nick, wall_ms, is_hidden, stated)
        self._said, self._said_of = self._sign(header, now), (me, stated)
        return self._said

    def hear(self, statement: SignedStatement, now: float, wall_ms: int) -> Heard | None:
        """Return a statement of this room that is current and signed by its speaker; else None.

        The latest of a speaker is kept; what is kept already is not verified again.
        """
        try:
            header = self._codec.decode_statement(statement.signed)
        except FrameMalformed:
            return None
        speaker = PeerId(header.speaker)
        is_current = abs(header.time_ms - wall_ms) <= limits.RECORD_AHEAD_S * 1000
        if header.network != self._network or not is_current:
            return None
        known = self._heard.get(speaker)
        if known is not None and known.statement == statement:
            return known
        signed, signature = statement.signed, statement.signature
        if not self._signatures.is_valid_statement(speaker, signed, signature):
            return None
        heard = Heard(header, statement, now)
        if known is None or known.header.time_ms < header.time_ms:
            self._keep(heard)
        return heard

    def recent(self, now: float) -> dict[PeerId, Heard]:
        """Return what was heard in the last MAP_CACHE_S."""
        oldest_at = now - limits.MAP_CACHE_S
        return {peer: heard for peer, heard in self._heard.items() if heard.at > oldest_at}

    def forget_old(self, now: float) -> None:
        """Forget what was heard before that."""
        while self._heard and next(iter(self._heard.values())).at <= now - limits.MAP_CACHE_S:
            self._forget(next(iter(self._heard)))

    def _sign(self, header: StatementHeader, now: float) -> Heard:
        signed = self._codec.encode_statement(header)
        if len(signed) > limits.MAP_STATEMENT_BYTES:
            # The longest nicks of the most neighbours do not fit; their keys always do.
            header = _without_nicks(header)
            signed = self._codec.encode_statement(header)
        return Heard(header, SignedStatement(self._signatures.sign_statement(signed), signed), now)

    def _keep(self, heard: Heard) -> None:
        if heard.speaker in self._heard:
            self._forget(heard.speaker)
        self._heard[heard.speaker] = heard
        self._heard_bytes += len(heard.statement.signed)
        while len(self._heard) > limits.MAP_NODES or self._heard_bytes > limits.MAP_LIMIT_BYTES:
            self._forget(next(iter(self._heard)))

    def _forget(self, speaker: PeerId) -> None:
        self._heard_bytes -= len(self._heard.pop(speaker).statement.signed)


def told_from(
    starts: Iterable[PeerId],
    depth: int,
    heard: Mapping[PeerId, Heard],
    without: Collection[PeerId] = (),
) -> tuple[list[PeerId], bool]:
    """Return who of those and the people behind them was heard, and whether everybody was.

    Args:
        starts: Where to begin.
        depth: How many steps in all; 1 for the starts only.
        heard: By speaker.
        without: Who need not be heard, and whose neighbours do not matter.
    """
    found: dict[PeerId, None] = {}
    ring, is_told = list(starts), True
    for _ in range(depth):
        following: list[PeerId] = []
        for peer in ring:
            if peer in found or peer in without:
                continue
            if peer not in heard:
                is_told = False
                continue
            found[peer] = None
            following += heard[peer].neighbours
        ring = following
    return list(found), is_told


def parts(statements: list[SignedStatement]) -> Iterator[tuple[SignedStatement, ...]]:
    """Cut into frames of at most LIST_LIMIT and, where one is not larger, BULK_FRAME_BYTES."""
    part: list[SignedStatement] = []
    size_bytes = 0
    for statement in statements:
        more = len(statement.signed) + _AROUND_BYTES
        if part and (len(part) == limits.LIST_LIMIT or size_bytes + more > limits.BULK_FRAME_BYTES):
            yield tuple(part)
            part, size_bytes = [], 0
        part.append(statement)
        size_bytes += more
    if part:
        yield tuple(part)


def _stated(neighbours: Iterable[Person]) -> Iterator[StatedNeighbour]:
    nicks = {person.id: person.nick for person in neighbours if person.id is not None}
    for peer in sorted(nicks)[: limits.CONNECTIONS_LIMIT]:
        yield StatedNeighbour(peer, nicks[peer])


def _without_nicks(header: StatementHeader) -> StatementHeader:
    bare = tuple(StatedNeighbour(one.peer, "") for one in header.neighbours)
    return replace(header, neighbours=bare)

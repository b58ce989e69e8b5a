"""Who is here, as long as the room is small: everybody says so, coming, now and then, going."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Final, Protocol

from msgspec import Meta, Struct

from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect, Tell
from p2pchat.core.fields import Nick
from p2pchat.core.flood import Flood
from p2pchat.core.notices import Joined, Left, NickChanged
from p2pchat.core.people import People
from p2pchat.core.values import ConnectionId, PeerId, Person

PRESENCE: Final = 67
"""Kind of the passing envelope by which somebody says that he is here; its body is a Here."""

PRESENCE_EVERY_S: Final = 540.0
"""Between two of them: a minute less than KNOWN_S, so that who is here stays known."""

PRESENCE_AFTER_LOSS_S: Final = 2.0
PRESENCE_AGAIN_S: Final = 30.0
"""Whoever lost a neighbour without a goodbye is lost to that one as well: so he says so long after
it that he is here. It waits for the neighbours that take the lost one's place. The second is the
least time between two of these."""

PRESENCE_RENAMED_S: Final = 1.0
"""From a new nick until it is told, so that who tries several tells the last."""

PRESENCE_BELOW: Final = 100
"""Only while fewer authors were heard in ten minutes: above, people appear when they speak. With
100 people it costs each one ten small envelopes a minute."""

_NONCE_BYTES: Final = 16


class Doing(IntEnum):
    """What a presence tells."""

    IS_HERE = 1
    COMES = 2
    LEAVES = 3


class Here(Struct, frozen=True, array_like=True):
    """Body of a presence; unknown numbers of later versions mean no more than "is here"."""

    nick: Nick
    doing: Annotated[int, Meta(ge=0, le=255)]


class PresenceCodec(Protocol):
    """Bytes to values and back for the body of a presence."""

    def encode_presence(self, here: Here) -> bytes:
        """Make the body."""
        ...

    def decode_presence(self, body: bytes) -> Here:
        """Read the body; FrameMalformed when it is none."""
        ...


class Chance(Protocol):
    """Where nonces come from."""

    def randbytes(self, count: int, /) -> bytes:
        """Return so many random bytes."""
        ...


class Presence:
    """Says that we are here, and notes who else does.

    Neighbours are told of by their connections; this is about everybody behind them.
    """

    def __init__(
        self,
        people: People,
        flood: Flood,
        codec: PresenceCodec,
        chance: Chance,
        *,
        is_told: bool,
    ) -> None:
        self._people = people
        self._flood = flood
        self._codec = codec
        self._chance = chance
        self._is_told = is_told
        self._has_come = False
        self._next_at: float | None = None
        self._said_at = float("-inf")
        self._is_owed = False

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._next_at

    # --- Ourselves ----------------------------------------------------------------------------

    def on_company(self, nick: str, now: float, wall_ms: int) -> list[Effect]:
        """Somebody is connected; the first time, everybody behind him shall know that we came."""
        if not self._is_told or (self._has_come and not self._is_owed):
            return []
        doing = Doing.IS_HERE if self._has_come else Doing.COMES
        self._has_come = True
        return self._say(nick, doing, now, wall_ms)

    def on_lost(self, now: float) -> None:
        """A neighbour is gone without goodbye: he, too, does not know what has become of us."""
        if self._next_at is not None:
            soon = max(now + PRESENCE_AFTER_LOSS_S, self._said_at + PRESENCE_AGAIN_S)
            self._next_at = min(self._next_at, soon)

    def on_renamed(self, now: float) -> None:
        """We are called otherwise: others need not wait for our next message."""
        if self._next_at is not None:
            self._next_at = min(self._next_at, now + PRESENCE_RENAMED_S)

    def on_leave(self, nick: str, now: float, wall_ms: int) -> list[Effect]:
        """We go."""
        self._next_at = None
        return self._say(nick, Doing.LEAVES, now, wall_ms) if self._has_come else []

    def on_time(self, nick: str, now: float, wall_ms: int) -> list[Effect]:
        """Say again that we are here, when it is time for that."""
        if self._next_at is None or now < self._next_at:
            return []
        return self._say(nick, Doing.IS_HERE, now, wall_ms)

    def _say(self, nick: str, doing: Doing, now: float, wall_ms: int) -> list[Effect]:
        if doing is not Doing.LEAVES:
            self._next_at, self._said_at = now + PRESENCE_EVERY_S, now
        if self._people.known_count(now) >= PRESENCE_BELOW:
            return []
        body = self._codec.encode_presence(Here(nick, doing))
        nonce = self._chance.randbytes(_NONCE_BYTES)
        effects = self._flood(PRESENCE, body, nonce, None, now, wall_ms)[1]
        self._is_owed = not effects  # nobody was there who could hear it
        return effects

    # --- Others -------------------------------------------------------------------------------

    def on_presence(
        self, envelope: Envelope, via: Person | None, hops: int, now: float
    ) -> list[Effect]:
        """Note what somebody says of himself.

        Args:
            envelope: Of kind PRESENCE, new and verified.
            via: The neighbour that brought it; None where its author is one himself.
            hops: Connections that it crossed.
            now: Monotonic seconds.
        """
        here = self._codec.decode_presence(envelope.header.body)
        author = envelope.author
        was_around = self._people.is_around(author, now)
        person, old = self._people.meet(author, here.nick, hops, now)
        effects: list[Effect] = [] if old is None else [Tell(NickChanged(person, old))]
        if here.doing == Doing.LEAVES:
            self._people.part(author)
            return [*effects, Tell(Left(person))] if was_around and via is not None else effects
        if via is not None and not was_around:
            effects.append(Tell(Joined(person, via, hops)))
        return effects


def way_of(
    author: PeerId, connection: ConnectionId, neighbours: dict[PeerId, ConnectionId]
) -> PeerId | None:
    """Return which neighbour brought what an author said; None where he is one himself."""
    if author in neighbours:
        return None
    return next((peer for peer, known in neighbours.items() if known == connection), None)

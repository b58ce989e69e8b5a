"""What the network around this node looks like: who is here, its map, the ways through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from p2pchat.core.alarms import earliest
from p2pchat.core.envelopes import Envelope
from p2pchat.core.events import Effect
from p2pchat.core.flood import Flood
from p2pchat.core.holdings import Holding
from p2pchat.core.mapping import Mapping
from p2pchat.core.mesh_frames import MapAnswer, MapAsk, PathAnswer, PathAsk, WhoAnswers
from p2pchat.core.notices import NetworkMap, Path
from p2pchat.core.paths import Paths
from p2pchat.core.series import series_of
from p2pchat.core.session import Session
from p2pchat.core.setup import Credentials, Setup
from p2pchat.core.topology import StatementCodec
from p2pchat.core.trails import Arrivals, Trails
from p2pchat.core.values import ConnectionId, PeerId, Person, is_kept
from p2pchat.core.who import WhoCodec, WhoIsHere

if TYPE_CHECKING:
    from random import Random

SurveyFrame = MapAsk | MapAnswer | PathAsk | PathAnswer | WhoAnswers

_QUESTIONS_LIMIT = 64
"""Own questions along ways whose answers can be fetched; more forget the oldest."""


class SurveyCodec(StatementCodec, WhoCodec, Protocol):
    """Bytes to values and back for what people say of the network around them."""


class Survey:
    """Asks about the network around, and answers others who ask."""

    def __init__(
        self,
        setup: Setup,
        codec: SurveyCodec,
        credentials: Credentials,
        rng: Random,
        flood: Flood,
        is_blocked: Callable[[PeerId], bool],
    ) -> None:
        me = Person(setup.me, setup.nick)
        self.arrivals = Arrivals()
        self.trails = Trails()
        is_hidden = not setup.is_mapped
        self.mapping = Mapping(setup, codec, credentials, rng, is_hidden=is_hidden)
        self._paths = Paths(me, self.arrivals, self.trails, rng, is_hidden=is_hidden)
        self.who = WhoIsHere(me, codec, credentials, rng, flood, is_blocked)
        self._tokens: dict[int, bytes] = {}
        self.is_mapping = False
        """Whether an own map is being drawn."""

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return earliest(
            self.mapping.next_deadline(), self._paths.next_deadline(), self.who.next_deadline()
        )

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (
            *self.mapping.holdings(),
            *self._paths.holdings(),
            *self.arrivals.holdings(),
            *self.trails.holdings(),
            *self.who.holdings(),
        )

    def rename(self, nick: str) -> None:
        """This node calls itself otherwise."""
        self.mapping.rename(nick)
        self._paths.rename(nick)
        self.who.rename(nick)

    def note_arrival(
        self,
        envelope: Envelope,
        connection: ConnectionId | None,
        now: float,
        wall_ms: int,
        *,
        is_live: bool,
    ) -> None:
        """An envelope came first by that connection, or is our own."""
        series = series_of(envelope.author, envelope.epoch)
        holds = (series, envelope.header.first) if is_kept(envelope.header.kind) else None
        self.arrivals.note(envelope.id, connection, wall_ms, holds)
        if connection is not None and is_live:
            self.trails.note(envelope.author, connection, now)

    # --- Neighbours ---------------------------------------------------------------------------

    def on_open(self, session: Session, person: Person) -> None:
        """A connection counts for its peer from now on."""
        assert session.peer is not None
        abilities = session.hello.abilities if session.hello is not None else ()
        self.mapping.on_open(session.connection, person, abilities)
        self._paths.on_open(session.connection, session.peer, abilities)
        self.who.on_open(session.connection, abilities)

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing may be sent on that connection any more."""
        self.mapping.on_closed(connection)
        self._paths.on_closed(connection)
        self.who.on_closed(connection)

    def on_frame(
        self, connection: ConnectionId, frame: SurveyFrame, now: float, wall_ms: int
    ) -> list[Effect]:
        """Handle a question or an answer."""
        if isinstance(frame, MapAsk | MapAnswer):
            return self.mapping.on_frame(connection, frame, now, wall_ms)
        if isinstance(frame, WhoAnswers):
            return self.who.on_answers(connection, frame, now)
        return self._paths.on_frame(connection, frame, now)

    def on_time(self, now: float) -> list[Effect]:
        """Do what is due."""
        return self.mapping.on_time(now) + self._paths.on_time(now) + self.who.on_time(now)

    # --- Own questions ------------------------------------------------------------------------

    def map(self, now: float) -> tuple[NetworkMap, bool]:
        """Return the map as far as it is known, and whether nothing more is waited for."""
        return self.mapping.result(now), self.mapping.is_done

    def to_mend(self, now: float) -> PeerId | None:
        """Return whom to dial so that a weak place of the map just drawn is one no more."""
        if not (self.is_mapping and self.mapping.is_done):
            return None
        self.is_mapping = False
        return self.mapping.weak_target(self.mapping.result(now), now)

    def ask_map(self, now: float) -> list[Effect]:
        """Ask for the map; `map` tells when it is done."""
        self.is_mapping = True
        return self.mapping.ask(now)

    def ask_path(self, number: int, target: bytes, now: float) -> list[Effect]:
        """Ask for a way; the number fetches the answer."""
        token, effects = self._paths.ask(target, now)
        self._tokens[number] = token
        if len(self._tokens) > _QUESTIONS_LIMIT:
            del self._tokens[next(iter(self._tokens))]
        return effects

    def path(self, number: int, now: float) -> Path | None:
        """Return the answer to an own question; None while it may still come."""
        return self._paths.result(self._tokens.get(number, b""), now)

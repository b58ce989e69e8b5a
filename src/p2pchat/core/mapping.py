"""Asks who is connected to whom, and answers such questions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.events import Effect, Send
from p2pchat.core.holdings import Holding
from p2pchat.core.mesh_frames import MapAnswer, MapAsk
from p2pchat.core.notices import NetworkMap
from p2pchat.core.setup import Setup
from p2pchat.core.statements import Heard, Room, Statements, parts, told_from
from p2pchat.core.topology import StatementCodec, StatementSignatures, network_map
from p2pchat.core.values import ConnectionId, PeerId, Person

if TYPE_CHECKING:
    from random import Random

MAP_ABILITY: Final = "map"
"""Word in the `Hello` of who answers a MapAsk."""

MAP_BURST: Final = 3
"""Requests of one neighbour before MAP_EVERY_S counts. With one only, who has just looked at the
map would get nothing for the next one who wants to see it through him."""

_TOKEN_BYTES: Final = 16


class _Neighbour(Struct):
    peer: PeerId
    person: Person
    is_able: bool
    asks: Allowance


class _Way(Struct):
    """A request that was handed on, and whose answers come back along it."""

    back: ConnectionId | None
    """Who wants to know; None where our own user does."""
    depth: int
    """How many hops further it went, at most."""
    deadline: float
    room: Room = field(default_factory=Room)
    asked: dict[ConnectionId, Room] = field(default_factory=dict)
    """Whom we asked in turn; answers of nobody else count."""
    handed: dict[PeerId, None] = field(default_factory=dict)
    """Whose statements went back already, and whose need not: that of whoever asked."""


class _Own(Struct):
    """What our own user wants to see."""

    way: _Way
    deadline: float
    found: dict[PeerId, Heard] = field(default_factory=dict)
    drawn: NetworkMap | None = None


class Mapping:
    """Asks everybody within MAP_DEPTH hops for his signed neighbours, and draws the map.

    A node answers with its own statement and, while depth is left, asks its other neighbours
    under the same token; their statements come back along the way that the request took. It
    answers a token once; only if the request comes again with more depth left, because it came
    the long way round before, does it ask further. What it has heard in the last MAP_CACHE_S it
    hands on instead of asking again.

    Whoever keeps his neighbours for himself says so and asks nobody for others: their answers
    would name him. He can't help being named by those who answer all the same.

    Everybody verifies what he gets, before he keeps it or hands it on, and looks at no more
    than MAP_NODES statements and MAP_LIMIT_BYTES of each neighbour for one request. So a liar
    can fill his own share only. People he invents, with keys of their own, are real to us: they
    stand behind him on the map. Nothing here is a fault; what is too much is passed over.
    """

    def __init__(
        self,
        setup: Setup,
        codec: StatementCodec,
        signatures: StatementSignatures,
        chance: Random,
        *,
        is_hidden: bool = False,
    ) -> None:
        self._me = Person(setup.me, setup.nick)
        self._statements = Statements(setup.network, codec, signatures)
        self._chance = chance
        self._is_hidden = is_hidden
        self._open: dict[ConnectionId, _Neighbour] = {}
        # Each lives equally long, so that insertion order is the order of deadlines.
        self._ways: dict[bytes, _Way] = {}
        self._own: _Own | None = None
        self._mended_at: float | None = None

    def rename(self, nick: str) -> None:
        """Call ourselves otherwise from now on."""
        self._me = Person(self._me.id, nick)

    def on_open(
        self, connection: ConnectionId, person: Person, abilities: Collection[str] = ()
    ) -> None:
        """A connection has been opened.

        Args:
            connection: Its number.
            person: The neighbour, with a key.
            abilities: Those of the other side's Hello.
        """
        asks = Allowance(MAP_BURST, 1 / limits.MAP_EVERY_S)
        assert person.id is not None
        self._open[connection] = _Neighbour(person.id, person, MAP_ABILITY in abilities, asks)

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing may be sent on that connection any more; ways along it end."""
        self._open.pop(connection, None)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        found = len(self._own.found) if self._own else 0
        asked = len(self._own.way.asked) if self._own else 0
        return (
            Holding("map requests", len(self._ways), limits.WALKS_LIMIT),
            *self._statements.holdings(),
            Holding("statements for the map", found, asked * limits.MAP_NODES),
        )

    # --- Our own map --------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether nothing more is waited for: `result` stays as it is until the next `ask`."""
        return self._own is None or self._own.drawn is not None

    def ask(self, now: float) -> list[Effect]:
        """Ask for the map, unless that is under way; `is_done` tells when to take the result."""
        if not self.is_done:
            return []
        token = self._chance.randbytes(_TOKEN_BYTES)
        way = self._remember(token, None, limits.MAP_DEPTH, now)
        self._own = _Own(way, now + limits.MAP_ANSWER_S)
        effects = self._ask_on(token, way, self._able(), limits.MAP_DEPTH)
        self._draw_if_told(now)
        return effects

    def result(self, now: float) -> NetworkMap:
        """Return the map as far as it is known: before `is_done` less, without any `ask` least.

        Where somebody did not answer this time, what he said in the last MAP_CACHE_S stands,
        provided that somebody nearer still states him.
        """
        if self._own is not None and self._own.drawn is not None:
            return self._own.drawn
        found = self._own.found if self._own else {}
        heard = {**self._statements.recent(now), **found}
        stated, _ = told_from(self._peers(), limits.MAP_DEPTH, heard, self._myself())
        neighbours = [neighbour.person for neighbour in self._open.values()]
        return network_map(self._me, neighbours, [heard[peer].header for peer in stated])

    def weak_target(self, drawn: NetworkMap, now: float) -> PeerId | None:
        """Return somebody to dial so that the worst weak place is one no more; None for nobody.

        It names at most one in MAP_REPAIR_EVERY_S, since everybody who looks at the map does.
        Who is dialled is left to chance, for not all who see it should dial the same one.
        """
        is_too_soon = (
            self._mended_at is not None and now < self._mended_at + limits.MAP_REPAIR_EVERY_S
        )
        if is_too_soon or not drawn.weak:
            return None
        self._mended_at = now
        return self._chance.choice(drawn.weak[0].cut_off).id

    # --- Everybody's questions ----------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: MapAsk | MapAnswer, now: float, wall_ms: int
    ) -> list[Effect]:
        """Handle a neighbour's question or answer.

        Args:
            connection: Whose.
            frame: Either.
            now: Monotonic seconds.
            wall_ms: Wall clock; a statement may be RECORD_AHEAD_S away from it, either way.
        """
        self._forget_old(now)
        if isinstance(frame, MapAsk):
            return self._on_ask(connection, frame, now, wall_ms)
        return self._on_answer(connection, frame, now, wall_ms)

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return None if self._own is None or self.is_done else self._own.deadline

    def on_time(self, now: float) -> list[Effect]:
        """Draw the map without those who have not answered in time."""
        deadline = self.next_deadline()
        if deadline is not None and deadline <= now:
            self._draw(now)
        return []

    def _on_ask(
        self, connection: ConnectionId, ask: MapAsk, now: float, wall_ms: int
    ) -> list[Effect]:
        neighbour, way = self._open.get(connection), self._ways.get(ask.token)
        if neighbour is None:
            return []
        if way is not None:
            return self._on_ask_again(connection, way, ask, now)
        if not neighbour.asks.spend(1, now):
            return []
        way = self._remember(ask.token, connection, ask.depth, now)
        way.handed[neighbour.peer] = None
        people = [one.person for one in self._open.values()]
        own = self._statements.say(self._me, people, now, wall_ms, is_hidden=self._is_hidden)
        return self._hand_back(ask.token, way, [own]) + self._go_further(way, ask, (), now)

    def _on_ask_again(
        self, connection: ConnectionId, way: _Way, ask: MapAsk, now: float
    ) -> list[Effect]:
        """Go further where it came the long way round first, with less depth left."""
        if ask.depth <= way.depth:
            return []
        way.depth = ask.depth
        return self._go_further(way, ask, (connection,), now)

    def _on_answer(
        self, connection: ConnectionId, answer: MapAnswer, now: float, wall_ms: int
    ) -> list[Effect]:
        way = self._ways.get(answer.token)
        room = way.asked.get(connection) if way is not None else None
        if way is None or room is None:
            return []
        taken = []
        for statement in answer.statements:
            # Counted before it is verified, for that is what a liar would make expensive.
            if not room.take(statement):
                break
            heard = self._statements.hear(statement, now, wall_ms)
            if heard is not None:
                taken.append(heard)
        if way.back is None:
            self._find(way, taken, now)
            return []
        return self._hand_back(answer.token, way, taken)

    # --- Ways ---------------------------------------------------------------------------------

    def _remember(self, token: bytes, back: ConnectionId | None, depth: int, now: float) -> _Way:
        way = self._ways[token] = _Way(back, depth, now + limits.WALK_S)
        if len(self._ways) > limits.WALKS_LIMIT:
            del self._ways[next(iter(self._ways))]
        return way

    def _forget_old(self, now: float) -> None:
        while self._ways and next(iter(self._ways.values())).deadline <= now:
            del self._ways[next(iter(self._ways))]
        self._statements.forget_old(now)

    def _peers(self) -> list[PeerId]:
        return [neighbour.peer for neighbour in self._open.values()]

    def _myself(self) -> set[PeerId]:
        return {self._me.id} if self._me.id is not None else set()

    def _able(self, *without: ConnectionId | None) -> list[ConnectionId]:
        return [
            connection
            for connection, neighbour in self._open.items()
            if neighbour.is_able and connection not in without
        ]

    def _go_further(
        self, way: _Way, ask: MapAsk, without: tuple[ConnectionId, ...], now: float
    ) -> list[Effect]:
        """Hand back what was heard lately of those behind us, and ask those who know the rest."""
        if ask.depth == 1 or self._is_hidden:
            return []
        heard, unknown = self._statements.recent(now), []
        known: dict[PeerId, Heard] = {}
        asker = self._open.get(way.back) if way.back is not None else None
        need_not = self._myself() | ({asker.peer} if asker is not None else set())
        for connection in self._able(way.back, *without):
            start = [self._open[connection].peer]
            behind, is_told = told_from(start, ask.depth - 1, heard, need_not)
            if is_told:
                known.update({peer: heard[peer] for peer in behind})
            else:
                unknown.append(connection)
        effects = self._hand_back(ask.token, way, known.values())
        return effects + self._ask_on(ask.token, way, unknown, ask.depth - 1)

    def _ask_on(
        self, token: bytes, way: _Way, connections: list[ConnectionId], depth: int
    ) -> list[Effect]:
        for connection in connections:
            way.asked.setdefault(connection, Room())
        return [Send(tuple(connections), MapAsk(token, depth))] if connections else []

    def _hand_back(self, token: bytes, way: _Way, heard: Iterable[Heard]) -> list[Effect]:
        if way.back is None or way.back not in self._open:
            return []
        going = []
        for each in heard:
            if each.speaker not in way.handed and way.room.take(each.statement):
                way.handed[each.speaker] = None
                going.append(each.statement)
        return [Send((way.back,), MapAnswer(token, part)) for part in parts(going)]

    # --- Drawing ------------------------------------------------------------------------------

    def _find(self, way: _Way, taken: list[Heard], now: float) -> None:
        own = self._own
        if own is None or own.way is not way or own.drawn is not None:
            return
        for heard in taken:
            known = own.found.get(heard.speaker)
            if known is None or known.header.time_ms < heard.header.time_ms:
                own.found[heard.speaker] = heard
        self._draw_if_told(now)

    def _draw_if_told(self, now: float) -> None:
        """Draw the map once everybody within MAP_DEPTH has answered."""
        own = self._own
        if own is None:
            return
        asked = [self._open[c].peer for c in own.way.asked if c in self._open]
        unable = {one.peer for one in self._open.values() if not one.is_able}
        if told_from(asked, limits.MAP_DEPTH, own.found, unable | self._myself())[1]:
            self._draw(now)

    def _draw(self, now: float) -> None:
        assert self._own is not None
        self._own.drawn = self.result(now)
        self._own.found = {}

"""Asks along the way back to somebody, step by step, and answers such questions."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.allowance import Allowance
from p2pchat.core.events import Effect, Send
from p2pchat.core.holdings import Holding
from p2pchat.core.mesh_frames import PathAnswer, PathAsk, PathHop
from p2pchat.core.notices import Path, PathStep
from p2pchat.core.trails import Arrivals, Trails
from p2pchat.core.values import PEER_ID_BYTES, ConnectionId, EnvelopeId, PeerId, Person
from p2pchat.nicks import tame_nick

if TYPE_CHECKING:
    from random import Random

PATH_ABILITY: Final = "path"
"""Word in the `Hello` of who answers a PathAsk."""

_TOKEN_BYTES: Final = 16
_ENVELOPE_ID_BYTES: Final = 16
_HIDDEN: Final = PathHop(b"", "", 0)


class _End(Enum):
    """Why a question goes no further."""

    HERE = "we are whom it looks for"
    NO_WAY = "nobody is known to be nearer"


class _Neighbour(Struct):
    peer: PeerId
    is_able: bool
    asks: Allowance


class _Way(Struct, frozen=True):
    """A question of somebody else that was handed on."""

    target: bytes
    back: ConnectionId
    towards: ConnectionId
    deadline: float


class _Own(Struct):
    """A question of our own user."""

    target: bytes
    neighbour: PeerId | None
    """Whom it was handed to; None where there was no way to begin with."""
    towards: ConnectionId | None
    asked_at: float
    path: Path | None = None


class Paths:
    """Finds the way that an envelope took, or the one to a peer, by asking back along it.

    Each node on the way says who it is and when it had the envelope: **as told by each node**.
    Nothing of that is signed, so a hostile one can invent what lies behind it, though not more
    than LIST_LIMIT hops, and not what lies before it. An answer is taken once, for a token that
    is remembered, from the connection that was asked. A question costs one frame there and one
    back, whoever asks, so nothing is amplified.
    """

    def __init__(
        self, me: Person, arrivals: Arrivals, trails: Trails, chance: Random, *, is_hidden: bool
    ) -> None:
        self._me = me
        self._arrivals = arrivals
        self._trails = trails
        self._chance = chance
        self._is_hidden = is_hidden
        self._open: dict[ConnectionId, _Neighbour] = {}
        # Questions have one deadline, so that insertion order is the order of deadlines.
        self._ways: dict[bytes, _Way] = {}
        self._own: dict[bytes, _Own] = {}

    def rename(self, nick: str) -> None:
        """Call ourselves otherwise from now on."""
        self._me = Person(self._me.id, nick)

    def on_open(
        self, connection: ConnectionId, peer: PeerId, abilities: Collection[str] = ()
    ) -> None:
        """A connection has been opened; `abilities` are those of the other side's Hello."""
        asks = Allowance(limits.PATHS_BURST, limits.PATHS_PER_S)
        self._open[connection] = _Neighbour(peer, PATH_ABILITY in abilities, asks)

    def on_closed(self, connection: ConnectionId) -> None:
        """Nothing may be sent on that connection any more; ways along it end."""
        self._open.pop(connection, None)

    def holdings(self) -> tuple[Holding, ...]:
        """Count what strangers can make grow."""
        return (Holding("paths", len(self._ways), limits.PATHS_LIMIT),)

    # --- Our own questions --------------------------------------------------------------------

    def ask(self, target: bytes, now: float) -> tuple[bytes, list[Effect]]:
        """Ask for the way of an envelope (16 bytes) or to a peer (32 bytes).

        Returns the token to give to `result`, and what to do.
        """
        token = self._chance.randbytes(_TOKEN_BYTES)
        step = self._next(target, now)
        if isinstance(step, _End):
            path = _nothing(is_complete=step is _End.HERE)
            self._remember_own(token, _Own(target, None, None, now, path))
            return token, []
        self._remember_own(token, _Own(target, self._open[step].peer, step, now))
        return token, [Send((step,), PathAsk(token, target))]

    def result(self, token: bytes, now: float) -> Path | None:
        """Return the answer to an own question; None while it may still come.

        The steps begin with the neighbour that was asked; we are none of them. The round trip
        is None where nobody answered, or where there was nobody to ask.
        """
        own = self._own.get(token)
        if own is None:
            return _nothing(is_complete=False)
        if own.path is None and now >= own.asked_at + limits.PATH_ANSWER_S:
            own.path = _nothing(is_complete=False)
        return own.path

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        waiting = [own.asked_at for own in self._own.values() if own.path is None]
        return min(waiting) + limits.PATH_ANSWER_S if waiting else None

    def on_time(self, now: float) -> list[Effect]:
        """Give up what was not answered in time; whoever waits finds that by `result`."""
        for token in self._own:
            self.result(token, now)
        return []

    # --- Everybody's questions ----------------------------------------------------------------

    def on_frame(
        self, connection: ConnectionId, frame: PathAsk | PathAnswer, now: float
    ) -> list[Effect]:
        """Handle a neighbour's question or answer; nothing in it is a fault."""
        if isinstance(frame, PathAsk):
            return self._on_ask(connection, frame, now)
        return self._on_answer(connection, frame, now)

    def _on_ask(self, connection: ConnectionId, ask: PathAsk, now: float) -> list[Effect]:
        neighbour = self._open.get(connection)
        if neighbour is None or not neighbour.asks.spend(1, now):
            return []
        self._forget_old(now)
        step = self._next(ask.target, now)
        # Where the question has been here before, or would go back, the ways form a ring.
        is_ring = ask.token in self._ways or ask.token in self._own or step == connection
        if isinstance(step, _End) or is_ring:
            hops = (self._hop(ask.target),)
            answer = PathAnswer(ask.token, step is _End.HERE and not is_ring, hops)
            return [Send((connection,), answer)]
        way = _Way(ask.target, connection, step, now + limits.PATH_ANSWER_S)
        self._ways[ask.token] = way
        return [Send((step,), ask)]

    def _on_answer(self, connection: ConnectionId, answer: PathAnswer, now: float) -> list[Effect]:
        own = self._own.get(answer.token)
        if own is not None:
            self._take(own, connection, answer, now)
            return []
        way = self._ways.get(answer.token)
        if way is None or way.towards != connection or way.deadline <= now:
            return []
        del self._ways[answer.token]
        if way.back not in self._open:
            return []
        hops = (self._hop(way.target), *answer.hops)
        is_complete = answer.is_complete and len(hops) <= limits.LIST_LIMIT
        onward = PathAnswer(answer.token, is_complete, hops[: limits.LIST_LIMIT])
        return [Send((way.back,), onward)]

    # --- Parts of the above -------------------------------------------------------------------

    def _take(self, own: _Own, connection: ConnectionId, answer: PathAnswer, now: float) -> None:
        is_late = now >= own.asked_at + limits.PATH_ANSWER_S
        if own.path is not None or own.towards != connection or is_late:
            return
        steps = tuple(_step(hop) for hop in answer.hops)
        is_complete = answer.is_complete and _is_plausible(own, answer.hops)
        own.path = Path(steps, is_complete, (now - own.asked_at) * 1000)

    def _next(self, target: bytes, now: float) -> ConnectionId | _End:
        if len(target) == PEER_ID_BYTES:
            return self._next_to_peer(PeerId(target), now)
        arrival = None
        if len(target) == _ENVELOPE_ID_BYTES:
            arrival = self._arrivals.get(EnvelopeId(target))
        if arrival is None:
            return _End.NO_WAY
        return _End.HERE if arrival.connection is None else self._usable(arrival.connection)

    def _next_to_peer(self, peer: PeerId, now: float) -> ConnectionId | _End:
        if peer == self._me.id:
            return _End.HERE
        for connection, neighbour in self._open.items():
            if neighbour.peer == peer:
                return self._usable(connection)
        return self._usable(self._trails.towards(peer, now))

    def _usable(self, connection: ConnectionId | None) -> ConnectionId | _End:
        neighbour = self._open.get(connection) if connection is not None else None
        if connection is None or neighbour is None or not neighbour.is_able:
            return _End.NO_WAY
        return connection

    def _hop(self, target: bytes) -> PathHop:
        arrival = self._arrivals.get(EnvelopeId(target))
        wall_ms = arrival.wall_ms if arrival is not None else 0
        if self._is_hidden or self._me.id is None:
            return PathHop(_HIDDEN.peer, _HIDDEN.nick, wall_ms)
        return PathHop(self._me.id, self._me.nick, wall_ms)

    def _remember_own(self, token: bytes, own: _Own) -> None:
        self._own[token] = own
        if len(self._own) > limits.PATHS_LIMIT:
            del self._own[next(iter(self._own))]

    def _forget_old(self, now: float) -> None:
        while self._ways:
            oldest = next(iter(self._ways))
            if len(self._ways) < limits.PATHS_LIMIT and self._ways[oldest].deadline > now:
                break
            del self._ways[oldest]


def _nothing(*, is_complete: bool) -> Path:
    return Path((), is_complete, None)


def _step(hop: PathHop) -> PathStep:
    if len(hop.peer) != PEER_ID_BYTES:
        return PathStep(None, hop.wall_ms)
    peer = PeerId(hop.peer)
    return PathStep(Person(peer, tame_nick(hop.nick, peer)), hop.wall_ms)


def _is_plausible(own: _Own, hops: tuple[PathHop, ...]) -> bool:
    """Tell whether a way that is said to be whole begins and ends where it has to."""
    if not hops or hops[0].peer not in (own.neighbour, b""):
        return False
    return len(own.target) != PEER_ID_BYTES or hops[-1].peer in (own.target, b"")

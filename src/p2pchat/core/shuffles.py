"""Swaps samples of the views with others, so that they stay fresh and mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.core import limits
from p2pchat.core.active_view import ActiveView, Link
from p2pchat.core.events import Effect, Send
from p2pchat.core.hearsay import Hearsay
from p2pchat.core.mesh_frames import Shuffle, ShuffleAnswer
from p2pchat.core.values import ConnectionId
from p2pchat.core.walks import TOKEN_BYTES
from p2pchat.core.ways_back import WaysBack

if TYPE_CHECKING:
    from random import Random

_OWN_LIMIT = 16
"""Own shuffles that wait for their answers; one a minute is begun."""


class Shuffles:
    """HyParView's Shuffle; the answer goes back along the walk, so it passes any NAT."""

    def __init__(self, view: ActiveView, hearsay: Hearsay, rng: Random) -> None:
        self._view = view
        self._hearsay = hearsay
        self._rng = rng
        self._ways = WaysBack(limits.WALKS_LIMIT, limits.WALK_S)
        self._own: dict[bytes, ConnectionId] = {}

    def __len__(self) -> int:
        return len(self._ways)

    def begin(self, link: Link, steps: int, now: float) -> list[Effect]:
        """Send a sample that many steps away, by that neighbour; 0 to end with himself."""
        token = self._rng.randbytes(TOKEN_BYTES)
        self._own[token] = link.connection
        if len(self._own) > _OWN_LIMIT:
            del self._own[next(iter(self._own))]
        count = limits.SHUFFLE_ACTIVE + limits.SHUFFLE_PASSIVE
        records = self._hearsay.sample(link, count, now)
        return [Send((link.connection,), Shuffle(token, steps, self._hearsay.own(link), records))]

    def on_shuffle(self, link: Link, shuffle: Shuffle, now: float) -> list[Effect]:
        """Take a sample one step further, or swap it for one of ours."""
        if not self._ways.remember(shuffle.token, link.connection, now):
            return []
        onward = self._further(link, shuffle, now)
        if onward is not None:
            steps = min(shuffle.steps, limits.WALK_STEPS) - 1
            further = Shuffle(shuffle.token, steps, shuffle.record, shuffle.records)
            return [Send((onward.connection,), further)]
        answer = self._hearsay.sample(link, len(shuffle.records) + 1, now)
        origin = self._hearsay.read(shuffle.record, link)
        if origin is not None:
            self._hearsay.put(origin, 1, now)
        self._hearsay.learn(shuffle.records, link, now)
        return [Send((link.connection,), ShuffleAnswer(shuffle.token, answer))]

    def on_answer(self, link: Link, answer: ShuffleAnswer, now: float) -> list[Effect]:
        """Learn from an answer, or hand it back along its walk."""
        if self._own.get(answer.token) == link.connection:
            del self._own[answer.token]
            self._hearsay.learn(answer.records, link, now)
            return []
        back = self._ways.take(answer.token, now)
        onward = self._view.of(back) if back is not None else None
        if onward is None:
            return []
        # It may have been gathered for somebody nearer than where it goes from here.
        fit = tuple(r for r in answer.records if self._hearsay.may_learn(r, onward))
        return [Send((onward.connection,), ShuffleAnswer(answer.token, fit))]

    def _further(self, link: Link, shuffle: Shuffle, now: float) -> Link | None:
        """Return where it goes on to: never to somebody farther away than where it comes from."""
        if not shuffle.steps:
            return None
        others = [p for p in self._view.partners(link.peer) if p.scope <= link.scope]
        return self._rng.choice(others) if others else None

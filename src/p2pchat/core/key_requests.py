"""Requests for sealing keys that went through here: who may answer them, and along which way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from p2pchat.core.allowance import Allowance
from p2pchat.core.expiry import forget_ended

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from p2pchat.core.values import ConnectionId, EnvelopeId, PeerId

REQUESTS_LIMIT: Final = 4_096
"""Requests of others whose way back is known; more forget the oldest."""

REQUEST_S: Final = 10.0
"""For so long; the requester waits for 3 s."""

ANSWERS_BURST: Final = 20
ANSWERS_PER_S: Final = 10.0
"""Own sealing keys that are signed, whoever asks."""

REQUESTER_BURST: Final = 3
REQUESTER_PER_S: Final = 0.1
REQUESTERS_LIMIT: Final = 1_024
"""And for one requester: a second attempt may follow a lost answer soon, but not ever again."""

ANSWER_WAYS: Final = 5
"""Neighbours to whom an own sealing key is given at once: the one who brought the request first
may keep it to himself, and always be the first one."""


class Asked(Struct):
    """A request of somebody else."""

    recipient: PeerId
    requester: PeerId
    nonce: bytes
    came_from: ConnectionId
    ends_at: float


class KeyRequests:
    """Ways back of requests: each is for one answer, which has to be a true one."""

    def __init__(self) -> None:
        self._asked: dict[EnvelopeId, Asked] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._asked)

    def note(self, way: EnvelopeId, asked: Asked, now: float) -> None:
        """Take note of a verified request, and forget those that nobody may answer any more."""
        forget_ended(self._asked, now)
        self._asked[way] = asked
        if len(self._asked) > REQUESTS_LIMIT:
            del self._asked[next(iter(self._asked))]

    def find(self, way: EnvelopeId, now: float) -> Asked | None:
        """Return an unanswered request."""
        asked = self._asked.get(way)
        return asked if asked is not None and asked.ends_at > now else None

    def end(self, way: EnvelopeId) -> None:
        """Forget a request: it was answered truly."""
        self._asked.pop(way, None)


class AnswerRates:
    """Keeps to the rates of own answers."""

    def __init__(self) -> None:
        self._all = Allowance(ANSWERS_BURST, ANSWERS_PER_S)
        self._requesters: dict[PeerId, Allowance] = {}  # who asked last stands last

    def __len__(self) -> int:
        return len(self._requesters)

    def spend(self, requester: PeerId, now: float) -> bool:
        """Tell whether he gets an answer now."""
        his = self._requesters.pop(requester, None) or Allowance(REQUESTER_BURST, REQUESTER_PER_S)
        self._requesters[requester] = his
        if len(self._requesters) > REQUESTERS_LIMIT:
            del self._requesters[next(iter(self._requesters))]
        return his.level(now) >= 1 and self._all.spend(1, now) and his.spend(1, now)


def answer_ways(
    first: ConnectionId, others: Sequence[ConnectionId], rng: Random
) -> tuple[ConnectionId, ...]:
    """Return along which neighbours an own sealing key goes back.

    Args:
        first: Who brought the request first.
        others: Everybody else; each has a way of his own to the requester.
        rng: Chooses among them.
    """
    more = min(ANSWER_WAYS - 1, len(others))
    return (first, *rng.sample(others, more))

"""Direct messages of ours that have no receipt yet, with when to try each recipient again.

The schedule belongs to the recipient, not to the message: one request finds him, and then all
that waits for him goes, in the order in which it was written. Who is not heard is asked for by a
flooded request, ever more rarely; who is heard is tried at once, because the way to him is known.
Both grow rarer while no receipt comes, so that somebody who blocks us is not bothered for ever.
The schedule is not written down: after a start everybody may be back, and is tried anew.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NewType

from msgspec import Struct
from msgspec.structs import replace

from p2pchat.core.holdings import Holding
from p2pchat.core.limits import TEXT_LIMIT_BYTES
from p2pchat.core.values import PeerId
from p2pchat.errors import P2PChatError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

DirectId = NewType("DirectId", bytes)
"""16 random bytes by which author and recipient know a direct message, however often it is sent."""

DIRECT_ID_BYTES: Final = 16

OUTBOX_PER_RECIPIENT: Final = 100
OUTBOX_LIMIT: Final = 10_000
OUTBOX_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Messages that wait for one person and in all, and bytes of their texts. Design; what is over
them is refused aloud, for a message that waits must not vanish."""

OUTBOX_LIFE_S: Final = 7 * 24 * 3600.0
"""Then a message is given up, aloud. Less than recipients remember what they have had (14 days),
or one that was sent again could be shown again."""

OUTBOX_WAITS_S: Final = (60.0, 300.0, 900.0, 1800.0)
"""Before each request for somebody absent; the last one repeats. Design."""

OUTBOX_SPREAD: Final = 0.2
"""Each wait is longer or shorter by up to so much of it, so that nodes do not ask in step."""

OUTBOX_SETTLE_S: Final = 10.0
"""Nobody is tried again so soon: an attempt takes 4 s, and its receipts are still on their way."""

REQUESTS_PER_MINUTE: Final = 10
"""Requests for absent people in any 60 s: each one floods the room. Design."""

_MINUTE_S: Final = 60.0
_LONG_AGO: Final = float("-inf")


class OutboxFull(P2PChatError):
    """Too much waits already; nothing was kept and nothing sent."""

    code = "busy"

    def __init__(self, limit: int, unit: str) -> None:
        shown = f"{limit:,}".replace(",", " ")
        super().__init__(f"the outbox is full: {shown} {unit} are waiting. Nothing was sent.")
        self.limit = limit


class Waiting(Struct, frozen=True):
    """A direct message that waits for its receipt."""

    recipient: PeerId
    message_id: DirectId
    time_ms: int
    """When it was written, as it will be told to the recipient."""
    kind: int
    text: str
    created_ms: int
    """When it began to wait, by our wall clock: its age, and its place among those of a person."""

    @property
    def size_bytes(self) -> int:
        """The bytes of its text."""
        return len(self.text.encode())

    def __repr__(self) -> str:
        # Without the text: effects are logged.
        return f"Waiting({self.message_id.hex()}, {self.size_bytes} bytes)"


class Keep(Struct, frozen=True):
    """Write the message to the disk; only then it may be shown as waiting."""

    waiting: Waiting


class GivenUp(Struct, frozen=True):
    """Tell the user that the message waited in vain."""

    waiting: Waiting


class Forget(Struct, frozen=True):
    """Remove the message from the disk."""

    message_id: DirectId


OutboxEffect = Keep | GivenUp | Forget


class _Turn:
    """What waits for one recipient, and when he is tried."""

    __slots__ = ("again_at", "due_at", "ids", "ignored", "is_seen", "requests")

    def __init__(self, due_at: float) -> None:
        self.ids: dict[DirectId, None] = {}
        self.due_at = due_at
        self.is_seen = False
        """Whether he is tried next because he was heard."""
        self.again_at = _LONG_AGO
        """Before that, being heard is no reason to try him."""
        self.requests = 0
        """How often he was asked for since his last receipt."""
        self.ignored = 0
        """How often he was tried, because he was heard, since his last receipt."""


class Outbox:
    """Keeps messages until their receipt; tells whom to try when, and what to write down."""

    def __init__(self, random: Random) -> None:
        """Begin empty; `random` spreads the waits."""
        self._random = random
        self._waiting: dict[DirectId, Waiting] = {}
        self._turns: dict[PeerId, _Turn] = {}
        self._size_bytes = 0
        self._asked_at: deque[float] = deque(maxlen=REQUESTS_PER_MINUTE)
        self._deadline: float | None = None

    @property
    def count(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def __contains__(self, message_id: DirectId) -> bool:
        return message_id in self._waiting

    def of(self, recipient: PeerId) -> tuple[Waiting, ...]:
        """Return what waits for that person, in the order in which it was written."""
        turn = self._turns.get(recipient)
        return () if turn is None else tuple(self._waiting[each] for each in turn.ids)

    def holdings(self) -> tuple[Holding, ...]:
        """Return what is held, with its bounds."""
        return (
            Holding("messages in the outbox", self.count, OUTBOX_LIMIT),
            Holding("bytes in the outbox", self._size_bytes, OUTBOX_LIMIT_BYTES),
        )

    def next_deadline(self) -> float | None:
        """When to call `due`; None for never."""
        return self._deadline

    def restore(self, messages: Iterable[Waiting], now: float) -> None:
        """Take what an earlier run left; whoever reads it keeps to the bounds of all."""
        for waiting in sorted(messages, key=lambda each: (each.created_ms, each.message_id)):
            if waiting.message_id not in self._waiting:
                self._insert(waiting, now)
        self._plan()

    def add(self, waiting: Waiting, now: float) -> tuple[OutboxEffect, ...]:
        """Let a message wait that has just been sent for the first time.

        Returns:
            What to write down; nothing when it waits already.

        Raises:
            OutboxFull: There is no room for it; nothing has changed.
        """
        assert waiting.size_bytes <= TEXT_LIMIT_BYTES, "refused at its author"
        if waiting.message_id in self._waiting:
            return ()
        earlier = self.of(waiting.recipient)
        self._check_room(waiting, len(earlier))
        if earlier and waiting.created_ms <= earlier[-1].created_ms:
            # Their order has to be read from the disk again, whatever the clock does.
            waiting = replace(waiting, created_ms=earlier[-1].created_ms + 1)
        self._insert(waiting, now)
        self._plan()
        return (Keep(waiting),)

    def on_receipt(self, message_id: DirectId, now: float) -> tuple[OutboxEffect, ...]:
        """Let go of a message that has arrived; what else waits for that person follows soon."""
        waiting = self._waiting.get(message_id)
        if waiting is None:
            return ()
        turn = self._turns[waiting.recipient]
        turn.requests = turn.ignored = 0
        # Not at once: the receipts of what was sent with it come about now.
        turn.due_at = turn.again_at = now + OUTBOX_SETTLE_S
        turn.is_seen = True
        self._remove(waiting)
        self._plan()
        return (Forget(message_id),)

    def on_seen(self, recipient: PeerId, now: float) -> None:
        """Somebody was heard: what waits for him is due, unless it was tried just now."""
        turn = self._turns.get(recipient)
        if turn is None:
            return
        at = max(now, turn.again_at)
        # Who is overdue stands behind others that are asked for; being heard saves him that.
        if at > max(now, turn.due_at) or (turn.is_seen and turn.due_at <= at):
            return
        turn.due_at, turn.is_seen = min(at, turn.due_at), True
        self._plan()

    def due(self, now: float) -> tuple[Waiting, ...]:
        """Return what to send now, all of each recipient in order, and count it as an attempt.

        Of people who were not heard at most REQUESTS_PER_MINUTE, the longest overdue first.
        """
        if self._deadline is None or now < self._deadline:
            return ()
        overdue = [(turn.due_at, who) for who, turn in self._turns.items() if turn.due_at <= now]
        chosen = [who for _, who in sorted(overdue) if self._try(self._turns[who], now)]
        self._plan()
        return tuple(waiting for who in chosen for waiting in self.of(who))

    def expire(self, wall_ms: int) -> tuple[OutboxEffect, ...]:
        """Give up what has waited for OUTBOX_LIFE_S.

        Told before it is forgotten, so that a crash between the two tells twice and not never.
        """
        oldest_ms = wall_ms - int(OUTBOX_LIFE_S * 1000)
        expired = [each for each in self._waiting.values() if each.created_ms <= oldest_ms]
        for waiting in expired:
            self._remove(waiting)
        self._plan()
        forgotten = tuple(Forget(waiting.message_id) for waiting in expired)
        return (*(GivenUp(waiting) for waiting in expired), *forgotten)

    def _check_room(self, waiting: Waiting, earlier: int) -> None:
        if earlier >= OUTBOX_PER_RECIPIENT:
            raise OutboxFull(OUTBOX_PER_RECIPIENT, "messages for that person")
        if self.count >= OUTBOX_LIMIT:
            raise OutboxFull(OUTBOX_LIMIT, "messages")
        if self._size_bytes + waiting.size_bytes > OUTBOX_LIMIT_BYTES:
            raise OutboxFull(OUTBOX_LIMIT_BYTES, "bytes")

    def _insert(self, waiting: Waiting, now: float) -> None:
        turn = self._turns.get(waiting.recipient)
        if turn is None:
            turn = self._turns[waiting.recipient] = _Turn(now + self._wait_s(0))
        turn.ids[waiting.message_id] = None
        self._waiting[waiting.message_id] = waiting
        self._size_bytes += waiting.size_bytes

    def _remove(self, waiting: Waiting) -> None:
        del self._waiting[waiting.message_id]
        self._size_bytes -= waiting.size_bytes
        ids = self._turns[waiting.recipient].ids
        del ids[waiting.message_id]
        if not ids:
            del self._turns[waiting.recipient]

    def _try(self, turn: _Turn, now: float) -> bool:
        """Count an attempt; False when it would be one request too many."""
        if turn.is_seen:
            turn.ignored += 1
        elif now >= self._held_until():
            turn.requests += 1
            self._asked_at.append(now)
        else:
            return False
        again_s = self._wait_s(turn.ignored - 1) if turn.ignored else OUTBOX_SETTLE_S
        turn.again_at = now + again_s
        turn.due_at = now + self._wait_s(turn.requests)
        turn.is_seen = False
        return True

    def _held_until(self) -> float:
        """Return when the next request for somebody absent may be made."""
        is_full = len(self._asked_at) == REQUESTS_PER_MINUTE
        return self._asked_at[0] + _MINUTE_S if is_full else _LONG_AGO

    def _wait_s(self, attempts: int) -> float:
        wait_s = OUTBOX_WAITS_S[min(attempts, len(OUTBOX_WAITS_S) - 1)]
        return wait_s * self._random.uniform(1 - OUTBOX_SPREAD, 1 + OUTBOX_SPREAD)

    def _plan(self) -> None:
        # Kept, because it is asked after each event, and changes rarely.
        held_until = self._held_until()
        deadlines = (
            turn.due_at if turn.is_seen else max(turn.due_at, held_until)
            for turn in self._turns.values()
        )
        self._deadline = min(deadlines, default=None)

"""How far messages to one person have come, and how long each attempt has."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from p2pchat.core.outbox import DirectId, Waiting
    from p2pchat.core.values import ConnectionId, PeerId

TRAIL_WAIT_S: Final = 1.0
REQUEST_WAIT_S: Final = 3.0
SENT_WAIT_S: Final = 3.0
FLOOD_WAIT_S: Final = 3.0
"""How long each attempt has. Design; a trail is tried so shortly because it may lead nowhere."""

MOMENT_S: Final = 0.01
"""Between two looks at a pace: rounding must not make it look again at the same time."""


class Step(Enum):
    """How far a courier has come."""

    TRAIL = auto()
    ASKING = auto()
    SENT = auto()
    FLOODED = auto()


_WAITS_S: Final = {Step.TRAIL: TRAIL_WAIT_S, Step.SENT: SENT_WAIT_S}
"""Of the steps that send along one way."""


class Courier(Struct):
    """What is under way to one recipient."""

    step: Step
    until: float
    """When to look after it."""
    messages: dict[DirectId, Waiting] = field(default_factory=dict)
    late: dict[DirectId, Waiting] = field(default_factory=dict)
    """What came too late for these attempts, and has others after them."""
    sent: dict[DirectId, float] = field(default_factory=dict)
    """When each went along the way of this step, the oldest first."""
    hop: ConnectionId | None = None
    """Begin of the way of this step."""
    request: bytes = b""
    """Id of the envelope that asks for his key."""
    nonce: bytes = b""
    first_hop: PeerId | None = None
    """Who took what went by trail."""
    may_ask_again: bool = True
    """Whether a request without an answer is repeated, with another nonce."""

    @property
    def is_on_its_way(self) -> bool:
        """Whether this step sends along one way."""
        return self.step in _WAITS_S and self.hop is not None

    def is_overdue(self, now: float) -> bool:
        """Tell whether the oldest message on the way of this step has had its time."""
        return any(self._has_had_its_time(message, now) for message in self.sent)

    def put_off(self, now: float) -> None:
        """Leave to other attempts what has not had its time on the way of this step."""
        for message, waiting in list(self.messages.items()):
            if not self._has_had_its_time(message, now):
                self.late[message] = waiting
                del self.messages[message]

    def plan(self, now: float, may_send_at: float) -> None:
        """Say when to look after what is on the way of this step, or waits for its turn.

        Args:
            now: Monotonic seconds.
            may_send_at: When the pace lets the next packet go.
        """
        due = [at + _WAITS_S[self.step] for at in self.sent.values()]
        if len(self.sent) < len(self.messages):
            due.append(max(may_send_at, now + MOMENT_S))
        self.until = min(due, default=now)

    def remove(self, message: DirectId) -> None:
        """Forget a message that has arrived."""
        for held in (self.messages, self.late, self.sent):
            held.pop(message, None)

    def _has_had_its_time(self, message: DirectId, now: float) -> bool:
        sent_at = self.sent.get(message)
        return sent_at is not None and sent_at + _WAITS_S[self.step] <= now

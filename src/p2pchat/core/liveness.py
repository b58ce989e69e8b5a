"""Knows which connections are alive: any frame is a sign of life, silence is asked about.

Bytes that complete no frame are one too, but not for long: who sends a byte now and then, and
never a frame, only holds a place.
"""

from __future__ import annotations

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Ping
from p2pchat.core.values import ConnectionId


class _Pulse(Struct):
    heard_at: float
    token: int | None = None
    """Of the ping that waits for its answer."""
    pinged_at: float = 0.0
    fragment_at: float | None = None
    """Since when bytes have come that complete no frame."""
    patience_s: float = limits.DEAD_AFTER_PING_S
    is_asked: bool = False
    """Whether nothing was heard since the last ping."""
    rtt_s: float | None = None


class Liveness:
    """Decides when to ping a connection and when to give it up."""

    def __init__(self) -> None:
        self._pulses: dict[ConnectionId, _Pulse] = {}
        self._next_token = 0
        # A bound from below, not exact: hearing from somebody only moves deadlines back, so
        # nothing has to be computed for each frame that arrives.
        self._check_at: float | None = None

    def __len__(self) -> int:
        return len(self._pulses)

    def next_deadline(self) -> float | None:
        """When to call `due()` next; None for never."""
        return self._check_at

    def is_soon(self, now: float) -> bool:
        """Whether `due()` may have something to do, be it a little early.

        Who is awake anyway asks then, and need not be woken for it.
        """
        return self._check_at is not None and now >= self._check_at - limits.TIMER_SLACK_S

    def watch(self, connection: ConnectionId, now: float) -> None:
        """Begin with a connection that has just been opened."""
        self._pulses[connection] = _Pulse(heard_at=now)
        self._bring_forward(now + limits.PING_AFTER_S)

    def forget(self, connection: ConnectionId) -> None:
        """End with a connection that is gone."""
        self._pulses.pop(connection, None)
        if not self._pulses:
            self._check_at = None

    def heard(self, connection: ConnectionId, now: float) -> None:
        """Take note of a sign of life."""
        pulse = self._pulses.get(connection)
        if pulse is not None:
            pulse.heard_at = now
            pulse.is_asked = False
            pulse.fragment_at = None

    def heard_fragment(self, connection: ConnectionId, now: float) -> None:
        """Take note of bytes that complete no frame: a sign of life for FRAGMENT_S."""
        pulse = self._pulses.get(connection)
        if pulse is None:
            return
        begun_at = now if pulse.fragment_at is None else pulse.fragment_at
        if now <= begun_at + limits.FRAGMENT_S:
            self.heard(connection, now)
            pulse.fragment_at = begun_at

    def ping(
        self, connection: ConnectionId, now: float, patience_s: float = limits.DEAD_AFTER_PING_S
    ) -> int | None:
        """Return the token of a ping to send now; None where that connection is not watched.

        Args:
            connection: Whom to ping.
            now: Monotonic seconds.
            patience_s: How long it may stay silent after that.
        """
        pulse = self._pulses.get(connection)
        if pulse is None:
            return None
        self._next_token = (self._next_token + 1) % 2**32
        pulse.token, pulse.pinged_at, pulse.patience_s = self._next_token, now, patience_s
        pulse.is_asked = True
        self._bring_forward(now + patience_s)
        return self._next_token

    def ask(
        self, connection: ConnectionId, now: float, patience_s: float = limits.DEAD_AFTER_PING_S
    ) -> list[Effect]:
        """Ping a connection, as `ping` does, where it is watched."""
        token = self.ping(connection, now, patience_s)
        return [] if token is None else [Send((connection,), Ping(token))]

    def answered(self, connection: ConnectionId, token: int, now: float) -> None:
        """Take note of a Pong; tokens that nobody waits for are ignored."""
        pulse = self._pulses.get(connection)
        if pulse is not None and pulse.token == token:
            pulse.rtt_s = now - pulse.pinged_at
            pulse.token = None

    def rtt_s(self, connection: ConnectionId) -> float | None:
        """Return the last measured round trip."""
        pulse = self._pulses.get(connection)
        return pulse.rtt_s if pulse else None

    def heard_at(self, connection: ConnectionId) -> float | None:
        """Return when the last sign of life came."""
        pulse = self._pulses.get(connection)
        return pulse.heard_at if pulse else None

    def forgive(self, late_s: float) -> None:
        """Move every deadline: we were asleep ourselves, and nobody else is to blame."""
        for pulse in self._pulses.values():
            pulse.heard_at += late_s
            pulse.pinged_at += late_s
            if pulse.fragment_at is not None:
                pulse.fragment_at += late_s
        if self._check_at is not None:
            self._check_at += late_s

    def due(self, now: float) -> tuple[list[ConnectionId], list[tuple[ConnectionId, float]]]:
        """Return whom to ping now, and who is dead with the seconds of its silence."""
        to_ping: list[ConnectionId] = []
        dead: list[tuple[ConnectionId, float]] = []
        if not self.is_soon(now):
            return to_ping, dead
        self._check_at = None
        for connection, pulse in self._pulses.items():
            if pulse.is_asked and now >= pulse.pinged_at + pulse.patience_s:
                dead.append((connection, now - pulse.heard_at))
            elif pulse.is_asked:
                self._bring_forward(pulse.pinged_at + pulse.patience_s)
            elif now >= pulse.heard_at + limits.PING_AFTER_S - limits.TIMER_SLACK_S:
                to_ping.append(connection)
            else:
                self._bring_forward(pulse.heard_at + limits.PING_AFTER_S)
        return to_ping, dead

    def _bring_forward(self, deadline: float) -> None:
        if self._check_at is None or deadline < self._check_at:
            self._check_at = deadline

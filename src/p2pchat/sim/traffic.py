"""How bytes behave in a simulated network: dials, latency, order, congestion, ends."""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.events import (
    BytesReceived,
    Closing,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    DialEnded,
    Event,
    Failed,
    FrameReceived,
    QueueFell,
    QueueRose,
)
from p2pchat.core.frames import Incoming
from p2pchat.core.notices import Direction
from p2pchat.errors import DialFailed, NoAnswer, NobodyListening, SlowPeer
from p2pchat.sim.agenda import Agenda
from p2pchat.sim.node import End, Link, SimNode

_LOST = "connection lost"


class Traffic:
    """Carries what nodes send, and tells them of beginnings and ends."""

    def __init__(
        self,
        agenda: Agenda,
        rng: random.Random,
        latency_s: tuple[float, float],
        bandwidth_bytes_s: float | None,
        feed: Callable[[SimNode, Event], None],
    ) -> None:
        self._agenda = agenda
        self._random = rng.random
        self._shortest_s = latency_s[0]
        self._spread_s = latency_s[1] - latency_s[0]
        self._bandwidth_bytes_s = bandwidth_bytes_s
        self._feed = feed

    # --- Frames -------------------------------------------------------------------------------

    def send(self, end: End, frame: Incoming, size_bytes: int) -> None:
        """Let a frame leave from that end."""
        node = end.node
        node.sent_frames += 1
        node.sent_bytes += size_bytes
        leaves_at = self._agenda.now
        if self._bandwidth_bytes_s is not None:
            leaves_at = self._queue(end, size_bytes, self._bandwidth_bytes_s)
        if not end.link.is_silent:
            self._agenda.at(self._arrival(end, leaves_at), self._arrive, end.other, frame)

    def _arrival(self, end: End, leaves_at: float) -> float:
        """When something sent from that end arrives: never before what was sent earlier."""
        at = leaves_at + self._shortest_s + self._spread_s * self._random()
        if at < end.arrival_at:
            return end.arrival_at
        end.arrival_at = at
        return at

    def _arrive(self, end: End, frame: Incoming) -> None:
        if not end.is_over and not end.link.is_silent:
            self._feed(end.node, FrameReceived(end.connection, frame))

    # --- Congestion ---------------------------------------------------------------------------

    def _queue(self, end: End, size_bytes: int, bandwidth_bytes_s: float) -> float:
        """Put bytes behind what waits, as the send queue does; return when they leave."""
        now = self._agenda.now
        end.busy_until = max(end.busy_until, now) + size_bytes / bandwidth_bytes_s
        queued_bytes = (end.busy_until - now) * bandwidth_bytes_s
        if queued_bytes > limits.SEND_QUEUE_LIMIT_BYTES:
            self.close(end, Closing.AT_ONCE, str(SlowPeer(int(queued_bytes))))
        elif queued_bytes > limits.SEND_QUEUE_HIGH_BYTES and not end.has_risen:
            end.has_risen = True
            self._agenda.at(now, self._feed, end.node, QueueRose(end.connection))
            self._look_later(end, bandwidth_bytes_s)
        return end.busy_until

    def _look_later(self, end: End, bandwidth_bytes_s: float) -> None:
        # A moment later, so that rounding can't make it look again at the same time.
        low_at = end.busy_until - limits.SEND_QUEUE_LOW_BYTES / bandwidth_bytes_s + 1e-6
        self._agenda.at(max(low_at, self._agenda.now), self._look, end, bandwidth_bytes_s)

    def _look(self, end: End, bandwidth_bytes_s: float) -> None:
        if end.is_over:
            return
        queued_bytes = (end.busy_until - self._agenda.now) * bandwidth_bytes_s
        if queued_bytes >= limits.SEND_QUEUE_LOW_BYTES:
            self._look_later(end, bandwidth_bytes_s)
            return
        end.has_risen = False
        self._feed(end.node, QueueFell(end.connection))

    # --- Ends ---------------------------------------------------------------------------------

    def close(self, end: End, how: Closing, reason: str) -> None:
        """End a connection from one side."""
        if end.has_said_end:
            return
        end.has_said_end = True
        now = self._agenda.now
        if how is Closing.AT_ONCE:
            self._agenda.at(now, self._end, end, reason)
            self._agenda.at(self._arrival(end, now), self._reset, end.other)
            return
        at = self._arrival(end, max(now, end.busy_until))
        if not end.link.is_silent:
            self._agenda.at(at, self._hear_end, end.other, reason)
        self._agenda.at(at + limits.END_OF_STREAM_S, self._end, end, reason)

    def cut(self, link: Link, *, silent: bool) -> None:
        """Break a link in the middle; what is under way is lost."""
        link.is_silent = True
        if not silent:
            for end in (link.dialler, link.acceptor):
                self._agenda.at(self._agenda.now, self._end, end, _LOST)

    def die(self, end: End, *, silent: bool) -> None:
        """Let the node at that end vanish; the other one learns it unless `silent`."""
        end.is_over = end.has_said_end = True
        if silent:
            end.link.is_silent = True
            return
        self._agenda.at(self._arrival(end, self._agenda.now), self._end, end.other, _LOST)

    def _reset(self, end: End) -> None:
        """The other side threw the connection away, with all that was under way."""
        if end.link.is_silent:
            return
        end.link.is_silent = True
        self._end(end, _LOST)

    def _hear_end(self, end: End, reason: str) -> None:
        """The other side's stream has ended; ours ends by that."""
        if end.link.is_silent:
            return
        self._agenda.at(self._arrival(end, self._agenda.now), self._end, end.other, reason)
        self._end(end, _LOST)

    def _end(self, end: End, reason: str) -> None:
        if end.is_over:
            return
        end.is_over = end.has_said_end = True
        end.node.ends.pop(end.connection, None)
        if end.is_started:
            self._feed(end.node, ConnectionEnded(end.connection, reason))

    # --- Dials --------------------------------------------------------------------------------

    def dial(self, link: Link) -> None:
        """Begin: TCP, then TLS, each message taking its time on the way."""
        dialler, acceptor = link.dialler.node, link.acceptor.node
        if not dialler.is_running:
            return
        now = self._agenda.now
        if dialler.group != acceptor.group or acceptor.is_behind_nat:
            fault: DialFailed = NoAnswer(acceptor.address, limits.DIAL_TIMEOUT_S)
            self._agenda.timer_at(now + limits.DIAL_TIMEOUT_S, self._fail, link, fault)
            return
        self._agenda.at(self._arrival(link.dialler, now), self._accept, link)

    def _fail(self, link: Link, fault: DialFailed) -> None:
        node = link.dialler.node
        if link.attempt:
            self._feed(node, DialEnded(link.attempt, fault))
            return
        node.failed.append(Failed(link.dialler.connection, fault))

    def _accept(self, link: Link) -> None:
        acceptor = link.acceptor.node
        at = self._arrival(link.acceptor, self._agenda.now)
        if not acceptor.is_running or acceptor.is_leaving:
            self._agenda.at(at, self._fail, link, NobodyListening(acceptor.address))
            return
        self._agenda.at(at, self._establish, link)  # before the acceptor may throw it away
        self._start(link.acceptor, Direction.IN)

    def _establish(self, link: Link) -> None:
        if not link.dialler.node.is_running or link.is_silent:
            if link.attempt:
                self._fail(link, NobodyListening(link.acceptor.node.address))
            return
        self._start(link.dialler, Direction.OUT)
        at = self._arrival(link.dialler, self._agenda.now)
        self._agenda.at(at, self._answer_hello, link)

    def _answer_hello(self, link: Link) -> None:
        end = link.acceptor
        if end.is_over or link.is_silent:
            return
        self._agenda.at(self._arrival(end, self._agenda.now), self._finish, link)
        self._feed(end.node, BytesReceived(end.connection))

    def _finish(self, link: Link) -> None:
        if link.dialler.is_over or link.is_silent:
            return
        # Its last message of TLS goes before whatever the core sends now.
        at = self._arrival(link.dialler, self._agenda.now)
        self._agenda.at(at, self._secure, link.acceptor)
        self._secure(link.dialler)

    def _start(self, end: End, direction: Direction) -> None:
        node, other = end.node, end.other.node
        node.ends[end.connection] = end
        end.is_started = True
        link = end.link
        started = ConnectionStarted(end.connection, other.address, other.ip, direction)
        if direction is Direction.OUT:
            started = replace(
                started, expected=link.expected, attempt=link.attempt, is_typed=link.is_typed
            )
        self._feed(node, started)

    def _secure(self, end: End) -> None:
        if not end.is_over and not end.link.is_silent:
            peer = end.other.node.peer
            self._feed(end.node, ConnectionSecured(end.connection, peer, end.link.exported))

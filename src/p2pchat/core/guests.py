"""The machine that decides about plain-line peers: whom to hear, whom to write to.

A plain-line peer is *accepted* (it came to us) or *dialled* (the user asked for it).  Nothing
vouches for either; what they say is announced by this node.

Two nodes must not shout at each other through plain lines, on whatever ways they are attached
to each other.  Three rules see to that:

- What a dialled one says is *bridged*: everybody sees it, no plain-line peer gets it.
- A line whose tail is one that was written to a plain-line peer a moment ago is its echo: dropped.
- A line that holds `~guest -> ` was a guest's already at another node, or is an echo that came
  too late for the second rule: it becomes bridged.  So nothing crosses plain lines three times,
  even where the memory of the second rule is too short.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct, field

from p2pchat.core.limits import (
    GUEST_BURST_LINES,
    GUEST_ECHO_LINES,
    GUEST_ECHO_S,
    GUEST_LINE_BYTES,
    GUEST_LINES_PER_S,
    GUEST_WAITING_LINES,
    GUESTS_LIMIT,
)
from p2pchat.core.values import ConnectionId, Kind
from p2pchat.sanitize import visible_line

GUEST_NICK: Final = "~guest"
"""What guests are called where only a line is shown; no nick may begin so."""

_ARROW: Final = " -> "
_GUEST_MARK: Final = GUEST_NICK + _ARROW

_INTERVAL_S: Final = 1 / GUEST_LINES_PER_S
_BURST_S: Final = (GUEST_BURST_LINES - 1) * _INTERVAL_S


def line_of(nick: str, text: str) -> str:
    """Return the one cleaned line, without newline, that a plain-line peer gets of a message.

    Args:
        nick: The author's, `GUEST_NICK` for a guest.
        text: Its newlines become blanks.
    """
    one_line = text.replace("\r\n", "\n").replace("\n", " ")
    return f"{visible_line(nick)}{_ARROW}{visible_line(one_line)}"


class GuestLine(Struct, frozen=True):
    """A line to be announced now."""

    connection: ConnectionId
    """Who said it; it may have left since."""
    text: str
    kind: Kind
    """`GUEST` or `BRIDGED`."""


class _Peer(Struct):
    dialled: bool
    full_at: float
    """When the bucket is full again; each line moves it on by one interval."""
    waiting: deque[str] = field(default_factory=lambda: deque(maxlen=GUEST_WAITING_LINES))
    has_left: bool = False

    @property
    def due_at(self) -> float:
        return self.full_at - _BURST_S

    def spend(self, now: float) -> None:
        self.full_at = max(self.full_at, now) + _INTERVAL_S


class Guests:
    """Keeps the plain-line peers of one node, each with its own rate.

    A guest may say `GUEST_BURST_LINES` at once and `GUEST_LINES_PER_S` in the long run.  What is
    above waits and comes out of `release` later, even when the guest has left meanwhile: then
    its place stays taken until all is out, so that coming again does not make anybody faster.
    """

    def __init__(self) -> None:
        self.dropped_lines = 0
        """How many lines found no place to wait."""
        self._peers: dict[ConnectionId, _Peer] = {}
        # Oldest first, because all live equally long and the clock never runs backwards.
        self._written: deque[tuple[float, str]] = deque(maxlen=GUEST_ECHO_LINES)

    @property
    def is_full(self) -> bool:
        """Whether no further guest can be accepted; the dialled ones take no place."""
        return sum(not peer.dialled for peer in self._peers.values()) >= GUESTS_LIMIT

    def is_behind(self, connection: ConnectionId) -> bool:
        """Tell whether a further line would be dropped: better stop reading until `release`."""
        peer = self._peers.get(connection)
        return peer is not None and len(peer.waiting) >= GUEST_WAITING_LINES

    def join(self, connection: ConnectionId, *, dialled: bool, now: float) -> None:
        """Take in a plain-line peer; an accepted one only while there is room.

        Args:
            connection: Never seen here before.
            dialled: Whether the user asked for it, so that its lines are bridged.
            now: Monotonic time in seconds.
        """
        assert connection not in self._peers
        assert dialled or not self.is_full
        self._peers[connection] = _Peer(dialled, full_at=now)

    def leave(self, connection: ConnectionId) -> None:
        """Forget a plain-line peer as soon as its last waiting line is out."""
        peer = self._peers.get(connection)
        if peer is None:
            return
        peer.has_left = True
        self._forget_if_done(connection, peer)

    def hear(self, connection: ConnectionId, line: str, now: float) -> GuestLine | None:
        """Take a line in; return it when it is to be announced at once.

        None for a line that waits, is an echo or is dropped, and for whoever is not here.
        """
        peer = self._peers.get(connection)
        if peer is None or peer.has_left:
            return None
        if self._is_echo(line, now):
            return None
        if not peer.waiting and peer.due_at <= now:
            peer.spend(now)
            return _guest_line(connection, peer, line)
        if len(peer.waiting) < GUEST_WAITING_LINES:
            peer.waiting.append(line)
        else:
            self.dropped_lines += 1
        return None

    def next_deadline(self) -> float | None:
        """When to call `release`, on the clock of `hear`; None for never."""
        if not self._peers:
            return None
        return min((peer.due_at for peer in self._peers.values() if peer.waiting), default=None)

    def release(self, now: float) -> list[GuestLine]:
        """Return the waiting lines whose time has come, those of one guest in its order."""
        released: list[GuestLine] = []
        for connection, peer in sorted(self._peers.items(), key=lambda item: item[0]):
            while peer.waiting and peer.due_at <= now:
                line = peer.waiting.popleft()
                # The other copy of a message may have been written while this one waited.
                if self._is_echo(line, now):
                    continue
                peer.spend(now)
                released.append(_guest_line(connection, peer, line))
            self._forget_if_done(connection, peer)
        return released

    def audience(
        self, kind: int, *, earlier: bool, source: ConnectionId | None
    ) -> tuple[ConnectionId, ...]:
        """Return to whom a message is written, sorted.

        Args:
            kind: What the message is; bridged and passing ones are not for plain lines.
            earlier: Whether it was written before a connection opened that brought it.
            source: The plain-line peer that said it, if one of ours did.
        """
        if not self._peers or earlier or kind not in (Kind.TEXT, Kind.ACTION, Kind.GUEST):
            return ()
        here = (connection for connection, peer in self._peers.items() if not peer.has_left)
        return tuple(sorted(connection for connection in here if connection != source))

    def wrote(self, line: str, now: float) -> None:
        """Remember what was written to plain-line peers, so that its echo is known.

        Args:
            line: As from `line_of`: with the nick, for a bare "ok" would be the tail of much
                that honest people say.
            now: Monotonic time in seconds.
        """
        # A longer one can't come back as one line.
        if _ARROW in line and len(line) <= GUEST_LINE_BYTES:
            self._written.append((now + GUEST_ECHO_S, line.strip()))

    def _is_echo(self, line: str, now: float) -> bool:
        while self._written and self._written[0][0] <= now:
            self._written.popleft()
        line = line.strip()
        return any(_has_tail(line, written) for _, written in self._written)

    def _forget_if_done(self, connection: ConnectionId, peer: _Peer) -> None:
        if peer.has_left and not peer.waiting:
            del self._peers[connection]


def _has_tail(line: str, tail: str) -> bool:
    """Tell whether the line is the tail or ends with it, whatever prefix stands before.

    A prefix ending like a nick makes it somebody else's: `jim-bob -> ok` is not `bob -> ok`.
    """
    if not line.endswith(tail):
        return False
    before = line[: -len(tail)][-1:]
    return not (before.isalnum() or before in tuple("-_."))


def _guest_line(connection: ConnectionId, peer: _Peer, line: str) -> GuestLine:
    is_bridged = peer.dialled or _GUEST_MARK in line
    return GuestLine(connection, line, Kind.BRIDGED if is_bridged else Kind.GUEST)

"""Plain-line peers seen from the node: who may be one, what is announced and written."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core.admission import is_loopback
from p2pchat.core.events import Close, Closing, Effect, Opened, Tell, WriteLine
from p2pchat.core.guests import GUEST_NICK, Guests, line_of
from p2pchat.core.notices import Connected, Disconnected, NeighbourStatus
from p2pchat.core.session import Session
from p2pchat.core.setup import GuestPolicy
from p2pchat.core.values import GUEST, ConnectionId, Kind


class PlainLines:
    """Takes guests in, hands their lines to the room and the room's messages to them."""

    def __init__(self, policy: GuestPolicy, announce: Callable[[Kind, str], object]) -> None:
        self._policy = policy
        self._announce = announce
        self._guests = Guests()
        self._sessions: dict[ConnectionId, tuple[Session, float]] = {}

    def __contains__(self, connection: ConnectionId) -> bool:
        return connection in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)

    def may_join(self, session: Session) -> bool:
        """Tell whether that connection would be taken in as a guest."""
        if session.is_dialled:
            return session.address.plain
        if self._policy is GuestPolicy.OFF or self._guests.is_full:
            return False
        return self._policy is GuestPolicy.ANY or is_loopback(session.host_ip)

    def join(self, session: Session, now: float) -> list[Effect]:
        """Take in a plain-line peer, or close the connection where it may not be one."""
        if not self.may_join(session):
            reason = "plain lines are not taken here"
            return [Close(session.connection, Closing.AT_ONCE, reason)]
        self._sessions[session.connection] = (session, now)
        self._guests.join(session.connection, dialled=session.is_dialled, now=now)
        told = Connected(GUEST, session.address, session.direction, guest=True)
        effects: list[Effect] = [Tell(told)]
        if session.is_dialled:
            effects.append(Opened(session.connection, GUEST, already=False))
        return effects

    def leave(self, connection: ConnectionId, reason: str) -> list[Effect]:
        """Forget a plain-line peer whose connection has ended."""
        session, _ = self._sessions.pop(connection)
        self._guests.leave(connection)
        told = Disconnected(GUEST, session.address, reason, guest=True, direction=session.direction)
        return [Tell(told)]

    def hang_up(self, connections: tuple[ConnectionId, ...] | None = None) -> list[Effect]:
        """End those plain-line connections, or all of them."""
        chosen = self._sessions if connections is None else connections
        effects: list[Effect] = []
        for connection in chosen:
            if connection in self._sessions:
                # Until its stream ends it is neither heard nor written to any more.
                self._guests.leave(connection)
                effects.append(Close(connection, Closing.AFTER_LAST_FRAME, "we left"))
        return effects

    def hear(self, connection: ConnectionId, lines: tuple[str, ...], now: float) -> list[Effect]:
        """Announce what a plain-line peer said, as far as its rate allows."""
        effects: list[Effect] = []
        for line in lines:
            taken = self._guests.hear(connection, line, now)
            if taken is not None:
                effects += self._say(taken.connection, taken.kind, taken.text, now)
        return effects

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return self._guests.next_deadline()

    def on_time(self, now: float) -> list[Effect]:
        """Announce the lines that waited for their rate."""
        effects: list[Effect] = []
        for line in self._guests.release(now):
            effects += self._say(line.connection, line.kind, line.text, now)
        return effects

    def tell(
        self,
        kind: int,
        nick: str,
        texts: tuple[str, ...],
        now: float,
        *,
        earlier: bool = False,
        source: ConnectionId | None = None,
    ) -> list[Effect]:
        """Write messages of the room to whoever reads plain lines."""
        to = self._guests.audience(kind, earlier=earlier, source=source)
        if not to:
            return []
        nick = GUEST_NICK if kind in (Kind.GUEST, Kind.BRIDGED) else nick
        effects: list[Effect] = []
        for text in texts:
            said = f"* {text}" if kind == Kind.ACTION else text
            self._guests.wrote(line_of(nick, said), now)
            effects.append(WriteLine(to, nick, said))
        return effects

    def statuses(self, now: float) -> tuple[NeighbourStatus, ...]:
        """Describe the plain-line peers."""
        return tuple(
            NeighbourStatus(
                GUEST,
                session.address,
                session.direction,
                None,
                now - since,
                now - since,
                True,
                session.connection,
            )
            for session, since in self._sessions.values()
        )

    def _say(self, source: ConnectionId, kind: Kind, text: str, now: float) -> list[Effect]:
        self._announce(kind, text)
        return self.tell(kind, GUEST_NICK, (text,), now, source=source)

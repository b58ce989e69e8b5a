"""Every connection of a node from its first byte to its last: opening, life, goodbye."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.admission import Admission
from p2pchat.core.alarms import Alarms, Purpose
from p2pchat.core.events import (
    Close,
    Closing,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    Effect,
    Failed,
    Leave,
    Opened,
    Register,
    Send,
    Tell,
)
from p2pchat.core.frames import (
    Carry,
    Goodbye,
    GoodbyeSeen,
    Hello,
    Incoming,
    Ping,
    Pong,
    Proof,
    Refusal,
    Skipped,
    Welcome,
)
from p2pchat.core.liveness import Liveness
from p2pchat.core.neighbours import Arrival, Neighbour, Neighbours, judge
from p2pchat.core.notices import Connected, Direction, Disconnected, NeighbourStatus
from p2pchat.core.opening import Opening
from p2pchat.core.people import People
from p2pchat.core.session import Session, State
from p2pchat.core.setup import Setup
from p2pchat.core.values import ConnectionId, Person
from p2pchat.errors import ConnectionEnded as DialEnded
from p2pchat.errors import FrameUnexpected, NotP2PChat, OpeningTimedOut, PeerSilent, RemoteFault


class Connections:
    """Knows each connection's session, and which one of a neighbour counts."""

    def __init__(self, setup: Setup, opening: Opening, people: People) -> None:
        self.neighbours = Neighbours()
        self.liveness = Liveness()
        self.alarms = Alarms()
        self.admission = Admission()
        self.goodbyes_seen = 0
        """Neighbours that confirmed our goodbye, and with it all before."""
        self._setup = setup
        self._opening = opening
        self._people = people
        self._sessions: dict[ConnectionId, Session] = {}
        self._skipped: dict[ConnectionId, tuple[int, int]] = {}

    def get(self, connection: ConnectionId) -> Session | None:
        """Return the session of a connection that has not ended."""
        return self._sessions.get(connection)

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        due = (self.liveness.next_deadline(), self.alarms.next_deadline())
        return min((at for at in due if at is not None), default=None)

    def forgive(self, late_s: float) -> None:
        """Move every deadline by the time that we ourselves were asleep."""
        self.liveness.forgive(late_s)
        self.alarms.forgive(late_s)

    def statuses(self, now: float) -> tuple[NeighbourStatus, ...]:
        """Describe the neighbours, oldest connection first."""
        return tuple(
            self._status(session, now)
            for session in sorted(self.neighbours, key=lambda s: s.connection)
        )

    # --- Beginning ----------------------------------------------------------------------------

    def on_started(self, event: ConnectionStarted, now: float) -> list[Effect]:
        """Begin with a connection; what was accepted may push an older newcomer out."""
        session = Session(event, now)
        if not session.is_dialled and self.admission.is_banned(session.host_ip, now):
            return [Close(session.connection, Closing.AT_ONCE, "address brought forgeries")]
        self._sessions[session.connection] = session
        self.alarms.set(session.connection, Purpose.OPENING, now + limits.OPENING_TIMEOUT_S)
        if session.is_dialled:
            return []
        victim = self.admission.admit(session.connection, session.host_ip)
        if victim is None:
            return []
        return self._end(victim, Closing.AT_ONCE, "pushed out by a newcomer", now)

    def on_secured(self, event: ConnectionSecured) -> list[Effect]:
        """TLS is done: greet."""
        session = self._sessions.get(event.connection)
        if session is None:
            return []
        session.peer, session.exported = event.peer, event.exported
        session.advance(ConnectionSecured)
        return self._opening.greet(session)

    def on_frame(self, session: Session, frame: Incoming, now: float) -> list[Effect]:
        """Handle whatever is about the connection itself.

        Raises:
            FrameUnexpected: Out of turn.
        """
        self.liveness.heard(session.connection, now)
        if session.state is State.CLOSED:
            return []  # we have refused it and only wait for the end
        session.advance(type(frame))
        match frame:
            case Ping(token):
                # Nothing may follow our goodbye, not even an answer.
                is_open = session.state is State.OPEN
                return [Send((session.connection,), Pong(token))] if is_open else []
            case Pong(token):
                self.liveness.answered(session.connection, token, now)
                return self._settle_duplicate(session)
            case Hello():
                return self._opening.on_hello(session, frame, now)
            case Proof():
                has_room = len(self.neighbours) < limits.CONNECTIONS_LIMIT
                return self._opening.on_proof(session, frame, now, has_room=has_room)
            case Welcome():
                return self._on_welcome(session, frame, now)
            case Refusal():
                return self._opening.on_refusal(session, frame, now)
            case Goodbye():
                return self._on_goodbye(session, now)
            case GoodbyeSeen():
                self.goodbyes_seen += 1
                return [Close(session.connection, Closing.AFTER_LAST_FRAME, "we left")]
            case Skipped():
                self._count_skipped(session, now)
                return []
            case Carry():
                return []

    def on_bytes(self, connection: ConnectionId, now: float) -> None:
        """Take note of a sign of life; who begins a handshake is no silent guest."""
        self.liveness.heard(connection, now)
        session = self._sessions.get(connection)
        if session is not None and session.state is State.SECURING:
            self.alarms.cancel(connection, Purpose.GUEST_SILENCE)

    def _on_welcome(self, session: Session, welcome: Welcome, now: float) -> list[Effect]:
        assert session.peer is not None
        session.opened_at = now
        session.person, _ = self._people.meet(session.peer, welcome.nick, 1, now)
        self.alarms.cancel(session.connection, Purpose.OPENING)
        self.admission.settle(session.connection)
        self.liveness.watch(session.connection, now)
        old = self.neighbours.get(session.peer)
        match judge(old.session if old else None, session, self._setup.me):
            case Arrival.NEW:
                return self._install(session, now, already=False)
            case Arrival.WINS:
                assert old is not None
                return [*self._install(session, now, already=True), *self._drain(old.session, now)]
            case Arrival.LOSES:
                return [
                    Opened(session.connection, session.person, already=True),
                    *self._drain(session, now),
                ]
            case Arrival.ASK_OLD:
                assert old is not None
                return self._ask_old(old, session, now)

    def _install(self, session: Session, now: float, *, already: bool) -> list[Effect]:
        assert session.peer is not None
        assert session.person is not None
        self.neighbours.put(session)
        effects: list[Effect] = [
            Register(session.connection, session.peer),
            Opened(session.connection, session.person, already),
        ]
        token = self.liveness.ping(session.connection, now)
        if token is not None:
            effects.append(Send((session.connection,), Ping(token)))  # so that the rtt is known
        if not already:
            effects.append(Tell(Connected(session.person, session.address, session.direction)))
        return effects

    # --- Two connections of one peer ----------------------------------------------------------

    def _ask_old(self, old: Neighbour, new: Session, now: float) -> list[Effect]:
        token = self.liveness.ping(old.session.connection, now)
        effects: list[Effect] = []
        if old.spare is not None:
            effects += self._drain(old.spare, now)
        old.spare = new
        self.alarms.set(new.connection, Purpose.DUPLICATE, now + limits.DUPLICATE_PING_S)
        if token is not None:
            effects.append(Send((old.session.connection,), Ping(token)))
        return effects

    def _settle_duplicate(self, answered: Session) -> list[Effect]:
        """The old connection lives: the newer one goes."""
        neighbour = self.neighbours.get(answered.peer)
        if neighbour is None or neighbour.session is not answered or neighbour.spare is None:
            return []
        spare, neighbour.spare = neighbour.spare, None
        assert spare.person is not None
        self.alarms.cancel(spare.connection, Purpose.DUPLICATE)
        effects: list[Effect] = [Opened(spare.connection, spare.person, already=True)]
        return effects + self._drain(spare, spare.opened_at)

    def _replace_by(self, spare: Session, reason: str, now: float) -> list[Effect]:
        """The old connection is dead: the newer one counts from now on."""
        assert spare.peer is not None
        neighbour = self.neighbours.get(spare.peer)
        assert neighbour is not None
        old = neighbour.session
        self.alarms.cancel(spare.connection, Purpose.DUPLICATE)
        restarted = old.epoch != spare.epoch
        effects: list[Effect] = []
        if restarted:
            effects.append(Tell(self._gone(old, reason, left=False)))
        effects += self._install(spare, now, already=not restarted)
        if old.connection in self._sessions:
            self._forget(old)
            effects.append(Close(old.connection, Closing.AT_ONCE, "replaced by a newer one"))
        return effects

    def _drain(self, loser: Session, now: float) -> list[Effect]:
        """Let frames under way arrive; the dialler of the loser then closes it."""
        wait_s = limits.DRAIN_S if loser.is_dialled else limits.DRAIN_S + limits.LEAVE_TIMEOUT_S
        self.alarms.set(loser.connection, Purpose.DRAINED, now + wait_s)
        return []

    # --- Ending -------------------------------------------------------------------------------

    def leave(self, connections: tuple[ConnectionId, ...], now: float) -> list[Effect]:
        """Say goodbye on those connections, behind everything that is queued."""
        effects: list[Effect] = []
        for connection in connections:
            session = self._sessions.get(connection)
            if session is None or session.state is not State.OPEN:
                continue
            session.advance(Leave)
            self.alarms.set(connection, Purpose.LEAVING, now + limits.LEAVE_TIMEOUT_S)
            effects.append(Send((connection,), Goodbye()))
            # Nothing may follow a goodbye, so it is no neighbour from here on.
            effects += self._lose(session, "disconnected by this side", left=False)
        return effects

    def _on_goodbye(self, session: Session, now: float) -> list[Effect]:
        self.alarms.set(session.connection, Purpose.LEAVING, now + limits.LEAVE_TIMEOUT_S)
        effects: list[Effect] = [Send((session.connection,), GoodbyeSeen())]
        if session.state is State.PARTING:
            effects += self._lose(session, "left", left=True)
        return effects

    def _lose(self, session: Session, reason: str, *, left: bool) -> list[Effect]:
        if session.peer is None or not self.neighbours.is_current(session):
            return []
        self.neighbours.remove(session.peer)
        return [Tell(self._gone(session, reason, left=left))]

    def on_ended(self, event: ConnectionEnded, now: float) -> list[Effect]:
        """The bytes have stopped, by whosever doing."""
        session = self._sessions.get(event.connection)
        if session is None:
            return []
        was_opening = session.is_opening
        self._forget(session)
        if was_opening:
            error = event.error or DialEnded(session.address, event.reason)
            return [Failed(session.connection, error)] if session.is_dialled else []
        return self._after_end(session, event.reason, now)

    def fail(self, session: Session, fault: RemoteFault, now: float) -> list[Effect]:
        """End a connection for what the other side sent."""
        return self._end(session.connection, Closing.AT_ONCE, str(fault), now)

    def _after_end(self, session: Session, reason: str, now: float) -> list[Effect]:
        neighbour = self.neighbours.get(session.peer)
        if neighbour is None:
            return []
        if neighbour.spare is session:
            neighbour.spare = None
            return []
        if neighbour.session is not session:
            return []
        if neighbour.spare is not None:
            return self._replace_by(neighbour.spare, reason, now)
        return self._lose(session, reason, left=False)

    def _end(self, connection: ConnectionId, how: Closing, reason: str, now: float) -> list[Effect]:
        effects: list[Effect] = [Close(connection, how, reason)]
        return effects + self.on_ended(ConnectionEnded(connection, reason), now)

    def release(self, connection: ConnectionId) -> Session | None:
        """Give up a session that has turned out to be a plain-line peer's."""
        session = self._sessions.get(connection)
        if session is not None:
            self._forget(session)
        return session

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.connection, None)
        self._skipped.pop(session.connection, None)
        self.alarms.cancel(session.connection)
        self.admission.settle(session.connection)
        self.liveness.forget(session.connection)

    # --- Time ---------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Effect]:
        """Ask the silent and give up the dead."""
        effects: list[Effect] = []
        to_ping, dead = self.liveness.due(now)
        for connection in to_ping:
            token = self.liveness.ping(connection, now)
            if token is not None:
                effects.append(Send((connection,), Ping(token)))
        for connection, silent_s in dead:
            effects += self._end(connection, Closing.AT_ONCE, str(PeerSilent(silent_s)), now)
        return effects

    def ring(self, connection: ConnectionId, purpose: Purpose, now: float) -> list[Effect]:
        """Do what an alarm was set for."""
        session = self._sessions.get(connection)
        if session is None:
            return []
        match purpose:
            case Purpose.OPENING:
                return self._overdue(session, now)
            case Purpose.DUPLICATE:
                return self._replace_by(session, "connection lost", now)
            case Purpose.DRAINED:
                return [Close(connection, Closing.AFTER_LAST_FRAME, "the other one was kept")]
            case Purpose.LEAVING:
                return self._end(connection, Closing.AT_ONCE, "goodbye not finished in time", now)
            case Purpose.GUEST_SILENCE:
                return []

    def _overdue(self, session: Session, now: float) -> list[Effect]:
        fault = OpeningTimedOut(limits.OPENING_TIMEOUT_S)
        why = (
            f"no TLS in {limits.OPENING_TIMEOUT_S:g} s"
            if session.state is State.SECURING
            else "its opening stalled"
        )
        effects: list[Effect] = [Close(session.connection, Closing.AT_ONCE, str(fault))]
        ended = ConnectionEnded(session.connection, str(fault), NotP2PChat(session.address, why))
        return effects + self.on_ended(ended, now)

    # --- Facts --------------------------------------------------------------------------------

    def _count_skipped(self, session: Session, now: float) -> None:
        second, count = self._skipped.get(session.connection, (int(now), 0))
        count = count + 1 if second == int(now) else 1
        self._skipped[session.connection] = (int(now), count)
        if count > limits.UNKNOWN_FRAMES_PER_S:
            raise FrameUnexpected("flood of unknown frames", session.state.value)

    def _gone(self, session: Session, reason: str, *, left: bool) -> Disconnected:
        return Disconnected(
            self.person_of(session), session.address, reason, left, direction=session.direction
        )

    def person_of(self, session: Session) -> Person:
        """Return who is there, under the latest nick."""
        assert session.peer is not None
        assert session.person is not None
        return self._people.person(session.peer) or session.person

    def _status(self, session: Session, now: float) -> NeighbourStatus:
        rtt_s = self.liveness.rtt_s(session.connection)
        heard_at = self.liveness.heard_at(session.connection)
        return NeighbourStatus(
            self.person_of(session),
            session.address,
            Direction.OUT if session.is_dialled else Direction.IN,
            None if rtt_s is None else rtt_s * 1000,
            now - (heard_at if heard_at is not None else session.opened_at),
            now - session.opened_at,
            connection=session.connection,
        )

"""Every connection of a node from its first byte to its last: opening, life, goodbye."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.admission import Admission, has_room_for
from p2pchat.core.alarms import Alarms, Purpose, earlier
from p2pchat.core.changes import Arrived, Change, Departed, Drained, Parting
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
from p2pchat.core.neighbours import Arrival, Neighbour, Neighbours, judge, rank
from p2pchat.core.opening import Opening, unopened
from p2pchat.core.people import People
from p2pchat.core.session import Session, State
from p2pchat.core.setup import Setup
from p2pchat.core.unknown_frames import UnknownFrames
from p2pchat.core.values import ConnectionId
from p2pchat.errors import ConnectionEnded as DialEnded
from p2pchat.errors import DialFailed, OpeningTimedOut, PeerSilent


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
        self._unknown_frames = UnknownFrames()
        self._changes: list[Change] = []  # taken after each event
        self._attempts: dict[ConnectionId, int] = {}
        """Dials of the node of which nobody knows yet what they led to."""

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def accepted_count(self) -> int:
        """Connections that others dialled, in whatever state."""
        return sum(not session.is_dialled for session in self._sessions.values())

    def get(self, connection: ConnectionId) -> Session | None:
        """Return the session of a connection that has not ended."""
        return self._sessions.get(connection)

    @property
    def has_changed(self) -> bool:
        """Whether `take_changes` has something to tell."""
        return bool(self._changes)

    @property
    def is_dialling(self) -> bool:
        """Whether a dial of the node itself is being opened."""
        return bool(self._attempts)

    def take_changes(self) -> list[Change]:
        """Return what has changed about who is a neighbour since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def take_attempt(self, connection: ConnectionId) -> int:
        """Return which dial of the node led to a connection that did not open; 0 for none."""
        return self._attempts.pop(connection, 0)

    def next_deadline(self) -> float | None:
        """When to call `on_time`; None for never."""
        return earlier(self.liveness.next_deadline(), self.alarms.next_deadline())

    def forgive(self, late_s: float) -> None:
        """Move every deadline by the time that we ourselves were asleep."""
        self.liveness.forgive(late_s)
        self.alarms.forgive(late_s)

    # --- Beginning ----------------------------------------------------------------------------

    def on_started(self, event: ConnectionStarted, now: float) -> list[Effect]:
        """Begin with a connection; what was accepted may push an older newcomer out."""
        session = Session(event, now)
        if not session.is_dialled and self.admission.is_banned(session.host_ip, now):
            return [Close(session.connection, Closing.AT_ONCE, "address brought forgeries")]
        self._sessions[session.connection] = session
        self.alarms.set(session.connection, Purpose.OPENING, now + limits.OPENING_TIMEOUT_S)
        if session.is_dialled:
            if session.attempt:
                self._attempts[session.connection] = session.attempt
            return []
        victim = self.admission.admit(session.connection, session.host_ip)
        return [] if victim is None else self.end(victim, "pushed out by a newcomer", now)

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
            case Carry():  # the common case first; its content is not about the connection
                return []
            case Ping(token):
                # Nothing may follow our goodbye, not even an answer.
                is_open = session.state is State.OPEN
                return [Send((session.connection,), Pong(token))] if is_open else []
            case Pong(token):
                self.liveness.answered(session.connection, token, now)
                return self._settle_duplicate(session, now)
            case Hello():
                return self._opening.on_hello(session, frame, now)
            case Proof():
                has_room = has_room_for(session, self._sessions.values())
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
                self._unknown_frames.count(session, now)
                return []
            case _:
                return []  # about envelopes

    def on_bytes(self, connection: ConnectionId, now: float) -> None:
        """Take note of a sign of life; who begins a handshake is no silent guest."""
        self.liveness.heard_fragment(connection, now)
        session = self._sessions.get(connection)
        if session is not None and session.state is State.SECURING:
            self.alarms.cancel(connection, Purpose.GUEST_SILENCE)

    def _on_welcome(self, session: Session, welcome: Welcome, now: float) -> list[Effect]:
        assert session.peer is not None
        session.opened_at, session.welcome = now, welcome
        session.was_known = self._people.is_around(session.peer, now)
        session.person, _ = self._people.meet(session.peer, welcome.nick, 1, now)
        self.alarms.cancel(session.connection, Purpose.OPENING)
        self.admission.settle(session.connection)
        self.liveness.watch(session.connection, now)
        self.neighbours.begin_talk(session.connection)
        old = self.neighbours.get(session.peer)
        arrival = judge(old.session if old else None, session)
        if old is None or arrival is Arrival.NEW:
            return self._install(session, now, already=False)
        if arrival is Arrival.CROSSING:
            return self._keep_best(old, session, now)
        return self._ask_old(old, session, now)

    def _install(self, session: Session, now: float, *, already: bool) -> list[Effect]:
        assert session.peer is not None
        assert session.person is not None
        self.neighbours.put(session)
        self.neighbours.begin_talk(session.connection)  # again, if it was being drained
        self.alarms.cancel(session.connection)
        self._attempts.pop(session.connection, None)
        effects: list[Effect] = [
            Register(session.connection, session.peer),
            Opened(session.connection, session.person, already),
        ]
        self._changes.append(Arrived(session, is_new=not already))
        return effects + self.liveness.ask(session.connection, now)  # what is the round trip?

    # --- Two connections of one peer ----------------------------------------------------------

    def _ask_old(self, old: Neighbour, new: Session, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if old.spare is not None:
            loser = max(old.spare, new, key=self._rank)
            new = min(old.spare, new, key=self._rank)
            effects += self._drain(loser, now)
        old.spare = new
        self.alarms.set(new.connection, Purpose.DUPLICATE, now + limits.DUPLICATE_PING_S)
        return effects + self.liveness.ask(old.session.connection, now)

    def _settle_duplicate(self, answered: Session, now: float) -> list[Effect]:
        """The old connection lives as well as the newer one."""
        neighbour = self.neighbours.get(answered.peer)
        if neighbour is None or neighbour.session is not answered or neighbour.spare is None:
            return []
        spare, neighbour.spare = neighbour.spare, None
        if spare.epoch != answered.epoch:
            return self._drain(spare, now)  # a copy of its profile; who came first stays
        return self._keep_best(neighbour, spare, now)

    def _keep_best(self, neighbour: Neighbour, rival: Session, now: float) -> list[Effect]:
        """Both live: keep the one that the other side keeps as well."""
        current = neighbour.session
        if self._rank(current) < self._rank(rival):
            return self._drain(rival, now)
        effects = self._drain(current, now)
        if neighbour.spare is not None:
            # It waited for the old one's answer, which does not matter any more.
            effects += self._drain(max(rival, neighbour.spare, key=self._rank), now)
            rival = min(rival, neighbour.spare, key=self._rank)
        return effects + self._install(rival, now, already=True)

    def _rank(self, session: Session) -> tuple[bool, bytes]:
        return rank(session, self._setup.me)

    def _replace_by(self, spare: Session, reason: str, now: float) -> list[Effect]:
        """The old connection is dead: the newer one counts from now on."""
        neighbour = self.neighbours.get(spare.peer)
        assert neighbour is not None, "whoever loses a neighbour drains its other connections"
        old = neighbour.session
        restarted = old.epoch != spare.epoch
        if restarted:
            self._changes.append(Departed(old, reason, Parting.NOBODYS))
        effects = self._install(spare, now, already=not restarted)
        if old.connection in self._sessions:
            self.forget(old)
            effects.append(Close(old.connection, Closing.AT_ONCE, "replaced by a newer one"))
        return effects

    def _drain(self, loser: Session, now: float) -> list[Effect]:
        """Let frames under way arrive; the dialler of the loser then closes it."""
        assert loser.person is not None
        wait_s = limits.DRAIN_S if loser.is_dialled else limits.DRAIN_S + limits.LEAVE_TIMEOUT_S
        self.alarms.set_only(loser.connection, Purpose.DRAINED, now + wait_s)
        self.neighbours.end_talk(loser.connection)
        self._attempts.pop(loser.connection, None)
        self._changes.append(Drained(loser))
        return [Opened(loser.connection, loser.person, already=True)]

    def _others_of(self, session: Session) -> list[Session]:
        """Return the other open connections of the same peer, oldest first."""
        return [
            other
            for other in self._sessions.values()
            if other.peer == session.peer and other is not session and other.state is State.OPEN
        ]

    # --- Ending -------------------------------------------------------------------------------

    def leave(self, connection: ConnectionId, now: float) -> list[Effect]:
        """Say goodbye to a neighbour, behind everything that is queued."""
        session = self._sessions.get(connection)
        if session is None or session.state is not State.OPEN:
            return []
        self._part(session, now)
        # Nothing may follow a goodbye, so it is no neighbour from here on.
        lost = self._lose(session, "disconnected by this side", now, Parting.OURS)
        return [Send((connection,), Goodbye()), *lost]

    def leave_all(self, now: float) -> list[Effect]:
        """Say goodbye to every neighbour, and end what is not open yet."""
        effects: list[Effect] = []
        for session in tuple(self._sessions.values()):
            if session.is_opening:
                effects += self.end(session.connection, "this node leaves", now)
            elif self.neighbours.is_current(session):
                effects += self.leave(session.connection, now)
            else:
                effects += self._close_other(session, now)
        return effects

    def _part(self, session: Session, now: float) -> None:
        session.advance(Leave)
        self.neighbours.end_talk(session.connection)
        self.alarms.set_only(session.connection, Purpose.LEAVING, now + limits.LEAVE_TIMEOUT_S)

    def _close_other(self, session: Session, now: float) -> list[Effect]:
        """Close one of several connections of a peer; it needs no goodbye."""
        if session.state is not State.OPEN:
            return []
        self._part(session, now)
        return [Close(session.connection, Closing.AFTER_LAST_FRAME, "not needed any more")]

    def _on_goodbye(self, session: Session, now: float) -> list[Effect]:
        self.alarms.set_only(session.connection, Purpose.LEAVING, now + limits.LEAVE_TIMEOUT_S)
        self.neighbours.forget_spare(session)
        self.neighbours.end_talk(session.connection)
        seen = Send((session.connection,), GoodbyeSeen())
        return [seen, *self._lose(session, "left", now, Parting.THEIRS)]

    def _lose(self, session: Session, reason: str, now: float, parting: Parting) -> list[Effect]:
        if session.peer is None or not self.neighbours.is_current(session):
            return []
        self.neighbours.remove(session.peer)
        self._changes.append(Departed(session, reason, parting))
        return [e for other in self._others_of(session) for e in self._close_other(other, now)]

    def on_ended(self, event: ConnectionEnded, now: float) -> list[Effect]:
        """The bytes have stopped, by whosever doing."""
        session = self._sessions.get(event.connection)
        if session is None:
            return []
        was_opening = session.is_opening
        self.forget(session)
        if was_opening:
            error = event.error or DialEnded(session.address, event.reason)
            return [Failed(session.connection, error)] if session.is_dialled else []
        if self._attempts.pop(session.connection, 0):
            self._changes.append(Drained(session))  # it never counted, and nobody waits any more
        return self._after_end(session, event.reason, now)

    def _after_end(self, session: Session, reason: str, now: float) -> list[Effect]:
        self.neighbours.forget_spare(session)
        neighbour = self.neighbours.get(session.peer)
        if neighbour is None or neighbour.session is not session:
            return []
        others = self._others_of(session)
        if not others:
            return self._lose(session, reason, now, Parting.NOBODYS)
        return self._replace_by(neighbour.spare or min(others, key=self._rank), reason, now)

    def end(
        self, connection: ConnectionId, reason: str, now: float, error: DialFailed | None = None
    ) -> list[Effect]:
        """End a connection at once, for a fault of the other side or for no use."""
        close = Close(connection, Closing.AT_ONCE, reason)
        return [close, *self.on_ended(ConnectionEnded(connection, reason, error), now)]

    def forget(self, session: Session) -> None:
        """Give up a session that has ended, or that has turned out to be a plain-line peer's."""
        self._sessions.pop(session.connection, None)
        self.neighbours.end_talk(session.connection)
        self._unknown_frames.forget(session.connection)
        self.alarms.cancel(session.connection)
        self.admission.settle(session.connection)
        self.liveness.forget(session.connection)

    # --- Time ---------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Effect]:
        """Ask the silent and give up the dead."""
        to_ping, dead = self.liveness.due(now)
        effects = [ping for silent in to_ping for ping in self.liveness.ask(silent, now)]
        for connection, silent_s in dead:
            effects += self.end(connection, str(PeerSilent(silent_s)), now)
        return effects

    def ask_all(self, now: float) -> list[Effect]:
        """We slept, or the network has changed: find out soon who is still there."""
        near = [session.connection for session in self.neighbours]
        return [ping for n in near for ping in self.liveness.ask(n, now, limits.WOKEN_PING_S)]

    def ring(self, connection: ConnectionId, purpose: Purpose, now: float) -> list[Effect]:
        """Do what an alarm was set for."""
        session = self._sessions.get(connection)
        if session is None:
            return []
        match purpose:
            case Purpose.OPENING:
                timed_out = OpeningTimedOut(limits.OPENING_TIMEOUT_S)
                return self.end(connection, str(timed_out), now, unopened(session))
            case Purpose.DUPLICATE:
                return self._replace_by(session, "connection lost", now)
            case Purpose.DRAINED:
                return self._close_other(session, now)
            case Purpose.LEAVING:
                return self.end(connection, "goodbye not finished in time", now)
            case Purpose.GUEST_SILENCE:
                return []

"""Composes the machines of a node: one event in, effects out."""

from __future__ import annotations

import math
from typing import assert_never

from p2pchat.core import limits
from p2pchat.core.admission import is_loopback
from p2pchat.core.alarms import Purpose, earlier, earliest
from p2pchat.core.changes import Arrived, Departed
from p2pchat.core.direct_frames import DirectFrame
from p2pchat.core.events import (
    AddressFound,
    AskMap,
    AskPath,
    AskWho,
    AskWhoHas,
    BytesReceived,
    BytesTaken,
    ClockSet,
    ConnectionEnded,
    ConnectionSecured,
    ConnectionStarted,
    DeliveredNoted,
    DialEnded,
    Effect,
    Event,
    Failed,
    FrameReceived,
    HangUp,
    Leave,
    LinesReceived,
    LookAround,
    NetworkChanged,
    Note,
    Probed,
    QueueFell,
    QueueRose,
    Rename,
    SendDirect,
    Tell,
    Tick,
    TreatAsGuest,
    Wish,
)
from p2pchat.core.frames import Carry, Incoming, Welcome
from p2pchat.core.joining import JoiningFrame
from p2pchat.core.machines import Machines
from p2pchat.core.notices import Trouble
from p2pchat.core.session import Session, State
from p2pchat.core.statuses import person_of
from p2pchat.core.survey import SurveyFrame
from p2pchat.core.values import ConnectionId
from p2pchat.errors import EnvelopeForged, RemoteFault

_TALKING = frozenset({State.OPEN, State.LEAVING})


class Core(Machines):
    """Every decision of a node; no I/O, no clock, no chance of its own."""

    # --- Events --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When to send a Tick, on the clock of `handle()`.

        Minus infinity for "when you get round to it", None for never; may be early, never late.
        """
        publish_at = self._publish_at
        if publish_at == -math.inf:
            return publish_at  # nothing is earlier, so the machines need not be asked
        return earlier(publish_at, self._due_at())

    def _due_at(self) -> float | None:
        """When any machine has something to do, own messages apart."""
        return earliest(
            self._connections.next_deadline(),
            self._plain_lines.next_deadline(),
            self._spreading.next_deadline(),
            self._joining.next_deadline(),
            self._survey.next_deadline(),
            self._direct.next_deadline(),
            self._acquaintance.next_deadline(),
            self._presence.next_deadline(),
        )

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Apply one event and return the effects, in the order to perform.

        Args:
            event: What happened.
            now: Monotonic time in seconds.
        """
        effects = self._forgive_own_lateness(now)
        effects += self._on_event(event, now)
        if self._connections.liveness.is_soon(now):
            effects += self._connections.on_time(now)
        if self._connections.is_dialling:
            effects += self._follow_dials(effects, now)
        # What follows from a change may change something again: a neighbour is released.
        while self._connections.has_changed:
            effects += self._follow_changes(now)
        if self._connections.neighbours.has_changed:
            effects += self._follow_neighbours(now)
        if self._people.has_met:
            met = self._people.take_met()
            effects += self._acquaintance.on_met(met, now, self._wall_ms(now))
        if self._survey.is_mapping and (behind := self._survey.to_mend(now)) is not None:
            effects += self._joining.dial_known(behind, now)
        # Last, for a neighbour may have gone with what happened; now, because we are awake.
        return effects + self._spreading.compare(now, self._wall_ms(now))

    def _on_event(self, event: Event, now: float) -> list[Effect]:
        match event:
            case FrameReceived(connection, frame):
                return self._on_frame(connection, frame, now)
            case BytesReceived(connection):
                self._connections.on_bytes(connection, now)
                return []
            case BytesTaken(connection):
                self._connections.liveness.heard(connection, now)
                return []
            case Tick():
                return self._on_tick(now)
            case ConnectionStarted():
                return self._on_started(event, now)
            case ConnectionSecured():
                return self._connections.on_secured(event)
            case LinesReceived(connection, lines):
                return self._on_lines(connection, lines, now)
            case ConnectionEnded():
                return self._on_ended(event, now)
            case QueueRose(connection):
                self._behind.add(connection)
                return self._spreading.on_queue(connection, now, self._wall_ms(now), is_high=True)
            case QueueFell(connection):
                self._behind.discard(connection)
                return self._spreading.on_queue(connection, now, self._wall_ms(now), is_high=False)
            case ClockSet(offset_s):
                return self._on_clock(offset_s, now)
            case DialEnded(attempt, error):
                return self._joining.on_attempt_failed(attempt, error, now)
            case _:
                return self._on_wish(event, now)

    def _on_wish(self, event: Wish, now: float) -> list[Effect]:
        match event:
            case HangUp(connection):
                return self._hang_up(connection, now)
            case AskWhoHas(number):
                return self._ask_who_has(number, now)
            case AskMap():
                return self._survey.ask_map(now)
            case AskWho():
                return self._survey.who.ask(self._others_known(now), now, self._wall_ms(now))
            case AskPath(number, target):
                return self._survey.ask_path(number, target, now)
            case SendDirect(message, recipient, kind, text):
                wall_ms = self._wall_ms(now)
                return self._direct.send(message, recipient, kind, text, now, wall_ms)
            case DeliveredNoted(author, message):
                return self._direct.on_noted(author, message, now)
            case AddressFound():
                return self._joining.on_found(event, now)
            case LookAround():
                return self._joining.look_around(now)
            case Rename(nick):
                return self._rename(nick, now)
            case NetworkChanged(addresses):
                changed = self._joining.on_network_changed(addresses, now)
                return self._connections.ask_all(now) + changed
            case Probed(attempt, is_open):
                return self._joining.reachability.on_probed(attempt, is_open=is_open)
            case Leave():
                self._is_leaving = True
                parting = self._presence.on_leave(self._me.nick, now, self._wall_ms(now))
                return parting + self._joining.end(now) + self._leave_when_empty(now)
            case _:
                assert_never(event)

    def _hang_up(self, connection: ConnectionId, now: float) -> list[Effect]:
        session = self._connections.get(connection)
        if session is not None:
            self._joining.hang_up(session.peer)
        goodbye = self._connections.leave(connection, now)
        return goodbye + self._plain_lines.hang_up((connection,))

    def _on_clock(self, offset_s: float, now: float) -> list[Effect]:
        is_start = not self._has_begun
        # A monotonic clock stands still while the machine sleeps, the wall clock does not.
        has_slept = not is_start and offset_s - self._wall_offset_s > limits.WOKE_AFTER_S
        self._wall_offset_s, self._has_begun = offset_s, True
        wall_ms = self._wall_ms(now)
        self._spreading.begin(wall_ms)
        effects: list[Effect] = []
        if is_start:
            effects += self._direct.restore(self._left_over, now, wall_ms)
            effects += self._joining.begin(now, wall_ms)
        if has_slept:
            effects += self._wake(now)
        return effects + self._warn_of_clock(now)

    def _wake(self, now: float) -> list[Effect]:
        """We slept: who is still there, and who else by now?"""
        return self._connections.ask_all(now) + self._joining.on_network_changed(None, now)

    def _on_frame(self, connection: ConnectionId, frame: Incoming, now: float) -> list[Effect]:
        session = self._connections.get(connection)
        if session is None:
            return []  # ended by us while this was under way
        try:
            effects = self._connections.on_frame(session, frame, now)
            if isinstance(frame, Welcome):
                self._clock_check.note(connection, frame.wall_ms, now)
                effects += self._warn_of_clock(now)
            if session.state in _TALKING:
                effects += self._on_talk(session, frame, now)
        except RemoteFault as fault:
            return self._on_fault(session, fault, now)
        return effects

    def _on_talk(self, session: Session, frame: Incoming, now: float) -> list[Effect]:
        wall_ms = self._wall_ms(now)
        if isinstance(frame, Carry):  # the common case first: unions are slow to look through
            return self._spreading.on_frame(session, frame, now, wall_ms)
        if isinstance(frame, JoiningFrame):
            return self._joining.on_frame(session.connection, frame, now, wall_ms)
        if isinstance(frame, SurveyFrame):
            return self._survey.on_frame(session.connection, frame, now, wall_ms)
        if isinstance(frame, DirectFrame):
            return self._direct.on_frame(session.connection, frame, now, wall_ms)
        return self._spreading.on_frame(session, frame, now, wall_ms)

    def _follow_dials(self, effects: list[Effect], now: float) -> list[Effect]:
        """Let the node's own dials that came to nothing be noticed by who had asked for them."""
        found: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Failed):
                attempt = self._connections.take_attempt(effect.connection)
                if attempt:
                    found += self._joining.on_attempt_failed(attempt, effect.error, now)
        return found

    def _on_fault(self, session: Session, fault: RemoteFault, now: float) -> list[Effect]:
        if isinstance(fault, EnvelopeForged):
            self._connections.admission.note_forgery(session.host_ip, now)
        return [
            Note(f"{session.address}: {fault}"),
            *self._connections.end(session.connection, str(fault), now),
        ]

    # --- Own messages --------------------------------------------------------------------------

    @property
    def _is_congested(self) -> bool:
        """Whether the median send queue is high: then own messages wait and gather."""
        behind = len(self._behind)
        return behind > 0 and 2 * behind >= len(self._connections.neighbours)

    @property
    def _publish_at(self) -> float | None:
        """When the next own envelope may go: minus infinity for at once, None for never."""
        if not self._announcements or self._is_congested or self._spreading.has_held:
            return None
        return self._spreading.may_publish_at

    def _publish(self, now: float) -> list[Effect]:
        """Send one envelope of what waits."""
        at = self._publish_at
        if at is None or now < at:
            return []
        batch = self._announcements.take()
        return [] if batch is None else self._spreading.publish(batch, now, self._wall_ms(now))

    def _ask_who_has(self, number: int | None, now: float) -> list[Effect]:
        spreading = self._spreading
        name = spreading.last_own if number is None else spreading.envelope_with(number)
        return [] if name is None else spreading.ask_who_has(name, now, self._wall_ms(now))

    def _follow_changes(self, now: float) -> list[Effect]:
        """Let membership know, and bring who was spoken to over a dead connection up to date."""
        changes = self._connections.take_changes()
        if any(isinstance(change, Departed) and change.is_lost for change in changes):
            self._presence.on_lost(now)
        effects = self._joining.on_changes(changes, now, self._wall_ms(now))
        for change in changes:
            # One that counts from its opening on compares anyway.
            if isinstance(change, Arrived) and change.session.opened_at < now:
                to = change.session.connection
                effects += self._spreading.on_queue(to, now, self._wall_ms(now), is_high=False)
        return effects

    def _follow_neighbours(self, now: float) -> list[Effect]:
        """Let everything that spreads envelopes know whom there is to spread them to."""
        came, gone = self._connections.neighbours.take_changes()
        effects: list[Effect] = []
        for connection in gone:
            effects += self._spreading.on_closed(connection, now)
            self._survey.on_closed(connection)
            self._direct.on_closed(connection)
            self._clock_check.forget(connection)
        for connection in came:
            session = self._connections.get(connection)
            if connection not in gone and session is not None:
                effects += self._spreading.on_open(connection, now, self._wall_ms(now))
                self._survey.on_open(session, person_of(session, self._people))
                if session.peer is not None:
                    self._direct.on_heard(session.peer, now)
                effects += self._presence.on_company(self._me.nick, now, self._wall_ms(now))
        return effects

    # --- Guests --------------------------------------------------------------------------------

    def _on_started(self, event: ConnectionStarted, now: float) -> list[Effect]:
        effects = self._connections.on_started(event, now)
        session = self._connections.get(event.connection)
        if session is None:
            return effects
        if session.address.plain:
            return effects + self._take_guest(session, now)
        if not session.is_dialled and is_loopback(session.host_ip):
            self._connections.alarms.set(
                session.connection, Purpose.GUEST_SILENCE, now + limits.GUEST_SILENCE_S
            )
        return effects

    def _on_lines(
        self, connection: ConnectionId, lines: tuple[str, ...], now: float
    ) -> list[Effect]:
        effects: list[Effect] = []
        session = self._connections.get(connection)
        if session is not None:
            effects += self._take_guest(session, now)
        return effects + self._plain_lines.hear(connection, lines, now)

    def _take_guest(self, session: Session, now: float) -> list[Effect]:
        self._connections.forget(session)
        return self._plain_lines.join(session, now)

    def _on_silence(self, connection: ConnectionId, now: float) -> list[Effect]:
        session = self._connections.get(connection)
        if session is None or session.state is not State.SECURING:
            return []
        if not self._plain_lines.may_join(session):
            return []  # it still has the rest of the opening's time
        return [TreatAsGuest(connection), *self._take_guest(session, now)]

    # --- Time and ends -------------------------------------------------------------------------

    def _on_tick(self, now: float) -> list[Effect]:
        effects = self._publish(now)
        due_at = self._due_at()
        if due_at is not None and due_at <= now:  # most Ticks are for own messages alone
            effects += self._on_time(now)
        if self._is_leaving:
            effects += self._leave_when_empty(now)
        return effects

    def _on_time(self, now: float) -> list[Effect]:
        effects = self._spreading.on_time(now, self._wall_ms(now))
        effects += self._plain_lines.on_time(now)
        effects += self._connections.on_time(now)
        effects += self._joining.on_time(now, self._wall_ms(now))
        effects += self._survey.on_time(now)
        effects += self._direct.on_time(now, self._wall_ms(now))
        effects += self._acquaintance.on_time(now)
        effects += self._presence.on_time(self._me.nick, now, self._wall_ms(now))
        for connection, purpose in self._connections.alarms.take_due(now):
            if purpose is Purpose.GUEST_SILENCE:
                effects += self._on_silence(connection, now)
            else:
                effects += self._connections.ring(connection, purpose, now)
        return effects

    def _leave_when_empty(self, now: float) -> list[Effect]:
        if self._announcements or self._spreading.has_held:
            return []
        return self._connections.leave_all(now) + self._plain_lines.hang_up()

    def _on_ended(self, event: ConnectionEnded, now: float) -> list[Effect]:
        self._behind.discard(event.connection)
        self._clock_check.forget(event.connection)
        if event.connection in self._plain_lines:
            return self._plain_lines.leave(event.connection, event.reason)
        return self._connections.on_ended(event, now)

    def _forgive_own_lateness(self, now: float) -> list[Effect]:
        deadline = self._connections.next_deadline()
        if deadline is None or now - deadline <= limits.LATE_LOOP_S:
            return []
        late_s = now - deadline + limits.LATE_GRACE_S
        self._connections.forgive(late_s)
        self._spreading.forgive(late_s)
        return self._wake(now) if late_s > limits.WOKE_AFTER_S + limits.LATE_GRACE_S else []

    def _warn_of_clock(self, now: float) -> list[Effect]:
        warning = self._clock_check.warning(self._wall_offset_s, now)
        return [] if warning is None else [Tell(Trouble(warning, "bad-input"))]

"""Performs what the core decides, and tells it what happens: the node's event loop side."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from functools import partial
from itertools import count
from typing import Protocol, assert_never

from p2pchat.core import limits
from p2pchat.core.engine import Core
from p2pchat.core.events import (
    Advertise,
    ClockSet,
    Close,
    Closing,
    ConnectionEnded,
    ConnectionStarted,
    Deliver,
    DeliveredNoted,
    Dial,
    DialEnded,
    Effect,
    Event,
    Failed,
    ForgetWaiting,
    KeepWaiting,
    Leave,
    Note,
    NoteDelivered,
    Opened,
    Probe,
    Probed,
    Published,
    Register,
    SaveBook,
    SaveContacts,
    Search,
    Send,
    Tell,
    Tick,
    TreatAsGuest,
    WriteLine,
)
from p2pchat.core.notices import Direction, Trouble
from p2pchat.core.values import Address, ConnectionId, PeerId
from p2pchat.crypto.identity import Identity
from p2pchat.errors import ConnectionEnded as EndedEarly
from p2pchat.errors import DialFailed
from p2pchat.net.connection import Connection
from p2pchat.net.conversation import (
    Conversation,
    PlainConversation,
    SecureConversation,
    UndecidedConversation,
)
from p2pchat.net.registry import ConnectionRegistry
from p2pchat.net.stream import ByteStream, TcpStream
from p2pchat.net.tcp import dial_first, probe
from p2pchat.notice_queue import NoticeQueue
from p2pchat.people_keeper import PeopleKeeper
from p2pchat.tick_timer import TickTimer
from p2pchat.wire.codec import encode
from p2pchat.wire.framing import frame_bytes
from p2pchat.wire.plain_line import guest_line

log = logging.getLogger(__name__)

_CLOCK_STEP_S = 0.25
"""Steps of the wall clock below this are nobody's business."""

KeptEffect = KeepWaiting | ForgetWaiting | NoteDelivered | SaveContacts
OutsideEffect = Dial | Probe | Search | Advertise | SaveBook | KeptEffect


class Outside(Protocol):
    """What a node has around it besides connections."""

    def search(self) -> None:
        """Look who is there."""
        ...

    def advertise(self) -> None:
        """Let others find this node."""
        ...

    def save_book(self) -> None:
        """Write the address book."""
        ...

    @property
    def people(self) -> PeopleKeeper:
        """Keeps contacts and direct messages."""
        ...


class Shell:
    """Feeds one core, performs its effects, and owns what they act on.

    Nothing here decides, and nothing that performs an effect ever waits: otherwise one slow
    peer would stop the whole node.
    """

    def __init__(
        self,
        core: Core,
        identity: Identity,
        tasks: asyncio.TaskGroup,
        notices: NoticeQueue,
        outside: Outside,
    ) -> None:
        self.registry = ConnectionRegistry()
        self._core = core
        self._identity = identity
        self._tasks = tasks
        self._notices = notices
        self._outside = outside
        self._own_dials: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._dials: dict[ConnectionId, asyncio.Future[Opened]] = {}
        self._pending: list[Event] = []
        self._is_handling = False
        self._is_in_turn = False
        self._is_leaving = False
        self._wall_offset_s = 0.0
        self._timer = TickTimer(core.next_deadline)
        self.announced = self._timer.ring
        """An own message waits: let the time keeper send it with its next turn."""
        self._changed = asyncio.Event()

    # --- Connections ---------------------------------------------------------------------------

    def accept(self, stream: TcpStream) -> None:
        """Take in who dialled us."""
        number = ConnectionId(next(self._numbers))
        conversation = UndecidedConversation(number, self._identity)
        self._start(number, stream, stream.remote, conversation, direction=Direction.IN)

    async def dial(self, addresses: tuple[Address, ...], expected: PeerId | None = None) -> Opened:
        """Dial what the user typed, and wait until the connection is open.

        Args:
            addresses: Of one host; the first that answers counts.
            expected: Whose key has to appear there; None for anybody's.

        Raises:
            DialFailed: It did not open.
        """
        stream, address = await self._reach(addresses, limits.DIAL_TIMEOUT_S)
        number = ConnectionId(next(self._numbers))
        conversation: Conversation = (
            PlainConversation(number)
            if address.plain
            else SecureConversation(number, self._identity, dialling=True)
        )
        settled: asyncio.Future[Opened] = self._loop.create_future()
        self._dials[number] = settled
        try:
            self._start(number, stream, address, conversation, expected, is_typed=True)
            return await settled
        finally:
            del self._dials[number]

    async def _reach(
        self, addresses: tuple[Address, ...], timeout_s: float
    ) -> tuple[TcpStream, Address]:
        stream = await dial_first(addresses, timeout_s)
        address = addresses[0]
        if len(addresses) > 1:
            address = stream.remote
        if self._is_leaving:
            stream.abort()  # it missed our goodbye, and would keep the node from ending
            raise EndedEarly(address, "this node leaves")
        return stream, address

    async def _dial_by_itself(self, wish: Dial) -> None:
        try:
            stream, address = await self._reach(wish.addresses, wish.timeout_s)
        except DialFailed as error:
            self.handle(DialEnded(wish.attempt, error))
            return
        number = ConnectionId(next(self._numbers))
        conversation = SecureConversation(number, self._identity, dialling=True)
        self._start(number, stream, address, conversation, wish.expected, attempt=wish.attempt)

    async def _probe(self, wish: Probe) -> None:
        self.handle(Probed(wish.attempt, await probe(wish.address)))

    def _spawn(self, doing: Coroutine[None, None, None], name: str) -> None:
        if self._is_leaving:
            doing.close()
            return
        task = self._tasks.create_task(doing, name=name)
        self._own_dials.add(task)
        task.add_done_callback(self._own_dials.discard)

    def leave(self) -> None:
        """Say goodbye to everybody; what is being dialled is given up once it answers."""
        self._is_leaving = True
        for dialling in self._own_dials:
            dialling.cancel()
        self.handle(Leave())

    def _start(
        self,
        number: ConnectionId,
        stream: ByteStream,
        address: Address,
        conversation: Conversation,
        expected: PeerId | None = None,
        *,
        direction: Direction = Direction.OUT,
        attempt: int = 0,
        is_typed: bool = False,
    ) -> None:
        connection = Connection(number, address, stream, conversation, self.handle_all)
        self.registry.add(connection)
        self._tasks.create_task(connection.run(), name=f"reader {address}")
        ip = stream.remote.host
        self.handle(ConnectionStarted(number, address, ip, direction, expected, attempt, is_typed))

    # --- Events in, effects out ----------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Feed the core one event and perform what it asks for."""
        self.handle_all((event,))

    def handle_all(self, events: Iterable[Event]) -> None:
        """Feed the core events one by one, and perform what it asks for.

        What happens while effects are performed is handled right after them, so the core is
        never entered twice. What is sent because of all these events leaves together.
        """
        if self._is_handling:
            self._pending += events
            return
        self._is_handling = True
        try:
            self._read_clock()
            self._handle_pending()
            for event in events:
                self._pending.append(event)
                self._handle_pending()
        finally:
            self._is_handling = False
            self._begin_turn()

    def _begin_turn(self) -> None:
        """Let out at once what is sent first in a turn of the loop, and the rest at its end.

        So a lone message never waits, and under load a neighbour gets one record and one write
        for all that came from the others meanwhile.
        """
        if not self._is_in_turn:
            self._is_in_turn = True
            self.registry.flush()
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._is_in_turn = False
        self.registry.flush()
        self._timer.ask()
        self._changed.set()

    def _handle_pending(self) -> None:
        while self._pending:
            self._handle_one(self._pending.pop(0))

    def _handle_one(self, event: Event) -> None:
        is_traced = log.isEnabledFor(logging.DEBUG)
        if is_traced:
            log.debug("event %s", type(event).__name__)
        for effect in self._core.handle(event, self._loop.time()):
            if is_traced:
                log.debug("effect %s", type(effect).__name__)
            self._perform(effect)
        if isinstance(event, ConnectionEnded):
            self._on_ended(event)

    def _read_clock(self) -> None:
        offset_s = time.time() - self._loop.time()
        if abs(offset_s - self._wall_offset_s) > _CLOCK_STEP_S:
            self._wall_offset_s = offset_s
            self._pending.insert(0, ClockSet(offset_s))

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(connections, frame):
                self._write(connections, frame_bytes(encode(frame)))
            case Deliver() | Published():
                self._notices.offer(effect)
            case WriteLine(connections, nick, text):
                self._write(connections, guest_line(nick, text))
            case Tell(notice):
                self._notices.offer(notice)
            case Register(connection, peer):
                self.registry.register(peer, connection)
            case Close():
                self._close(effect)
            case Opened(connection):
                if (waiting := self._dials.get(connection)) and not waiting.done():
                    waiting.set_result(effect)
            case Failed(connection, error):
                if (waiting := self._dials.get(connection)) and not waiting.done():
                    waiting.set_exception(error)
            case TreatAsGuest(connection):
                if silent := self.registry.get(connection):
                    silent.treat_as_guest()
            case Note(text):
                log.info("%s", text)
            case _:
                self._perform_outside(effect)

    def _perform_outside(self, effect: OutsideEffect) -> None:
        match effect:
            case Dial(addresses=addresses):
                self._spawn(self._dial_by_itself(effect), f"dial {addresses[0]}")
            case Probe(address=address):
                self._spawn(self._probe(effect), f"probe {address}")
            case Search():
                self._outside.search()
            case Advertise():
                self._outside.advertise()
            case SaveBook():
                self._outside.save_book()
            case _:
                self._keep(effect)

    def _keep(self, effect: KeptEffect) -> None:
        people = self._outside.people
        problem: str | None = None
        match effect:
            case KeepWaiting(waiting):
                problem = people.keep(waiting)
            case ForgetWaiting(message):
                problem = people.forget(message)
            case NoteDelivered():
                self._notices.afterwards(partial(self._note_delivered, effect))
            case SaveContacts():
                problem = people.save()
            case _:
                assert_never(effect)
        if problem:
            self._notices.offer(Trouble(problem, "bad-input"))

    def _note_delivered(self, shown: NoteDelivered) -> None:
        """Write it down now that it was shown: a crash shows it twice rather than never."""
        is_noted, problem = self._outside.people.note_delivered(shown.author, shown.message)
        if is_noted:
            self.handle(DeliveredNoted(shown.author, shown.message))
        if problem:
            self._notices.offer(Trouble(problem, "bad-input"))

    def _write(self, connections: tuple[ConnectionId, ...], payload: bytes) -> None:
        for overflowing in self.registry.write(connections, payload):
            overflowing.abort(f"too slow: {overflowing.queued_bytes} bytes waiting")

    def _close(self, effect: Close) -> None:
        connection = self.registry.get(effect.connection)
        if connection is None:
            return
        log.info("connection %d closes: %s", connection.id, effect.reason)
        if effect.how is Closing.AT_ONCE:
            connection.abort(effect.reason)
        else:
            connection.end_after_last_frame(effect.reason)

    def _on_ended(self, event: ConnectionEnded) -> None:
        self.registry.remove(event.connection)
        if (waiting := self._dials.get(event.connection)) and not waiting.done():
            waiting.set_exception(_ended_early(event))

    # --- Time ----------------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Send a Tick whenever the core wants one; own messages leave by this as well."""
        while True:
            await self._timer.wait()
            self.handle(Tick())
            # Everybody else gets a turn between two envelopes, and what is said meanwhile goes
            # together into the next one.
            await asyncio.sleep(0)

    async def until_change(self) -> None:
        """Wait until something was handled."""
        self._changed.clear()
        await self._changed.wait()

    def stop_timer(self) -> None:
        """Let nothing ring any more."""
        self._timer.stop()


def _ended_early(event: ConnectionEnded) -> DialFailed:
    return event.error or DialFailed(None, f"could not connect: {event.reason}.")

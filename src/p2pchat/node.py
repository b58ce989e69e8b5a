"""The node that programs embed, and that the terminal uses as well."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, assert_never

from p2pchat.core import limits
from p2pchat.core.engine import Core
from p2pchat.core.events import (
    ClockSet,
    Close,
    Closing,
    ConnectionEnded,
    ConnectionStarted,
    Deliver,
    Effect,
    Event,
    Failed,
    HangUp,
    Leave,
    Note,
    Opened,
    Published,
    Register,
    Send,
    Tell,
    Tick,
    TreatAsGuest,
    WriteLine,
)
from p2pchat.core.notices import Dialling, Direction, Listening, Notice, Peers
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import (
    Address,
    ConnectionId,
    Epoch,
    Kind,
    Message,
    MessageId,
    PeerId,
)
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.room import Room
from p2pchat.errors import DialFailed, NotP2PChat
from p2pchat.net.connection import Connection
from p2pchat.net.conversation import (
    Conversation,
    PlainConversation,
    SecureConversation,
    UndecidedConversation,
)
from p2pchat.net.interfaces import reachable_addresses
from p2pchat.net.registry import ConnectionRegistry
from p2pchat.net.tcp import ByteStream, Listener, TcpStream, dial
from p2pchat.nicks import check_nick, default_nick
from p2pchat.notice_queue import NoticeQueue
from p2pchat.store.profile import Profile, default_folder, open_ephemeral, open_profile
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes
from p2pchat.wire.plain_line import guest_line

log = logging.getLogger(__name__)

_CLOCK_STEP_S = 0.25
"""Steps of the wall clock below this are nobody's business."""


class Node:
    """One equal member of a room: listens, dials, and floods what is announced.

    Use it as `async with Node(nick="bot") as node:`. Everything happens on the running event
    loop; nothing here may be called from another thread.
    """

    def __init__(
        self,
        nick: str | None = None,
        host: str = "",
        port: int | None = None,
        room: str = "lobby",
        *,
        secret: bytes | None = None,
        manual: bool = False,
        ephemeral: bool = False,
        profile: str | None = None,
        folder: Path | None = None,
        guests: GuestPolicy | str = GuestPolicy.LOCAL,
    ) -> None:
        """Describe a node; nothing happens before `async with`.

        Args:
            nick: What it calls itself; by default what its profile remembers, or two words
                that follow from its key.
            host: Address to listen on; empty for all interfaces, IPv6 and IPv4.
            port: TCP port; 0 for any, None for the first free one from 55555 up.
            room: Name of the room, at most 64 bytes.
            secret: What makes the room private; None for an open one.
            manual: Connect only where `connect()` says.
            ephemeral: Use a fresh identity and keep nothing on disk.
            profile: Name of the profile whose identity it has; None for the first free one.
            folder: Where profiles live; None for the usual place of this system.
            guests: Who may take part by plain lines: "local", "any" or "off".

        Raises:
            BadNick, BadRoom: The nick or the room breaks the rules.
        """
        self._wished_nick = None if nick is None else check_nick(nick)
        self._host, self._wished_port = host, port
        self._room = Room(room, secret)
        self._manual = manual
        self._ephemeral, self._profile_name, self._folder = ephemeral, profile, folder
        self._guests = GuestPolicy(guests)
        self._registry = ConnectionRegistry()
        self._notices = NoticeQueue()
        self._numbers = count(1)
        self._dials: dict[ConnectionId, asyncio.Future[Opened]] = {}
        self._pending: list[Event] = []
        self._is_handling = False
        self._is_leaving = False
        self._wall_offset_s = 0.0
        self._armed: float | None = None

    # --- Life ---------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the profile, bind the port and start.

        Raises:
            ProfileError: The profile is in use, or its key can't be read.
            ListenFailed: The port can't be had.
        """
        async with AsyncExitStack() as undo:
            self._profile = self._open_profile()
            undo.callback(self._profile.close)
            self._listener = Listener(self._host, self._wished_port)
            undo.callback(self._listener.close)
            self._loop = asyncio.get_running_loop()
            self._changed = asyncio.Event()
            self._wake = asyncio.Event()
            self._core = self._make_core()
            self._tasks = await undo.enter_async_context(asyncio.TaskGroup())
            self._listening = self._tasks.create_task(
                self._listener.serve(self._on_accept), name="listener"
            )
            self._timing = self._tasks.create_task(self._keep_time(), name="node")
            self._exit = undo.pop_all()
        for message in self._profile.messages:
            log.warning("%s", message)
        self._notices.offer(self._describe())
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Leave, then end every task and connection."""
        try:
            await self.leave()
        finally:
            self._timing.cancel()
            for connection in self._registry:
                connection.abort("the node stops")
            self._notices.end()
        return await self._exit.__aexit__(exception_type, exception, traceback)

    async def leave(self) -> int:
        """Stop accepting, hand over what waits, and say goodbye.

        Ends within LEAVE_TIMEOUT_S. Returns how many neighbours confirmed that they have
        handled everything.
        """
        if not self._is_leaving:
            self._is_leaving = True
            self._listening.cancel()
            self._handle(Leave())
        try:
            async with asyncio.timeout(limits.LEAVE_TIMEOUT_S):
                while len(self._registry):
                    await self._until_change()
        except TimeoutError:
            log.info("%d connections did not end in time", len(self._registry))
        self._notices.end()
        return self._core.goodbyes_seen

    # --- What programs use --------------------------------------------------------------------

    @property
    def id(self) -> PeerId:
        """This node's key, by which everybody knows it."""
        return self._core.me.id or PeerId(b"")

    @property
    def nick(self) -> str:
        """What it calls itself."""
        return self._core.me.nick

    @property
    def room(self) -> str:
        """Name of its room."""
        return self._room.name

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return self._listener.port

    @property
    def addresses(self) -> tuple[Address, ...]:
        """What others can type to reach it, IPv4 first."""
        return reachable_addresses(self._listener.address)

    @property
    def profile(self) -> Profile:
        """Where its identity is kept."""
        return self._profile

    @property
    def neighbour_count(self) -> int:
        """Peers with an open connection, guests not counted."""
        return self._core.neighbour_count

    def announce(self, text: str, *, action: bool = False) -> MessageId:
        """Say something to everybody in the room; returns at once.

        All that is announced before the loop gets round to sending shares one envelope.

        Returns:
            The id by which everybody knows the message.

        Raises:
            TextTooLong: Above 4,000 code points or 16 KiB; nothing was sent.
            AnnounceOverflow: 65,536 texts or 8 MiB wait already; nothing was sent.
        """
        message = self._core.announce(text, Kind.ACTION if action else Kind.TEXT)
        self._wake.set()
        return message

    async def drain(self) -> None:
        """Wait until everything announced so far was handed to the neighbours' queues."""
        while self._core.waiting_texts:
            await self._until_change()

    def messages(self) -> AsyncIterator[Message]:
        """Yield what others say, each message once, until the node stops.

        Take either these or `notices()`: there is one queue. It holds 131,072 texts and
        16 MiB; when nobody takes them, the oldest are dropped.
        """
        return self._notices.messages()

    def notices(self) -> AsyncIterator[Notice]:
        """Yield everything that the node has to tell, until it stops."""
        return self._notices.notices()

    async def connect(self, address: Address | str) -> Opened:
        """Dial a node, or with `plain://host:port` a plain-line peer.

        Returns once the connection is open. Somebody who is a neighbour already is found out
        by that: then `already` is true and nothing has changed.

        Raises:
            BadAddress: The text is no address.
            DialFailed: It did not open, with the reason.
        """
        if isinstance(address, str):
            address = Address.parse(address)
        self._notices.offer(Dialling(address))
        try:
            return await self._dial(address)
        except NotP2PChat:
            if address.plain:
                raise
            # It took us for a silent guest, perhaps, because our first bytes were late.
            return await self._dial(address)

    def disconnect(self, connection: ConnectionId) -> None:
        """Say goodbye on one connection."""
        self._handle(HangUp(connection))

    def rename(self, nick: str) -> None:
        """Call this node otherwise from its next message on.

        Raises:
            BadNick: The nick breaks the rules; nothing has changed.
        """
        self._core.rename(check_nick(nick))

    def peers(self) -> Peers:
        """Describe neighbours, guests, and who was heard through others."""
        return self._core.peers(self._loop.time())

    # --- Beginning ----------------------------------------------------------------------------

    def _open_profile(self) -> Profile:
        if self._ephemeral:
            return open_ephemeral()
        return open_profile(self._profile_name, self._folder or default_folder())

    def _make_core(self) -> Core:
        identity = self._profile.identity
        nick = self._wished_nick or self._profile.nick or default_nick(identity.peer)
        setup = Setup(
            me=identity.peer,
            epoch=Epoch(os.urandom(8)),
            network=self._room.network_id,
            nick=nick,
            addresses=self.addresses[:8],
            guests=self._guests if self._room.is_open else GuestPolicy.OFF,
        )
        return Core(setup, Codec(), NodeCredentials(identity, self._room))

    def _describe(self) -> Listening:
        return Listening(self._core.me, self._room.name, self._listener.address, self.addresses)

    def _on_accept(self, stream: TcpStream) -> None:
        if self._is_leaving:
            stream.abort()
            return
        number = ConnectionId(next(self._numbers))
        conversation = UndecidedConversation(number, self._profile.identity)
        self._start(number, stream, stream.remote, Direction.IN, conversation)

    async def _dial(self, address: Address) -> Opened:
        stream = await dial(address)
        number = ConnectionId(next(self._numbers))
        conversation: Conversation = (
            PlainConversation(number)
            if address.plain
            else SecureConversation(number, self._profile.identity, dialling=True)
        )
        settled: asyncio.Future[Opened] = self._loop.create_future()
        self._dials[number] = settled
        try:
            self._start(number, stream, address, Direction.OUT, conversation)
            return await settled
        finally:
            del self._dials[number]

    def _start(
        self,
        number: ConnectionId,
        stream: ByteStream,
        address: Address,
        direction: Direction,
        conversation: Conversation,
    ) -> None:
        connection = Connection(number, address, stream, conversation, self._handle)
        self._registry.add(connection)
        self._tasks.create_task(connection.run(), name=f"reader {address}")
        self._handle(ConnectionStarted(number, address, stream.remote.host, direction))

    # --- Events in, effects out ---------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        """Feed the core one event at a time and perform what it asks for.

        Never waits, or one slow peer would stop the whole node. What happens while effects
        are performed is handled right after them.
        """
        self._pending.append(event)
        if self._is_handling:
            return
        self._is_handling = True
        try:
            self._read_clock()
            while self._pending:
                following = self._pending.pop(0)
                log.debug("event %r", type(following).__name__)
                for effect in self._core.handle(following, self._loop.time()):
                    self._perform(effect)
                if isinstance(following, ConnectionEnded):
                    self._on_ended(following)
        finally:
            self._is_handling = False
        self._arm()

    def _read_clock(self) -> None:
        offset_s = time.time() - self._loop.time()
        if abs(offset_s - self._wall_offset_s) > _CLOCK_STEP_S:
            self._wall_offset_s = offset_s
            self._core.handle(ClockSet(offset_s), self._loop.time())

    def _arm(self) -> None:
        """See to it that the time keeper wakes early enough."""
        deadline = self._core.next_deadline()
        if deadline is not None and (self._armed is None or deadline < self._armed):
            self._wake.set()
        self._changed.set()

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
                self._registry.register(peer, connection)
            case Close():
                self._close(effect)
            case Opened(connection):
                if (waiting := self._dials.get(connection)) and not waiting.done():
                    waiting.set_result(effect)
            case Failed(connection, error):
                if (waiting := self._dials.get(connection)) and not waiting.done():
                    waiting.set_exception(error)
            case TreatAsGuest(connection):
                if silent := self._registry.get(connection):
                    silent.treat_as_guest()
            case Note(text):
                log.info("%s", text)
            case _:
                assert_never(effect)

    def _write(self, connections: tuple[ConnectionId, ...], payload: bytes) -> None:
        for overflowing in self._registry.write(connections, payload):
            overflowing.abort(f"too slow: {overflowing.queued_bytes} bytes waiting")

    def _close(self, effect: Close) -> None:
        connection = self._registry.get(effect.connection)
        if connection is None:
            return
        log.info("connection %d closes: %s", connection.id, effect.reason)
        if effect.how is Closing.AT_ONCE:
            connection.abort(effect.reason)
        else:
            connection.end_after_last_frame(effect.reason)

    def _on_ended(self, event: ConnectionEnded) -> None:
        self._registry.remove(event.connection)
        if (waiting := self._dials.get(event.connection)) and not waiting.done():
            waiting.set_exception(_ended_early(event))

    # --- Time ---------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Send a Tick whenever the core wants one; own messages leave by this as well."""
        while True:
            self._wake.clear()
            self._armed = self._core.next_deadline()
            if self._armed is None or self._armed > self._loop.time():
                await self._sleep_until(self._armed)
            else:
                await asyncio.sleep(0)  # writers get their turn between two envelopes
            self._handle(Tick())

    async def _sleep_until(self, deadline: float | None) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _until_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _ended_early(event: ConnectionEnded) -> DialFailed:
    return event.error or DialFailed(None, f"could not connect: {event.reason}.")

"""The node that programs embed, and that the terminal uses as well."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from p2pchat.core import limits
from p2pchat.core.address_book import AddressBook
from p2pchat.core.engine import Core
from p2pchat.core.events import HangUp, LookAround, NetworkChanged, Opened
from p2pchat.core.invites import Invite
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.notices import Dialling, Listening, NetworkMap, Notice, Peers, Reach, Standing
from p2pchat.core.notices import Path as Way
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
from p2pchat.errors import BadInvite, DialFailed, KeyMismatch, SpeaksPlainText
from p2pchat.finding import BookKeeper, Finder
from p2pchat.net.discovery import LanDiscovery
from p2pchat.net.interfaces import reachable_addresses
from p2pchat.net.registry import ConnectionRegistry
from p2pchat.net.tcp import Listener
from p2pchat.nicks import check_nick, default_nick
from p2pchat.notice_queue import NoticeQueue
from p2pchat.questions import NOBODY, Questions
from p2pchat.shell import Shell
from p2pchat.store.profile import Profile, default_folder, open_ephemeral, open_profile
from p2pchat.wire.codec import Codec
from p2pchat.wire.invite import read_target

log = logging.getLogger(__name__)

# Looking a member of an enumeration up costs a tenth of announcing a message.
_TEXT, _ACTION = Kind.TEXT, Kind.ACTION


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
        backlog_minutes: float = limits.BACKLOG_MINUTES,
        lan: LanPolicy | str = LanPolicy.OFF,
        is_mapped: bool = True,
        run_folder: Path | None = None,
    ) -> None:
        """Describe a node; nothing happens before `async with`.

        Args:
            nick: What it calls itself; by default what its profile remembers, or two words
                that follow from its key.
            host: Address to listen on; empty for all interfaces, IPv6 and IPv4.
            port: TCP port; 0 for any, None for the first free one from 55555 up.
            room: Name of the room, at most 64 bytes.
            secret: What makes the room private; None for an open one.
            manual: Connect only where `connect()` says; otherwise other nodes of this user on
                this machine and people known from before are joined at once.
            ephemeral: Use a fresh identity and keep nothing on disk.
            profile: Name of the profile whose identity it has; None for the first free one.
            folder: Where profiles live; None for the usual place of this system.
            guests: Who may take part by plain lines: "local", "any" or "off".
            backlog_minutes: How much of what was said before its start it shows; 0 for none.
            lan: Whether to look for strangers on the LAN: "off", "ask" (look, tell, and wait for
                `look_around()`) or "auto" (find and be found).
            is_mapped: Whether others see its neighbours on their maps.
            run_folder: Where running nodes announce themselves to each other; None for the usual
                place of this user.

        Raises:
            BadNick, BadRoom: The nick or the room breaks the rules.
        """
        self._wished_nick = None if nick is None else check_nick(nick)
        self._host, self._wished_port = host, port
        self._room = Room(room, secret)
        self._manual = manual
        self._ephemeral, self._profile_name, self._folder = ephemeral, profile, folder
        self._guests = GuestPolicy(guests)
        self._backlog_minutes = backlog_minutes
        self._lan = LanPolicy(lan)
        self._is_mapped, self._run_folder = is_mapped, run_folder
        self._notices = NoticeQueue()
        self._asked: dict[MessageId, int] = {}
        self._is_leaving = False

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
            rng = Random(os.urandom(16))
            book = AddressBook(rng)
            self._keeper = BookKeeper(book, self._profile.folder, self._room)
            self._core = self._make_core(rng, book)
            self._tasks = tasks = await undo.enter_async_context(asyncio.TaskGroup())
            self._shell = Shell(self._core, self._profile.identity, tasks, self._notices, self)
            undo.callback(self._shell.stop_timer)
            self._questions = Questions(self._core, self._shell)
            self._finder = self._make_finder(tasks)
            undo.callback(self._finder.stop)
            serving = self._listener.serve(self._shell.accept)
            self._listening = tasks.create_task(serving, name="listener")
            self._timing = tasks.create_task(self._shell.keep_time(), name="node")
            self._exit = undo.pop_all()
        for message in (*self._profile.messages, *self._keeper.messages):
            log.warning("%s", message)
        self._notices.offer(self._describe())
        self._shell.handle(NetworkChanged(self._finder.addresses()))
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
            self._shell.stop_timer()
            for connection in self.connections:
                connection.abort("the node stops")
            self._notices.end()
        if isinstance(exception, asyncio.CancelledError):
            return await self._exit.__aexit__(exception_type, exception, traceback)
        # Without the error of the body, which the task group would wrap in another one.
        await self._exit.__aexit__(None, None, None)
        return None

    async def leave(self) -> int:
        """Stop accepting, hand over what waits, and say goodbye.

        Ends within LEAVE_TIMEOUT_S. Returns how many neighbours confirmed that they have
        handled everything.
        """
        if not self._is_leaving:
            self._is_leaving = True
            # At once: whoever came in after the goodbyes would keep the node from ending.
            self._listener.stop()
            self._listening.cancel()
            self._finder.stop()
            self._shell.leave()
            await self._keeper.save()
        try:
            async with asyncio.timeout(limits.LEAVE_TIMEOUT_S):
                while len(self.connections):
                    await self._shell.until_change()
        except TimeoutError:
            log.info("%d connections did not end in time", len(self.connections))
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
    def connections(self) -> ConnectionRegistry:
        """The connections that everybody shares, and that `announce()` writes to."""
        return self._shell.registry

    @property
    def profile(self) -> Profile:
        """Where its identity is kept."""
        return self._profile

    @property
    def neighbour_count(self) -> int:
        """Peers with an open connection, guests not counted."""
        return self._core.neighbour_count

    def announce(self, text: str, *, action: bool = False, wants_acks: bool = False) -> MessageId:
        """Say something to everybody in the room; returns at once.

        All that is announced before the loop gets round to sending shares one envelope.

        Args:
            text: Arrives exactly so.
            action: Whether it tells what the author does.
            wants_acks: Whether everybody shall acknowledge it, so that `reach()` knows.

        Returns:
            The id by which everybody knows the message.

        Raises:
            TextTooLong: Above 4,000 code points or 16 KiB; nothing was sent.
            AnnounceOverflow: 65,536 texts or 8 MiB wait already; nothing was sent.
        """
        kind = _ACTION if action else _TEXT
        number, message = self._core.announce(text, kind, wants_acks=wants_acks)
        if wants_acks:
            self._asked[message] = number
            if len(self._asked) > limits.REACH_ENVELOPES:
                del self._asked[next(iter(self._asked))]
        self._shell.announced()
        return message

    async def wait_for_neighbour(self) -> None:
        """Wait until at least one peer has an open connection."""
        while not self._core.neighbour_count:
            await self._shell.until_change()

    async def drain(self) -> None:
        """Wait until everything announced so far was handed to the neighbours' queues."""
        while self._core.waiting_texts:
            await self._shell.until_change()

    async def reach(self, message: MessageId, wanted: int, timeout_s: float) -> Reach:
        """Wait until so many people have a message that was announced with `wants_acks`.

        Returns at the timeout at the latest, with whoever has it by then.
        """
        number = self._asked.get(message)
        if number is None:
            return NOBODY
        return await self._questions.reach(number, wanted, timeout_s)

    async def who_has(self, timeout_s: float = limits.SEEN_ANSWER_S) -> Reach | None:
        """Ask everybody whether they have the last own message; None without one.

        Returns when all who are known have answered, at the timeout at the latest.
        """
        await self.drain()  # the last message may be on its way out
        return await self._questions.who_has(timeout_s)

    async def map(self) -> NetworkMap:
        """Return who is connected to whom within three hops, as they say themselves.

        Ends within 3 s. Where one person alone holds parts of it together, and it is known where
        to dial somebody behind him, that is done.
        """
        return await self._questions.map()

    async def trace(self, message: Message) -> Way | None:
        """Return the way on which a message came, as told by each node on it.

        Ends within 5 s; None where it is not known any more how it came here.
        """
        assert message.signer.id is not None
        envelope = self._core.envelope_of(message.signer.id, message.epoch, message.number)
        return None if envelope is None else await self._questions.path(envelope)

    async def ping(self, peer: PeerId) -> Way:
        """Measure the way to somebody; ends within 5 s."""
        return await self._questions.path(peer)

    def standing(self) -> Standing:
        """Tell how this node stands in its network."""
        return self._core.standing(asyncio.get_running_loop().time())

    @property
    def lan(self) -> LanDiscovery | None:
        """What looks for strangers on the LAN; None where nothing does."""
        return self._finder.lan

    def look_around(self) -> None:
        """Join whoever is there: on this machine, on the LAN, or known from before.

        Its profile remembers that, so that the LAN is joined by itself from now on.
        """
        if not self._manual and (problem := self._profile.save_joins_lan()):
            log.warning("%s", problem)
        self._shell.handle(LookAround())

    def messages(self) -> AsyncIterator[Message]:
        """Yield what others say, each message once, until the node stops.

        Take either these or `notices()`: there is one queue. It holds 131,072 texts and
        16 MiB; when nobody takes them, the oldest are dropped.
        """
        return self._notices.messages()

    def notices(self) -> AsyncIterator[Notice]:
        """Yield everything that the node has to tell, until it stops."""
        return self._notices.notices()

    async def connect(self, where: Address | Invite | str) -> Opened:
        """Dial a node, with `plain://host:port` a plain-line peer, or whom an invite names.

        Returns once the connection is open; it is dialled again whenever it breaks. Somebody who
        is a neighbour already is found out by that: then `already` is true.

        Raises:
            BadAddress, BadInvite: The text is none, or the invite is for another room.
            DialFailed: It did not open, with the reason.
        """
        if isinstance(where, str):
            where = read_target(where)
        if isinstance(where, Invite):
            return await self._accept_invite(where)
        return await self._dial((where,), None)

    async def _accept_invite(self, invite: Invite) -> Opened:
        if invite.room != self.room:
            raise BadInvite(
                f"that invite is for the room {invite.room}; this is {self.room}. "
                "Start p2pchat with it: p2pchat -c INVITE"
            )
        failure: DialFailed | None = None
        for place in invite.places:
            try:
                return await self._dial(place.addresses, place.peer)
            except KeyMismatch:
                raise
            except DialFailed as error:
                failure = failure or error
        raise failure or BadInvite("that invite names nobody to dial.")

    async def _dial(self, addresses: tuple[Address, ...], expected: PeerId | None) -> Opened:
        self._notices.offer(Dialling(addresses[0]))
        try:
            return await self._shell.dial(addresses, expected)
        except SpeaksPlainText:
            if addresses[0].plain:
                raise
            # It took us for a silent guest, perhaps, because our first bytes were late.
            return await self._shell.dial(addresses, expected)

    def invite(self) -> Invite:
        """Return an invite to this room that names this node and others who can be dialled."""
        return Invite(self.room, None, self._core.invite_places(self.addresses))

    def disconnect(self, connection: ConnectionId) -> None:
        """Say goodbye on one connection."""
        self._shell.handle(HangUp(connection))

    def rename(self, nick: str) -> None:
        """Call this node otherwise from its next message on.

        Raises:
            BadNick: The nick breaks the rules; nothing has changed.
        """
        self._core.rename(check_nick(nick))

    def peers(self) -> Peers:
        """Describe neighbours, guests, and who was heard through others."""
        return self._core.peers(asyncio.get_running_loop().time())

    # --- Beginning ----------------------------------------------------------------------------

    def _open_profile(self) -> Profile:
        if self._ephemeral:
            return open_ephemeral()
        return open_profile(self._profile_name, self._folder or default_folder())

    def search(self) -> None:
        """Look who is there; the core asks for it."""
        self._finder.search()

    def advertise(self) -> None:
        """Let others find this node; the core asks for it."""
        self._finder.advertise()

    def save_book(self) -> None:
        """Write the address book; the core asks for it."""
        if not self._is_leaving:
            self._tasks.create_task(self._keeper.save(), name="address book")

    def look_on_lan(self) -> None:
        """Begin to look for strangers on the LAN, where that is wanted.

        Not done at the start by itself, for it takes a tenth of a second.
        """
        if self._lan is not LanPolicy.OFF and not self._manual:
            self._finder.start_lan()

    def _make_finder(self, tasks: asyncio.TaskGroup) -> Finder:
        finder = Finder(self._room, self._listener.address, self.id, self._shell.handle, tasks)
        if not self._manual:
            finder.start(self._folder or default_folder(), self._run_folder)
        return finder

    def _make_core(self, rng: Random, book: AddressBook) -> Core:
        identity = self._profile.identity
        if self._lan is LanPolicy.ASK and self._profile.joins_lan:
            self._lan = LanPolicy.AUTO
        nick = self._wished_nick or self._profile.nick or default_nick(identity.peer)
        setup = Setup(
            me=identity.peer,
            epoch=Epoch(os.urandom(8)),
            network=self._room.network_id,
            nick=nick,
            addresses=self.addresses[:8],
            guests=self._guests if self._room.is_open else GuestPolicy.OFF,
            is_metered=self._room.is_open,
            backlog_minutes=self._backlog_minutes,
            joins=not self._manual,
            room=self._room.name,
            port=self.port,
            lan=self._lan,
            is_mapped=self._is_mapped,
        )
        return Core(setup, Codec(), NodeCredentials(identity, self._room), rng, book)

    def _describe(self) -> Listening:
        bound = self._listener.address
        return Listening(self._core.me, self._room.name, bound, self.addresses, self._manual)

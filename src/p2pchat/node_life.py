"""The life of a node: starts what it is made of, and ends it again."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self, TypeAlias

from p2pchat.core import limits
from p2pchat.core.address_book import AddressBook
from p2pchat.core.engine import Core
from p2pchat.core.events import AddressFound, NetworkChanged
from p2pchat.core.invites import InvitePlace
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.notices import How, Listening, Trouble
from p2pchat.core.setup import GuestPolicy, Setup
from p2pchat.core.values import (
    Address,
    Epoch,
    MessageId,
    PeerId,
)
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.room import Room
from p2pchat.crypto.sealing import SealingKeys
from p2pchat.errors import PassphraseNeeded, WrongPassphrase
from p2pchat.finding import BookKeeper, Finder
from p2pchat.net.interfaces import reachable_addresses
from p2pchat.net.registry import ConnectionRegistry
from p2pchat.net.tcp import Listener
from p2pchat.nicks import check_nick, default_nick
from p2pchat.notice_queue import NoticeQueue
from p2pchat.people_keeper import PeopleKeeper
from p2pchat.questions import Questions
from p2pchat.shell import Shell
from p2pchat.store.outbox import RETRY_S
from p2pchat.store.profile import Profile, default_folder, open_ephemeral, open_profile
from p2pchat.wire.codec import Codec

log = logging.getLogger(__name__)

OpensKey: TypeAlias = Callable[[Profile], Awaitable[None]]
"""Opens the key of a profile that has a passphrase, or raises; asks somebody for it, perhaps."""


class NodeLife:
    """Owns everything that runs for one node, from `async with` to its end."""

    def __init__(
        self,
        nick: str | None = None,
        host: str = "",
        port: int | None = None,
        room: str = "lobby",
        *,
        secret: bytes | None = None,
        places: tuple[InvitePlace, ...] = (),
        manual: bool = False,
        ephemeral: bool = False,
        profile: str | None = None,
        passphrase: str | OpensKey | None = None,
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
            secret: What makes the room private: 16 random bytes, or what `stretch` makes of a
                passphrase; None for an open one.
            places: Where people of the room may be; tried without a word, unlike an invite.
            manual: Connect only where `connect()` says; otherwise other nodes of this user on
                this machine and people known from before are joined at once.
            ephemeral: Use a fresh identity and keep nothing on disk.
            profile: Name of the profile whose identity it has; None for the first free one.
            passphrase: Of the key of that profile, for one that has a passphrase or is made now; or
                what asks for it, when it is needed.
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
        self._room, self._places = Room(room, secret), places
        self._manual = manual
        self._ephemeral, self._profile_name, self._folder = ephemeral, profile, folder
        self._passphrase = passphrase
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
            ProfileError: The profile is in use, or its key can't be read or opened.
            BadSecret: The passphrase can't be one.
            ListenFailed: The port can't be had.
        """
        async with AsyncExitStack() as undo:
            self._profile = self._open_profile()
            undo.callback(self._profile.close)
            await self._open_key()
            self._listener = Listener(self._host, self._wished_port)
            undo.callback(self._listener.close)
            rng = Random(os.urandom(16))
            book = AddressBook(rng)
            self._keeper = BookKeeper(book, self._profile.folder, self._room)
            self._rewriting: asyncio.TimerHandle | None = None
            self._people_keeper = PeopleKeeper(self._profile, self._write_again_later)
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
        told = (*self._profile.messages, *self._keeper.messages, *self._people_keeper.messages)
        for message in told:
            log.warning("%s", message)
        self._notices.offer(self._describe())
        self._shell.handle(NetworkChanged(self._finder.addresses()))
        for place in self._places:
            self._shell.handle(AddressFound(place.addresses, How.INVITE, place.peer))
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
            if self._rewriting is not None:
                self._rewriting.cancel()
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

        Ends within LEAVE_TIMEOUT_S: what waits longer than that, for the pace of an open room, is
        not sent; `drain()` before that waits for it.

        Returns:
            How many neighbours confirmed that they have handled everything.
        """
        if not self._is_leaving:
            self._is_leaving = True
            # At once: whoever came in after the goodbyes would keep the node from ending.
            self._listener.stop()
            self._listening.cancel()
            self._finder.stop()
            self._shell.leave()
            await self._keeper.save()
            self._people_keeper.write_again()
        try:
            async with asyncio.timeout(limits.LEAVE_TIMEOUT_S):
                while len(self.connections):
                    await self._shell.until_change()
        except TimeoutError:
            log.info("%d connections did not end in time", len(self.connections))
        self._notices.end()
        return self._core.goodbyes_seen

    # --- Parts that others need ----------------------------------------------------------------

    @property
    def id(self) -> PeerId:
        """This node's key, by which everybody knows it."""
        return self._core.me.id or PeerId(b"")

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

    # --- Beginning ----------------------------------------------------------------------------

    def _open_profile(self) -> Profile:
        if self._ephemeral:
            return open_ephemeral()
        given = self._passphrase if isinstance(self._passphrase, str) else None
        return open_profile(self._profile_name, self._folder or default_folder(), given)

    async def _open_key(self) -> None:
        given, self._passphrase = self._passphrase, None
        if not self._profile.is_sealed:
            return
        if given is None:
            raise PassphraseNeeded(self._profile.name)
        if not isinstance(given, str):
            await given(self._profile)
        elif not await asyncio.to_thread(self._profile.open_key, given):
            raise WrongPassphrase(self._profile.name)

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

    @property
    def people(self) -> PeopleKeeper:
        """Keeps contacts and direct messages on the disk; the core asks for it."""
        return self._people_keeper

    def _write_again_later(self) -> None:
        """The disk did not take something: try it again, though nothing new is to be written."""
        if self._rewriting is None:
            loop = asyncio.get_running_loop()
            self._rewriting = loop.call_later(RETRY_S, self._write_again)

    def _write_again(self) -> None:
        self._rewriting = None
        for line in self._people_keeper.write_again():
            self._notices.offer(Trouble(line, "bad-input"))

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
            tells_presence=True,
        )
        return Core(
            setup,
            Codec(),
            NodeCredentials(identity, self._room),
            rng,
            book,
            sealer=SealingKeys(),
            contacts=self._people_keeper.contacts,
            delivered=self._people_keeper.delivered,
            waiting=self._people_keeper.waiting,
        )

    def _describe(self) -> Listening:
        bound = self._listener.address
        return Listening(
            self._core.me,
            self._room.name,
            bound,
            self.addresses,
            self._manual,
            is_private=not self._room.is_open,
        )

"""The node that programs embed, and that the terminal uses as well."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from p2pchat.core import limits
from p2pchat.core.announcements import sendable
from p2pchat.core.attendance import Attendance
from p2pchat.core.contacts import Contacts
from p2pchat.core.events import HangUp, LookAround, Opened, Rename, SendDirect
from p2pchat.core.invites import Invite
from p2pchat.core.notices import Dialling, NetworkMap, Notice, Peers, Reach, Standing
from p2pchat.core.notices import Path as Way
from p2pchat.core.outbox import DIRECT_ID_BYTES, DirectId
from p2pchat.core.values import (
    Address,
    ConnectionId,
    Kind,
    Message,
    MessageId,
    PeerId,
    Person,
)
from p2pchat.errors import (
    BadInvite,
    DialFailed,
    HungUp,
    KeyMismatch,
    OtherRoom,
    SpeaksPlainText,
)
from p2pchat.net.discovery import LanDiscovery
from p2pchat.nicks import check_nick
from p2pchat.node_life import NodeLife
from p2pchat.questions import NOBODY
from p2pchat.store.profile import Profile
from p2pchat.wire.invite import read_target

log = logging.getLogger(__name__)

# Looking a member of an enumeration up costs a tenth of announcing a message.
_TEXT, _ACTION = Kind.TEXT, Kind.ACTION


COMPANY_S: Final = 3.0
"""How long a message that was said at the very start waits for somebody to be found."""


class Node(NodeLife):
    """One equal member of a room: listens, dials, and floods what is announced.

    Use it as `async with Node(nick="bot") as node:`. Everything happens on the running event
    loop; nothing here may be called from another thread.
    """

    # --- What programs use --------------------------------------------------------------------

    @property
    def nick(self) -> str:
        """What it calls itself."""
        return self._core.me.nick

    @property
    def room(self) -> str:
        """Name of its room."""
        return self._room.name

    @property
    def is_private(self) -> bool:
        """Whether only who has the room's secret gets in."""
        return not self._room.is_open

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

    def write(self, recipient: Person, text: str, *, action: bool = False) -> str:
        """Say something to one person only; returns at once.

        It is sealed for him, waits on the disk until his receipt comes, and goes when he is back.
        `DirectSent`, `DirectReceipt` and `DirectWaits` tell what becomes of it.

        Args:
            recipient: Somebody with a key.
            text: Arrives exactly so.
            action: Whether it tells what the author does.

        Returns:
            The id by which both ends know the message, 32 hex digits.

        Raises:
            TextTooLong: Above 4,000 code points or 16 KiB; nothing was sent.
            OutboxFull: Too much waits already; nothing was sent.
        """
        text = sendable(text)
        message = DirectId(os.urandom(DIRECT_ID_BYTES))
        kind = _ACTION if action else _TEXT
        self._shell.handle(SendDirect(message, recipient, kind, text))
        return message.hex()

    @property
    def contacts(self) -> Contacts:
        """Who was met, verified and blocked; call `save_contacts` after a change."""
        return self._core.contacts

    def save_contacts(self) -> str | None:
        """Write the contacts; return what to tell the user where that failed."""
        return self._people_keeper.save()

    @property
    def waiting_count(self) -> int:
        """Direct messages that wait for their recipients."""
        return self._core.waiting_count

    @property
    def unsent_count(self) -> int:
        """Own announcements that were not handed to the neighbours' queues yet."""
        return self._core.waiting_texts

    async def drain(self) -> None:
        """Wait until everything announced so far was handed to the neighbours' queues.

        In an open room that may take as long as its pace makes it: 840 KB go at once, then 51 KiB
        a second.
        """
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

    @property
    def who_wait_s(self) -> float:
        """How long nobody would answer `who()`, because everybody has just done so; else 0."""
        return self._questions.who_wait_s

    async def who(self) -> Attendance:
        """Ask everybody who is here; in a large network a share, and estimate how many there are.

        Ends within 2.5 s. Everybody answers once in 10 s, whoever asks: before `who_wait_s` is 0
        nobody is asked, and what was answered last is returned.
        """
        return await self._questions.who()

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

    def notices(self) -> AsyncGenerator[Notice, None]:
        """Yield everything that the node has to tell, until it stops.

        Who asks for the next one, or for no more, has shown the one before: only then a direct
        message is written down as delivered, and its author gets the receipt.
        """
        return self._notices.notices()

    async def connect(self, where: Address | Invite | str, *, is_again: bool = False) -> Opened:
        """Dial a node, with `plain://host:port` a plain-line peer, or whom an invite names.

        Returns once the connection is open; it is dialled again whenever it breaks. Somebody who
        is a neighbour already is found out by that: then `already` is true.

        Args:
            where: Text may be an address or an invite.
            is_again: Whether that was tried before, so that no `Dialling` tells of it.

        Raises:
            BadAddress, BadInvite: The text is none, or the invite names nobody.
            OtherRoom: The invite is for another room.
            DialFailed: It did not open, with the reason.
        """
        if isinstance(where, str):
            where = read_target(where)
        if isinstance(where, Invite):
            return await self._accept_invite(where, is_again=is_again)
        return await self._dial((where,), None, is_again=is_again)

    async def _accept_invite(self, invite: Invite, *, is_again: bool) -> Opened:
        if (invite.room, invite.secret) != (self.room, self._room.secret):
            raise OtherRoom(invite.room, self.room)
        failure: DialFailed | None = None
        for place in invite.places:
            try:
                return await self._dial(place.addresses, place.peer, is_again=is_again)
            except KeyMismatch:
                raise
            except DialFailed as error:
                failure = failure or error
        raise failure or BadInvite("it names nobody to dial")

    async def _dial(
        self, addresses: tuple[Address, ...], expected: PeerId | None, *, is_again: bool
    ) -> Opened:
        if not is_again:
            self._notices.offer(Dialling(addresses[0]))
        try:
            return await self._shell.dial(addresses, expected)
        except (SpeaksPlainText, HungUp):
            if addresses[0].plain:
                raise
            # It took us for a silent guest, perhaps, because our first bytes were late.
            return await self._shell.dial(addresses, expected)

    def invite(self) -> Invite:
        """Return an invite to this room that names this node and others who can be dialled."""
        return Invite(self.room, self._room.secret, self._core.invite_places(self.addresses))

    def disconnect(self, connection: ConnectionId) -> None:
        """Say goodbye on one connection."""
        self._shell.handle(HangUp(connection))

    def rename(self, nick: str) -> None:
        """Call this node otherwise; others learn it within seconds, or with its next message.

        Raises:
            BadNick: The nick breaks the rules; nothing has changed.
        """
        self._shell.handle(Rename(check_nick(nick)))

    def peers(self) -> Peers:
        """Describe neighbours, guests, and who was heard through others."""
        return self._core.peers(asyncio.get_running_loop().time())

"""Which room a run is in: what flags, files, invites and earlier runs say together."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.values import Address
from p2pchat.crypto.passphrase import stretch
from p2pchat.crypto.room import Room
from p2pchat.errors import BadUsage, RoomUnreadable
from p2pchat.sanitize import visible_line
from p2pchat.secret_input import weakness
from p2pchat.settings import Settings
from p2pchat.store.profile import default_folder
from p2pchat.store.rooms import KnownRoom, KnownRooms
from p2pchat.wire.invite import encode_invite, read_target

DEFAULT_ROOM: Final = "lobby"

PASTE: Final = "p2pchat --invite-file -   and paste the invite there"
"""How to use an invite with a secret when nothing else names its room."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run starts with."""

    room: Room
    targets: tuple[Address | Invite, ...] = ()
    """Whom to dial first."""
    known: KnownRoom | None = None
    """What is remembered of the room; None for an open one, or one whose secret was given."""
    notes: tuple[str, ...] = ()
    """What the user should be told, a line each."""

    @property
    def places(self) -> tuple[InvitePlace, ...]:
        """Where people of the room were when it was learnt of."""
        return () if self.known is None else self.known.places


async def choose(settings: Settings) -> Choice:
    """Decide in which room to be; a passphrase and the disk are worked at in threads.

    A secret that was given decides, then an invite, then a remembered room of the name that is
    asked for. Everything else is open.

    Raises:
        BadAddress, BadInvite, BadRoom, BadSecret: A setting breaks the rules.
        BadUsage: They contradict each other.
        RoomUnreadable: The room was remembered, and its file is damaged.
    """
    targets = tuple(read_target(text) for text in settings.connect)
    invited = _agreed([t for t in targets if isinstance(t, Invite)], settings.room)
    if settings.secret is not None:
        choice = await _by_secret(settings.secret, settings.room, invited)
    elif invited is not None:
        choice = await _by_invite(invited, is_kept=not settings.ephemeral)
    elif settings.room is not None:
        choice = await _by_name(settings.room)
    else:
        choice = Choice(Room(DEFAULT_ROOM))
    return replace(choice, targets=targets)


async def directions(invite: Invite, *, is_kept: bool) -> str:
    """Say what to type to go to the room of an invite; one with a secret is remembered for it.

    Args:
        invite: To another room than the one that the user is in.
        is_kept: Whether something may be remembered.
    """
    command = f"p2pchat -c {encode_invite(invite)}"
    if invite.has_secret:
        command = PASTE
        if is_kept and await _is_found_by_name(invite):
            command = command_for(invite.room)
    return f"To go there, in another terminal or after exit:  {command}"


def command_for(room: str) -> str:
    """Return what to type to be in a room that is remembered."""
    return visible_line(shlex.join(["p2pchat", "-r", room]))


def _agreed(invites: Sequence[Invite], name: str | None) -> Invite | None:
    """Return the invite that decides, if all of them are to one room."""
    for invite in invites:
        if (invite.room, invite.secret) != (invites[0].room, invites[0].secret):
            raise BadUsage("those invites are for different rooms; a node is in one of them")
    if not invites:
        return None
    if name not in (None, invites[0].room):
        room = visible_line(invites[0].room)
        raise BadUsage(f"the invite is for the room {room}, not for that of --room: leave that out")
    return invites[0]


async def _by_secret(secret: bytes | str, name: str | None, invited: Invite | None) -> Choice:
    name = invited.room if invited is not None else name
    if name is None:
        raise BadUsage("--secret-file needs --room NAME: a secret alone is no room")
    notes: tuple[str, ...] = ()
    if isinstance(secret, str):
        Room(name)  # before anybody waits: is it a name at all?
        began_s = time.process_time()  # of all threads, so that a busy machine makes no difference
        stretched = await asyncio.to_thread(stretch, secret, name)
        warning = weakness(secret, time.process_time() - began_s)
        notes, secret = (() if warning is None else (warning,)), stretched
    if invited is not None and invited.secret != secret:
        raise BadUsage("the secret does not open the room of the invite: leave one of them out")
    return Choice(Room(name, secret), notes=notes)


async def _by_invite(invited: Invite, *, is_kept: bool) -> Choice:
    room = Room(invited.room, invited.secret)
    if not invited.has_secret or not is_kept:
        return Choice(room)
    is_new, problem = await asyncio.to_thread(_keep, invited)
    if problem:
        return Choice(room, notes=(problem,))
    told = f"the room is remembered: next time type  {command_for(room.name)}"
    return Choice(room, notes=(told,) if is_new else ())


async def _by_name(name: str) -> Choice:
    known = KnownRooms(default_folder())
    found = await asyncio.to_thread(known.named, name)
    if len(found) > 1:
        raise BadUsage(
            f"you are in {len(found)} private rooms called {visible_line(name)}. Choose one by its "
            "invite, with --invite-file, or remove the file of the other: see p2pchat paths"
        )
    if found:
        return Choice(found[0].room, known=found[0])
    names = await asyncio.to_thread(known.names)
    alike = next((one for one in sorted(names) if one.casefold() == name.casefold()), None)
    if alike is None:
        return Choice(Room(name))
    shown, meant = visible_line(name), visible_line(alike)
    return Choice(Room(name), notes=(f"{shown} is an open room; your private one is {meant}",))


async def _is_found_by_name(invite: Invite) -> bool:
    _, problem = await asyncio.to_thread(_keep, invite)
    if problem:
        return False
    return len(await asyncio.to_thread(KnownRooms(default_folder()).named, invite.room)) == 1


def _keep(invited: Invite) -> tuple[bool, str | None]:
    """Remember a room; return whether that is new, and what went wrong."""
    known, room = KnownRooms(default_folder()), Room(invited.room, invited.secret)
    try:
        before = next((one for one in known.named(room.name) if one.room == room), None)
    except RoomUnreadable:
        before = None  # this invite mends it
    places = invited.places or (before.places if before is not None else ())
    kept = replace(before or KnownRoom(room), places=places)
    return before is None, known.keep(kept)

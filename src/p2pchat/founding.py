"""`p2pchat invite --new-room`: a private room with a secret that nobody can guess."""

from __future__ import annotations

import os
import sys

from p2pchat.core.limits import ROOM_SECRET_BYTES
from p2pchat.crypto.room import Room
from p2pchat.errors import BadUsage
from p2pchat.inviting import EXIT_FAILED, make_invite, note_on, print_invite
from p2pchat.net.tcp import Listener
from p2pchat.rooms import DEFAULT_ROOM, command_for
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.store.profile import default_folder, open_profile
from p2pchat.store.rooms import KnownRoom, KnownRooms
from p2pchat.store.running import Running


async def found(settings: Settings, name: str, *, as_qr: bool) -> int:
    """Make a room, remember it, print an invite to it; return the exit code.

    The invite names the profile and the port with which its founder is going to be there.

    Raises:
        BadRoom: The name is none.
        BadUsage: There is a room of that name already, or nothing may be remembered.
        P2PChatError: Its profile can't be had, or no port is free.
    """
    known = KnownRooms(default_folder())
    room = Room(name, os.urandom(ROOM_SECRET_BYTES))
    _check_new(settings, known, name)
    profile = open_profile(settings.profile, default_folder(), settings.passphrase)
    profile.close()
    port = _free_port(settings)
    # Before the invite is seen by anybody: who founds a room should not be kept out of it.
    problem = known.keep(KnownRoom(room, (), profile.name, port))
    if problem:
        sys.stderr.write(f"p2pchat: {problem}\n")
        return EXIT_FAILED
    own = Running(0, settings.host, port, profile.peer)
    made = make_invite(room, [own], None)
    note = f"{note_on(made)} The room is remembered here. To be in it:  {command_for(name)}"
    return await print_invite(settings, made, note, as_qr=as_qr)


def _free_port(settings: Settings) -> int:
    listener = Listener(settings.host, settings.port or None)
    try:
        return listener.port
    finally:
        listener.close()


def _check_new(settings: Settings, known: KnownRooms, name: str) -> None:
    if settings.ephemeral:
        raise BadUsage("a room that --ephemeral forgets at once is no use: leave that out")
    if name == DEFAULT_ROOM:
        raise BadUsage(f"{name} is the open room where everybody begins: choose another name")
    if known.named(name):
        shown = visible_line(name)
        raise BadUsage(
            f"you are in a private room called {shown} already: {command_for(name)} opens it, and "
            "there /invite prints an invite"
        )

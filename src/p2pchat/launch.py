"""Makes a node from settings."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from p2pchat.core.invites import Invite
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.values import Address
from p2pchat.errors import ListenFailed, ProfileError
from p2pchat.key_input import ask_to_open
from p2pchat.net.tcp import Listener
from p2pchat.node import Node
from p2pchat.rooms import choose
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.store.profile import default_folder, open_profile


async def node_for(settings: Settings) -> tuple[Node, tuple[Address | Invite, ...]]:
    """Return the node that a run of the program uses, and whom it dials first.

    What the user should know about the room goes to standard error.

    Raises:
        BadNick, BadRoom, BadAddress, BadInvite, BadSecret: A setting breaks the rules.
        BadUsage: They contradict each other.
        RoomUnreadable: The room was remembered, and its file is damaged.
    """
    choice = await choose(settings)
    tell(choice.notes, settings)
    profile, port = settings.profile, settings.port
    if choice.known is not None and not settings.ephemeral:
        # Who founded the room should be where its invites say that he is.
        profile = profile or _free_profile(choice.known.profile, default_folder())
        port = _free_port(settings.host, choice.known.port) if port is None else port
    node = Node(
        nick=settings.nick,
        host=settings.host,
        port=port,
        room=choice.room.name,
        secret=choice.room.secret,
        places=choice.places,
        manual=settings.manual,
        ephemeral=settings.ephemeral,
        profile=profile,
        passphrase=settings.passphrase or ask_to_open,
        guests=settings.guests,
        backlog_minutes=settings.backlog,
        lan=LanPolicy.AUTO if settings.lan else LanPolicy.ASK,
        is_mapped=not settings.no_map,
    )
    return node, choice.targets


def tell(notes: Iterable[str], settings: Settings) -> None:
    """Print notes for people, a line each, before anything else is on the screen."""
    for note in () if settings.quiet else notes:
        sys.stderr.write(f"p2pchat: {visible_line(note)}\n")


def _free_profile(name: str | None, profiles: Path) -> str | None:
    """Return that profile if nobody uses it; None for the first that is free."""
    if name is not None and (profiles / name).is_dir():
        with suppress(ProfileError):
            open_profile(name, profiles).close()
            return name
    return None


def _free_port(host: str, port: int | None) -> int | None:
    """Return that port if nobody has it; None for the first that is free."""
    if port is not None:
        with suppress(ListenFailed):
            Listener(host, port).close()
            return port
    return None

"""Makes a node from settings."""

from __future__ import annotations

from p2pchat.core.invites import Invite
from p2pchat.core.lookout import LanPolicy
from p2pchat.core.values import Address
from p2pchat.node import Node
from p2pchat.settings import Settings
from p2pchat.wire.invite import read_target

DEFAULT_ROOM = "lobby"


def node_for(settings: Settings) -> tuple[Node, tuple[Address | Invite, ...]]:
    """Return the node that a run of the program uses, and whom it dials first.

    An invite decides which room it is in, unless one is asked for by name.

    Raises:
        BadNick, BadRoom, BadAddress, BadInvite: A setting breaks the rules.
    """
    targets = tuple(read_target(text) for text in settings.connect)
    invite = next((target for target in targets if isinstance(target, Invite)), None)
    room, secret = settings.room, None
    if invite is not None and room in (None, invite.room):
        room, secret = invite.room, invite.secret
    node = Node(
        nick=settings.nick,
        host=settings.host,
        port=settings.port,
        room=DEFAULT_ROOM if room is None else room,
        secret=secret,
        manual=settings.manual,
        ephemeral=settings.ephemeral,
        profile=settings.profile,
        guests=settings.guests,
        backlog_minutes=settings.backlog,
        lan=LanPolicy.AUTO if settings.lan else LanPolicy.ASK,
        is_mapped=not settings.no_map,
    )
    return node, targets

"""Makes a node from settings."""

from __future__ import annotations

from p2pchat.core.values import Address
from p2pchat.node import Node
from p2pchat.settings import Settings


def node_for(settings: Settings) -> tuple[Node, tuple[Address, ...]]:
    """Return the node that a run of the program uses, and the addresses that it dials first.

    Raises:
        BadNick, BadRoom, BadAddress: A setting breaks the rules.
    """
    node = Node(
        nick=settings.nick,
        host=settings.host,
        port=settings.port,
        room=settings.room,
        manual=settings.manual,
        ephemeral=settings.ephemeral,
        profile=settings.profile,
        guests=settings.guests,
        backlog_minutes=settings.backlog,
    )
    return node, tuple(Address.parse(text) for text in settings.connect)

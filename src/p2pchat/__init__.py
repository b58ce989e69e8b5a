"""Serverless chat for the terminal: every node is equal, messages flood to everybody.

async with Node(nick="bot") as node:
    await node.connect("localhost:55555")
    node.announce("hello")
    async for message in node.messages():
        ...
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # what type checkers take for true; typing itself costs 8 ms to load

if TYPE_CHECKING:
    from p2pchat.core.values import Address, Message, MessageId, PeerId, Person
    from p2pchat.crypto.passphrase import stretch
    from p2pchat.errors import P2PChatError
    from p2pchat.node import Node

__all__ = [
    "Address",
    "Message",
    "MessageId",
    "Node",
    "P2PChatError",
    "PeerId",
    "Person",
    "stretch",
]

_HOMES = {
    "Node": "p2pchat.node",
    "P2PChatError": "p2pchat.errors",
    "stretch": "p2pchat.crypto.passphrase",
    **dict.fromkeys(("Address", "Message", "MessageId", "PeerId", "Person"), "p2pchat.core.values"),
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: `--version` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)

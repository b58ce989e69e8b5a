"""A simulated stream between two nodes, each of which knows its own end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.core.values import ConnectionId, PeerId

if TYPE_CHECKING:
    from p2pchat.sim.node import SimNode


class End:
    """One node's side of a link: a connection, as that node calls it."""

    __slots__ = (
        "arrival_at", "busy_until", "connection", "has_risen", "has_said_end", "is_over",
        "is_started", "link", "node", "other",
    )  # fmt: skip

    other: End

    def __init__(self, node: SimNode, connection: ConnectionId, link: Link) -> None:
        self.node = node
        self.connection = connection
        self.link = link
        self.arrival_at = 0.0
        """When the last frame sent from here arrives; later ones don't overtake it."""
        self.busy_until = 0.0
        """When the last frame sent from here has left, where the bandwidth is limited."""
        self.has_risen = False
        self.is_started = False
        """Whether the node was told that it began."""
        self.has_said_end = False
        """Whether nothing more is sent from here."""
        self.is_over = False
        """Whether the node was told, or is being told, that it ended."""


class Link:
    """A stream of frames in both directions, each in order."""

    __slots__ = ("acceptor", "dialler", "expected", "exported", "is_silent")

    def __init__(
        self, dialler: SimNode, acceptor: SimNode, exported: bytes, expected: PeerId | None
    ) -> None:
        self.dialler = End(dialler, dialler.next_connection(), self)
        self.acceptor = End(acceptor, acceptor.next_connection(), self)
        self.dialler.other, self.acceptor.other = self.acceptor, self.dialler
        self.exported = exported
        """Keying material, the same at both ends of this link and at no other."""
        self.expected = expected
        """Whose key the dialler expects."""
        self.is_silent = False
        """Whether everything sent vanishes, without either end being told."""

    def end_of(self, node: SimNode) -> End:
        """Return that node's side; the dialler's where both are the same node."""
        return self.dialler if self.dialler.node is node else self.acceptor

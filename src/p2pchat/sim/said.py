"""What was said in a simulated network, and who looks on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from p2pchat.core.events import Effect, Event
from p2pchat.core.values import Epoch, PeerId
from p2pchat.sim.node import SimNode


class Watcher(Protocol):
    """Looks at every step of a simulated network."""

    def on_start(self, node: SimNode) -> None:
        """A node begins with an empty memory."""
        ...

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        """A node has handled an event; the effects are not performed yet."""
        ...


MessageKey = tuple[PeerId, Epoch, int]
"""An author, which start of it, the number of the message."""


class Announced(NamedTuple):
    """Who said something, and when."""

    author: SimNode
    at: float
    epoch: Epoch
    number: int

    @property
    def key(self) -> MessageKey:
        """What names the message where no hash is needed."""
        return (self.author.peer, self.epoch, self.number)

    @property
    def is_its_authors(self) -> bool:
        """Whether its author still runs and has not forgotten it."""
        return self.author.is_running and self.epoch == self.author.epoch

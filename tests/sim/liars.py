"""Neighbours that lie: real cores whose words are changed on their way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from p2pchat.core.engine import Core
from p2pchat.core.events import Effect, Event, FrameReceived, Send
from p2pchat.core.frames import Frame
from p2pchat.core.notices import Disconnected
from p2pchat.core.values import ConnectionId
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode
from tests.sim.support import are_neighbours

Lie = Callable[[Event, list[Effect], float], list[Effect]]
"""Gets what happened and what an honest node would do about it; returns what is done."""


class _LyingCore(Core):
    """Shares everything with the honest core that it was, but for what it answers."""

    def __init__(self, honest: Core, lie: Lie, deaf_to: tuple[type, ...]) -> None:
        self.__dict__ = honest.__dict__
        self._lie, self._deaf_to = lie, deaf_to

    def handle(self, event: Event, now: float) -> list[Effect]:
        if isinstance(event, FrameReceived) and isinstance(event.frame, self._deaf_to):
            return []
        return self._lie(event, super().handle(event, now), now)


class HonestOnly(Invariants):
    """Holds nobody to the rules who is there to break them."""

    liars: tuple[SimNode, ...] = ()

    def on_step(self, node: SimNode, event: Event, effects: Sequence[Effect], now: float) -> None:
        if node not in self.liars:
            super().on_step(node, event, effects, now)


class Circle:
    """Alice between Mallory, who lies, and Bob and Carol, who are neighbours of each other too."""

    def __init__(self) -> None:
        self.invariants = HonestOnly()
        self.network = SimNetwork(watchers=[self.invariants])
        self.alice, self.bob, self.carol, self.mallory = (
            self.network.add(name) for name in ("alice", "bob", "carol", "mallory")
        )
        self.invariants.liars = (self.mallory,)
        for one, other in (
            (self.bob, self.alice),
            (self.carol, self.alice),
            (self.carol, self.bob),
            (self.mallory, self.alice),
        ):
            self.network.connect(one, other)
        self.network.run(10.0)
        self.began_frames = self.alice.sent_frames
        self.began_bytes = self.alice.sent_bytes

    @property
    def mallorys(self) -> ConnectionId:
        """The connection of Mallory to Alice, as Mallory calls it."""
        (connection,) = self.mallory.core.neighbours.values()
        return connection

    def lie(self, lie: Lie, *, deaf_to: tuple[type, ...] = ()) -> None:
        """Let Mallory change its words, and take no notice of frames of some kinds."""
        self.mallory.core = _LyingCore(self.mallory.core, lie, deaf_to)

    def keep_saying(self, make: Callable[[int], Frame], every_s: float, seconds: float) -> None:
        """Let Mallory say something again and again, until it is put out or that time is over."""
        for number in range(int(seconds / every_s)):
            if not are_neighbours(self.alice, self.mallory):
                return
            self.network.inject(self.mallory, self.alice, make(number))
            self.network.run(every_s)

    def talk(self, messages: int) -> None:
        """Let Bob speak, once a second."""
        for number in range(messages):
            self.network.announce(self.bob, f"bob {number}")
            self.network.run(1.0)

    def assert_mallory_is_out(self, reason: str) -> None:
        self.network.run(10.0)
        (gone,) = (notice for notice in self.alice.told if isinstance(notice, Disconnected))
        assert reason in gone.reason
        assert not are_neighbours(self.alice, self.mallory)
        assert are_neighbours(self.alice, self.bob)
        assert are_neighbours(self.alice, self.carol)
        self.invariants.check_rest(self.network)


def silent_about(effects: list[Effect], *kinds: type) -> list[Effect]:
    """Leave out every frame of those kinds."""
    return [e for e in effects if not (isinstance(e, Send) and isinstance(e.frame, kinds))]

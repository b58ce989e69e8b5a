"""What a measure asks of a process that hosts nodes, one JSON object a line each way."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Pace(Enum):
    """How fast an author speaks."""

    BURST = "burst"
    """As fast as texts are taken."""
    TURNS = "turns"
    """A turn of the loop after each text, so that each leaves on its own."""
    STEADY = "steady"
    """So many a second, by the clock."""


class Start(Struct, frozen=True, tag="start"):
    """Start so many nodes."""

    nodes: int


class Connect(Struct, frozen=True, tag="connect"):
    """Connect nodes, by their place in this process, to ports."""

    edges: list[tuple[int, int]]


class Expect(Struct, frozen=True, tag="expect"):
    """Begin to count: so many texts are about to be announced, by all authors together."""

    texts: int
    each: list[int]
    """How many of them each node here should get: all but its own."""
    delays: bool = False


class Announce(Struct, frozen=True, tag="announce"):
    """Let nodes of this process announce their share of numbered texts.

    Text n belongs to author n modulo authors; `mine` names the node of each author here.
    """

    texts: int
    authors: int
    mine: dict[int, int]
    pace: Pace
    per_s: float = 0.0


class Collect(Struct, frozen=True, tag="collect"):
    """Wait until each node has what it expects, or until nothing comes any more."""


Command = Start | Connect | Expect | Announce | Collect


class Ready(Struct, frozen=True):
    """The process has imported what it measures, or can't."""

    fault: str = ""


class Done(Struct, frozen=True):
    """The command was carried out."""

    ports: list[int] = []
    at_ns: int = 0
    """Monotonic clock of the machine when it began to announce."""


class Collected(Struct, frozen=True):
    """What arrived in one process."""

    distinct: int
    duplicates: int
    garbled: int
    last_ns: int
    delays_ms: list[float]

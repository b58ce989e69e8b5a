"""Nothing in a node grows while people talk, come, go and are split: what ends is forgotten.

Every container that can be reached from a core is counted. Tables are full after the longest life
of anything in them, that of the seen ids; from then on they stay as they are.
"""

from __future__ import annotations

import enum
import random
import types
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from p2pchat.core import limits
from p2pchat.core.spreading import OWN_LIMIT
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p2pchat.sim.node import SimNode

WARM_UP_S: Final = limits.SEEN_GENERATIONS * limits.SEEN_GENERATION_S
TURN_S: Final = 600.0
"""In each one the network is split once; two of them are compared."""

SPLIT_S: Final = 40.0
LOOK_EVERY_S: Final = 60.0
MOST_NODES: Final = 6
GROWTH: Final = 1.1
SOME: Final = 2
"""What counts as growth: more than by a tenth and by so many entries, from a turn to the next. What
came with every restart since the beginning would be more by a fifth."""

BY_COUNT: Final = {
    "Arrivals._arrivals": limits.ARRIVALS_LIMIT,
    "AuthorOrder._began": limits.RECEIVED_LIMIT_SERIES,
    "AuthorOrder._expected": limits.RECEIVED_LIMIT_SERIES,
    "Spreading._own": OWN_LIMIT,
    "_Comparison.fruitless": MOST_NODES
    * (limits.COMPARED_MINUTES_PAST + limits.COMPARED_MINUTES_AHEAD + 1),
}
"""Bounded by nothing else. Some mean something as long as they are kept: which way the last message
came, even where nobody said anything for hours. What was compared in vain is kept for each minute
that is compared, and depends on who started again when."""

_NO_TABLES: Final = (
    type, enum.Enum, random.Random, types.FunctionType, types.BuiltinFunctionType,
    types.ModuleType, str, bytes, int, float,
)  # fmt: skip
_TABLES: Final = (dict, list, set, deque)
_CONTAINERS: Final = (*_TABLES, tuple, frozenset)


@dataclass(frozen=True)
class Talk:
    """How much is said, and by how many."""

    nodes: int
    every_s: float


def test_no_table_of_a_node_grows_for_ever() -> None:
    assert grown(Talk(nodes=3, every_s=5.0), WARM_UP_S) == {}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_table_of_a_busy_node_grows_between_two_hours() -> None:
    assert grown(Talk(nodes=MOST_NODES, every_s=0.2), 2 * 3600.0) == {}


def grown(talk: Talk, warm_up_s: float) -> dict[str, tuple[float, float]]:
    """Return what has more entries in one turn than in the one before, with both means."""
    network = SimNetwork(1, rules=Rules(joins=True))
    nodes = [network.add() for _ in range(talk.nodes)]
    for dialler in nodes[1:]:
        network.connect(dialler, nodes[0])
    life = _Life(network, nodes, talk)
    life.run(warm_up_s)
    before, after = life.run(TURN_S), life.run(TURN_S)
    assert before["SeenCache._generations[]"] > 0, "something was said, and seen"
    assert all(after[table] <= limit for table, limit in BY_COUNT.items())
    return {
        table: (before[table], mean)
        for table, mean in after.items()
        if mean > GROWTH * before[table] + SOME and table not in BY_COUNT
    }


class _Life:
    """What happens in a room, minute after minute; the first node stays."""

    def __init__(self, network: SimNetwork, nodes: list[SimNode], talk: Talk) -> None:
        self._network, self._nodes, self._talk = network, nodes, talk
        self._said = self._minutes = 0

    def run(self, seconds: float) -> dict[str, float]:
        """Let time pass; return how many entries each table of the first node had, on average."""
        looks = []
        for _ in range(int(seconds / LOOK_EVERY_S)):
            self._plan_a_minute()
            self._network.run(LOOK_EVERY_S)
            looks.append(tables(self._nodes[0]))
            for node in self._nodes:
                _clear_records(node)
        names = set().union(*looks)
        return {name: sum(look[name] for look in looks) / len(looks) for name in names}

    def _plan_a_minute(self) -> None:
        network, self._minutes = self._network, self._minutes + 1
        for turn in range(int(LOOK_EVERY_S / self._talk.every_s)):
            network.after(turn * self._talk.every_s, self._say)
        restarted = self._nodes[1 + self._minutes % (len(self._nodes) - 1)]
        network.after(5.0, network.stop if self._minutes % 2 else network.crash, restarted)
        network.after(15.0, self._start_again, restarted)
        if self._minutes % (TURN_S / LOOK_EVERY_S) == 1:
            network.after(18.0, network.partition, [self._nodes[:1], self._nodes[1:]])
            network.after(18.0 + SPLIT_S, network.heal)

    def _say(self) -> None:
        self._said += 1
        up = [node for node in self._nodes if node.is_running and not node.is_leaving]
        author, other = up[self._said % len(up)], up[(self._said + 1) % len(up)]
        if self._said % 3 == 0:
            self._network.write(author, other, "for you")
        else:
            self._network.announce(author, "word " * (500 if self._said % 20 == 1 else 5))

    def _start_again(self, node: SimNode) -> None:
        self._network.restart(node)
        self._network.connect(node, self._nodes[0])


def _clear_records(node: SimNode) -> None:
    for record in (node.delivered, node.published, node.told, node.opened, node.failed, node.notes):
        record.clear()


def tables(node: SimNode) -> Counter[str]:
    """Count the entries of everything that can be changed and belongs to a node's core."""
    found: Counter[str] = Counter()
    # What the simulator has in place of a disk, and its codec for all nodes.
    met = {id(node.direct_shown), id(node._codec)}
    waiting: list[tuple[str, Any]] = [("core", node.core)]
    while waiting:
        name, value = waiting.pop()
        if id(value) in met or isinstance(value, _NO_TABLES):
            continue
        met.add(id(value))
        if isinstance(value, _CONTAINERS):
            if isinstance(value, _TABLES):
                found[name] += len(value)
            waiting += ((f"{name}[]", part) for part in _parts(value))
            continue
        kind = type(value).__name__
        waiting += ((f"{kind}.{attribute}", part) for attribute, part in _attributes(value))
    return found


def _parts(table: Any) -> Iterator[Any]:
    yield from table
    if isinstance(table, dict):
        yield from table.values()


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield name, getattr(value, name)

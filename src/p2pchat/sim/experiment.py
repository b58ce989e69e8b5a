"""One simulated network that talks while things happen to it, measured and checked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Literal

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.sim.invariants import Invariants
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Rules, SimNode
from p2pchat.sim.report import Report, measure
from p2pchat.sim.scenarios import SETTLE_S, Edge, random_regular

LARGE_BYTES: Final = 2_000
"""Length of a large text: its envelope is above LAZY_ABOVE_BYTES, and far below a frame."""

_AWAY_S: Final = 10.0
"""How long a node stays away, and how long before a message finds nobody to say it is late."""

_REPAIR_S: Final = 180.0
"""At the latest then everything has to be repaired, after the last thing that happened."""

_STEP_S: Final = 1.0
"""Virtual seconds between two looks whether repair is done."""


class Experiment(Struct, frozen=True):
    """What to simulate; everything else follows from the seed."""

    nodes: int = 100
    degree: int = 5
    """Neighbours of a node; everybody is connected to everybody by some way."""
    messages: int = 100
    rate: float = 10.0
    """Messages a virtual second, of all authors together."""
    authors: int = 0
    """How many of the nodes speak; 0 for all."""
    size_bytes: int = 64
    """Length of a text; a multi-byte character is not used."""
    churn: float = 0.0
    """Percent of all nodes that go, within a minute of talk, and come back ten seconds later."""
    loss: float = 0.0
    """Percent of all connections that fall silent at some time during the talk."""
    partition_s: float = 0.0
    """How long the network lies in two halves, in the middle of the talk."""
    seed: int = 0
    strategy: Literal["flood", "lazy"] = "lazy"
    """Whether large envelopes are pushed lazily, or flood as small ones do."""

    @property
    def talk_s(self) -> float:
        """Virtual seconds from the first message to the last thing that happens."""
        return max(self.messages / self.rate, self.partition_s)

    @property
    def is_calm(self) -> bool:
        """Whether nothing happens but talk."""
        return not (self.churn or self.loss or self.partition_s)


class Outcome(Struct, frozen=True):
    """What came of an experiment."""

    experiment: Experiment
    report: Report
    repair_s: float
    """Virtual seconds after the talk until nobody lacked anything any more."""
    broken: str | None
    """Which invariant was broken, and by whom."""


Progress = Callable[[float], None]
"""Is told which share of the talk is over, from 0 to 1."""


def run(
    experiment: Experiment,
    on_progress: Progress = lambda _share: None,
    *,
    bounds_every_steps: int = 16,
) -> Outcome:
    """Do an experiment; the same one gives the same outcome.

    Args:
        experiment: What to do.
        on_progress: Called about once a virtual second.
        bounds_every_steps: How often the tables of a node are counted: a quarter of all time
            is spent on it when they are counted after each step.
    """
    return _Course(experiment, on_progress, Invariants(bounds_every_steps)).run()


class _Course:
    """An experiment under way."""

    def __init__(
        self, experiment: Experiment, on_progress: Progress, invariants: Invariants
    ) -> None:
        self._experiment = experiment
        self._on_progress = on_progress
        self._invariants = invariants
        is_lazy = experiment.strategy == "lazy"
        above_bytes = limits.LAZY_ABOVE_BYTES if is_lazy else limits.FRAME_LIMIT_BYTES
        # A private room: the limits of open ones are against strangers, not part of spreading.
        rules = Rules(is_metered=False, lazy_above_bytes=above_bytes)
        self._network = SimNetwork(experiment.seed, rules=rules, watchers=[self._invariants])
        self._random = Random(f"experiment {experiment.seed}")
        graph = random_regular(experiment.nodes, experiment.degree, self._random)
        self._edges = graph.edges
        speakers = self._random.sample(range(experiment.nodes), experiment.nodes)
        self._speakers = speakers[: experiment.authors or None]

    def run(self) -> Outcome:
        broken: str | None = None
        repair_s, report = 0.0, None
        try:
            self._talk()
            repair_s = self._repair()
            report = measure(self._network)  # what follows is only there to be checked
            self._check()
        except AssertionError as error:
            broken = str(error)
        return Outcome(self._experiment, report or measure(self._network), repair_s, broken)

    # --- The talk -----------------------------------------------------------------------------

    def _talk(self) -> None:
        experiment, network = self._experiment, self._network
        nodes = [network.add() for _ in range(experiment.nodes)]
        network.connect_all(nodes, self._edges)
        for number in range(experiment.messages):
            network.after(number / experiment.rate, self._say, number)
        self._plan_losses()
        self._plan_churn()
        if experiment.partition_s:
            begin_s = (experiment.talk_s - experiment.partition_s) / 2
            network.after(begin_s, self._split)
            network.after(begin_s + experiment.partition_s, network.heal)
        began_at = network.now
        while network.now < began_at + experiment.talk_s:
            network.run(min(_STEP_S, began_at + experiment.talk_s - network.now))
            self._on_progress((network.now - began_at) / experiment.talk_s)

    def _say(self, number: int) -> None:
        nodes = self._network.nodes
        speakers = [nodes[i] for i in self._speakers if self._can_speak(nodes[i])]
        if not speakers:
            self._network.after(_AWAY_S, self._say, number)
            return
        text = f"message {number} ".ljust(self._experiment.size_bytes, ".")
        self._network.announce(
            self._random.choice(speakers), text[: max(1, self._experiment.size_bytes)]
        )

    @staticmethod
    def _can_speak(node: SimNode) -> bool:
        return node.is_running and not node.is_leaving and node.core.neighbour_count > 0

    # --- What happens to it -------------------------------------------------------------------

    def _plan_losses(self) -> None:
        count = round(len(self._edges) * self._experiment.loss / 100)
        for edge in self._random.sample(self._edges, count):
            self._network.after(self._random.uniform(0, self._experiment.talk_s), self._lose, edge)

    def _lose(self, edge: Edge) -> None:
        dialler, acceptor = (self._network.nodes[i] for i in edge)
        self._network.cut(dialler, acceptor)
        # By then both ends have noticed it.
        self._network.after(SETTLE_S, self._redial, edge)

    def _redial(self, edge: Edge) -> None:
        dialler, acceptor = (self._network.nodes[i] for i in edge)
        if dialler.group != acceptor.group:
            self._network.after(_AWAY_S, self._redial, edge)
        elif all(node.is_running and not node.is_leaving for node in (dialler, acceptor)):
            self._network.connect(dialler, acceptor)

    def _plan_churn(self) -> None:
        a_minute = self._experiment.nodes * self._experiment.churn / 100
        for number in range(int(a_minute * self._experiment.talk_s / 60)):
            self._network.after((number + 1) * 60 / a_minute, self._go)

    def _go(self) -> None:
        """Let somebody leave, politely or not."""
        network = self._network
        present = [node for node in network.nodes if node.is_running and not node.is_leaving]
        if not present:
            return
        node = self._random.choice(present)
        if self._random.random() < 0.5:
            network.stop(node)
        else:
            network.crash(node)
        network.after(_AWAY_S, self._come_back, node)

    def _come_back(self, node: SimNode) -> None:
        self._network.restart(node)
        for edge in self._edges:
            if node.index in edge:
                self._redial(edge)

    def _split(self) -> None:
        around = self._network.nodes
        half = len(around) // 2
        self._network.partition((around[:half], around[half:]))

    # --- Afterwards ---------------------------------------------------------------------------

    def _repair(self) -> float:
        """Wait until nobody lacks anything; return how long that took."""
        network, ended_at = self._network, self._network.now
        if self._experiment.is_calm:
            network.run_until_quiet()
        while network.now < ended_at + _REPAIR_S and next(self._invariants.lacking(network), None):
            network.run(_STEP_S)
        return network.now - ended_at

    def _check(self) -> None:
        is_calm = self._experiment.is_calm
        if not is_calm:
            # The last silent connections are noticed and dialled again, duplicates closed.
            self._network.run(2 * SETTLE_S)
        self._invariants.check_rest(
            self._network, everything_arrived=is_calm, is_repaired=not is_calm
        )

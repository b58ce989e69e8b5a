"""Five nodes to which hypothesis does whatever it likes; at last they are joined and have all."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from p2pchat.sim.experiment import LARGE_BYTES
from p2pchat.sim.node import SimNode
from p2pchat.sim.scenarios import ring
from tests.effort import EFFORT
from tests.sim.support import SEEDS, SETTLED_S, watched

_SIZE = 5
_PLACES = st.integers(0, _SIZE - 1)
_SOME_S = st.sampled_from([0.001, 0.030, 0.3, 2.0, 10.0, 45.0])


class FiveNodes(RuleBasedStateMachine):
    """Each step is watched by the invariants; the end checks that repair is complete."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.watcher = watched()
        self.nodes = [self.network.add() for _ in range(_SIZE)]
        self.said = 0
        self.is_split = False

    @rule(seed=SEEDS)
    def draw_other_chances(self, seed: int) -> None:
        self.network.random.seed(seed)

    @rule(place=_PLACES, size=st.sampled_from([1, 64, LARGE_BYTES]), count=st.integers(1, 5))
    def say(self, place: int, size: int, count: int) -> None:
        node = self.nodes[place]
        if self.is_there(node):
            for _ in range(count):
                self.said += 1
                self.network.announce(node, f"{self.said} ".ljust(size, "."))

    @rule(one=_PLACES, other=_PLACES)
    def connect(self, one: int, other: int) -> None:
        if self.is_there(self.nodes[one]):
            self.network.connect(self.nodes[one], self.nodes[other])

    @rule(one=_PLACES, other=_PLACES, silent=st.booleans())
    def cut(self, one: int, other: int, silent: bool) -> None:
        self.network.cut(self.nodes[one], self.nodes[other], silent=silent)

    @rule(one=_PLACES, other=_PLACES)
    def hang_up(self, one: int, other: int) -> None:
        if self.is_there(self.nodes[one]):
            self.network.hang_up(self.nodes[one], self.nodes[other])

    @rule(place=_PLACES)
    def leave(self, place: int) -> None:
        if self.is_there(self.nodes[place]):
            self.network.stop(self.nodes[place])

    @rule(place=_PLACES, silent=st.booleans())
    def crash(self, place: int, silent: bool) -> None:
        if self.nodes[place].is_running:
            self.network.crash(self.nodes[place], silent=silent)

    @rule(place=_PLACES)
    def start_again(self, place: int) -> None:
        if not self.nodes[place].is_running:
            self.network.restart(self.nodes[place])

    @rule(place=_PLACES, seconds=_SOME_S)
    def suspend(self, place: int, seconds: float) -> None:
        if self.is_there(self.nodes[place]):
            self.network.suspend(self.nodes[place], seconds)

    @precondition(lambda self: not self.is_split)
    @rule(size=st.integers(1, _SIZE - 1))
    def split(self, size: int) -> None:
        self.network.partition((self.nodes[:size], self.nodes[size:]))
        self.is_split = True

    @precondition(lambda self: self.is_split)
    @rule()
    def heal(self) -> None:
        self.network.heal()
        self.is_split = False

    @rule(seconds=_SOME_S)
    def let_time_pass(self, seconds: float) -> None:
        self.network.run(seconds)

    def teardown(self) -> None:
        """Join everybody, wait as long as is promised, look at all of it."""
        self.network.heal()
        self.network.run(2 * SETTLED_S)
        for node in self.nodes:
            if not node.is_running:
                self.network.restart(node)
        self.network.connect_all(self.nodes, ring(_SIZE).edges)
        self.network.run(2 * SETTLED_S)
        for node in self.nodes:
            assert len(node.core.neighbours) >= 2
        self.watcher.check_rest(self.network, is_repaired=True)

    @staticmethod
    def is_there(node: SimNode) -> bool:
        return node.is_running and not node.is_leaving


TestFiveNodes = FiveNodes.TestCase
TestFiveNodes.settings = settings(
    deadline=None,
    max_examples=EFFORT.state_machine_runs,
    stateful_step_count=EFFORT.state_machine_steps,
)

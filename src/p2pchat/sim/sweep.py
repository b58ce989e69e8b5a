"""HyParView's experiment: what a flood reaches when a share of all nodes dies at once.

Leitão, Pereira, Rodrigues (DSN 2007), section 5. Everybody joins through one node, 50 shuffle
periods pass, and this one network is kept: each case begins with it. In a case a share of all
nodes dies; then comes a train of broadcasts from random survivors, while each node's once-a-minute
work is put off until the train is over, so that only the replacing of lost neighbours helps; then
two such periods pass.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.sim.graphs import Shape, Spread, flood, parts, shape
from p2pchat.sim.overlay import Overlay
from p2pchat.sim.overlay_nodes import Fate, OverlayNode

FRACTIONS: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
"""Percent of all nodes that die."""

TRAIN_EVERY_S: Final = 0.5
"""Virtual seconds between two broadcasts; the first comes so long after the crash."""

SPLIT_S: Final = 600.0
"""How long the network lies in two halves."""

LATEST_S: Final = 600.0
"""Whoever was not joined again by then never will be."""

_PERIOD_S: Final = limits.SHUFFLE_EVERY_S
_CYCLES: Final = 2
_LOOK_EVERY_S: Final = 5.0
_PATH_SOURCES: Final = 50
_ENOUGH: Final = 0.99

Progress = Callable[[float], None]
"""Is told which share of the work is done, from 0 to 1."""


class Plan(Struct, frozen=True):
    """What to do; everything else follows from the seed."""

    nodes: int = 10_000
    messages: int = 100
    """Broadcasts in a train."""
    fractions: tuple[int, ...] = FRACTIONS
    seed: int = 0
    periods: int = 50
    """Shuffle periods before anything happens."""
    joins_per_s: float = 50.0


class Case(Struct, frozen=True):
    """So many percent of all nodes die, or their hosts vanish."""

    percent: int
    fate: Fate


class CaseResult(Struct, frozen=True):
    """What became of the survivors; shares are between 0 and 1, of all that survived."""

    percent: int
    vanished: bool
    survivors: int
    unrepaired: float
    """Mean share that a broadcast reaches at the moment of the crash."""
    train: tuple[float, ...]
    """What each broadcast of the train reached."""
    enough_after: int | None
    """Broadcasts until one reached 99 %, this one included."""
    whole_after_s: float | None
    """Virtual seconds from the crash until broadcasts reached everybody for good."""
    redundancy: float
    """Mean over the train: copies sent for each one needed, minus 1."""
    last_hop: int
    """Most hops in the train."""
    after_train: Shape
    after_cycles: float
    """Mean share that a broadcast reaches two maintenance cycles later."""

    @property
    def first(self) -> float:
        """What the first broadcast reached."""
        return self.train[0]

    @property
    def mean(self) -> float:
        """Mean over the train."""
        return fmean(self.train)


class Rest(Struct, frozen=True):
    """The network when nothing has happened for 50 periods."""

    shape: Shape
    view_least: int
    view_mean: float
    view_most: int
    """Members of active views."""
    accepted_most: int
    """Of one view, connections that others dialled."""
    asymmetric: int
    """Members of somebody's view that don't have him in theirs."""
    passive_mean: float
    flood: Spread
    """One broadcast."""
    joined_s: float
    """Virtual seconds until everybody had joined."""


class Healing(Struct, frozen=True):
    """A network that lay in two halves."""

    split_s: float
    halves: tuple[int, int]
    """Largest part on either side at the end of the split."""
    one_part_after_s: float | None
    """Virtual seconds from the end of the split until all was one part again."""
    across: int
    """Connections between the halves after two periods."""
    shape: Shape


class Outcome(Struct, frozen=True):
    """Everything that a sweep has found."""

    plan: Plan
    rest: Rest
    cases: tuple[CaseResult, ...]
    healing: Healing


# --- The network at rest ----------------------------------------------------------------------


def stabilised(plan: Plan, on_progress: Progress = lambda _share: None) -> tuple[bytes, Rest]:
    """Let everybody join and 50 periods pass; return the network, pickled, and its figures."""
    overlay = Overlay(plan.seed)
    entry = overlay.add()
    whole_s = plan.nodes / plan.joins_per_s + plan.periods * _PERIOD_S
    for _ in range(plan.nodes - 1):
        overlay.run(1 / plan.joins_per_s)
        overlay.introduce(overlay.add(), entry)
        on_progress(overlay.now / whole_s)
    joined_s = overlay.now + _until_whole(overlay)
    while overlay.now < whole_s:
        overlay.run(_LOOK_EVERY_S)
        on_progress(min(1.0, overlay.now / whole_s))
    found = pickle.dumps(overlay, pickle.HIGHEST_PROTOCOL), _rest(overlay, joined_s)
    overlay.end()
    return found


def _until_whole(overlay: Overlay) -> float:
    """Run until all is one part, at the latest LATEST_S; return how long that took."""
    begun = overlay.now
    while len(parts(overlay.graph())) > 1 and overlay.now - begun < LATEST_S:
        overlay.run(1.0)
    return overlay.now - begun


def _rest(overlay: Overlay, joined_s: float) -> Rest:
    graph = overlay.graph()
    views = [node.membership.view.members for node in overlay.running]
    return Rest(
        shape=_shape(overlay, graph),
        view_least=min(map(len, views)),
        view_mean=fmean(map(len, views)),
        view_most=max(map(len, views)),
        accepted_most=max(sum(not link.is_dialled for link in view) for view in views),
        asymmetric=asymmetric(overlay),
        passive_mean=fmean(len(node.membership.passive) for node in overlay.running),
        flood=flood(graph, overlay.random.randrange(len(graph))),
        joined_s=joined_s,
    )


def asymmetric(overlay: Overlay) -> int:
    """Count the members of somebody's view that don't have him in theirs."""
    return sum(
        not _has(overlay.nodes[other], node)
        for node in overlay.running
        for other, number in node.current.items()
        if any(link.connection == number for link in node.membership.view.members)
    )


def _has(node: OverlayNode, other: OverlayNode) -> bool:
    link = node.membership.view.get(other.peer)
    return link is not None and link.is_in_view


def _shape(overlay: Overlay, graph: list[list[int]]) -> Shape:
    count = min(_PATH_SOURCES, len(graph))
    return shape(graph, overlay.random.sample(range(len(graph)), count))


# --- A crash ----------------------------------------------------------------------------------


def cases(plan: Plan) -> tuple[Case, ...]:
    """Return every case of a plan."""
    fates = (Fate.DIED, Fate.VANISHED)
    return tuple(Case(percent, fate) for percent in plan.fractions for fate in fates)


def crash(snapshot: bytes, plan: Plan, case: Case) -> CaseResult:
    """Do one case, beginning with the network as it was at rest."""
    overlay = _loaded(snapshot, f"{plan.seed} {case.percent} {case.fate.name}")
    count = round(len(overlay.nodes) * case.percent / 100)
    overlay.kill(overlay.random.sample(overlay.nodes, count), case.fate)
    unrepaired = fmean(_shares(overlay, plan.messages))
    begun, train_s = overlay.now, TRAIN_EVERY_S * plan.messages
    _put_off_cycles(overlay, train_s + TRAIN_EVERY_S)
    looks: list[tuple[float, float]] = []
    spreads = []
    for _ in range(plan.messages):
        overlay.run(TRAIN_EVERY_S)
        spread, share = _broadcast(overlay)
        spreads.append(spread)
        looks.append((overlay.now - begun, share))
    after_train = _shape(overlay, overlay.graph())
    looks += _after(overlay, begun, _CYCLES * _PERIOD_S)
    after_cycles = fmean(_shares(overlay, plan.messages))
    if looks[-1][1] < 1:
        looks += _after(overlay, begun, LATEST_S)
    overlay.end()
    train = tuple(share for _, share in looks[: plan.messages])
    return CaseResult(
        percent=case.percent,
        vanished=case.fate is Fate.VANISHED,
        survivors=len(overlay.running),
        unrepaired=unrepaired,
        train=train,
        enough_after=next((n for n, share in enumerate(train, 1) if share >= _ENOUGH), None),
        whole_after_s=_whole_after_s(looks),
        redundancy=fmean(spread.redundancy for spread in spreads),
        last_hop=max(spread.last_hop for spread in spreads),
        after_train=after_train,
        after_cycles=after_cycles,
    )


def _loaded(snapshot: bytes, seed: str) -> Overlay:
    overlay = pickle.loads(snapshot)
    assert isinstance(overlay, Overlay)
    overlay.random.seed(seed)
    return overlay


def _put_off_cycles(overlay: Overlay, seconds: float) -> None:
    for node in overlay.running:
        at = overlay.now + seconds + overlay.random.uniform(0, _PERIOD_S)
        node.membership.put_off_cycle(at, overlay.now)
        overlay.perform(node, [])


def _broadcast(overlay: Overlay) -> tuple[Spread, float]:
    """Let a random survivor say something; return the share of all survivors that gets it."""
    graph = overlay.graph()
    spread = flood(graph, overlay.random.randrange(len(graph)))
    return spread, spread.reached / len(graph)


def _shares(overlay: Overlay, count: int) -> Iterator[float]:
    """Yield what broadcasts of random survivors reach, all at this very moment."""
    graph = overlay.graph()
    reach = {node: len(part) / len(graph) for part in parts(graph) for node in part}
    return (reach[overlay.random.randrange(len(graph))] for _ in range(count))


def _after(overlay: Overlay, begun: float, seconds: float) -> Iterator[tuple[float, float]]:
    """Yield what broadcasts reach in so much more time, and when since the crash."""
    until = overlay.now + seconds
    while overlay.now < until:
        overlay.run(min(_LOOK_EVERY_S, until - overlay.now))
        yield overlay.now - begun, _broadcast(overlay)[1]


def _whole_after_s(looks: list[tuple[float, float]]) -> float | None:
    """Return when the last broadcast had been that missed somebody; None where the last did."""
    whole = None
    for at, share in looks:
        whole = (whole if whole is not None else at) if share == 1 else None
    return whole


# --- A split ----------------------------------------------------------------------------------


def split(snapshot: bytes, plan: Plan) -> Healing:
    """Cut the network into two halves for ten minutes, and let it heal."""
    overlay = _loaded(snapshot, f"{plan.seed} split")
    half = overlay.random.sample(overlay.nodes, len(overlay.nodes) // 2)
    overlay.split(half)
    overlay.run(SPLIT_S)
    sides = [node.side for node in overlay.running]
    found = parts(overlay.graph())
    largest = [max((len(p) for p in found if sides[p[0]] == side), default=0) for side in (0, 1)]
    overlay.heal()
    begun = overlay.now
    took_s = _until_whole(overlay)
    is_whole = len(parts(overlay.graph())) == 1
    overlay.run(max(0.0, begun + _CYCLES * _PERIOD_S - overlay.now))
    graph = overlay.graph()
    across = sum(sides[a] != sides[b] for a, others in enumerate(graph) for b in others) // 2
    overlay.end()
    return Healing(
        split_s=SPLIT_S,
        halves=(largest[0], largest[1]),
        one_part_after_s=took_s if is_whole else None,
        across=across,
        shape=_shape(overlay, graph),
    )


# --- All of it --------------------------------------------------------------------------------

Job = Case | None
"""A crash, or None for the split."""

Result = CaseResult | Healing

Workers = Callable[[bytes, Plan, tuple[Job, ...]], Iterator[Result]]
"""Does jobs on one snapshot, and yields what came of them in the same order."""


def work(snapshot: bytes, plan: Plan, job: Job) -> Result:
    """Do one job."""
    return split(snapshot, plan) if job is None else crash(snapshot, plan, job)


def one_by_one(snapshot: bytes, plan: Plan, jobs: tuple[Job, ...]) -> Iterator[Result]:
    """Do jobs in this process."""
    return (work(snapshot, plan, job) for job in jobs)


def run(
    plan: Plan, on_progress: Progress = lambda _share: None, workers: Workers = one_by_one
) -> Outcome:
    """Do the whole sweep; the same plan gives the same outcome, whoever does the jobs."""
    snapshot, rest = stabilised(plan, lambda share: on_progress(share / 2))
    jobs: tuple[Job, ...] = (None, *cases(plan))
    results: list[CaseResult] = []
    healing = None
    for done, result in enumerate(workers(snapshot, plan, jobs), 1):
        if isinstance(result, Healing):
            healing = result
        else:
            results.append(result)
        on_progress(0.5 + done / len(jobs) / 2)
    assert healing is not None
    return Outcome(plan, rest, tuple(results), healing)

"""One flood of numbered texts over any system, any processes, any connections."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.benchmarks import linux
from tests.benchmarks.commands import Announce, Expect, Pace
from tests.benchmarks.hosts import NotMeasured, hosted

if TYPE_CHECKING:
    from tests.benchmarks.commands import Collected
    from tests.benchmarks.hosts import HostProcess

MEBIBYTE: Final = 1024 * 1024
GRAPH_SEED: Final = 1


@dataclass(frozen=True)
class Plan:
    """Who speaks to whom; nodes are counted through all processes."""

    nodes: tuple[int, ...]
    """How many nodes each process hosts."""
    edges: tuple[tuple[int, int], ...]
    authors: tuple[int, ...]
    """They take turns."""
    texts: int
    pace: Pace = Pace.BURST
    per_s: float = 0.0
    delays: bool = False

    @property
    def deliveries(self) -> int:
        """How many there are when nothing is lost."""
        return self.texts * (sum(self.nodes) - 1)

    def place(self, node: int) -> tuple[int, int]:
        """Say in which process a node is, then its place there."""
        for process, count in enumerate(self.nodes):
            if node < count:
                return process, node
            node -= count
        raise IndexError(node)


@dataclass(frozen=True)
class Outcome:
    """What a flood did."""

    plan: Plan
    distinct: int
    duplicates: int
    seconds: float
    """From the first announce() to the last arrival."""
    cpu_s: float
    """Of all processes together."""
    growth_bytes: int
    """Memory that all processes gained since before their nodes started."""
    delays_ms: list[float] = field(repr=False)

    def figures(self) -> dict[str, float]:
        """Return what every flood is judged by."""
        return {
            "per_s": self.distinct / self.seconds,
            "lost": self.plan.deliveries - self.distinct,
            "twice": self.duplicates,
            "ratio": self.distinct / self.plan.deliveries,
            "cpu_us": self.cpu_s * 1e6 / max(1, self.distinct),
            "mb_node": self.growth_bytes / MEBIBYTE / sum(self.plan.nodes),
        }

    def delay_figures(self) -> dict[str, float]:
        """Return p50 and p99 of the delay, when the plan asked for delays."""
        ordered = sorted(self.delays_ms) or [float("nan")]
        return {
            "p50_ms": ordered[len(ordered) // 2],
            "p99_ms": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        }


def regular_graph(nodes: int, degree: int) -> tuple[tuple[int, int], ...]:
    """Draw a connected graph in which each node has the same degree; always the same one."""
    chance = random.Random(GRAPH_SEED)
    while True:
        stubs = [node for node in range(nodes) for _ in range(degree)]
        chance.shuffle(stubs)
        edges = {(min(pair), max(pair)) for pair in zip(stubs[::2], stubs[1::2], strict=True)}
        is_simple = len(edges) == nodes * degree // 2 and all(a != b for a, b in edges)
        if is_simple and _is_connected(nodes, edges):
            return tuple(sorted(edges))


def _is_connected(nodes: int, edges: set[tuple[int, int]]) -> bool:
    reached, before = {0}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {n for edge in edges if reached & set(edge) for n in edge}
    return len(reached) == nodes


async def flood(system: str, plan: Plan) -> Outcome:
    """Start the nodes, connect them, try every connection out, then measure."""
    async with hosted(system, len(plan.nodes)) as hosts:
        before_bytes = sum(linux.resident_bytes(host.pid) for host in hosts)
        await connect(hosts, plan)
        await warm_up(hosts, plan)
        before_cpu_s = sum(linux.cpu_s(host.pid) for host in hosts)
        started_ns, parts = await speak(hosts, plan)
        after_cpu_s = sum(linux.cpu_s(host.pid) for host in hosts)
        after_bytes = sum(linux.resident_bytes(host.pid) for host in hosts)
    return Outcome(
        plan=plan,
        distinct=sum(part.distinct for part in parts),
        duplicates=sum(part.duplicates + part.garbled for part in parts),
        seconds=(max(part.last_ns for part in parts) - started_ns) / 1e9,
        cpu_s=after_cpu_s - before_cpu_s,
        growth_bytes=after_bytes - before_bytes,
        delays_ms=[delay for part in parts for delay in part.delays_ms],
    )


async def connect(hosts: list[HostProcess], plan: Plan) -> None:
    """Start the nodes of a plan, then make its connections, one after the other."""
    ports = [await host.start(count) for host, count in zip(hosts, plan.nodes, strict=True)]
    for dialler, acceptor in plan.edges:
        process, place = plan.place(dialler)
        other_process, other_place = plan.place(acceptor)
        await hosts[process].connect([(place, ports[other_process][other_place])])


async def warm_up(hosts: list[HostProcess], plan: Plan) -> None:
    """Let every node speak once, so that both ends of each connection are known to be open."""
    everybody = tuple(range(sum(plan.nodes)))
    rehearsal = Plan(plan.nodes, plan.edges, everybody, texts=len(everybody))
    _, parts = await speak(hosts, rehearsal)
    if sum(part.distinct for part in parts) < rehearsal.deliveries:
        raise NotMeasured("not even one text of each node arrived everywhere")


async def speak(hosts: list[HostProcess], plan: Plan) -> tuple[int, list[Collected]]:
    """Announce the texts of a plan; returns when it began, then what each process got."""
    shares = [_own_texts(plan, node) for node in range(sum(plan.nodes))]
    for process, host in enumerate(hosts):
        nodes = [n for n in range(sum(plan.nodes)) if plan.place(n)[0] == process]
        each = [plan.texts - shares[node] for node in nodes]
        await host.do(Expect(plan.texts, each, plan.delays))
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(_announce_and_collect(host, plan, process))
            for process, host in enumerate(hosts)
        ]
    results = [task.result() for task in running]
    began = [at_ns for at_ns, _ in results if at_ns is not None]
    return min(began), [collected for _, collected in results]


async def _announce_and_collect(
    host: HostProcess, plan: Plan, process: int
) -> tuple[int | None, Collected]:
    mine = {
        turn: plan.place(author)[1]
        for turn, author in enumerate(plan.authors)
        if plan.place(author)[0] == process
    }
    if not mine:
        return None, await host.collect()
    command = Announce(plan.texts, len(plan.authors), mine, plan.pace, plan.per_s)
    done = await host.do(command)
    return done.at_ns, await host.collect()


def _own_texts(plan: Plan, node: int) -> int:
    if node not in plan.authors:
        return 0
    turn = plan.authors.index(node)
    return len(range(turn, plan.texts, len(plan.authors)))

"""Every measure by its name, each one function over any system."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.benchmarks import idling, joining, linux, program
from tests.benchmarks.commands import Pace
from tests.benchmarks.control import CONTROLS
from tests.benchmarks.flood import MEBIBYTE, Plan, connect, flood, regular_graph, speak, warm_up
from tests.benchmarks.hosts import hosted
from tests.benchmarks.systems import OURS, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Figures = dict[str, float]

RECEIVERS: Final = 16
MESH_NODES: Final = 16
MESH_DEGREE: Final = 4
CONNECTIONS: Final = 64
SETTLE_S: Final = 3.0
"""Before an idle node is watched."""


@dataclass(frozen=True)
class Scale:
    """How much each measure does."""

    hop_texts: int
    hub_texts: int
    mesh_texts: int
    steady_texts: int
    piped_lines: int
    idle_s: float
    chunks: int
    """Of 20,000 texts, in the measure of memory over many messages."""
    starts: int
    joiners: int
    """Programs that find each other by themselves."""


FULL: Final = Scale(20_000, 2_000, 500, 500, 5_000, 60.0, 50, 5, 50)
QUICK: Final = Scale(5_000, 500, 200, 60, 500, 20.0, 5, 5, 20)

CHUNK_TEXTS: Final = 20_000
PAIR: Final = ((0, 1),)
STEADY_PER_S: Final = 20.0


async def one_hop(system: str, scale: Scale) -> Figures:
    """One sender, one receiver, two processes."""
    return (await flood(system, Plan((1, 1), PAIR, (0,), scale.hop_texts))).figures()


async def one_hop_by_turns(system: str, scale: Scale) -> Figures:
    """The same with a turn of the loop after each text."""
    plan = Plan((1, 1), PAIR, (0,), scale.hop_texts, Pace.TURNS)
    return (await flood(system, plan)).figures()


async def hub(system: str, scale: Scale) -> Figures:
    """One sender, 16 receivers that share another process."""
    spokes = tuple((0, receiver) for receiver in range(1, RECEIVERS + 1))
    plan = Plan((1, RECEIVERS), spokes, (0,), scale.hub_texts)
    return (await flood(system, plan)).figures()


async def mesh(system: str, scale: Scale) -> Figures:
    """16 nodes in one process, all of them speak at full speed."""
    return await _mesh(system, (MESH_NODES,), scale.mesh_texts)


async def mesh_of_processes(system: str, scale: Scale) -> Figures:
    """The same with a process for each node."""
    return await _mesh(system, (1,) * MESH_NODES, scale.mesh_texts)


async def steady_mesh(system: str, scale: Scale) -> Figures:
    """The mesh in one process at 20 texts a second: the delay without load."""
    return await _mesh(system, (MESH_NODES,), scale.steady_texts, Pace.STEADY)


async def _mesh(
    system: str, nodes: tuple[int, ...], texts: int, pace: Pace = Pace.BURST
) -> Figures:
    edges = regular_graph(MESH_NODES, MESH_DEGREE)
    authors = tuple(range(MESH_NODES))
    plan = Plan(nodes, edges, authors, texts, pace, STEADY_PER_S, delays=True)
    outcome = await flood(system, plan)
    return outcome.figures() | outcome.delay_figures()


async def connection_memory(system: str, _: Scale) -> Figures:
    """Memory that one node gains from 64 connections, their other ends being elsewhere."""
    async with hosted(system, 2) as (one, many):
        (port,) = await one.start(1)
        await many.start(CONNECTIONS)
        # The first connection brings late imports with it, which are no cost of the others.
        await many.connect([(0, port)])
        before_bytes = linux.resident_bytes(one.pid)
        await many.connect([(place, port) for place in range(1, CONNECTIONS)])
        await asyncio.sleep(1.0)
        gained_bytes = linux.resident_bytes(one.pid) - before_bytes
    return {"kib_connection": gained_bytes / 1024 / (CONNECTIONS - 1)}


async def long_run(system: str, scale: Scale) -> Figures:
    """Memory that sender and receiver gain over many texts, the first fifth not counted."""
    plan = Plan((1, 1), PAIR, (0,), CHUNK_TEXTS)
    warm_chunks = max(1, scale.chunks // 5)
    lost = twice = before_bytes = 0
    async with hosted(system, 2) as hosts:
        await connect(hosts, plan)
        await warm_up(hosts, plan)
        for chunk in range(scale.chunks):
            _, parts = await speak(hosts, plan)
            lost += plan.deliveries - sum(part.distinct for part in parts)
            twice += sum(part.duplicates for part in parts)
            if chunk + 1 == warm_chunks:
                before_bytes = sum(linux.resident_bytes(host.pid) for host in hosts)
        gained_bytes = sum(linux.resident_bytes(host.pid) for host in hosts) - before_bytes
    thousands = (scale.chunks - warm_chunks) * CHUNK_TEXTS / 1000
    return {
        "gained_mb": gained_bytes / MEBIBYTE,
        "bytes_text": gained_bytes / thousands / 1000,
        "lost": lost,
        "twice": twice,
    }


async def idle(system: str, scale: Scale) -> Figures:
    """What a node with 5 neighbours does while nobody speaks, in a program or in a bare process."""
    if system in idling.WAYS:
        return await idling.idle(idling.WAYS[system], scale.idle_s)
    spokes = tuple((0, n + 1) for n in range(idling.NEIGHBOURS))
    plan = Plan((1, idling.NEIGHBOURS), spokes, (0,), 1)
    async with hosted(system, 2) as hosts:
        await connect(hosts, plan)
        await warm_up(hosts, plan)
        await asyncio.sleep(SETTLE_S)
        return await idling.watched(hosts[0].pid, scale.idle_s)


async def piped(_: str, scale: Scale) -> Figures:
    """Lines piped into the real program, to a second one, in an open room."""
    return await program.pipe_lines(scale.piped_lines)


async def start_up(system: str, scale: Scale) -> Figures:
    """How long a program takes to start, with its memory once it listens."""
    return await program.START_UPS[system](scale.starts)


async def joining_by_itself(_: str, scale: Scale) -> Figures:
    """Programs started at once that find each other; then 30 % of them are killed."""
    return await joining.joining(scale.joiners)


@dataclass(frozen=True)
class Measure:
    """One measure: what it is, what it runs over, what its figures are."""

    title: str
    systems: tuple[str, ...]
    run: Callable[[str, Scale], Awaitable[Figures]]
    per: str = "plain"
    """The system that ratios are taken to."""
    judged: str = "per_s"
    """The figure whose ratio stands in the table."""
    only_by_name: bool = False


_ALL: Final = tuple(SYSTEMS)
_FLAT: Final = ("plain", OURS)

MEASURES: Final[dict[str, Measure]] = {
    "A": Measure("one hop, as fast as texts are taken", _ALL, one_hop),
    "A1": Measure("one hop, one text a turn of the loop", _ALL, one_hop_by_turns, "tls-signed"),
    "A-open": Measure("lines piped through the program, open room", (OURS,), piped),
    "B": Measure("hub to 16 receivers", _ALL, hub),
    "C": Measure("16 nodes, 4 connections each, full speed", _ALL, mesh),
    "M": Measure(
        "the same, one process a node", _ALL, mesh_of_processes, "tls-signed", only_by_name=True
    ),
    "P": Measure("16 nodes at 20 texts a second", _ALL, steady_mesh, judged="p50_ms"),
    "D": Measure("start of the program", tuple(program.START_UPS), start_up, "python pass", "ms"),
    "connections": Measure(
        "memory a connection", (*CONTROLS, OURS), connection_memory, judged="kib_connection"
    ),
    "flat": Measure("memory over many messages", _FLAT, long_run, judged="bytes_text"),
    "J": Measure(
        "programs started at once, then 30 % killed", (OURS,), joining_by_itself, only_by_name=True
    ),
    "idle": Measure(
        "a node with 5 neighbours, nobody speaks", (*_FLAT, *idling.WAYS), idle, judged="mb"
    ),
}
"""Every measure; those `only_by_name` run when --only names them."""

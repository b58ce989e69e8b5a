"""What a simulated run was like, in figures."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from msgspec import Struct

from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import SimNode


class Report(Struct, frozen=True):
    """Figures of one run; shares are between 0 and 1."""

    nodes: int
    connections: int
    """Between neighbours, at the end."""
    messages: int
    reach: float
    """Share of (message, other node) pairs that were shown, of nodes that run at the end."""
    shown_twice: int
    """How often a message was shown again by the same start of a node: has to be 0."""
    redundancy: float
    """Envelopes sent for each one that was needed, minus 1: d - 2 is plain flooding's."""
    last_hop: int
    """Connections crossed by the slowest delivery."""
    delay_p50_s: float
    delay_p99_s: float
    """From announcing to being shown."""
    bytes_mean: float
    bytes_most: int
    """Sent by one node, framing included, TLS not."""
    events: int
    virtual_s: float
    digest: str
    """Equal for equal runs."""


def measure(network: SimNetwork) -> Report:
    """Describe a run that has come to rest."""
    nodes = network.nodes
    delays_s = _delays_s(network)
    needed = sum(len(node.published) for node in nodes) * (len(nodes) - 1)
    carried = sum(node.carried for node in nodes)
    sent_bytes = [node.sent_bytes for node in nodes]
    return Report(
        nodes=len(nodes),
        connections=sum(n.core.neighbour_count for n in nodes if n.is_running) // 2,
        messages=len(network.announced),
        reach=_reach(network),
        shown_twice=sum(_shown_twice(node) for node in nodes),
        redundancy=carried / needed - 1 if needed else 0.0,
        last_hop=max((d.effect.hops for node in nodes for d in node.delivered), default=0),
        delay_p50_s=_quantile(delays_s, 0.50),
        delay_p99_s=_quantile(delays_s, 0.99),
        bytes_mean=fmean(sent_bytes) if sent_bytes else 0.0,
        bytes_most=max(sent_bytes, default=0),
        events=network.events,
        virtual_s=network.now,
        digest=network.digest(),
    )


def _shown_twice(node: SimNode) -> int:
    shown = Counter(
        (delivery.start, delivery.effect.envelope.author, delivery.effect.envelope.epoch, number)
        for delivery in node.delivered
        for number in delivery.effect.envelope.numbers
    )
    return shown.total() - len(shown)


def _reach(network: SimNetwork) -> float:
    living = [node for node in network.nodes if node.is_running]
    expected = arrived = 0
    for node in living:
        shown = frozenset(node.message_ids)
        for message, announced in network.announced.items():
            if announced.author is not node:
                expected += 1
                arrived += message in shown
    return arrived / expected if expected else 1.0


def _delays_s(network: SimNetwork) -> list[float]:
    """Return the delays of every delivery of every message, shortest first."""
    announced = network.announced
    delays_s: list[float] = []
    for node in network.nodes:
        times = (delivery.at for delivery in node.delivered for _ in delivery.effect.texts)
        for message, at in zip(node.message_ids, times, strict=True):
            if message in announced:
                delays_s.append(at - announced[message].at)
    return sorted(delays_s)


def _quantile(ascending: list[float], share: float) -> float:
    """Return the smallest value that so large a share of all does not exceed."""
    if not ascending:
        return 0.0
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def lines(report: Report) -> list[str]:
    """Write a report for people, a line for each fact."""
    return [
        f"{report.nodes} nodes, {report.connections} connections, {report.messages} messages",
        f"reach       {report.reach:.2%} of all others",
        f"twice       {report.shown_twice} messages shown more than once",
        f"redundancy  {report.redundancy:.2f} envelopes sent above each one needed",
        f"last hop    {report.last_hop}",
        f"delay       {report.delay_p50_s * 1000:.0f} ms median, "
        f"{report.delay_p99_s * 1000:.0f} ms for the slowest hundredth",
        f"traffic     {report.bytes_mean / 1024:.1f} KiB a node, at most "
        f"{report.bytes_most / 1024:.1f} KiB",
        f"run         {report.events} events, {report.virtual_s:.1f} virtual seconds, "
        f"digest {report.digest}",
    ]

"""What a simulated run was like, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import fmean

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.sim.network import SimNetwork
from p2pchat.sim.node import Delivery, SimNode
from p2pchat.sim.said import Announced, MessageKey

_BACKLOG_S = limits.BACKLOG_MINUTES * 60.0


class Report(Struct, frozen=True):
    """Figures of one run; shares are between 0 and 1.

    Who counts is who runs at the end. Of what was said before it started, only the backlog
    of 10 minutes is expected of it.
    """

    nodes: int
    connections: int
    """Between neighbours, at the end."""
    messages: int
    reach: float
    """Share of (message, other node) pairs that were shown."""
    missed: int
    """Pairs that were not."""
    reach_unrepaired: float
    """The same share before repair, of what was said while the node had had a neighbour."""
    repaired: int
    """Pairs that repair made up for, backlog of newcomers not counted."""
    shown_twice: int
    """How often a message was shown again by the same start of a node: has to be 0."""
    redundancy: float
    """Envelopes sent for each one that was new to somebody, minus 1; d - 2 is plain flooding's."""
    last_hop: int
    """Connections crossed by the slowest delivery that was not repaired."""
    delay_p50_s: float
    delay_p99_s: float
    """From announcing to being shown, where no repair was needed."""
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
    flooded = [d for node in nodes for d in node.delivered if not d.by_repair]
    delays_s = _delays_s(network, flooded)
    carried = sum(node.carried for node in nodes)
    sent_bytes = [node.sent_bytes for node in nodes]
    pairs = _Pairs(network)
    return Report(
        nodes=len(nodes),
        connections=sum(n.core.neighbour_count for n in nodes if n.is_running) // 2,
        messages=len(network.announced),
        reach=_share(pairs.shown, pairs.expected),
        missed=pairs.expected - pairs.shown,
        reach_unrepaired=_share(pairs.flooded, pairs.connected),
        repaired=pairs.repaired,
        shown_twice=sum(_shown_twice(node) for node in nodes),
        redundancy=carried / len(flooded) - 1 if flooded else 0.0,
        last_hop=max((delivery.effect.hops for delivery in flooded), default=0),
        delay_p50_s=_quantile(delays_s, 0.50),
        delay_p99_s=_quantile(delays_s, 0.99),
        bytes_mean=fmean(sent_bytes) if sent_bytes else 0.0,
        bytes_most=max(sent_bytes, default=0),
        events=network.events,
        virtual_s=network.now,
        digest=network.digest(),
    )


class _Pairs:
    """Counts (message, other node) pairs by what became of them."""

    def __init__(self, network: SimNetwork) -> None:
        self.expected = self.shown = 0
        self.connected = self.flooded = self.repaired = 0
        said = left_their_author(network)
        for node in network.nodes:
            if node.is_running:
                self._count(node, said)

    def _count(self, node: SimNode, said: dict[MessageKey, Announced]) -> None:
        by_repair = {
            key: delivery.by_repair
            for delivery in node.delivered
            if delivery.start == node.starts
            for key in keys_of(delivery)
        }
        for key, announced in said.items():
            if not is_expected(announced, node):
                continue
            was_connected = node.opened_at is not None and announced.at >= node.opened_at
            is_shown = key in by_repair
            self.expected += 1
            self.shown += is_shown
            self.connected += was_connected
            self.flooded += was_connected and is_shown and not by_repair[key]
            self.repaired += was_connected and is_shown and by_repair[key]


def left_their_author(network: SimNetwork) -> dict[MessageKey, Announced]:
    """Return every message that at least one neighbour of its author was sent."""
    left = {
        (published.envelope.author, published.envelope.epoch, number)
        for node in network.nodes
        for published in node.published
        if published.neighbours
        for number in published.envelope.numbers
    }
    return {a.key: a for a in network.announced.values() if a.key in left}


def is_expected(announced: Announced, node: SimNode) -> bool:
    """Tell whether that node, as it runs now, is to show that message."""
    return announced.author is not node and announced.at >= node.started_at - _BACKLOG_S


def keys_of(delivery: Delivery) -> Iterator[MessageKey]:
    """Iterate over the messages of one delivery."""
    envelope = delivery.effect.envelope
    return ((envelope.author, envelope.epoch, number) for number in envelope.numbers)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _shown_twice(node: SimNode) -> int:
    shown = Counter(
        (delivery.start, key) for delivery in node.delivered for key in keys_of(delivery)
    )
    return shown.total() - len(shown)


def _delays_s(network: SimNetwork, deliveries: list[Delivery]) -> list[float]:
    """Return the delays of those deliveries, message by message, shortest first."""
    said_at = {announced.key: announced.at for announced in network.announced.values()}
    return sorted(
        delivery.at - said_at[key]
        for delivery in deliveries
        for key in keys_of(delivery)
        if key in said_at
    )


def _quantile(ascending: list[float], share: float) -> float:
    """Return the smallest value that so large a share of all does not exceed."""
    if not ascending:
        return 0.0
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def rows(report: Report) -> list[tuple[str, str]]:
    """Write a report for people: what is measured, and what came out."""
    return [
        ("nodes", f"{report.nodes}, with {report.connections} connections at the end"),
        ("messages", f"{report.messages}"),
        ("reach", f"{report.reach:.2%} of all others, {report.missed} missed"),
        ("before repair", f"{report.reach_unrepaired:.2%}, {report.repaired} repaired"),
        ("twice", f"{report.shown_twice} shown more than once"),
        ("redundancy", f"{report.redundancy:.2f} envelopes sent above each one needed"),
        ("last hop", f"{report.last_hop}"),
        (
            "delay",
            f"{report.delay_p50_s * 1000:.0f} ms median, "
            f"{report.delay_p99_s * 1000:.0f} ms for the slowest hundredth",
        ),
        (
            "traffic",
            f"{report.bytes_mean / 1024:.1f} KiB sent by a node, "
            f"at most {report.bytes_most / 1024:.1f} KiB",
        ),
        ("run", f"{report.events} events in {report.virtual_s:.1f} virtual seconds"),
        ("digest", report.digest),
    ]


def aligned(table: list[tuple[str, str]]) -> list[str]:
    """Write such rows as lines of text."""
    return [f"{what:<14}{found}" for what, found in table]


def lines(report: Report) -> list[str]:
    """Write a report as lines of text."""
    return aligned(rows(report))

"""Measures the tables of docs/performance.md in the simulator."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from typing import Final

from msgspec.structs import replace

from p2pchat.sim.experiment import LARGE_BYTES, Experiment
from p2pchat.sim.report import Report
from p2pchat.simulate import simulate

SIZES: Final = (50, 200, 1_000)
QUICK_SIZES: Final = (50,)

TALK: Final = Experiment(size_bytes=LARGE_BYTES, seed=1)
"""A hundred large texts, nothing else."""

TROUBLE: Final = Experiment(messages=240, rate=2.0, loss=5.0, churn=30.0, seed=1)
"""Two minutes in which nodes come and go, and connections fall silent."""

TALK_HEADING: Final = (
    "nodes", "authors", "strategy", "redundancy", "last hop", "p50 ms", "p99 ms", "KiB a node",
)  # fmt: skip
TROUBLE_HEADING: Final = (
    "nodes", "texts", "before repair", "repaired", "missed", "twice", "all there after", "p99 ms",
)  # fmt: skip


def talk_row(nodes: int, authors: int, strategy: str) -> list[str]:
    """Measure plain flooding or lazy push of large envelopes."""
    # One author keeps to four envelopes a second, as in an open room.
    rate = TALK.rate if authors != 1 else 4.0
    asked = replace(TALK, nodes=nodes, authors=authors, strategy=strategy, rate=rate)
    report = simulate(asked).report
    assert report.reach == 1.0
    who = "one" if authors == 1 else "all"
    return [f"{nodes:,}", who, strategy, f"{report.redundancy:.2f}", f"{report.last_hop}",
            *_delays(report), f"{report.bytes_mean / 1024:.0f}"]  # fmt: skip


def trouble_row(nodes: int, size_bytes: int) -> list[str]:
    """Measure what is missed where nodes churn and connections fall silent."""
    outcome = simulate(replace(TROUBLE, nodes=nodes, size_bytes=size_bytes))
    report = outcome.report
    assert outcome.broken is None, outcome.broken
    return [
        f"{nodes:,}",
        "large, lazy" if size_bytes == LARGE_BYTES else "small, flooded",
        f"{report.reach_unrepaired:.3%}",
        f"{report.repaired}",
        f"{report.missed}",
        f"{report.shown_twice}",
        f"{outcome.repair_s:.0f} s",
        _delays(report)[1],
    ]


def speed(nodes: int) -> str:
    """Say how long the simulator itself takes."""
    began = time.perf_counter()
    report = simulate(Experiment(nodes=nodes)).report
    took_s = time.perf_counter() - began
    return (
        f"{nodes:,} nodes, 100 small messages, every invariant checked: {took_s:.0f} s, "
        f"{took_s / report.events * 1e6:.0f} us an event."
    )


def _delays(report: Report) -> tuple[str, str]:
    return f"{report.delay_p50_s * 1000:.0f}", f"{report.delay_p99_s * 1000:.0f}"


def table(heading: tuple[str, ...], rows: list[list[str]]) -> str:
    """Write a table for a document."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str]) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.simulator")
    parser.add_argument("--quick", action="store_true", help="50 nodes only")
    sizes = QUICK_SIZES if parser.parse_args(arguments).quick else SIZES
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    talks = [
        talk_row(nodes, authors, strategy)
        for nodes in sizes
        for authors in (1, 0)
        for strategy in ("flood", "lazy")
    ]
    print(table(TALK_HEADING, talks), end="\n\n")
    troubles = [trouble_row(nodes, size) for nodes in sizes for size in (64, LARGE_BYTES)]
    print(table(TROUBLE_HEADING, troubles), end="\n\n")
    print(speed(sizes[-1]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""What a benchmark claims to have counted."""

from __future__ import annotations

import asyncio
import math
import sys
from collections import Counter

import pytest

from tests.benchmarks.aims import Aim, Bound
from tests.benchmarks.commands import Pace
from tests.benchmarks.flood import Plan, flood, regular_graph
from tests.benchmarks.pseudo_terminal import at_terminal
from tests.benchmarks.report import Results, text
from tests.benchmarks.tally import TEXT_BYTES, Tally, numbered_text


async def test_a_text_counts_once_and_its_copies_as_duplicates() -> None:
    tally = Tally(3, 3, delays=False)

    for number in (2, 0, 2, 2):
        tally.add(numbered_text(number))

    assert (tally.distinct, tally.duplicates, tally.garbled) == (2, 2, 0)
    assert not tally.ended.is_set()


async def test_the_last_missing_text_ends_the_wait() -> None:
    tally = Tally(2, 2, delays=True)

    tally.add(numbered_text(1))
    tally.add(numbered_text(0))

    assert tally.ended.is_set()
    assert len(tally.delays_ms) == 2


@pytest.mark.parametrize(
    "damaged",
    ["", "hello", numbered_text(3), numbered_text(0)[:-1], numbered_text(0) + "x"],
    ids=["empty", "foreign", "too high", "cut", "longer"],  # the texts hold the time
)
async def test_a_damaged_or_foreign_text_is_not_taken_for_one_of_ours(damaged: str) -> None:
    tally = Tally(3, 3, delays=False)

    tally.add(damaged)

    assert (tally.distinct, tally.garbled) == (0, 1)


def test_every_text_has_the_same_size() -> None:
    assert {len(numbered_text(number).encode()) for number in (0, 99_999_999)} == {TEXT_BYTES}


def test_the_graph_is_regular_and_the_same_in_every_run() -> None:
    edges = regular_graph(16, 4)

    degrees = Counter(node for edge in edges for node in edge)

    assert set(degrees.values()) == {4}
    assert len(degrees) == 16
    assert edges == regular_graph(16, 4)


def test_a_ratio_is_taken_run_by_run() -> None:
    results = Results()
    for ours, control in ((10.0, 1.0), (20.0, 10.0), (90.0, 30.0)):
        results.add("A", "p2pchat", {"per_s": ours})
        results.add("A", "plain", {"per_s": control})

    assert results.ratio("A", "p2pchat", "plain", "per_s") == 3.0
    assert results.median("A", "p2pchat", "per_s") == 20.0


def test_what_lacks_a_figure_has_no_ratio_of_it() -> None:
    results = Results()
    results.add("D", "python pass", {"ms": 10.0})
    results.add("D", "p2pchat in a terminal", {"mb": 50.0})

    assert math.isnan(results.ratio("D", "p2pchat in a terminal", "python pass", "ms"))
    assert "in a terminal" in text(results, markdown=False)


def test_a_loss_in_one_run_is_not_hidden_by_the_others() -> None:
    results = Results()
    for lost in (0.0, 7.0, 0.0):
        results.add("A", "p2pchat", {"per_s": 1.0, "lost": lost, "twice": 0.0})

    assert results.median("A", "p2pchat", "lost") == 7.0
    assert "missed" in text(results, markdown=False)


def test_what_was_not_measured_meets_no_aim() -> None:
    aim = Aim("A", "per_s", Bound.AT_LEAST, 3.0, "plain")

    assert math.isnan(Results().value_of(aim))
    assert not aim.bound.holds(math.nan, aim.limit)


@pytest.mark.skipif(sys.platform != "linux", reason="the measures read /proc")
@pytest.mark.parametrize("system", ["plain", "plain-batched", "tls", "tls-signed"])
async def test_a_control_floods_each_text_to_every_other_node_once(system: str) -> None:
    diamond_with_tail = ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4))
    plan = Plan((2, 3), diamond_with_tail, (0, 4), texts=21, pace=Pace.TURNS, delays=True)

    outcome = await flood(system, plan)

    assert (outcome.distinct, outcome.duplicates) == (21 * 4, 0)
    assert len(outcome.delays_ms) == 21 * 4
    assert min(outcome.delays_ms) > 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
async def test_a_program_at_a_terminal_learns_where_its_cursor_is() -> None:
    asks = r"""
import sys, tty
tty.setraw(0)
sys.stdout.write("\033[6n")
sys.stdout.flush()
print("at", sys.stdin.read(6)[2:5])
"""
    async with at_terminal(sys.executable, "-c", asks) as (process, screen):
        async with asyncio.timeout(30.0):
            await screen.shows(b"at 1;1")

        assert await process.wait() == 0

"""What lazy push is worth in a whole network: cheap, quick enough, and never at reach's cost."""

from __future__ import annotations

import random

import pytest

from p2pchat.core import limits
from p2pchat.sim.experiment import LARGE_BYTES, Experiment, run
from p2pchat.sim.report import Report
from p2pchat.sim.scenarios import random_regular
from tests.sim.support import build, watched

_DEGREE = 5
_NODES = 60


def talked(**changes: object) -> Report:
    """The figures of a network that speaks large texts, but for those changes."""
    given = {"nodes": _NODES, "degree": _DEGREE, "size_bytes": LARGE_BYTES, "seed": 1, **changes}
    outcome = run(Experiment(**given))  # type: ignore[arg-type]  # names are the test's own
    assert outcome.broken is None
    assert outcome.report.reach == 1.0
    return outcome.report


def test_large_envelopes_of_one_author_cost_little_more_than_a_copy_a_node() -> None:
    report = talked(authors=1)

    assert report.redundancy < 0.2


def test_large_envelopes_of_many_authors_cost_less_than_two_copies_a_node() -> None:
    report = talked()

    assert report.redundancy < 1.0


def test_flooding_the_same_costs_three_copies_more() -> None:
    lazy, flood = talked(), talked(strategy="flood")

    assert flood.redundancy == pytest.approx(_DEGREE - 2, abs=0.15)
    assert flood.bytes_mean > 2 * lazy.bytes_mean
    assert flood.last_hop < lazy.last_hop, "that is what it costs"


def test_small_envelopes_flood_whatever_the_strategy() -> None:
    lazy, flood = talked(size_bytes=64), talked(size_bytes=64, strategy="flood")

    assert lazy == flood


def test_where_the_tree_breaks_in_silence_all_still_arrives() -> None:
    report = talked(loss=20.0, messages=200, rate=4.0, authors=1)

    assert report.missed == 0
    assert report.delay_p50_s < 0.5, "a broken branch is grafted, not waited for"


def test_small_messages_behind_a_large_one_keep_their_author_s_order_everywhere() -> None:
    network, invariants = watched(seed=2)
    nodes = build(network, random_regular(30, 4, random.Random(2)))
    texts = [
        f"{number} ".ljust(LARGE_BYTES if number % 3 == 0 else 10, ".") for number in range(40)
    ]

    for text in texts:
        network.announce(nodes[0], text)
        network.run(0.020)
    network.run(10.0)

    for node in nodes[1:]:
        assert node.texts == texts
    invariants.check_rest(network, everything_arrived=True)


def test_what_is_large_is_above_the_limit_by_a_good_measure() -> None:
    assert 1.5 * limits.LAZY_ABOVE_BYTES < LARGE_BYTES <= limits.TEXT_LIMIT_CHARACTERS

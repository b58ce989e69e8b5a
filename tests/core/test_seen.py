from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.seen import SeenCache
from p2pchat.core.values import EnvelopeId

if TYPE_CHECKING:
    from collections.abc import Callable

_GENERATIONS = 4
_GENERATION_S = 10.0
ROUNDING_S = 1e-6
"""Sums of such times are not exact."""


def name(number: int) -> EnvelopeId:
    return EnvelopeId(number.to_bytes(16, "big"))


def small(limit_ids: int = 1_000) -> SeenCache:
    return SeenCache(_GENERATIONS, _GENERATION_S, limit_ids)


def test_what_was_remembered_is_in_it_and_nothing_else() -> None:
    seen = small()

    seen.remember(name(1), 0.0)

    assert name(1) in seen
    assert name(2) not in seen
    assert len(seen) == 1


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.0, 30.0)), max_size=60))
def test_an_id_lives_all_generations_but_one_and_at_most_one_longer(
    steps: list[tuple[int, float]],
) -> None:
    seen, now = small(), 0.0
    remembered_at: dict[int, float] = {}

    for number, pause_s in steps:
        now += pause_s
        seen.remember(name(number), now)
        remembered_at[number] = now
        for known, at in remembered_at.items():
            if now - at < (_GENERATIONS - 1) * _GENERATION_S - ROUNDING_S:
                assert name(known) in seen
            if now - at >= _GENERATIONS * _GENERATION_S + ROUNDING_S:
                assert name(known) not in seen


def test_remembering_again_keeps_an_id_for_longer() -> None:
    seen = small()
    seen.remember(name(1), 0.0)
    seen.remember(name(1), 25.0)

    seen.remember(name(2), 50.0)

    assert name(1) in seen


@pytest.mark.threat(6)
@given(st.integers(1, 40), st.integers(0, 200), st.floats(0.0, 5.0))
def test_it_never_holds_more_than_its_limit(limit_ids: int, ids: int, pause_s: float) -> None:
    seen = small(limit_ids)

    for number in range(ids):
        seen.remember(name(number), number * pause_s)

        assert len(seen) <= max(limit_ids, _GENERATIONS)
        assert name(number) in seen


@pytest.mark.threat(6)
def test_when_it_is_full_the_oldest_go_first() -> None:
    seen = small(limit_ids=40)

    for number in range(100):
        seen.remember(name(number), 0.0)

    assert name(99) in seen
    assert name(69) in seen
    assert name(0) not in seen


def test_a_long_pause_forgets_everything_at_once() -> None:
    seen = small()
    seen.remember(name(1), 0.0)

    seen.remember(name(2), 1e9)

    assert name(1) not in seen
    assert len(seen) == 1


@pytest.mark.threat(6)
def test_ids_are_remembered_longer_than_envelopes_are_timely() -> None:
    memory_s = (limits.SEEN_GENERATIONS - 1) * limits.SEEN_GENERATION_S

    assert memory_s > limits.AGE_PAST_S + limits.AGE_FUTURE_S


@pytest.mark.threat(6)
def test_a_million_ids_in_a_minute_take_bounded_memory(
    record_property: Callable[[str, object], None],
) -> None:
    seen = SeenCache()
    for number in range(1_000_000):
        seen.remember(name(number), number * 60.0 / 1_000_000)
    held_bytes = len(seen) * sys.getsizeof(name(0)) + sum(map(sys.getsizeof, seen._generations))

    assert len(seen) <= limits.SEEN_LIMIT_IDS
    assert held_bytes < 24 * 2**20
    record_property("reached", f"{len(seen):,} of 10⁶ ids kept, in {held_bytes / 2**20:.1f} MiB")

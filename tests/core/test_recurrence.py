from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.recurrence import Recurrence

EVERY_S = 60.0
SPREAD = 0.2


def turns(seed: int, *, awake_every_s: float, until: float) -> list[float]:
    """Ask when awake, and at each deadline; return when it was done."""
    recurrence = Recurrence(EVERY_S, SPREAD, random.Random(seed))
    recurrence.begin(0.0)
    done: list[float] = []
    now = awake_at = 0.0
    while now < until:
        deadline = recurrence.next_deadline()
        assert deadline is not None
        awake_at = awake_at if awake_at > now else awake_at + awake_every_s
        now = min(deadline, awake_at)
        if recurrence.take(now):
            done.append(now)
    return done


@given(st.integers(0, 2**16), st.floats(0.05, 200.0))
def test_it_comes_again_neither_too_soon_nor_too_late(seed: int, awake_every_s: float) -> None:
    done = turns(seed, awake_every_s=awake_every_s, until=1_000.0)

    between = [later - earlier for earlier, later in zip([0.0, *done], done, strict=False)]
    assert min(between) >= EVERY_S * (1 - SPREAD)
    assert max(between) <= EVERY_S * (1 + SPREAD)


def test_who_is_awake_now_and_then_does_it_as_often_as_asked_and_is_never_woken_for_it() -> None:
    done = turns(7, awake_every_s=6.0, until=60_000.0)

    assert all(at % 6.0 == 0.0 for at in done)
    assert abs(len(done) - 1_000) < 50


def test_who_is_never_awake_is_woken_for_it() -> None:
    recurrence = Recurrence(EVERY_S, SPREAD, random.Random(7))
    recurrence.begin(0.0)
    deadline = recurrence.next_deadline()
    assert deadline is not None

    assert recurrence.take(deadline)
    assert not recurrence.take(deadline)


def test_nodes_that_start_together_do_not_stay_in_step() -> None:
    firsts = {turns(seed, awake_every_s=0.1, until=100.0)[0] for seed in range(20)}

    assert len(firsts) > 10


def test_what_has_begun_does_not_begin_again() -> None:
    recurrence = Recurrence(EVERY_S, SPREAD, random.Random(7))
    recurrence.begin(0.0)
    deadline = recurrence.next_deadline()

    recurrence.begin(30.0)

    assert recurrence.next_deadline() == deadline


def test_what_has_ended_is_never_due() -> None:
    recurrence = Recurrence(EVERY_S, SPREAD, random.Random(7))
    recurrence.set(5.0)
    was_due = recurrence.is_due(5.0)

    recurrence.end()

    assert was_due
    assert not recurrence.is_planned
    assert recurrence.next_deadline() is None
    assert not recurrence.take(1_000.0)

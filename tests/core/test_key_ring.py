"""A sealing key is made when asked for, given out for an hour, forgotten after 125 minutes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.direct_values import (
    SEALING_KEY_FRESH_S,
    SEALING_KEY_LIFE_S,
    SEALING_KEY_USE_S,
    SUITE,
    SealingKey,
)
from p2pchat.core.key_ring import KeyRing
from tests.effort import EFFORT


class Maker:
    """Makes keys that count up; the secret of each is its number."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> tuple[SealingKey, int]:
        self.made += 1
        return SealingKey(SUITE, self.made.to_bytes(32, "big")), self.made


def test_no_key_is_made_before_somebody_asks() -> None:
    maker = Maker()
    ring = KeyRing(maker)

    ring.forget_old(10_000.0)

    assert ring.secret(bytes(32), 10_000.0) is None
    assert ring.next_deadline() is None
    assert maker.made == 0


def test_one_key_is_given_out_for_an_hour() -> None:
    maker = Maker()
    ring = KeyRing(maker)

    first = ring.current(100.0)

    assert ring.current(100.0 + SEALING_KEY_FRESH_S - 0.1) == first
    assert ring.current(100.0 + SEALING_KEY_FRESH_S) != first
    assert maker.made == 2


def test_an_older_key_still_opens_until_it_is_forgotten() -> None:
    ring = KeyRing(Maker())
    old = ring.current(0.0)
    ring.current(SEALING_KEY_FRESH_S)

    assert ring.secret(old.hash, SEALING_KEY_LIFE_S - 0.1) == 1
    assert ring.next_deadline() == SEALING_KEY_LIFE_S
    assert ring.secret(old.hash, SEALING_KEY_LIFE_S) is None
    assert len(ring) == 1


def test_a_key_given_out_in_its_last_moment_outlives_its_use() -> None:
    assert SEALING_KEY_FRESH_S + SEALING_KEY_USE_S < SEALING_KEY_LIFE_S


def test_an_idle_node_forgets_its_last_key_when_its_deadline_comes() -> None:
    ring = KeyRing(Maker())
    key = ring.current(0.0)

    ring.forget_old(SEALING_KEY_LIFE_S)

    assert len(ring) == 0
    assert ring.next_deadline() is None
    assert ring.current(SEALING_KEY_LIFE_S) != key


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.floats(0.0, 5_000.0), max_size=40))
def test_there_are_never_more_than_three_and_what_is_given_out_opens(waits: list[float]) -> None:
    ring, now = KeyRing(Maker()), 0.0
    given_out: list[tuple[float, SealingKey]] = []

    for wait in waits:
        now += wait
        given_out.append((now, ring.current(now)))
        assert len(ring) <= 3
        for at, key in given_out:
            if now - at <= SEALING_KEY_USE_S:
                assert ring.secret(key.hash, now) is not None
        deadline = ring.next_deadline()
        assert deadline is not None
        assert now < deadline <= now + SEALING_KEY_LIFE_S


def test_the_same_bytes_under_another_suite_are_another_key() -> None:
    assert SealingKey(1, bytes(32)).hash != SealingKey(2, bytes(32)).hash


def test_no_secret_shows() -> None:
    ring = KeyRing(lambda: (SealingKey(SUITE, bytes(32)), "open sesame"))
    ring.current(0.0)

    assert repr(ring) == "KeyRing(1 pairs)"

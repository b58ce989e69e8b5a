from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import DEAD_AFTER_PING_S, FRAGMENT_S, PING_AFTER_S, TIMER_SLACK_S
from p2pchat.core.liveness import Liveness
from p2pchat.core.values import ConnectionId

BOB = ConnectionId(1)
CEM = ConnectionId(2)


def serve(liveness: Liveness, until: float) -> tuple[list[tuple[float, int]], list[float]]:
    """Do what is due up to a time; return the pings sent and the deaths, with their times."""
    pings: list[tuple[float, int]] = []
    deaths: list[float] = []
    while (at := liveness.next_deadline()) is not None and at <= until:
        to_ping, dead = liveness.due(at)
        for connection in to_ping:
            token = liveness.ping(connection, at)
            assert token is not None
            pings.append((at, token))
        for connection, _ in dead:
            deaths.append(at)
            liveness.forget(connection)
        following = liveness.next_deadline()
        assert following is None or following > at, "a deadline that stays would spin"
    return pings, deaths


@pytest.mark.threat(2)
def test_silence_is_asked_about_and_then_given_up() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)

    pings, deaths = serve(liveness, 1_000.0)

    assert [at for at, _ in pings] == [PING_AFTER_S]
    assert deaths == [PING_AFTER_S + DEAD_AFTER_PING_S]
    assert liveness.next_deadline() is None


def test_any_sign_of_life_after_the_ping_is_enough() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    serve(liveness, PING_AFTER_S)

    liveness.heard(BOB, PING_AFTER_S + DEAD_AFTER_PING_S - 0.1)
    _, deaths = serve(liveness, PING_AFTER_S + DEAD_AFTER_PING_S + 1.0)

    assert deaths == []


def drip(liveness: Liveness, until: float, frames_every_s: float = math.inf) -> list[float]:
    """Bring a byte each second, and a frame now and then; return the times of deaths."""
    deaths: list[float] = []
    for second in range(int(until)):
        if second and second % frames_every_s == 0:
            liveness.heard(BOB, float(second))
        liveness.heard_fragment(BOB, float(second))
        deaths += serve(liveness, second + 1.0)[1]
    return deaths


@pytest.mark.threat(1)
def test_who_sends_a_byte_a_second_and_never_a_frame_is_given_up() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)

    (died_at,) = drip(liveness, 1_000.0)

    assert died_at == pytest.approx(FRAGMENT_S + PING_AFTER_S + DEAD_AFTER_PING_S, abs=1.0)


def test_a_slow_frame_that_ends_in_time_is_nobodys_death() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)

    assert drip(liveness, 1_000.0, frames_every_s=50.0) == []


def test_who_talks_is_never_asked() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)

    for second in range(0, 1_000, 10):
        liveness.heard(BOB, float(second))
        pings, deaths = serve(liveness, float(second))
        assert (pings, deaths) == ([], [])


def test_the_round_trip_is_measured() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    token = liveness.ping(BOB, 1.0)
    assert token is not None
    at_first = liveness.rtt_s(BOB)

    liveness.answered(BOB, token, 1.25)

    assert at_first is None
    assert liveness.rtt_s(BOB) == 0.25


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    token = liveness.ping(BOB, 1.0)
    assert token is not None

    liveness.answered(BOB, token + 1, 1.25)
    liveness.answered(CEM, token, 1.25)

    assert liveness.rtt_s(BOB) is None
    assert liveness.rtt_s(CEM) is None


def test_who_is_not_watched_is_not_pinged() -> None:
    liveness = Liveness()

    assert liveness.ping(BOB, 0.0) is None
    assert liveness.heard_at(BOB) is None
    liveness.heard(BOB, 1.0)
    assert len(liveness) == 0


def test_pings_that_are_due_soon_share_one_wake_up() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    liveness.watch(CEM, TIMER_SLACK_S / 2)

    pings, _ = serve(liveness, PING_AFTER_S)

    assert len(pings) == 2


def test_who_is_awake_shortly_before_a_ping_is_due_asks_at_once() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    early = PING_AFTER_S - TIMER_SLACK_S

    assert not liveness.is_soon(early - 0.1)
    assert liveness.due(early - 0.1) == ([], [])
    assert liveness.is_soon(early)
    assert liveness.due(early) == ([BOB], [])


def test_nobody_is_given_up_early() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    liveness.ping(BOB, PING_AFTER_S)
    dead_at = PING_AFTER_S + DEAD_AFTER_PING_S

    assert liveness.due(dead_at - 0.1) == ([], [])
    assert liveness.next_deadline() == dead_at


def test_our_own_sleep_is_nobody_elses_fault() -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    serve(liveness, PING_AFTER_S)

    liveness.forgive(100.0)
    _, deaths = serve(liveness, PING_AFTER_S + DEAD_AFTER_PING_S + 99.0)

    assert deaths == []
    assert serve(liveness, PING_AFTER_S + DEAD_AFTER_PING_S + 101.0)[1]


@given(st.lists(st.floats(0.0, 120.0), max_size=30))
def test_nobody_dies_within_the_time_that_it_has(heard_after_s: list[float]) -> None:
    liveness = Liveness()
    liveness.watch(BOB, 0.0)
    now = 0.0

    for pause_s in heard_after_s:
        silent_since = now
        now += pause_s
        _, deaths = serve(liveness, now)
        for at in deaths:
            assert at >= silent_since + PING_AFTER_S - TIMER_SLACK_S + DEAD_AFTER_PING_S
            assert at <= silent_since + PING_AFTER_S + DEAD_AFTER_PING_S
        if deaths:
            return
        assert pause_s < PING_AFTER_S + DEAD_AFTER_PING_S
        liveness.heard(BOB, now)

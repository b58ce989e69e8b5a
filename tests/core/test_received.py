from __future__ import annotations

import tracemalloc

from p2pchat.core import limits
from p2pchat.core.received import Received, Verdict
from p2pchat.core.series import Series


def series(number: int) -> Series:
    return Series(number.to_bytes(40, "big"))


BOB = series(1)


def test_a_number_is_taken_once() -> None:
    received = Received()
    assert received.judge(BOB, 3, 5, 0.0) is Verdict.NEW

    received.take(BOB, 3, 5, 0.0)

    assert received.judge(BOB, 4, 6, 0.0) is Verdict.COPY
    assert received.judge(BOB, 5, 6, 0.0) is Verdict.NEW
    assert received.has(BOB, 4)
    assert not received.has(BOB, 5)


def test_the_first_number_heard_is_no_hole() -> None:
    received = Received()

    assert received.take(BOB, 1_000, 1_001, 0.0) is None
    assert received.take(BOB, 10, 11, 0.0) is None, "older ones that come later jump over nothing"


def test_a_jump_is_a_hole() -> None:
    received = Received()
    received.take(BOB, 0, 3, 0.0)

    hole = received.take(BOB, 7, 9, 0.0)

    assert hole == (3, 7)
    assert received.take(BOB, 9, 10, 0.0) is None


def test_refused_numbers_are_not_lacking_any_more() -> None:
    received = Received()
    received.take(BOB, 0, 3, 0.0)

    received.refuse(BOB, 5, 7)

    assert received.lacking(BOB, 0, 10) == [(3, 5), (7, 10)]
    assert received.judge(BOB, 5, 6, 0.0) is Verdict.NEW, "it is only not asked for"


def test_an_unknown_author_lacks_everything() -> None:
    received = Received()

    received.refuse(BOB, 0, 5)

    assert received.lacking(BOB, 0, 2**53) == [(0, 2**53)]
    assert received.lacking(BOB, 5, 5) == []


def test_an_author_is_remembered_as_long_as_replays_are_possible() -> None:
    received = Received()
    received.take(BOB, 0, 1, 0.0)
    received.take(BOB, 1, 2, 60.0)

    received.on_time(60.0 + limits.RECEIVED_LIFE_S - 1)
    assert received.judge(BOB, 0, 1, 0.0) is Verdict.COPY

    deadline = received.next_deadline()
    assert deadline == 60.0 + limits.RECEIVED_LIFE_S
    received.on_time(deadline)
    assert BOB not in received
    assert received.next_deadline() is None


def test_its_life_outlasts_the_age_window() -> None:
    assert limits.RECEIVED_LIFE_S > limits.AGE_PAST_S + limits.AGE_FUTURE_S


def test_strangers_come_in_at_a_bounded_rate_and_known_authors_pass() -> None:
    received = Received()
    for number in range(int(limits.NEW_AUTHORS_BURST)):
        assert received.judge(series(number), 0, 1, 0.0) is Verdict.NEW
        received.take(series(number), 0, 1, 0.0)

    assert received.judge(series(9_999), 0, 1, 0.0) is Verdict.TOO_MANY_AUTHORS
    assert received.judge(series(3), 1, 2, 0.0) is Verdict.NEW
    assert received.judge(series(9_999), 0, 1, 1.0) is Verdict.NEW


def test_a_private_room_has_no_such_rate() -> None:
    received = Received(is_metered=False)

    for number in range(2 * int(limits.NEW_AUTHORS_BURST)):
        assert received.judge(series(number), 0, 1, 0.0) is Verdict.NEW
        received.take(series(number), 0, 1, 0.0)


def test_at_that_rate_nobody_is_pushed_out_before_its_time() -> None:
    most = limits.NEW_AUTHORS_BURST + limits.NEW_AUTHORS_PER_S * limits.RECEIVED_LIFE_S

    assert most < limits.RECEIVED_LIMIT_SERIES


def test_a_full_table_forgets_who_was_silent_for_longest() -> None:
    received = Received(is_metered=False, limit_series=3)
    for number in range(3):
        received.take(series(number), 0, 1, float(number))
    received.take(series(0), 1, 2, 5.0)

    received.take(series(7), 0, 1, 6.0)

    assert len(received) == 3
    assert series(1) not in received
    assert series(0) in received


def test_a_full_table_stays_below_eight_mebibytes() -> None:
    tracemalloc.start()
    received = Received(is_metered=False)
    for number in range(limits.RECEIVED_LIMIT_SERIES + 100):
        author = series(number)
        received.take(author, 5, 6, 0.0)
        received.take(author, 8, 9, 0.0)

    used_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(received) == limits.RECEIVED_LIMIT_SERIES
    assert used_bytes < 8 * 2**20

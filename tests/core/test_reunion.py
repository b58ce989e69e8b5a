from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.reunion import Reunion, Seam
from tests.core.repair_network import peer

BOB, CAROL = peer("bob"), peer("carol")


def test_a_seam_is_told_once_when_no_more_comes() -> None:
    reunion = Reunion()
    reunion.note(BOB, 10_000, 2, 100.0, is_sign=True)
    reunion.note(CAROL, 4_000, 1, 102.0, is_sign=True)
    assert reunion.on_time(102.0 + limits.SEAM_QUIET_S - 0.1, 124_000) is None

    seam = reunion.on_time(102.0 + limits.SEAM_QUIET_S, 124_000)

    assert seam == Seam(apart_s=120.0, people=2, recovered=3)
    assert reunion.on_time(1_000.0, 1_000_000) is None
    assert reunion.next_deadline() is None


def test_what_comes_late_belongs_to_the_seam_already_told() -> None:
    reunion = Reunion()
    reunion.note(BOB, 10_000, 1, 100.0, is_sign=True)
    reunion.on_time(110.0, 110_000)

    reunion.note(CAROL, 109_000, 1, 120.0, is_sign=True)

    assert reunion.next_deadline() is None


def test_the_next_time_apart_has_a_seam_of_its_own() -> None:
    reunion = Reunion()
    reunion.note(BOB, 10_000, 1, 100.0, is_sign=True)
    reunion.on_time(110.0, 110_000)

    reunion.note(BOB, 150_000, 1, 300.0, is_sign=True)

    assert reunion.on_time(303.0, 210_000) == Seam(60.0, 1, 1)


def test_a_long_exchange_is_told_before_its_end() -> None:
    reunion = Reunion()
    now = 0.0
    while reunion.on_time(now, 1_000_000) is None:
        reunion.note(BOB, 10_000, 1, now, is_sign=True)
        now += 1.0

    assert now == limits.SEAM_LONGEST_S


def test_without_a_sign_there_is_no_seam_but_with_one_all_is_counted() -> None:
    reunion = Reunion()
    reunion.note(BOB, 10_000, 1, 0.0, is_sign=False)
    assert reunion.next_deadline() is None

    reunion.note(BOB, 10_000, 1, 0.0, is_sign=True)
    reunion.note(BOB, 11_000, 1, 0.0, is_sign=False)

    seam = reunion.on_time(10.0, 20_000)
    assert seam is not None
    assert seam.recovered == 2

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.comparison import Comparisons
from p2pchat.core.entries import entry_of
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Digests, Entry, Page, PageAsk
from p2pchat.core.message_store import MessageStore, Stored
from p2pchat.core.series import Series, series_of
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId
from p2pchat.errors import FrameMalformed
from p2pchat.wire.codec import encode
from tests.core.repair_network import envelope, epoch, peer

ANN = ConnectionId(1)
NOW_MINUTE = 28_333_334
WALL_MS = NOW_MINUTE * 60_000 + 30_000


def series(name: str) -> Series:
    return series_of(peer(name), epoch(name))


class Side:
    """One end of a comparison."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store, self.strikes = MessageStore(), Strikes()
        self.comparisons = Comparisons(self.store, self.strikes)
        self.strikes.on_open(ANN)
        self.comparisons.on_open(ANN, 0.0)

    def keep(self, name: str, first: int, minutes_ago: int = 0) -> None:
        time_ms = WALL_MS - minutes_ago * 60_000
        self.store.add(series(name), Stored.of(envelope(name, first, time_ms=time_ms), 1))

    def compare(self, other: Side, now: float = 0.0, *, asks: bool = False) -> list[Effect]:
        """Hand over the other side's digests."""
        digests = other.comparisons.digests(WALL_MS, asks=asks)
        return self.comparisons.on_digests(ANN, digests, WALL_MS, now)

    def page_asked(self, now: float, *, is_busy: bool = False) -> PageAsk | None:
        effects = self.comparisons.pump(now, lambda _: is_busy)
        if not effects:
            return None
        (effect,) = effects
        assert isinstance(effect, Send)
        assert isinstance(effect.frame, PageAsk)
        return effect.frame

    def minutes_asked(self) -> list[int]:
        """Let every page be empty, and list the minutes that were asked about."""
        asked = []
        while (page := self.page_asked(self.now)) is not None:
            asked.append(NOW_MINUTE - page.minute)
            self.comparisons.on_page(ANN, Page(page.minute, page.after, (), True), self.now)
            self.now += limits.PAGE_EVERY_S
        return asked


def entries(first: int, count: int) -> tuple[Entry, ...]:
    return tuple(
        entry_of(Series(n.to_bytes(40, "big")), [(0, 1)]) for n in range(first, first + count)
    )


def test_equal_stores_are_done_with_one_small_frame() -> None:
    one, other = Side(), Side()
    for side in (one, other):
        side.keep("bob", 0)
        side.keep("carol", 3, minutes_ago=7)

    effects = one.compare(other, asks=True)

    assert effects == []
    assert one.page_asked(0.0) is None
    assert not one.comparisons.is_opening(ANN)
    assert len(encode(other.comparisons.digests(WALL_MS, asks=True))) <= 200


@given(st.sets(st.integers(0, 19), max_size=6))
def test_only_unequal_minutes_are_looked_through_oldest_first(minutes: set[int]) -> None:
    one, other = Side(), Side()
    for side in (one, other):
        for minute in range(20):
            side.keep("bob", 20 - minute, minutes_ago=minute)
    for minute in minutes:
        other.keep("carol", minute, minutes_ago=minute)

    one.compare(other)

    assert one.minutes_asked() == sorted(minutes, reverse=True)


def test_who_asked_gets_the_other_side_s_digests_where_they_differ() -> None:
    one, other = Side(), Side()
    one.keep("bob", 0)

    (answer,) = one.compare(other, asks=True)
    quiet = one.compare(other, asks=False)

    assert isinstance(answer, Send)
    assert isinstance(answer.frame, Digests)
    assert not answer.frame.asks, "or they would go on for ever"
    assert quiet == []


def test_minutes_that_only_one_side_knows_of_are_compared_as_well() -> None:
    one, other = Side(), Side()
    one.keep("bob", 0, minutes_ago=-5)  # his clock is five minutes ahead

    answer = one.compare(other, asks=True)
    other.compare(one)

    assert len(answer) == 1
    assert other.minutes_asked() == [-5]


def test_minutes_outside_the_window_are_left_alone() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0, minutes_ago=limits.COMPARED_MINUTES_PAST)
    other.keep("bob", 1, minutes_ago=-limits.COMPARED_MINUTES_AHEAD - 1)

    one.compare(other)

    assert one.minutes_asked() == []


def test_a_minute_that_has_just_begun_is_left_out() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    young_ms = NOW_MINUTE * 60_000 + int(limits.YOUNG_MINUTE_S * 1000) - 1

    one.comparisons.on_digests(ANN, other.comparisons.digests(young_ms, asks=False), WALL_MS, 0.0)
    assert one.minutes_asked() == []
    older = other.comparisons.digests(young_ms + 1, asks=False)
    one.comparisons.on_digests(ANN, older, WALL_MS, 0.0)

    assert one.minutes_asked() == [0]


def test_a_page_teaches_what_is_there_and_the_next_one_begins_behind_it() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)
    first = one.page_asked(0.0)
    assert first is not None

    claims = one.comparisons.on_page(ANN, Page(first.minute, b"", entries(0, 64), False), 0.1)
    second = one.page_asked(0.1)

    assert [claim.span for claim in claims] == [(0, 1)] * 64
    assert second is not None
    assert second.after == (63).to_bytes(40, "big")


def test_a_round_ends_after_sixteen_pages_until_what_they_taught_is_delivered() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)

    pages, now = serve_pages(one, 0.0, most=100, is_busy=True)
    assert pages == limits.ROUND_PAGES
    more, _ = serve_pages(one, now + limits.ASK_EVERY_S, most=1)

    assert more == 1, "the next round at once"


def serve_pages(
    side: Side, now: float, *, most: int, is_busy: bool = False, with_progress: bool = False
) -> tuple[int, float]:
    """Answer pages without an end until none is asked for any more."""
    served = 0
    for _ in range(most):
        page = side.page_asked(now, is_busy=is_busy)
        if page is None:
            break
        served += 1
        start = int.from_bytes(page.after, "big") + 1
        side.comparisons.on_page(ANN, Page(page.minute, page.after, entries(start, 64), False), now)
        if with_progress:
            side.comparisons.on_progress(ANN, WALL_MS, now)
        now += limits.PAGE_EVERY_S
    return served, now


def test_three_rounds_without_progress_end_it() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)

    served, _ = serve_pages(one, 0.0, most=1_000)

    assert served == limits.FRUITLESS_LIMIT * limits.ROUND_PAGES


def test_with_progress_it_goes_on() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)

    served, _ = serve_pages(one, 0.0, most=1_000, with_progress=True)

    assert served == 1_000


def test_the_next_comparison_goes_on_where_the_last_one_ended() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)
    _, now = serve_pages(one, 0.0, most=1_000)

    one.compare(other, now)
    page = one.page_asked(now)

    assert page is not None
    assert int.from_bytes(page.after, "big") > 3_000


def test_a_minute_that_three_comparisons_won_nothing_from_is_left_to_others() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    asked = []
    for _ in range(5):
        one.compare(other)
        asked.append(one.minutes_asked())

    assert asked == [[0]] * limits.FRUITLESS_LIMIT + [[]] * 2
    other.keep("bob", 1)
    one.compare(other)
    assert one.minutes_asked() == [0], "it looks different there now"


def test_pages_that_nobody_asked_for_teach_nothing() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)

    for _ in range(limits.STRIKES_BURST + 1):
        assert one.comparisons.on_page(ANN, Page(NOW_MINUTE, b"", entries(0, 1), True), 0.0) == []

    assert list(one.strikes.take_out()) == [ANN]


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1], [0]])
def test_a_page_out_of_order_is_no_answer(numbers: list[int]) -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)
    page = one.page_asked(0.0)
    assert page is not None
    one.comparisons.on_page(ANN, Page(page.minute, b"", entries(1, 1), False), 0.0)
    following = one.page_asked(1.0)
    assert following is not None
    rows = tuple(entry_of(Series(n.to_bytes(40, "big")), [(0, 1)]) for n in numbers)

    assert one.comparisons.on_page(ANN, Page(page.minute, following.after, rows, True), 1.0) == []


def test_a_neighbour_that_sends_no_page_is_not_waited_for() -> None:
    one, other = Side(), Side()
    other.keep("bob", 0)
    one.compare(other)
    one.page_asked(0.0)

    deadline = one.comparisons.next_deadline()
    assert deadline == limits.ASK_PATIENCE_S
    assert one.page_asked(deadline) is None

    assert not one.comparisons.is_opening(ANN)
    assert one.comparisons.next_deadline() is None


def test_a_digest_that_is_cut_off_is_malformed() -> None:
    with pytest.raises(FrameMalformed):
        Side().comparisons.on_digests(ANN, Digests(0, bytes(12), False), WALL_MS, 0.0)


@given(st.integers(0, 2**53), st.binary(max_size=512).filter(lambda b: len(b) % 8 == 0))
def test_whatever_digests_come_the_work_is_that_of_one_window(oldest: int, digests: bytes) -> None:
    side = Side()
    side.keep("bob", 0)

    side.comparisons.on_digests(ANN, Digests(oldest, digests, True), WALL_MS, 0.0)

    window = limits.COMPARED_MINUTES_PAST + limits.COMPARED_MINUTES_AHEAD
    assert len(side.minutes_asked()) <= window

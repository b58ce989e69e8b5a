from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.author_order import AuthorOrder, Missing, Place, Released, Turn
from p2pchat.core.series import Series, series_of
from tests.core.repair_network import envelope, epoch, peer

BOB = series_of(peer("bob"), epoch("bob"))


def add(
    order: AuthorOrder,
    first: int,
    now: float = 0.0,
    *,
    size: int = 1,
    body: bytes = b"",
    name: str = "bob",
    is_shown: bool = True,
    is_backlog: bool = False,
) -> list[Turn]:
    series = series_of(peer(name), epoch(name))
    made = envelope(name, first, size, body=body)
    return order.add(series, made, None, now, is_shown=is_shown, is_backlog=is_backlog)


def numbers(turns: list[Turn]) -> list[int]:
    return [n for turn in turns if isinstance(turn, Released) for n in turn.envelope.numbers]


def gaps(turns: list[Turn]) -> list[tuple[int, int]]:
    return [(turn.first, turn.count) for turn in turns if isinstance(turn, Missing)]


def behind(turns: list[Turn], *places: Place) -> list[int]:
    """Return what passed behind later ones, there or anywhere."""
    released = [turn for turn in turns if isinstance(turn, Released)]
    wanted = places or (Place.GAP, Place.BEFORE)
    return [turn.envelope.header.first for turn in released if turn.place in wanted]


def wait(order: AuthorOrder, now: float, busy: tuple[Series, ...] = ()) -> list[Turn]:
    return order.on_time(now, busy, progress_at=-1.0)


def test_what_comes_in_order_passes_at_once() -> None:
    order = AuthorOrder()

    turns = [add(order, 0), add(order, 1, size=3), add(order, 4)]

    assert [numbers(some) for some in turns] == [[0], [1, 2, 3], [4]]
    assert order.next_deadline() is None


def test_a_later_one_waits_for_the_missing_one() -> None:
    order = AuthorOrder()
    add(order, 0)

    assert add(order, 2) == []
    turns = add(order, 1)

    assert numbers(turns) == [1, 2]
    assert not behind(turns)
    assert order.size_bytes == 0


def test_after_two_seconds_the_gap_is_marked_and_the_late_one_fills_it() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 3, now=1.0)
    assert wait(order, 1.0 + limits.ORDER_WAIT_S - 0.01) == []

    passed = wait(order, 1.0 + limits.ORDER_WAIT_S)
    late = add(order, 1, now=60.0)

    assert gaps(passed) == [(1, 2)]
    assert numbers(passed) == [3]
    assert numbers(late) == [1]
    assert behind(late, Place.GAP) == [1]


def test_while_repair_makes_progress_it_waits_longer_but_not_for_ever() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 2, now=0.0)

    now = 0.0
    turns: list[Turn] = []
    while not turns:
        now = order.next_deadline() or now
        turns = order.on_time(now, (BOB,), progress_at=now - 0.5)

    assert now == limits.ORDER_WAIT_LONGEST_S
    assert gaps(turns) == [(1, 1)]


def test_progress_elsewhere_is_none_for_what_nobody_looks_for() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 2)

    turns = order.on_time(limits.ORDER_WAIT_S, (), progress_at=limits.ORDER_WAIT_S)

    assert numbers(turns) == [2]


def test_its_deadline_is_never_in_the_past_once_it_was_served() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 2)

    order.on_time(2.0, (BOB,), progress_at=1.5)

    assert order.next_deadline() == 1.5 + limits.ORDER_WAIT_S


def test_each_further_hole_is_marked_on_its_own() -> None:
    order = AuthorOrder()
    for first in (0, 2, 5):
        add(order, first)

    turns = wait(order, limits.ORDER_WAIT_S)

    assert gaps(turns) == [(1, 1), (3, 2)]
    assert numbers(turns) == [2, 5]


def test_a_gap_that_nobody_can_fill_is_not_waited_for() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 3)

    turns = order.give_up(BOB, (1, 3))

    assert gaps(turns) == [(1, 2)]
    assert numbers(turns) == [3]


def test_giving_up_a_part_of_a_gap_goes_on_waiting_for_the_rest() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 5)

    assert order.give_up(BOB, (3, 5)) == []
    assert order.give_up(BOB, (1, 2)) == []


def test_many_messages_of_one_author_don_t_wait() -> None:
    order = AuthorOrder()
    add(order, 0)

    turns = [t for n in range(2, 40) for t in add(order, n * 100, size=100)]

    waiting = 38 * 100 - len(numbers(turns))
    assert waiting <= limits.ORDER_LIMIT_MESSAGES
    assert gaps(turns)[0] == (1, 199)


def test_many_bytes_of_one_author_don_t_wait() -> None:
    order = AuthorOrder()
    add(order, 0)

    for number in range(2, 30):
        add(order, number, body=bytes(30_000))

    assert order.size_bytes <= limits.ORDER_LIMIT_BYTES


def test_bytes_of_all_authors_together_are_bounded() -> None:
    order = AuthorOrder()
    for author in range(40):
        add(order, 0, name=f"author {author}")
        for number in range(2, 7):
            add(order, number, name=f"author {author}", body=bytes(30_000))

    assert 0 < order.size_bytes <= limits.ORDER_LIMIT_TOTAL_BYTES


def test_a_number_that_cannot_be_the_first_waits_for_those_before_it() -> None:
    order = AuthorOrder()

    turns = [add(order, 2), add(order, 1), add(order, 0)]

    assert [numbers(some) for some in turns] == [[], [], [0, 1, 2]]
    assert not behind(turns[-1])


def test_where_nothing_before_it_comes_an_author_begins_in_the_middle() -> None:
    order = AuthorOrder()
    assert add(order, 50) == []
    assert add(order, 51) == [], "nor does a later one begin it"

    too_early = wait(order, limits.ORDER_WAIT_S - 0.1)
    turns = wait(order, limits.ORDER_WAIT_S)

    assert too_early == []
    assert numbers(turns) == [50, 51]
    assert gaps(turns) == [], "nobody knows that anything was there"


def test_what_belongs_before_an_author_s_beginning_stands_apart_from_a_told_gap() -> None:
    order = AuthorOrder()
    for first in (50, 53):
        add(order, first)
    wait(order, limits.ORDER_WAIT_S)

    turns = add(order, 40, now=60.0) + add(order, 51, now=60.0) + add(order, 41, now=60.0)

    assert behind(turns, Place.BEFORE) == [40, 41]
    assert behind(turns, Place.GAP) == [51]


def test_backlog_begins_an_author_as_soon_as_nobody_can_name_anything_before_it() -> None:
    order = AuthorOrder()
    add(order, 51)
    assert add(order, 50, is_backlog=True) == [], "a neighbour may have 49"

    looks = [
        order.on_time(0.1, (), -1.0, is_first=lambda *_: False),
        order.on_time(0.2, (), -1.0, is_first=lambda *_: True),
    ]

    assert [numbers(turns) for turns in looks] == [[], [50, 51]]


def test_what_is_said_now_begins_no_author_before_its_wait_is_over() -> None:
    order = AuthorOrder()
    add(order, 50)

    turns = order.on_time(limits.ORDER_WAIT_S - 0.1, (), -1.0, is_first=lambda *_: True)

    assert turns == []


def test_who_was_late_himself_reads_first_what_came_meanwhile() -> None:
    order = AuthorOrder()
    add(order, 0)
    add(order, 2)
    awake_at = limits.ORDER_WAIT_S + 5.0

    turns = wait(order, awake_at)
    filled = add(order, 1, now=awake_at)
    add(order, 4, now=awake_at)
    late = wait(order, awake_at + limits.ORDER_WAIT_S)

    assert turns == []
    assert numbers(filled) == [1, 2]
    assert gaps(late) == [(3, 1)], "not for ever"


def test_a_gap_among_what_is_not_shown_is_not_told() -> None:
    order = AuthorOrder()
    add(order, 0, is_shown=False)
    add(order, 2, is_shown=False)

    turns = wait(order, limits.ORDER_WAIT_S)

    assert gaps(turns) == []
    assert numbers(turns) == [2]


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=6))
def test_everything_passes_once_and_what_is_not_marked_in_order(
    arrivals: list[int], ticks: list[int]
) -> None:
    order = AuthorOrder()
    turns: list[Turn] = []
    for step, number in enumerate(arrivals):
        turns += add(order, number, now=step * 1.0)
        if step in ticks:
            turns += wait(order, step * 1.0)

    turns += wait(order, 1_000.0)

    assert sorted(numbers(turns)) == list(range(12))
    in_order = [n for n in numbers(turns) if n not in behind(turns)]
    assert in_order == sorted(in_order)
    assert order.size_bytes == 0


def test_one_author_never_holds_up_another() -> None:
    order = AuthorOrder()
    add(order, 0, name="carol")
    add(order, 5, name="carol")

    assert numbers(add(order, 0)) == [0]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.series import Series
from p2pchat.core.values import ConnectionId
from p2pchat.core.wants import Wants, Why

ANN, BEN = ConnectionId(1), ConnectionId(2)
BOB, CAROL = Series(b"b" * 40), Series(b"c" * 40)

SPANS = st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda pair: (pair[0], sum(pair)))
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from([ANN, BEN]), SPANS))


def spans(wants: Wants) -> list[tuple[int, int]]:
    return [want.span for want in wants]


@given(STEPS)
def test_who_may_have_a_number_is_what_a_table_of_numbers_would_say(
    steps: list[tuple[str, ConnectionId, tuple[int, int]]],
) -> None:
    wants = Wants()
    table: dict[int, set[ConnectionId]] = {}
    for action, source, span in steps:
        if action == "add":
            wants.add(BOB, span, source, Why.OFFERED, 0.0)
            for number in range(*span):
                table.setdefault(number, set()).add(source)
        else:
            wants.remove(BOB, span)
            for number in range(*span):
                table.pop(number, None)

    known = {n: set(want.sources) for want in wants for n in range(want.start, want.stop)}

    assert known == table
    assert spans(wants) == sorted(spans(wants))
    assert len(wants) == len(spans(wants))
    for source in (ANN, BEN):
        assert set(wants.of_source(source)) == {want for want in wants if source in want.sources}


def test_a_want_that_is_cut_keeps_what_is_known_of_it() -> None:
    wants = Wants()
    (whole,) = wants.add(BOB, (0, 10), ANN, Why.HEARD, 3.0)
    whole.asked, whole.is_gap = ANN, True

    wants.remove(BOB, (4, 6))

    assert spans(wants) == [(0, 4), (6, 10)]
    assert all(want.asked == ANN and want.is_gap and want.ready_at == 3.0 for want in wants)
    assert len(wants.of_source(ANN)) == 2


def test_saying_more_about_a_want_never_makes_it_less() -> None:
    wants = Wants()
    (want,) = wants.add(BOB, (0, 1), ANN, Why.OPENING, 0.0)

    wants.add(BOB, (0, 1), ANN, Why.HEARD, 0.0)

    assert want.sources[ANN] is Why.OPENING


def test_who_offers_anew_what_it_did_not_have_is_asked_anew() -> None:
    wants = Wants()
    (want,) = wants.add(BOB, (0, 1), ANN, Why.HEARD, 0.0)
    want.failed[ANN] = None

    wants.add(BOB, (0, 1), ANN, Why.HEARD, 0.0)
    assert ANN in want.failed
    wants.add(BOB, (0, 1), ANN, Why.OFFERED, 0.0)

    assert ANN not in want.failed


def test_a_neighbour_that_is_gone_is_nobody_s_source() -> None:
    wants = Wants()
    (want,) = wants.add(BOB, (0, 1), ANN, Why.HEARD, 0.0)
    wants.add(BOB, (0, 1), BEN, Why.HEARD, 0.0)
    want.asked = ANN

    orphans = wants.detach(ANN)

    assert orphans == [want]
    assert list(want.sources) == [BEN]
    assert want.asked is None
    assert wants.count_of(ANN) == 0


def test_one_neighbour_can_t_fill_the_table() -> None:
    wants = Wants()

    for number in range(2 * limits.WANTS_PER_CONNECTION):
        wants.add(Series(number.to_bytes(40, "big")), (0, 2**53), ANN, Why.OFFERED, 0.0)

    assert len(wants) == wants.count_of(ANN) == limits.WANTS_PER_CONNECTION
    assert wants.add(BOB, (0, 1), BEN, Why.OFFERED, 0.0)


def test_nor_can_many() -> None:
    wants = Wants()

    for source in range(8):
        for number in range(limits.WANTS_PER_CONNECTION):
            series = Series(number.to_bytes(40, "big")[::-1])
            span = (10 * source, 10 * source + 5)
            wants.add(series, span, ConnectionId(source), Why.OFFERED, 0.0)

    assert len(wants) == limits.WANTS_LIMIT


@given(st.lists(st.integers(0, 5_000), min_size=100, max_size=150, unique=True))
def test_however_it_is_riddled_the_wants_of_one_author_are_bounded(taken: list[int]) -> None:
    wants = Wants()
    wants.add(BOB, (0, 2**53), ANN, Why.OFFERED, 0.0)

    for number in taken:
        wants.remove(BOB, (number, number + 1))

    assert len(wants) <= limits.WANTS_PER_SERIES
    assert not [w for w in wants for number in taken if w.start <= number < w.stop]

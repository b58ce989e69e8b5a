"""What is drawn of an urn, beside what lies in it."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from p2pchat.core.urn import Urn


class _Lot(Struct, eq=False):
    number: int
    place: int = 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12))), st.randoms())
def test_what_lies_in_it_is_drawn_once_each(moves: list[tuple[int, int]], rng: Random) -> None:
    lots = [_Lot(number) for number in range(10)]
    urn: Urn[_Lot] = Urn()
    here: set[int] = set()

    for number, draws in moves:
        if number in here:
            urn.take(lots[number])
        else:
            urn.put(lots[number])
        here ^= {number}
        drawn = [lot.number for lot in islice(urn.drawn(rng), draws)]
        assert len(drawn) == len(set(drawn)) == min(draws, len(here))
        assert here.issuperset(drawn)

    assert sorted(lot.number for lot in urn) == sorted(here)
    assert len(urn) == len(here)


def test_all_have_the_same_chance_whatever_was_drawn_before() -> None:
    urn: Urn[_Lot] = Urn()
    for number in range(5):
        urn.put(_Lot(number))
    rng = Random(1)

    pairs = Counter(tuple(lot.number for lot in islice(urn.drawn(rng), 2)) for _ in range(4_000))

    assert len(pairs) == 20
    assert 140 < min(pairs.values()) <= max(pairs.values()) < 260

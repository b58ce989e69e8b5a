from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.entries import entry_of, packed, unpacked
from p2pchat.core.frames import Offer
from p2pchat.core.series import Series
from p2pchat.wire.codec import decode, encode

SERIES = st.binary(min_size=40, max_size=40).map(Series)
SPANS = st.lists(
    st.tuples(st.integers(0, 2**53), st.integers(1, 2**53)).map(lambda p: (p[0], sum(p))),
    min_size=1,
    max_size=limits.INTERVALS_LIMIT,
)


@given(st.lists(st.tuples(SERIES, SPANS), max_size=80))
def test_pieces_hold_everything_and_each_fits_a_frame(
    rows: list[tuple[Series, list[tuple[int, int]]]],
) -> None:
    pieces = list(packed(entry_of(series, spans) for series, spans in rows))

    back = [claim for piece in pieces for claim in unpacked(piece)]
    assert back == [(series, span) for series, spans in rows for span in spans]
    for piece in pieces:
        frame = encode(Offer(piece))
        assert decode(frame) == Offer(piece)
        assert len(frame) <= limits.BULK_FRAME_BYTES + 16


def test_more_spans_than_a_frame_may_hold_are_left_out() -> None:
    entry = entry_of(Series(bytes(40)), [(n * 2, n * 2 + 1) for n in range(100)])

    assert len(entry.spans) == limits.INTERVALS_LIMIT

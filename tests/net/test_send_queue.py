"""What waits to be written to one connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.net.send_queue import SendQueue

PAYLOADS = st.lists(st.binary(min_size=1, max_size=50))


@given(PAYLOADS, st.integers(1, 200))
def test_what_is_offered_is_taken_whole_and_in_order(payloads: list[bytes], most: int) -> None:
    queue = SendQueue()
    for payload in payloads:
        assert queue.offer(payload)

    taken: list[bytes] = []
    while batch := queue.take(most):
        assert len(batch) == 1 or sum(map(len, batch)) <= most
        taken += batch

    assert taken == payloads
    assert queue.queued_bytes == 0


@pytest.mark.threat(18)
@given(PAYLOADS, st.integers(0, 200))
def test_the_queue_never_holds_more_than_its_limit(payloads: list[bytes], limit: int) -> None:
    queue = SendQueue(limit)

    for payload in payloads:
        before = queue.queued_bytes
        fitted = queue.offer(payload)

        assert queue.queued_bytes == before + len(payload) * fitted <= limit


def test_after_the_end_nothing_more_fits_but_what_is_there_goes_out() -> None:
    queue = SendQueue()
    queue.offer(b"last")
    queue.end()

    assert not queue.offer(b"too late")
    assert queue.take() == [b"last"]
    assert queue.take() == []

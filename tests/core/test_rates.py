from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.rates import Over, Rates
from p2pchat.core.values import ConnectionId, PeerId
from tests.core.repair_network import peer

BOB = peer("bob")
LOUD, QUIET = ConnectionId(1), ConnectionId(2)
SIZE_BYTES = 200


def metered(*connections: ConnectionId) -> Rates:
    rates = Rates(is_metered=True)
    for connection in connections or (LOUD, QUIET):
        rates.on_open(connection)
    return rates


def bring(
    rates: Rates, author: PeerId, connection: ConnectionId, now: float, size_bytes: int = SIZE_BYTES
) -> bool:
    """Let an envelope come and be valid; tell whether it was taken."""
    if not rates.may_look(connection, size_bytes, now):
        return False
    if rates.is_over(author, size_bytes, now):
        rates.over(author, size_bytes, int(now * 1000), now)
        return False
    if not rates.may_take(size_bytes, rates.to_keep(author, connection, now), now):
        return False
    rates.take(author, size_bytes, int(now * 1000), now)
    return True


def authors(count: int) -> list[PeerId]:
    return [peer(f"somebody {number}") for number in range(count)]


def test_an_author_gets_his_burst_and_then_his_rate() -> None:
    rates = metered()

    at_once = sum(bring(rates, BOB, LOUD, 0.0) for _ in range(30))
    later = sum(bring(rates, BOB, LOUD, 1 + n / 100) for n in range(1_000))

    assert at_once == limits.AUTHOR_ENVELOPES
    assert later <= limits.AUTHOR_ENVELOPES_PER_S * 11


def test_only_what_is_taken_or_signed_above_the_rate_costs_its_author() -> None:
    rates = metered()

    for _ in range(100):
        rates.may_look(LOUD, SIZE_BYTES, 0.0)
        assert not rates.is_over(BOB, SIZE_BYTES, 0.0)

    assert rates.holding().count == 0


def test_who_goes_on_above_his_rate_is_loud() -> None:
    rates = metered()
    for _ in range(limits.AUTHOR_ENVELOPES):
        rates.take(BOB, SIZE_BYTES, 0, 0.0)

    verdicts = [
        rates.over(BOB, SIZE_BYTES, n, n / 1000) for n in range(limits.OVER_LIMIT_ENVELOPES)
    ]

    assert set(verdicts[:-1]) == {Over.TOO_FAST}
    assert verdicts[-1] is Over.LOUD


def test_who_is_a_little_above_it_for_long_is_not_loud() -> None:
    rates = metered()
    for _ in range(limits.AUTHOR_ENVELOPES):
        rates.take(BOB, SIZE_BYTES, 0, 0.0)

    verdicts = {rates.over(BOB, SIZE_BYTES, 0, n / 5) for n in range(1_000)}

    assert Over.LOUD not in verdicts


def test_what_was_held_up_on_its_way_is_not_held_against_its_author() -> None:
    rates = metered()
    # He wrote four a second for half a minute; all of it arrives now.
    times_ms = [250 * n for n in range(120)]

    verdicts = []
    for time_ms in times_ms:
        if rates.is_over(BOB, SIZE_BYTES, 30.0):
            verdicts.append(rates.over(BOB, SIZE_BYTES, time_ms, 30.0))
        else:
            rates.take(BOB, SIZE_BYTES, time_ms, 30.0)

    assert verdicts == [Over.LATE] * 100


@given(st.permutations(list(range(120))))
def test_nobody_can_have_an_author_muted_with_his_own_words(order: list[int]) -> None:
    # Somebody who was not there gets an honest hour's end again, in whatever order.
    rates = metered()
    for n in order:
        if rates.is_over(BOB, SIZE_BYTES, 0.0):
            assert rates.over(BOB, SIZE_BYTES, 250 * n, 0.0) is not Over.LOUD
        else:
            rates.take(BOB, SIZE_BYTES, 250 * n, 0.0)


def test_a_connection_gets_its_burst_and_then_its_rate() -> None:
    rates = metered()

    looked_at = sum(rates.may_look(LOUD, SIZE_BYTES, 0.0) for _ in range(2_000))
    later = sum(rates.may_look(LOUD, SIZE_BYTES, n / 1_000) for n in range(10_000))

    assert looked_at == limits.CONNECTION_ENVELOPES
    assert later == pytest.approx(10 * limits.CONNECTION_ENVELOPES_PER_S, abs=1)
    assert rates.may_look(QUIET, SIZE_BYTES, 0.0)


def test_a_connection_may_bring_whatever_the_room_takes() -> None:
    assert limits.CONNECTION_ENVELOPES >= limits.ROOM_ENVELOPES
    assert limits.CONNECTION_ENVELOPES_PER_S >= limits.ROOM_ENVELOPES_PER_S
    assert limits.CONNECTION_BYTES_PER_S >= limits.ROOM_BYTES_PER_S


def test_a_single_neighbour_may_use_all_of_the_room() -> None:
    rates = metered(LOUD)

    taken = sum(bring(rates, author, LOUD, 0.0) for author in authors(600))

    assert taken == limits.ROOM_ENVELOPES


def test_copies_are_looked_at_up_to_a_rate() -> None:
    rates = metered()

    looked_at = sum(rates.may_copy(LOUD, 0.0) for _ in range(3_000))

    assert looked_at == limits.COPIES_PER_S


def test_who_brought_most_leaves_something_for_the_others() -> None:
    rates = metered()
    many = authors(1_000)

    loud = sum(bring(rates, author, LOUD, n / 1_000) for n, author in enumerate(many))
    quiet = sum(bring(rates, author, QUIET, 1.0) for author in authors(100))

    assert loud < limits.ROOM_ENVELOPES
    assert quiet == 100


def test_the_author_who_spent_most_leaves_something_for_the_others() -> None:
    rates = metered(LOUD)
    for _ in range(limits.AUTHOR_ENVELOPES - 1):
        bring(rates, BOB, LOUD, 0.0)
    few = authors(450)
    assert all(bring(rates, author, LOUD, 0.0) for author in few[:440])

    kept = [rates.to_keep(author, LOUD, 0.0) for author in (BOB, few[0], peer("new"))]

    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[1] > kept[2] == 0.0


STEPS = st.lists(
    st.tuples(
        st.floats(0, 0.2), st.integers(0, 30), st.sampled_from([LOUD, QUIET]),
        st.integers(1, 60_000), st.integers(1, 60),
    ),
    max_size=40,
)  # fmt: skip


@given(STEPS)
def test_whatever_comes_the_limits_of_the_room_hold(
    steps: list[tuple[float, int, ConnectionId, int, int]],
) -> None:
    rates, known = metered(), authors(31)
    now, envelopes, size = 0.0, 0, 0
    for wait_s, author, connection, size_bytes, times in steps:
        now += wait_s
        for _ in range(times):
            if bring(rates, known[author], connection, now, size_bytes):
                envelopes += 1
                size += size_bytes

    assert envelopes <= limits.ROOM_ENVELOPES + limits.ROOM_ENVELOPES_PER_S * now + 1e-3
    assert size <= limits.ROOM_BYTES + limits.ROOM_BYTES_PER_S * now + 1e-3


@given(STEPS)
def test_where_one_is_taken_whoever_spent_less_is_taken_as_well(
    steps: list[tuple[float, int, ConnectionId, int, int]],
) -> None:
    rates, known = metered(), authors(31)
    now = 0.0
    for wait_s, author, connection, size_bytes, times in steps:
        now += wait_s
        for _ in range(times):
            bring(rates, known[author], connection, now, size_bytes)

    choices = [(a, c) for a in known for c in (LOUD, QUIET)]
    kept = sorted((rates.to_keep(a, c, now) for a, c in choices), reverse=True)
    may = [rates.may_take(SIZE_BYTES, share, now) for share in kept]
    assert may == sorted(may), "who has to leave more is shed first"


def test_the_table_of_authors_is_bounded() -> None:
    rates = metered()

    for author in authors(limits.AUTHORS_METERED + 10):
        rates.take(author, 1, 0, 0.0)

    assert rates.holding().count == rates.holding().limit


def test_who_is_pushed_out_of_it_gains_nothing() -> None:
    full_after_s = limits.AUTHOR_BYTES / limits.AUTHOR_BYTES_PER_S
    taken_meanwhile = limits.ROOM_ENVELOPES + limits.ROOM_ENVELOPES_PER_S * full_after_s

    assert taken_meanwhile < limits.AUTHORS_METERED


def test_a_connection_that_is_being_drained_is_still_heard() -> None:
    rates = metered()
    rates.on_closed(LOUD)

    assert rates.may_look(LOUD, SIZE_BYTES, 0.0)
    assert rates.may_copy(LOUD, 0.0)
    assert not all(rates.may_look(LOUD, SIZE_BYTES, 0.0) for _ in range(1_000))


def test_in_a_private_room_there_are_no_rates() -> None:
    rates = Rates(is_metered=False)
    rates.on_open(LOUD)

    assert all(bring(rates, BOB, LOUD, 0.0, 60_000) for _ in range(5_000))
    assert all(rates.may_copy(LOUD, 0.0) for _ in range(5_000))

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import limits
from p2pchat.core.holdings import Holding
from p2pchat.core.series import series_of
from p2pchat.core.trails import Arrival, Arrivals, Trails
from p2pchat.core.values import ConnectionId, EnvelopeId, Epoch, PeerId
from tests.effort import EFFORT

ANN, BEN = ConnectionId(1), ConnectionId(2)


def envelope(number: int) -> EnvelopeId:
    return EnvelopeId(number.to_bytes(16, "big"))


def author(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def is_within(holding: Holding) -> bool:
    return holding.count <= holding.limit


def test_the_first_copy_of_an_envelope_counts() -> None:
    arrivals = Arrivals()

    arrivals.note(envelope(1), ANN, 7)
    arrivals.note(envelope(1), BEN, 8)

    assert arrivals.get(envelope(1)) == Arrival(ANN, 7)
    assert arrivals.get(envelope(2)) is None


def test_an_own_envelope_came_from_nobody() -> None:
    arrivals = Arrivals()

    arrivals.note(envelope(1), None, 7)

    assert arrivals.get(envelope(1)) == Arrival(None, 7)


def test_the_oldest_arrival_is_forgotten_first() -> None:
    arrivals = Arrivals()

    for number in range(limits.ARRIVALS_LIMIT + 1):
        arrivals.note(envelope(number), ANN, number)

    assert arrivals.get(envelope(0)) is None
    assert arrivals.get(envelope(1)) is not None
    assert all(map(is_within, arrivals.holdings()))


def test_an_envelope_is_found_by_any_of_its_numbers() -> None:
    arrivals = Arrivals()
    mine, other = (series_of(author(number), Epoch(bytes(8))) for number in (1, 2))
    arrivals.note(envelope(1), ANN, 7, (mine, 0))
    arrivals.note(envelope(2), ANN, 8, (mine, 3))
    arrivals.note(envelope(3), ANN, 9, (other, 1))
    arrivals.note(envelope(4), ANN, 9)

    found = [arrivals.holding(mine, number) for number in (0, 2, 3, 9)]

    assert found == [envelope(1), envelope(1), envelope(2), envelope(2)]
    assert arrivals.holding(other, 0) is None


def test_the_way_of_the_latest_envelope_leads_to_its_author() -> None:
    trails = Trails()

    trails.note(author(1), ANN, 10.0)
    trails.note(author(1), BEN, 11.0)

    assert trails.towards(author(1), 12.0) == BEN
    assert trails.towards(author(2), 12.0) is None


def test_a_trail_grows_cold() -> None:
    trails = Trails()
    trails.note(author(1), ANN, 10.0)

    assert trails.towards(author(1), 10.0 + limits.TRAIL_S - 0.1) == ANN
    assert trails.towards(author(1), 10.0 + limits.TRAIL_S) is None


def test_who_was_silent_longest_is_forgotten_first() -> None:
    trails = Trails()
    for number in range(limits.TRAILS_LIMIT):
        trails.note(author(number), ANN, 0.0)
    trails.note(author(0), ANN, 1.0)

    trails.note(author(limits.TRAILS_LIMIT), BEN, 1.0)

    assert trails.towards(author(0), 1.0) == ANN
    assert trails.towards(author(1), 1.0) is None
    assert all(map(is_within, trails.holdings()))


@settings(max_examples=EFFORT.property_examples)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), st.floats(0, 20)), max_size=30))
def test_a_trail_leads_where_the_latest_came_from(told: list[tuple[int, int, float]]) -> None:
    trails, now = Trails(), 0.0
    latest: dict[int, tuple[int, float]] = {}

    for number, connection, passed in told:
        now += passed
        trails.note(author(number), ConnectionId(connection), now)
        latest[number] = (connection, now)

    for number, (connection, at) in latest.items():
        expected = connection if now - at < limits.TRAIL_S else None
        assert trails.towards(author(number), now) == expected

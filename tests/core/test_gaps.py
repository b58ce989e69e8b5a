from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Answered, Ask
from p2pchat.core.gaps import Gaps
from p2pchat.core.received import Received
from p2pchat.core.series import Series, series_of
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId, Epoch, PeerId
from p2pchat.core.wants import Why

ANN, BEN, CEM, DORA = (ConnectionId(n) for n in (1, 2, 3, 4))
BOB = Series(b"b" * 40)


class World:
    """Gaps with everything around it."""

    def __init__(self, *neighbours: ConnectionId) -> None:
        self.received = Received()
        self.strikes = Strikes()
        self.gaps = Gaps(self.received, self.strikes)
        for neighbour in neighbours:
            self.strikes.on_open(neighbour)
            self.gaps.on_open(neighbour, 0.0)

    def hear(self, number: int, connection: ConnectionId, now: float) -> None:
        hole = self.received.take(BOB, number, number + 1, now)
        if hole is not None:
            self.gaps.miss(BOB, hole, connection, now)

    def take(self, number: int, connection: ConnectionId, now: float) -> None:
        self.received.take(BOB, number, number + 1, now)
        span = (number, number + 1)
        self.gaps.taken(BOB, span, now, by_repair=True, source=connection)

    def asks(self, now: float) -> dict[ConnectionId, Ask]:
        return asks_in(self.gaps.pump(now))

    def until_asked(self, now: float) -> tuple[float, dict[ConnectionId, Ask]]:
        """Follow the deadlines until somebody is asked."""
        while True:
            deadline = self.gaps.next_deadline()
            assert deadline is not None, "nobody will ever be asked"
            now = max(now, deadline)
            if asks := self.asks(now):
                return now, asks


def asks_in(effects: list[Effect]) -> dict[ConnectionId, Ask]:
    asks: dict[ConnectionId, Ask] = {}
    for effect in effects:
        assert isinstance(effect, Send)
        assert isinstance(effect.frame, Ask)
        asks[effect.connections[0]] = effect.frame
    return asks


def named(ask: Ask) -> list[tuple[Series, int, int]]:
    return [
        (series_of(PeerId(e.author), Epoch(e.epoch)), s.first, s.first + s.count)
        for e in ask.entries
        for s in e.spans
    ]


def test_a_gap_is_asked_for_after_300_ms_from_who_brought_the_later_one() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    world.hear(3, BEN, 1.0)

    assert world.asks(1.0 + limits.GAP_WAIT_S - 0.01) == {}
    now, asks = world.until_asked(1.0)

    assert now == 1.0 + limits.GAP_WAIT_S
    assert list(asks) == [BEN]
    assert named(asks[BEN]) == [(BOB, 1, 3)]


def test_a_gap_that_fills_itself_meanwhile_is_not_asked_for() -> None:
    world = World(ANN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)

    world.take(1, ANN, 0.1)

    assert world.asks(10.0) == {}
    assert len(world.gaps) == 0


def test_a_silent_neighbour_is_passed_over_after_a_second() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    first_at, _ = world.until_asked(0.0)

    second_at, asks = world.until_asked(first_at)

    assert second_at == first_at + limits.GAP_NEXT_S
    assert list(asks) == [BEN]


def test_who_says_that_it_has_nothing_is_passed_over_at_once() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    now, asks = world.until_asked(0.0)

    world.gaps.on_answered(ANN, Answered(asks[ANN].token, True), now + 0.05)
    later, asks = world.until_asked(now + 0.05)

    assert later == now + 0.05
    assert list(asks) == [BEN]


def test_each_neighbour_is_asked_once_and_then_the_gap_rests() -> None:
    world = World(ANN, BEN, CEM)
    world.hear(0, ANN, 0.0)
    world.hear(2, BEN, 0.0)
    asked = []
    now = 0.0
    while len(world.gaps):
        now, asks = world.until_asked(now)
        for connection, ask in asks.items():
            asked.append(connection)
            world.gaps.on_answered(connection, Answered(ask.token, True), now)

    assert asked == [BEN, ANN, CEM]
    assert world.received.lacking(BOB, 0, 3) == [(1, 2)], "an offer may bring it back"


def test_an_offer_is_asked_only_of_who_made_it() -> None:
    world = World(ANN, BEN)

    assert world.gaps.offer(BOB, (0, 5), BEN, Why.OFFERED, 0.0)
    now, asks = world.until_asked(0.0)
    world.gaps.on_answered(BEN, Answered(asks[BEN].token, True), now)

    assert list(asks) == [BEN]
    assert len(world.gaps) == 0


def test_what_two_neighbours_offer_is_asked_of_one() -> None:
    world = World(ANN, BEN)
    world.gaps.offer(BOB, (0, 5), ANN, Why.OFFERED, 0.0)
    world.gaps.offer(BOB, (0, 5), BEN, Why.OFFERED, 0.0)

    asks = world.asks(0.0)

    assert list(asks) == [ANN]
    assert world.asks(0.5) == {}


def test_when_the_asked_neighbour_leaves_the_other_is_asked() -> None:
    world = World(ANN, BEN)
    world.gaps.offer(BOB, (0, 5), ANN, Why.OFFERED, 0.0)
    world.gaps.offer(BOB, (0, 5), BEN, Why.OFFERED, 0.0)
    world.asks(0.0)

    world.gaps.on_closed(ANN, 0.2)

    assert list(world.asks(0.2)) == [BEN]


def test_a_gap_goes_on_when_the_only_one_asked_leaves() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    world.until_asked(0.0)

    world.gaps.on_closed(ANN, 0.4)

    assert list(world.asks(0.4)) == [BEN]


def test_what_is_known_already_is_not_looked_for() -> None:
    world = World(ANN)
    world.take(3, ANN, 0.0)
    world.received.refuse(BOB, 4, 6)

    assert not world.gaps.offer(BOB, (3, 6), ANN, Why.OFFERED, 0.0)
    assert world.gaps.offer(BOB, (2, 7), ANN, Why.OFFERED, 0.0)

    assert named(world.asks(0.0)[ANN]) == [(BOB, 2, 3), (BOB, 6, 7)]


def test_only_what_was_asked_for_is_expected_and_only_once() -> None:
    world = World(ANN, BEN)
    world.gaps.offer(BOB, (0, 5), ANN, Why.OPENING, 0.0)
    world.asks(0.0)

    assert world.gaps.expect(ANN, BOB, (3, 4), 100, 0.1) is Why.OPENING
    assert world.gaps.expect(ANN, BOB, (3, 4), 100, 0.1) is None
    assert world.gaps.expect(ANN, BOB, (5, 6), 100, 0.1) is None
    assert world.gaps.expect(BEN, BOB, (2, 3), 100, 0.1) is None
    assert world.gaps.expect(ANN, Series(b"c" * 40), (2, 3), 100, 0.1) is None


def test_a_late_answer_is_still_expected() -> None:
    world = World(ANN)
    world.gaps.offer(BOB, (0, 5), ANN, Why.OFFERED, 0.0)
    world.asks(0.0)
    for at in (1.0, 5.0):
        world.asks(at)

    assert world.gaps.expect(ANN, BOB, (3, 4), 100, 6.0) is Why.OFFERED


def test_an_answer_that_a_limit_cut_short_is_continued() -> None:
    world = World(ANN)
    world.gaps.offer(BOB, (0, 3), ANN, Why.OFFERED, 0.0)
    ask = world.asks(0.0)[ANN]
    world.gaps.expect(ANN, BOB, (0, 1), 100, 0.1)
    world.take(0, ANN, 0.1)

    world.gaps.on_answered(ANN, Answered(ask.token, False), 0.1)
    _, asks = world.until_asked(0.1)

    assert named(asks[ANN]) == [(BOB, 1, 3)]


def test_what_was_delivered_but_not_taken_is_not_asked_for_again() -> None:
    world = World(ANN)
    world.take(9, ANN, 0.0)
    world.gaps.offer(BOB, (0, 1), ANN, Why.OFFERED, 0.0)
    ask = world.asks(0.0)[ANN]
    world.gaps.expect(ANN, BOB, (0, 1), 100, 0.1)

    world.gaps.on_answered(ANN, Answered(ask.token, True), 0.1)

    assert not world.gaps.offer(BOB, (0, 1), ANN, Why.OFFERED, 1.0)
    assert not world.strikes.has_any_out


def test_three_who_no_longer_have_it_close_a_gap() -> None:
    world = World(ANN, BEN, CEM, DORA)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    now, closed = 0.0, []
    for _ in range(3):
        now, asks = world.until_asked(now)
        ((connection, ask),) = asks.items()
        closed += world.gaps.on_gone(connection, BOB, 2)
        world.gaps.on_answered(connection, Answered(ask.token, True), now)

    assert closed == [(1, 2)]
    assert len(world.gaps) == 0


def test_where_there_are_fewer_all_have_to_say_so() -> None:
    world = World(ANN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    world.until_asked(0.0)

    assert world.gaps.on_gone(ANN, BOB, 1) == [], "of the one before"
    assert world.gaps.on_gone(ANN, BOB, 2) == [(1, 2)]


def test_nobody_closes_a_gap_that_it_was_not_asked_for() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)
    world.until_asked(0.0)

    assert world.gaps.on_gone(BEN, BOB, 2**53) == []


def test_what_is_under_way_by_other_means_is_asked_for_later() -> None:
    world = World(ANN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)

    world.gaps.postpone(BOB, (1, 2), until=4.0)
    now, _ = world.until_asked(0.0)

    assert now == 4.0


def test_many_gaps_share_one_request_within_the_bounds_of_a_frame() -> None:
    world = World(ANN)
    for number in range(200):
        series = Series(number.to_bytes(40, "big"))
        world.gaps.offer(series, (0, 1), ANN, Why.OFFERED, 0.0)

    ask = world.asks(0.0)[ANN]

    assert len(ask.entries) == limits.LIST_LIMIT


def test_requests_never_add_up_to_more_than_the_budget() -> None:
    neighbours = [ConnectionId(n) for n in range(1, 31)]
    world = World(*neighbours)
    for number, neighbour in enumerate(neighbours):
        world.gaps.offer(BOB, (number * 100, number * 100 + 50), neighbour, Why.OFFERED, 0.0)

    asks = world.asks(0.0)

    assert sum(ask.envelopes for ask in asks.values()) <= limits.REPAIR_VERIFICATIONS_PER_S
    assert sum(ask.size_bytes for ask in asks.values()) <= limits.REPAIR_BYTES_PER_S
    assert 3 <= len(asks) < 30
    deadline = world.gaps.next_deadline()
    assert deadline is not None, "the others' turn comes"
    assert 0.0 < deadline <= limits.GAP_NEXT_S


def test_over_a_minute_no_more_is_taken_than_the_budget_allows() -> None:
    world = World(ANN, BEN)
    taken, now = 0, 0.0
    world.received.take(BOB, 0, 1, now)
    while now < 60.0:
        for neighbour in (ANN, BEN):
            world.gaps.offer(BOB, (1, 2**40), neighbour, Why.OFFERED, now)
        for connection, ask in world.asks(now).items():
            for _ in range(ask.envelopes):
                taken += 1
                world.gaps.expect(connection, BOB, (taken, taken + 1), 10, now)
                world.take(taken, connection, now)
            world.gaps.on_answered(connection, Answered(ask.token, False), now)
        now += 0.05

    assert taken <= 61 * limits.REPAIR_VERIFICATIONS_PER_S
    assert taken >= 55 * limits.REPAIR_VERIFICATIONS_PER_S


def test_who_keeps_on_offering_what_it_does_not_deliver_is_out() -> None:
    world = World(ANN, BEN)
    now, asked = 0.0, 0
    while not world.strikes.has_any_out and now < 600.0:
        world.gaps.offer(BOB, (0, 2**53), ANN, Why.OFFERED, now)
        for connection, ask in world.asks(now).items():
            asked += 1
            world.gaps.on_answered(connection, Answered(ask.token, True), now)
        now += 1.0

    assert list(world.strikes.take_out()) == [ANN]
    assert asked <= 2 * limits.STRIKES_BURST
    assert len(world.gaps) <= 1


def test_who_never_answers_is_out() -> None:
    world = World(ANN)
    now = 0.0
    while not world.strikes.has_any_out and now < 3_600.0:
        world.gaps.offer(BOB, (0, 1), ANN, Why.OFFERED, now)
        world.asks(now)
        now += 1.0

    assert list(world.strikes.take_out()) == [ANN]


def test_who_withholds_an_author_while_others_have_it_is_out() -> None:
    world = World(ANN, BEN)
    world.hear(0, ANN, 0.0)
    now, number = 0.0, 0
    while not world.strikes.has_any_out and now < 600.0:
        number += 2
        world.hear(number, ANN, now)
        while len(world.gaps):
            now, asks = world.until_asked(now)
            for connection, ask in asks.items():
                if connection == BEN:
                    world.gaps.expect(BEN, BOB, (number - 1, number), 10, now)
                    world.take(number - 1, BEN, now)
                world.gaps.on_answered(connection, Answered(ask.token, True), now)
        now += 1.0

    assert list(world.strikes.take_out()) == [ANN]
    assert world.received.lacking(BOB, 0, number + 1) == []


def test_a_later_message_on_a_connection_that_is_no_more_leads_to_somebody_else() -> None:
    world = World(BEN)
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)

    _, asks = world.until_asked(0.0)

    assert list(asks) == [BEN]


def test_with_nobody_to_ask_nothing_is_looked_for() -> None:
    world = World()
    world.hear(0, ANN, 0.0)
    world.hear(2, ANN, 0.0)

    assert not world.gaps.offer(BOB, (5, 6), ANN, Why.OFFERED, 0.0)
    assert len(world.gaps) == 0
    assert world.gaps.next_deadline() is None


def test_a_request_names_no_more_spans_than_are_looked_up() -> None:
    world = World(ANN)
    for number in range(10):
        for start in range(0, 120, 2):
            series = Series(number.to_bytes(40, "big"))
            world.gaps.offer(series, (start, start + 1), ANN, Why.OFFERED, 0.0)

    assert len(named(world.asks(0.0)[ANN])) == limits.ASK_SPANS

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.events import Effect, Send
from p2pchat.core.reach import REACH_QUERY
from p2pchat.core.values import is_kept

from .acks import ANN, BEN, CEM, ME, acks, flagged, frames, query, reach_of
from .lazy_nodes import author, envelope

# --- Who acknowledges -------------------------------------------------------------------------


def test_a_flagged_envelope_is_acknowledged_to_who_brought_it() -> None:
    reach = reach_of(ANN, BEN)
    said = flagged()

    at_once = reach.on_taken(said, ANN, 10.0, 7, known=3)
    deadline = reach.next_deadline()
    later = reach.on_time(10.0 + limits.ACK_JOIN_S)

    assert at_once == []
    assert deadline == 10.0 + limits.ACK_JOIN_S
    assert later == [Send((ANN,), acks(said, ME))]
    assert reach.next_deadline() is None


def test_a_node_with_one_neighbour_acknowledges_at_once() -> None:
    reach = reach_of(ANN)
    said = flagged()

    assert reach.on_taken(said, ANN, 0.0, 7, known=3) == [Send((ANN,), acks(said, ME))]
    assert reach.next_deadline() is None


def test_an_envelope_without_the_flag_is_not_acknowledged() -> None:
    reach = reach_of(ANN)

    assert reach.on_taken(envelope(1), ANN, 0.0, 7, known=3) == []
    assert reach.on_acks(ANN, acks(envelope(1), author(5)), 0.0) == []
    assert reach.next_deadline() is None


def test_among_many_people_only_a_share_acknowledges() -> None:
    said = flagged()
    nodes = [reach_of(ANN, me=author(n), seed=n) for n in range(1, 1_001)]

    answered = sum(bool(node.on_taken(said, ANN, 0.0, 7, known=1_000)) for node in nodes)

    assert limits.ACKS_AIM * 0.8 < answered < limits.ACKS_AIM * 1.2


def test_a_node_signs_no_more_than_its_allowance() -> None:
    reach = reach_of(ANN)

    effects = [reach.on_taken(flagged(n), ANN, 0.0, 7, known=3) for n in range(1_000)]
    afterwards = reach.on_taken(flagged(1_001), ANN, 1.0, 7, known=3)

    assert sum(map(bool, effects)) == limits.ACKS_BURST
    assert afterwards != []


def test_nobody_acknowledges_on_a_connection_that_has_ended() -> None:
    reach = reach_of(ANN, BEN)
    reach.on_taken(flagged(1), ANN, 0.0, 7, known=3)
    reach.on_closed(ANN)

    assert reach.on_time(1.0) == []
    assert reach.on_taken(flagged(2), ANN, 1.0, 7, known=3) == []
    assert reach.next_deadline() is None


# --- Asking afterwards ------------------------------------------------------------------------


def test_the_query_is_passing() -> None:
    assert not is_kept(REACH_QUERY)


def test_who_has_the_envelope_answers_along_the_way_of_the_query() -> None:
    reach = reach_of(BEN)
    said, asking = envelope(1), query()

    effects = reach.on_query(asking, said, BEN, 0.0, 7, known=3)

    assert effects == [Send((BEN,), acks(said, ME, way=asking.id))]


def test_who_lacks_it_only_shows_the_way() -> None:
    reach = reach_of(BEN, CEM)
    said, asking = envelope(1), query()

    answer = reach.on_query(asking, None, BEN, 0.0, 7, known=3)
    reach.on_acks(CEM, acks(said, author(5), way=asking.id), 0.1)

    assert answer == []
    assert reach.on_time(1.0) == [Send((BEN,), acks(said, author(5), way=asking.id))]


def test_nobody_learns_who_has_somebody_elses_message() -> None:
    reach = reach_of(BEN)

    assert reach.on_query(query(by=author(1)), envelope(1), BEN, 0.0, 7, known=3) == []


def test_an_author_that_asks_again_and_again_is_answered_seldom() -> None:
    reach = reach_of(BEN)
    said = envelope(1)

    answers = [
        bool(reach.on_query(query(number=n), said, BEN, 0.1 * n, 7, known=3)) for n in range(101)
    ]

    assert [n for n, answered in enumerate(answers) if answered] == [0, 100]


# --- Relays -----------------------------------------------------------------------------------


def test_a_relay_joins_what_comes_within_a_moment() -> None:
    reach = reach_of(ANN, BEN, CEM)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)

    reach.on_acks(BEN, acks(said, author(5)), 0.1)
    reach.on_acks(CEM, acks(said, author(6), author(7)), 0.2)

    together = acks(said, ME, author(5), author(6), author(7))
    assert reach.on_time(limits.ACK_JOIN_S) == [Send((ANN,), together)]


def test_a_full_frame_waits_for_nothing() -> None:
    reach = reach_of(ANN, BEN)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)
    many = [author(n) for n in range(200, 200 + limits.LIST_LIMIT)]

    effects = reach.on_acks(BEN, acks(said, *many), 0.1)

    assert effects == [Send((ANN,), acks(said, ME, *many[:-1])), Send((ANN,), acks(said, many[-1]))]
    assert reach.next_deadline() is None


def test_one_neighbour_cannot_keep_out_what_others_bring() -> None:
    reach = reach_of(ANN, BEN, CEM)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)
    reach.on_time(1.0)

    flood: list[Effect] = []
    for _ in range(1_000):
        flood += reach.on_acks(BEN, acks(said, *[author(5)] * limits.LIST_LIMIT), 2.0)
    flood += reach.on_time(2.25)
    reach.on_acks(CEM, acks(said, author(6)), 3.0)

    assert sum(len(frame.acks) for frame in frames(flood)) == limits.ACKS_PER_CONNECTION
    assert reach.on_time(4.0) == [Send((ANN,), acks(said, author(6)))]


def test_acks_never_go_back_to_who_brought_them() -> None:
    reach = reach_of(ANN, BEN)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)
    reach.on_time(1.0)

    assert reach.on_acks(ANN, acks(said, author(5)), 2.0) == []
    assert reach.next_deadline() is None


def test_a_way_is_forgotten_after_its_time() -> None:
    reach = reach_of(ANN, BEN)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)
    reach.on_time(1.0)

    reach.on_acks(BEN, acks(said, author(5)), limits.WAY_S - 1)
    kept = reach.on_time(limits.WAY_S - 0.5)
    reach.on_acks(BEN, acks(said, author(6)), limits.WAY_S)

    assert kept == [Send((ANN,), acks(said, author(5)))]
    assert reach.next_deadline() is None


def test_ways_are_bounded_and_the_oldest_goes() -> None:
    reach = reach_of(ANN, BEN)
    for number in range(limits.WAYS_LIMIT + 1):
        reach.on_taken(flagged(number), ANN, 0.0, 7, known=3)
    ways = reach.holdings()[0]
    reach.on_time(1.0)

    reach.on_acks(BEN, acks(flagged(0), author(5)), 2.0)
    reach.on_acks(BEN, acks(flagged(1), author(5)), 2.0)

    assert ways.count == ways.limit
    assert reach.on_time(3.0) == [Send((ANN,), acks(flagged(1), author(5)))]


def test_a_forgotten_way_takes_its_waiting_acks_along() -> None:
    reach = reach_of(ANN, BEN)
    reach.on_taken(flagged(0), ANN, 0.0, 7, known=3)
    reach.on_acks(BEN, acks(flagged(0), author(5)), 0.0)

    for number in range(1, limits.WAYS_LIMIT + limits.ACKS_BURST):
        reach.on_taken(flagged(number), ANN, 0.0, 7, known=3)

    waiting = reach.holdings()[1]
    assert (waiting.what, waiting.count) == ("waiting acknowledgements", 0)
    assert reach.next_deadline() is None


def test_acks_that_wait_are_bounded_over_all_ways() -> None:
    reach = reach_of(ANN, BEN)
    batch = limits.LIST_LIMIT - 2
    for number in range(100):
        reach.on_taken(flagged(number), ANN, 0.0, 7, known=3)

    for number in range(100):
        reach.on_acks(BEN, acks(flagged(number), *[author(5)] * batch), 0.1)
    passed = sum(len(frame.acks) for frame in frames(reach.on_time(1.0)))
    reach.on_acks(BEN, acks(flagged(3), author(6)), 2.0)

    assert passed == limits.ACKS_WAITING
    assert [h for h in reach.holdings() if h.count > h.limit] == []
    assert reach.on_time(3.0) == [Send((ANN,), acks(flagged(3), author(6)))]


def test_frames_of_an_unknown_connection_do_nothing() -> None:
    reach = reach_of(ANN)
    said = flagged()
    reach.on_taken(said, ANN, 0.0, 7, known=3)
    reach.expect(flagged(2).id)

    reach.on_acks(BEN, acks(said, author(5)), 0.0)
    reach.on_acks(BEN, acks(flagged(2), author(5)), 0.0)

    assert reach.next_deadline() is None
    assert reach.take_news() == {}

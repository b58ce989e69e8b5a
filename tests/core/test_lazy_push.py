from __future__ import annotations

import math

import pytest

from p2pchat.core import limits
from p2pchat.core.events import Send
from p2pchat.core.frames import Graft, IHave, Prune
from p2pchat.core.values import PASSING
from p2pchat.wire.codec import decode, encode

from .lazy_nodes import (
    ALL,
    ANN,
    BEN,
    CEM,
    LARGE,
    LARGE_BYTES,
    SMALL,
    SMALL_BYTES,
    author,
    envelope,
    ihave,
    node_with,
    route,
    ticks,
)

# --- Whom to send what ------------------------------------------------------------------------


def test_a_small_envelope_goes_whole_to_everybody() -> None:
    node = node_with(*ALL, lazy=(BEN,))

    effects = route(node, SMALL, ALL)

    assert effects == [Send(ALL, SMALL.carried(0))]
    assert node.lazy.next_deadline() is None


def test_a_large_envelope_goes_whole_to_the_eager_and_is_announced_to_the_lazy() -> None:
    node = node_with(*ALL, lazy=(BEN, CEM))

    effects = route(node, LARGE, ALL, hops=3)

    assert effects == [Send((ANN,), LARGE.carried(3))]
    assert node.lazy.next_deadline() == -math.inf
    assert node.lazy.on_time(0.0) == [Send((BEN, CEM), ihave(LARGE, hops=3))]
    assert node.lazy.next_deadline() is None


def test_envelopes_of_exactly_the_limit_are_small() -> None:
    node = node_with(ANN, lazy=(ANN,))
    edge = envelope(1, limits.LAZY_ABOVE_BYTES)
    above = envelope(2, limits.LAZY_ABOVE_BYTES + 1)

    assert route(node, edge, (ANN,)) == [Send((ANN,), edge.carried(0))]
    assert route(node, above, (ANN,)) == []


def test_announcements_of_one_turn_share_frames_of_the_longest_list() -> None:
    node = node_with(ANN, lazy=(ANN,))
    many = [envelope(number, LARGE_BYTES) for number in range(limits.LIST_LIMIT + 1)]
    for one in many:
        route(node, one, (ANN,))

    effects = node.lazy.on_time(0.0)

    assert effects == [Send((ANN,), ihave(*many[:-1])), Send((ANN,), ihave(many[-1]))]


def test_an_announcer_is_not_sent_what_it_has() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_ihave(BEN, ihave(LARGE), 0.0)

    effects = route(node, LARGE, (BEN,), sender=ANN, hops=1)

    assert effects == []
    assert node.lazy.next_deadline() is None


def test_who_announces_it_meanwhile_gets_no_announcement_back() -> None:
    node = node_with(ANN, BEN, lazy=(ANN, BEN))
    route(node, LARGE, (ANN, BEN))

    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)

    assert node.lazy.on_time(0.0) == [Send((BEN,), ihave(LARGE))]


def test_a_connection_that_was_never_opened_gets_everything_whole() -> None:
    node = node_with()

    assert route(node, LARGE, (ANN,)) == [Send((ANN,), LARGE.carried(0))]


def test_small_ones_follow_a_large_one_that_is_outstanding() -> None:
    node = node_with(ANN, BEN, lazy=(BEN,))
    other = envelope(3, by=author(5))
    route(node, LARGE, (ANN, BEN))

    after = route(node, SMALL, (ANN, BEN), now=limits.OUTSTANDING_S - 0.1)
    unrelated = route(node, other, (ANN, BEN))
    later = route(node, envelope(4), (ANN, BEN), now=limits.OUTSTANDING_S)

    assert after == [Send((ANN,), SMALL.carried(0))]
    assert unrelated == [Send((ANN, BEN), other.carried(0))]
    assert later == [Send((ANN, BEN), envelope(4).carried(0))]
    assert node.lazy.on_time(0.0) == [Send((BEN,), ihave(LARGE, SMALL))]


@pytest.mark.parametrize("sign", ["graft", "copy", "announcement"])
def test_nothing_is_outstanding_once_the_neighbour_has_it(sign: str) -> None:
    node = node_with(ANN, lazy=(ANN,))
    route(node, LARGE, (ANN,))
    node.lazy.on_time(0.0)
    match sign:
        case "graft":
            node.lazy.on_graft(ANN, Graft((LARGE.id,)), 0.0)
        case "copy":
            node.lazy.on_copy(ANN, LARGE.id, LARGE_BYTES, 0.0)
        case _:
            node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)

    assert route(node, SMALL, (ANN,)) == [Send((ANN,), SMALL.carried(0))]


def test_who_is_behind_gets_announcements_only() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_queue(ANN, is_high=True)

    effects = route(node, SMALL, (ANN, BEN)) + route(node, LARGE, (ANN, BEN))
    announcing = node.lazy.on_time(0.0)
    node.lazy.on_queue(ANN, is_high=False)
    afterwards = route(node, envelope(3, by=author(4)), (ANN,))

    assert effects == [Send((BEN,), SMALL.carried(0)), Send((BEN,), LARGE.carried(0))]
    assert announcing == [Send((ANN,), ihave(SMALL, LARGE))]
    assert afterwards == [Send((ANN,), envelope(3, by=author(4)).carried(0))]


def test_passing_envelopes_are_never_announced() -> None:
    node = node_with(ANN, BEN, CEM, lazy=(BEN,))
    node.lazy.on_queue(CEM, is_high=True)
    passing = envelope(1, LARGE_BYTES, kind=PASSING)

    assert route(node, passing, ALL) == [Send((ANN, BEN), passing.carried(0))]
    assert node.lazy.next_deadline() is None


# --- The tree ---------------------------------------------------------------------------------


def test_who_brings_a_large_copy_is_pruned_once() -> None:
    node = node_with(ANN, BEN)
    route(node, LARGE, (BEN,), sender=ANN, hops=1)

    first = node.lazy.on_copy(BEN, LARGE.id, LARGE_BYTES, 1.0)
    under_way = node.lazy.on_copy(BEN, LARGE.id, LARGE_BYTES, 1.5)
    still = node.lazy.on_copy(BEN, LARGE.id, LARGE_BYTES, 1.0 + limits.PRUNE_AGAIN_S)

    assert [first, under_way, still] == [[Send((BEN,), Prune())], [], [Send((BEN,), Prune())]]
    assert node.lazy.eager == (ANN,)


def test_who_brings_a_small_copy_stays_eager() -> None:
    node = node_with(ANN)

    assert node.lazy.on_copy(ANN, SMALL.id, SMALL_BYTES, 0.0) == []
    assert node.lazy.eager == (ANN,)


def test_who_brings_large_news_is_eager_again() -> None:
    node = node_with(ANN, BEN, lazy=ALL)

    route(node, SMALL, (ANN,), sender=BEN)
    after_small = node.lazy.eager
    route(node, LARGE, (BEN,), sender=ANN)

    assert after_small == ()
    assert node.lazy.eager == (ANN,)


def test_a_graft_makes_eager_and_brings_what_was_announced() -> None:
    node = node_with(ANN, lazy=(ANN,))
    route(node, LARGE, (ANN,), hops=2)
    node.lazy.on_time(0.0)

    effects = node.lazy.on_graft(ANN, Graft((LARGE.id,)), 1.0)
    again = node.lazy.on_graft(ANN, Graft((LARGE.id,)), 1.0)

    assert effects == [Send((ANN,), LARGE.carried(2))]
    assert again == [], "nothing goes more than once over a connection"
    assert node.lazy.eager == (ANN,)


def test_nobody_grafts_what_was_not_announced_to_him() -> None:
    node = node_with(ANN, BEN, lazy=(ANN, BEN))
    route(node, LARGE, (ANN,))

    assert node.lazy.on_graft(BEN, Graft((LARGE.id,)), 0.0) == []


def test_a_graft_of_what_is_not_stored_any_more_is_not_answered() -> None:
    node = node_with(ANN, lazy=(ANN,))
    route(node, LARGE, (ANN,))
    node.stored.clear()

    assert node.lazy.on_graft(ANN, Graft((LARGE.id,)), 0.0) == []


def test_grafted_envelopes_are_paced_and_wait_while_the_neighbour_is_behind() -> None:
    node = node_with(ANN, lazy=(ANN,))
    many = [envelope(number, 50 * 1024) for number in range(8)]
    for one in many:
        route(node, one, (ANN,))
    node.lazy.on_time(0.0)

    at_once = node.lazy.on_graft(ANN, Graft(tuple(one.id for one in many)), 1.0)
    early = node.lazy.on_time(1.0)
    resumed_at = node.lazy.next_deadline()
    node.lazy.on_queue(ANN, is_high=True)
    behind = node.lazy.next_deadline(), node.lazy.on_time(2.0)
    node.lazy.on_queue(ANN, is_high=False)
    rest = [effect for _, effect in ticks(node.lazy, 3.0)]

    assert at_once == [Send((ANN,), one.carried(0)) for one in many[:3]]
    assert early == []
    assert resumed_at == pytest.approx(1.0 + limits.GRAFT_PAUSE_S)
    assert behind == (None, [])
    assert rest == [Send((ANN,), one.carried(0)) for one in many[3:]]


def test_a_graft_of_who_is_behind_already_waits_as_well() -> None:
    node = node_with(ANN, lazy=(ANN,))
    route(node, LARGE, (ANN,))
    node.lazy.on_time(0.0)
    node.lazy.on_queue(ANN, is_high=True)

    at_once = node.lazy.on_graft(ANN, Graft((LARGE.id,)), 1.0)
    node.lazy.on_queue(ANN, is_high=False)

    assert at_once == []
    assert [effect for _, effect in ticks(node.lazy, 3.0)] == [Send((ANN,), LARGE.carried(0))]


def test_a_much_nearer_announcer_takes_the_place_of_the_bringer() -> None:
    node = node_with(ANN, BEN, lazy=(BEN,))
    node.lazy.on_ihave(BEN, ihave(LARGE, hops=1), 0.0)

    effects = route(node, LARGE, (BEN,), sender=ANN, hops=2 + limits.OPTIMISE_HOPS)

    assert effects == [Send((ANN,), Prune()), Send((BEN,), Graft(()))]
    assert node.lazy.eager == (BEN,)


def test_a_slightly_nearer_announcer_does_not() -> None:
    node = node_with(ANN, BEN, lazy=(BEN,))
    node.lazy.on_ihave(BEN, ihave(LARGE, hops=1), 0.0)

    assert route(node, LARGE, (BEN,), sender=ANN, hops=1 + limits.OPTIMISE_HOPS) == []
    assert node.lazy.eager == (ANN,)


# --- Frames -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [ihave(LARGE, SMALL, hops=255), Graft(()), Graft((LARGE.id,) * limits.LIST_LIMIT), Prune()],
)
def test_frames_survive_the_wire(frame: IHave | Graft | Prune) -> None:
    assert decode(encode(frame)) == frame

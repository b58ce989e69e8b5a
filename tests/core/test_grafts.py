from __future__ import annotations

import pytest

from p2pchat.core import limits
from p2pchat.core.events import Close, Closing, Effect, Send
from p2pchat.core.frames import Graft
from p2pchat.core.lazy_push import LazyPush
from p2pchat.core.values import ConnectionId

from .lazy_nodes import (
    ALL,
    ANN,
    BEN,
    EPOCH,
    LARGE,
    LARGE_BYTES,
    SMALL,
    assert_bounded,
    author,
    envelope,
    ihave,
    node_with,
    route,
    ticks,
)

# --- Asking for what does not come ------------------------------------------------------------


def test_what_was_announced_and_comes_is_not_asked_for() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_ihave(BEN, ihave(LARGE), 0.0)

    route(node, LARGE, (), sender=ANN)

    assert node.lazy.next_deadline() is None
    assert node.lazy.missing_count == 0


def test_what_does_not_come_is_asked_of_one_announcer_after_the_other() -> None:
    node = node_with(*ALL, lazy=ALL)
    for connection in ALL:
        node.lazy.on_ihave(connection, ihave(LARGE), 0.0)

    effects = ticks(node.lazy, 10.0)

    asked_at = [limits.GRAFT_AFTER_S + turn * limits.GRAFT_NEXT_S for turn in range(3)]
    assert [at for at, _ in effects] == pytest.approx(asked_at)
    assert [effect for _, effect in effects] == [
        Send((connection,), Graft((LARGE.id,))) for connection in ALL
    ]
    assert node.lazy.eager == ALL
    assert node.lazy.missing_count == 0, "given up: repair's turn"


def test_what_is_due_together_shares_a_graft() -> None:
    node = node_with(ANN)
    many = [envelope(number, LARGE_BYTES) for number in range(5)]
    node.lazy.on_ihave(ANN, ihave(*many), 0.0)

    effects = node.lazy.on_time(limits.GRAFT_AFTER_S)

    assert effects == [Send((ANN,), Graft(tuple(one.id for one in many)))]


def test_no_more_is_asked_of_one_neighbour_than_it_may_owe() -> None:
    node = node_with(ANN)
    many = [envelope(number, LARGE_BYTES) for number in range(limits.GRAFTS_UNDER_WAY + 3)]
    for one in many:
        node.lazy.on_ihave(ANN, ihave(one), 0.0)

    first = node.lazy.on_time(limits.GRAFT_AFTER_S)
    route(node, many[0], (), sender=ANN, now=0.6)
    second = node.lazy.on_time(limits.GRAFT_AFTER_S + limits.GRAFT_NEXT_S)

    asked = tuple(one.id for one in many[: limits.GRAFTS_UNDER_WAY])
    assert first == [Send((ANN,), Graft(asked))]
    assert second == [Send((ANN,), Graft((many[limits.GRAFTS_UNDER_WAY].id,)))]


def test_who_was_late_is_asked_last() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)
    ticks(node.lazy, 5.0)

    node.lazy.on_ihave(ANN, ihave(SMALL), 5.0)
    node.lazy.on_ihave(BEN, ihave(SMALL), 5.0)

    assert node.lazy.on_time(5.0 + limits.GRAFT_AFTER_S) == [Send((BEN,), Graft((SMALL.id,)))]


def test_who_was_late_and_brought_it_after_all_is_asked_first_again() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)
    ticks(node.lazy, 5.0)
    route(node, LARGE, (), sender=ANN, now=5.0)

    node.lazy.on_ihave(ANN, ihave(SMALL), 5.0)
    node.lazy.on_ihave(BEN, ihave(SMALL), 5.0)

    assert node.lazy.on_time(5.0 + limits.GRAFT_AFTER_S) == [Send((ANN,), Graft((SMALL.id,)))]


def test_only_the_first_announcers_are_remembered() -> None:
    crowd = tuple(ConnectionId(number) for number in range(limits.ANNOUNCERS_LIMIT + 1))
    node = node_with(*crowd)
    for connection in crowd:
        node.lazy.on_ihave(connection, ihave(LARGE), 0.0)

    asked = [effect for _, effect in ticks(node.lazy, 20.0)]

    assert asked == [Send((connection,), Graft((LARGE.id,))) for connection in crowd[:-1]]


def test_who_owes_an_envelope_cannot_announce_it_again() -> None:
    node = node_with(ANN)
    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)
    ticks(node.lazy, 5.0)

    node.lazy.on_ihave(ANN, ihave(LARGE), 5.0)

    assert node.lazy.missing_count == 0


def test_a_closed_connection_is_not_asked() -> None:
    node = node_with(ANN, BEN)
    node.lazy.on_ihave(ANN, ihave(LARGE, SMALL), 0.0)
    node.lazy.on_ihave(BEN, ihave(LARGE), 0.0)

    node.lazy.on_closed(ANN)

    assert [effect for _, effect in ticks(node.lazy, 5.0)] == [Send((BEN,), Graft((LARGE.id,)))]


def test_nothing_is_missing_any_more_once_all_announcers_are_gone() -> None:
    node = node_with(ANN)
    node.lazy.on_ihave(ANN, ihave(LARGE, SMALL), 0.0)
    node.lazy.on_time(limits.GRAFT_AFTER_S)

    node.lazy.on_closed(ANN)

    assert_bounded(node.lazy)
    assert node.lazy.missing_count == 0
    assert node.lazy.next_deadline() is None


def test_what_came_and_was_lost_here_is_asked_of_another_and_counts_as_brought() -> None:
    node = node_with(ANN, BEN)
    for neighbour in (ANN, BEN):
        node.lazy.on_ihave(neighbour, ihave(LARGE), 0.0)
    node.lazy.on_time(limits.GRAFT_AFTER_S)

    node.lazy.on_lost(LARGE.id, ANN)

    later = node.lazy.on_time(limits.GRAFT_AFTER_S + limits.GRAFT_NEXT_S)
    assert later == [Send((BEN,), Graft((LARGE.id,)))]
    assert [held.count for held in node.lazy.holdings() if "under way" in held.what] == [1]


def test_what_repair_brought_is_not_asked_for() -> None:
    node = node_with(ANN)
    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)

    node.lazy.on_taken(LARGE.id, None)

    assert node.lazy.next_deadline() is None


def test_what_is_known_is_not_asked_for() -> None:
    node = node_with(ANN)
    route(node, LARGE, ())

    node.lazy.on_ihave(ANN, ihave(LARGE), 0.0)

    assert node.lazy.next_deadline() is None


def test_repair_waits_for_a_graft_but_not_for_ever() -> None:
    node = node_with(ANN)
    later = envelope(7, LARGE_BYTES)
    patience_s = limits.GRAFT_AFTER_S + limits.GRAFT_NEXT_S
    node.lazy.on_ihave(ANN, ihave(later), 0.0)

    assert node.lazy.is_awaited(author(0), EPOCH, 7, patience_s - 0.01)
    assert not node.lazy.is_awaited(author(0), EPOCH, 7, patience_s)
    assert not node.lazy.is_awaited(author(0), EPOCH, 8, 0.0)
    assert not node.lazy.is_awaited(author(1), EPOCH, 7, 0.0)


# --- Strangers --------------------------------------------------------------------------------


def withhold(lazy: LazyPush, count: int, now: float) -> list[Effect]:
    """Let ANN announce that many and bring none of them; return what that leads to."""
    for number in range(count):
        lazy.on_ihave(ANN, ihave(envelope(number, LARGE_BYTES, author(int(now)))), now)
    return [effect for _, effect in ticks(lazy, now + limits.GRAFT_OVERDUE_S + 1)]


def test_who_keeps_on_announcing_without_delivering_is_dropped() -> None:
    node = node_with(ANN)
    enough = limits.WITHHELD_LIMIT // limits.WITHHELD_WEIGHT

    spared = withhold(node.lazy, enough - 1, 0.0)
    dropped = withhold(node.lazy, 1, 100.0)

    reason = "announces envelopes that it does not deliver"
    assert not any(isinstance(effect, Close) for effect in spared)
    assert dropped[-1] == Close(ANN, Closing.AT_ONCE, reason)
    assert node.lazy.eager == ()


def test_who_brings_most_of_what_it_is_asked_for_is_not_dropped() -> None:
    node = node_with(ANN)
    brought_for_each = limits.WITHHELD_WEIGHT
    effects = []

    for number in range(2 * limits.WITHHELD_LIMIT):
        now = 100.0 * number
        effects += withhold(node.lazy, 1, now)
        for place in range(brought_for_each):
            one = envelope(1_000 + number * brought_for_each + place, LARGE_BYTES)
            node.lazy.on_ihave(ANN, ihave(one), now + 50)
            effects += node.lazy.on_time(now + 50 + limits.GRAFT_AFTER_S)
            route(node, one, (), sender=ANN, now=now + 51)

    assert all(isinstance(effect, Send) for effect in effects)
    assert node.lazy.eager == (ANN,)


def test_who_delivers_late_is_not_dropped() -> None:
    node = node_with(ANN)
    for number in range(1_000):
        one, now = envelope(number, LARGE_BYTES), 60.0 * number
        node.lazy.on_ihave(ANN, ihave(one), now)
        effects = ticks(node.lazy, now + limits.GRAFT_OVERDUE_S - 1)
        route(node, one, (), sender=ANN, now=now + limits.GRAFT_OVERDUE_S - 1)

        assert [effect for _, effect in effects] == [Send((ANN,), Graft((one.id,)))]

    assert node.lazy.eager == (ANN,)


def test_nobody_is_blamed_for_our_own_sleep() -> None:
    node = node_with(ANN)
    for number in range(limits.GRAFTS_UNDER_WAY):
        node.lazy.on_ihave(ANN, ihave(envelope(number, LARGE_BYTES)), 0.0)
    node.lazy.on_time(limits.GRAFT_AFTER_S)

    node.lazy.forgive(3_600.0)

    assert node.lazy.on_time(3_600.0 + limits.GRAFT_AFTER_S) == []


def test_announcements_without_end_take_bounded_memory_and_work() -> None:
    node = node_with(ANN, BEN)
    honest = envelope(1, LARGE_BYTES, author(7))
    node.lazy.on_ihave(BEN, ihave(honest), 0.0)

    for number in range(5_000):
        node.lazy.on_ihave(ANN, ihave(envelope(number, LARGE_BYTES)), 0.0)
    effects = [effect for _, effect in ticks(node.lazy, 100.0)]

    asked = [e for e in effects if isinstance(e, Send) and e.connections == (ANN,)]
    assert Send((BEN,), Graft((honest.id,))) in effects
    assert sum(len(e.frame.ids) for e in asked if isinstance(e.frame, Graft)) <= (
        2 * limits.GRAFTS_UNDER_WAY
    )
    assert any(isinstance(effect, Close) for effect in effects)
    assert node.lazy.missing_count == 0


def test_missing_envelopes_are_bounded_for_each_connection() -> None:
    node = node_with(ANN)

    for number in range(2 * limits.ANNOUNCED_LIMIT_IDS):
        node.lazy.on_ihave(ANN, ihave(envelope(number, LARGE_BYTES)), 0.0)

    assert node.lazy.missing_count == limits.ANNOUNCED_LIMIT_IDS
    assert_bounded(node.lazy)


def test_own_announcements_are_bounded_for_each_connection() -> None:
    node = node_with(ANN, lazy=(ANN,))
    many = [envelope(number, LARGE_BYTES) for number in range(limits.OFFERS_LIMIT_IDS + 1)]
    for one in many:
        route(node, one, (ANN,))

    forgotten = node.lazy.on_graft(ANN, Graft((many[0].id,)), 0.0)
    kept = node.lazy.on_graft(ANN, Graft((many[1].id,)), 0.0)

    assert_bounded(node.lazy)
    assert forgotten == []
    assert kept == [Send((ANN,), many[1].carried(0))]


def test_frames_of_an_unknown_connection_do_nothing() -> None:
    node = node_with()
    lazy = node.lazy

    lazy.on_ihave(ANN, ihave(LARGE), 0.0)
    lazy.on_prune(ANN)
    lazy.on_queue(ANN, is_high=True)
    lazy.on_closed(ANN)

    assert lazy.on_graft(ANN, Graft((LARGE.id,)), 0.0) == []
    assert lazy.on_copy(ANN, LARGE.id, LARGE_BYTES, 0.0) == []
    assert lazy.next_deadline() is None

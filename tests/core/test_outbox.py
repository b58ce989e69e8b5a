"""The outbox loses nothing, keeps the order, asks rarely and never holds more than its bounds."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import outbox as outbox_module
from p2pchat.core.outbox import (
    OUTBOX_LIFE_S,
    OUTBOX_PER_RECIPIENT,
    OUTBOX_SETTLE_S,
    OUTBOX_SPREAD,
    OUTBOX_WAITS_S,
    REQUESTS_PER_MINUTE,
    DirectId,
    Forget,
    GivenUp,
    Keep,
    Outbox,
    OutboxFull,
    Waiting,
)
from p2pchat.core.values import PeerId
from tests.core.book_support import WALL_MS, peer_id
from tests.effort import EFFORT

FRANK, GINA = peer_id("frank"), peer_id("gina")
LIFE_MS = int(OUTBOX_LIFE_S * 1000)


class Middle(random.Random):
    """Draws the middle of each range, so that waits are what the table says."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def a_message(
    number: int, recipient: PeerId = FRANK, *, created_ms: int = WALL_MS, text: str = "hi"
) -> Waiting:
    message_id = DirectId(number.to_bytes(16, "big"))
    return Waiting(recipient, message_id, WALL_MS, 1, text, created_ms)


def numbers(messages: tuple[Waiting, ...]) -> list[int]:
    return [int.from_bytes(each.message_id, "big") for each in messages]


def an_outbox(*messages: Waiting, now: float = 0.0) -> Outbox:
    outbox = Outbox(Middle())
    for waiting in messages:
        outbox.add(waiting, now)
    return outbox


def times_of_attempts(outbox: Outbox, until: float) -> list[tuple[float, list[int]]]:
    """Follow the deadlines up to a time."""
    found = []
    while (at := outbox.next_deadline()) is not None and at <= until:
        found.append((at, numbers(outbox.due(at))))
    return found


def test_a_message_is_written_down_when_it_begins_to_wait_and_once() -> None:
    outbox = Outbox(Middle())

    first = outbox.add(a_message(1), 0.0)
    second = outbox.add(a_message(1), 0.0)

    assert first == (Keep(a_message(1)),)
    assert second == ()
    assert outbox.count == 1


def test_an_empty_outbox_wants_nothing() -> None:
    outbox = Outbox(Middle())
    outbox.on_seen(FRANK, 1.0)

    assert outbox.next_deadline() is None
    assert outbox.due(1e9) == ()
    assert outbox.of(FRANK) == ()
    assert outbox.on_receipt(DirectId(bytes(16)), 1.0) == ()
    assert outbox.expire(WALL_MS * 2) == ()


def test_somebody_absent_is_asked_for_ever_more_rarely() -> None:
    outbox = an_outbox(a_message(1), a_message(2))

    attempts = times_of_attempts(outbox, 7000.0)

    assert [at / 60 for at, _ in attempts] == [1, 6, 21, 51, 81, 111]
    assert all(sent == [1, 2] for _, sent in attempts)


def test_asking_before_the_deadline_changes_nothing() -> None:
    outbox = an_outbox(a_message(1))

    assert outbox.due(59.0) == ()
    assert outbox.next_deadline() == 60.0


def test_who_is_heard_is_tried_at_once() -> None:
    outbox = an_outbox(a_message(1), a_message(2, GINA))

    outbox.on_seen(FRANK, 5.0)

    assert outbox.next_deadline() == 5.0
    assert numbers(outbox.due(5.0)) == [1]


def test_who_is_heard_need_not_wait_for_requests_for_others() -> None:
    outbox = an_outbox(*(a_message(n, peer_id(n)) for n in range(REQUESTS_PER_MINUTE + 2)))
    asked = numbers(outbox.due(60.0))
    held = sorted(set(range(REQUESTS_PER_MINUTE + 2)) - set(asked))

    outbox.on_seen(peer_id(held[0]), 61.0)

    assert numbers(outbox.due(61.0)) == held[:1]
    assert outbox.due(119.9) == ()
    assert numbers(outbox.due(120.0)) == held[1:]


def test_who_is_heard_while_an_attempt_is_under_way_is_not_tried_twice() -> None:
    outbox = an_outbox(a_message(1))
    outbox.due(60.0)
    for tenth in range(1, 100):
        outbox.on_seen(FRANK, 60.0 + tenth / 10)

    assert outbox.due(60.0 + OUTBOX_SETTLE_S - 0.1) == ()
    assert numbers(outbox.due(60.0 + OUTBOX_SETTLE_S)) == [1]


def test_who_is_heard_all_the_time_but_gives_no_receipt_is_tried_ever_more_rarely() -> None:
    outbox = an_outbox(a_message(1))
    attempts = []
    for second in range(2 * 3600):
        outbox.on_seen(FRANK, float(second))
        if outbox.due(float(second)):
            attempts.append(second)

    assert attempts[0] == 0
    assert len(attempts) <= 12
    assert all(later - earlier >= 60 for earlier, later in itertools.pairwise(attempts))


def test_a_receipt_lets_go_of_one_message_and_hurries_the_others() -> None:
    outbox = an_outbox(a_message(1), a_message(2))
    for at in (60.0, 360.0, 1260.0):
        outbox.due(at)

    effects = outbox.on_receipt(a_message(1).message_id, 1261.0)

    assert effects == (Forget(a_message(1).message_id),)
    assert numbers(outbox.of(FRANK)) == [2]
    assert outbox.next_deadline() == 1261.0 + OUTBOX_SETTLE_S
    assert outbox.on_receipt(a_message(1).message_id, 1262.0) == ()


def test_the_last_receipt_leaves_nothing_behind() -> None:
    outbox = an_outbox(a_message(1))

    outbox.on_receipt(a_message(1).message_id, 1.0)

    assert outbox.next_deadline() is None
    assert [holding.count for holding in outbox.holdings()] == [0, 0]


def test_no_minute_has_more_than_ten_requests_and_everybody_gets_his_turn() -> None:
    people = 35
    outbox = an_outbox(*(a_message(n, peer_id(n)) for n in range(people)))

    attempts = times_of_attempts(outbox, 270.0)

    times = [at for at, sent in attempts for _ in sent]
    asked = [number for _, sent in attempts for number in sent]
    assert sorted(asked) == list(range(people))
    assert all(
        later - earlier >= 60.0
        for earlier, later in zip(times, times[REQUESTS_PER_MINUTE:], strict=False)
    )


def test_the_order_of_a_person_survives_a_clock_that_goes_back() -> None:
    outbox = Outbox(Middle())
    kept: list[object] = []
    for number, created_ms in enumerate((WALL_MS, WALL_MS, WALL_MS - 5000)):
        kept += outbox.add(a_message(9 - number, created_ms=created_ms), 0.0)
    restored = Outbox(Middle())
    restored.restore([effect.waiting for effect in kept if isinstance(effect, Keep)][::-1], 0.0)

    assert numbers(outbox.of(FRANK)) == [9, 8, 7]
    assert restored.of(FRANK) == outbox.of(FRANK)


def test_what_an_earlier_run_left_is_tried_anew() -> None:
    outbox = Outbox(Middle())

    outbox.restore([a_message(2, created_ms=WALL_MS + 1), a_message(1), a_message(1)], 500.0)

    assert outbox.count == 2
    assert outbox.next_deadline() == 560.0
    assert numbers(outbox.due(560.0)) == [1, 2]


def test_what_waits_too_long_is_given_up_aloud_before_it_is_forgotten() -> None:
    old, young = a_message(1), a_message(2, GINA, created_ms=WALL_MS + 1)
    outbox = an_outbox(old, young)

    early = outbox.expire(WALL_MS + LIFE_MS - 1)
    effects = outbox.expire(WALL_MS + LIFE_MS)

    assert early == ()
    assert effects == (GivenUp(old), Forget(old.message_id))
    assert outbox.count == 1
    assert outbox.of(GINA) == (young,)


def test_a_clock_that_goes_back_gives_nothing_up() -> None:
    outbox = an_outbox(a_message(1))

    assert outbox.expire(0) == ()


def test_one_message_too_many_for_a_person_is_refused_aloud() -> None:
    outbox = an_outbox(*(a_message(n) for n in range(OUTBOX_PER_RECIPIENT)))

    with pytest.raises(OutboxFull, match=r"100 messages for that person are waiting\. Nothing"):
        outbox.add(a_message(1000), 0.0)

    assert DirectId(a_message(1000).message_id) not in outbox
    assert outbox.count == OUTBOX_PER_RECIPIENT
    assert outbox.add(a_message(1000, GINA), 0.0)


def test_one_message_too_many_in_all_is_refused_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "OUTBOX_LIMIT", 3)
    outbox = an_outbox(*(a_message(n, peer_id(n)) for n in range(3)))

    with pytest.raises(OutboxFull, match="3 messages are waiting"):
        outbox.add(a_message(4, peer_id(4)), 0.0)


def test_one_byte_too_many_in_all_is_refused_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "OUTBOX_LIMIT_BYTES", 10)
    outbox = an_outbox(a_message(1, text="é" * 4))

    with pytest.raises(OutboxFull, match="10 bytes are waiting"):
        outbox.add(a_message(2, text="abc"), 0.0)

    assert outbox.add(a_message(2, text="ab"), 0.0)


def test_no_text_is_in_what_gets_logged() -> None:
    waiting = a_message(1, text="the secret")

    assert "secret" not in repr((Keep(waiting), GivenUp(waiting), waiting))


@settings(max_examples=EFFORT.property_examples)
@given(seed=st.integers(0, 2**32), hours=st.integers(1, 24))
def test_each_wait_is_spread_within_its_bounds(seed: int, hours: int) -> None:
    outbox = Outbox(random.Random(seed))
    outbox.add(a_message(1), 0.0)

    times = [0.0] + [at for at, _ in times_of_attempts(outbox, hours * 3600.0)]

    for number, (earlier, later) in enumerate(itertools.pairwise(times)):
        wait_s = OUTBOX_WAITS_S[min(number, len(OUTBOX_WAITS_S) - 1)]
        assert abs(later - earlier - wait_s) <= wait_s * OUTBOX_SPREAD + 1e-6


def step(outbox: Outbox, what: str, number: int, who: PeerId, now: float) -> list[object]:
    """Do one thing to an outbox; returns the effects, or what is to be sent."""
    wall_ms = WALL_MS + int(now * 1000)
    match what:
        case "add":
            return list(outbox.add(a_message(number, who, created_ms=wall_ms), now))
        case "receipt":
            ids = [each.message_id for each in outbox.of(who)]
            return list(outbox.on_receipt(ids[0] if ids else DirectId(bytes(16)), now))
        case "expire":
            return list(outbox.expire(wall_ms + LIFE_MS - 3600 * 1000))
        case "seen":
            outbox.on_seen(who, now)
            return []
        case _:
            return list(outbox.due(now))


STEPS = st.tuples(
    st.sampled_from(("add", "seen", "receipt", "due", "expire")),
    st.integers(0, 14),
    st.floats(0, 200),
)


def write_down(disk: dict[DirectId, Waiting], effects: list[object]) -> None:
    for effect in effects:
        match effect:
            case Keep(waiting):
                disk[waiting.message_id] = waiting
            case Forget(message_id):
                del disk[message_id]
            case _:
                pass


@settings(max_examples=EFFORT.property_examples)
@given(seed=st.integers(0, 2**32), steps=st.lists(STEPS, max_size=120))
def test_whatever_happens_what_is_on_the_disk_is_what_waits(
    seed: int, steps: list[tuple[str, int, float]]
) -> None:
    outbox, now = Outbox(random.Random(seed)), 0.0
    disk: dict[DirectId, Waiting] = {}
    people = [peer_id(n) for n in range(15)]

    for number, (what, who, later_s) in enumerate(steps):
        now += later_s
        found = step(outbox, what, number, people[who], now)
        if what == "due":
            assert set(found) <= set(disk.values())
        else:
            write_down(disk, found)

        waiting = [outbox.of(person) for person in people]
        assert {each.message_id: each for those in waiting for each in those} == disk
        assert outbox.count == len(disk)
        assert (outbox.next_deadline() is None) == (not disk)
        for those in waiting:
            created = [each.created_ms for each in those]
            assert created == sorted(set(created))
        assert all(holding.count <= holding.limit for holding in outbox.holdings())


@settings(max_examples=EFFORT.property_examples)
@given(seed=st.integers(0, 2**32), steps=st.lists(STEPS, max_size=120))
def test_whatever_happens_no_minute_has_more_than_ten_requests(
    seed: int, steps: list[tuple[str, int, float]]
) -> None:
    people = [peer_id(n) for n in range(15)]
    outbox = an_outbox(*(a_message(1000 + n, person) for n, person in enumerate(people)))
    outbox._random = random.Random(seed)
    now, asked = 0.0, []

    for number, (what, who, later_s) in enumerate(steps):
        now += later_s
        unheard = {person for person, turn in outbox._turns.items() if not turn.is_seen}
        found = step(outbox, what, number, people[who], now)
        tried = {each.recipient for each in found if isinstance(each, Waiting)}
        asked += [now] * len(tried & unheard)

    apart = zip(asked, asked[REQUESTS_PER_MINUTE:], strict=False)
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in apart)

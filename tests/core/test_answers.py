from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.answers import Answers
from p2pchat.core.entries import entry_of, unpacked
from p2pchat.core.events import Effect, Send
from p2pchat.core.frames import Answered, Ask, Entry, Filled, Frame, Gone, Page, PageAsk
from p2pchat.core.message_store import MessageStore, Stored
from p2pchat.core.received import Received
from p2pchat.core.series import Series, series_of
from p2pchat.core.strikes import Strikes
from p2pchat.core.values import ConnectionId
from p2pchat.wire.codec import encode
from tests.core.repair_network import envelope, epoch, peer

ANN = ConnectionId(1)


def series(name: str) -> Series:
    return series_of(peer(name), epoch(name))


class World:
    def __init__(self) -> None:
        self.store, self.received, self.strikes = MessageStore(), Received(), Strikes()
        self.answers = Answers(self.store, self.received, self.strikes)
        self.strikes.on_open(ANN)
        self.answers.on_open(ANN)

    def keep(self, name: str, first: int, time_ms: int = 0, size_bytes: int = 0) -> Stored:
        made = envelope(name, first, time_ms=time_ms, body=bytes(size_bytes))
        stored = Stored.of(made, hops=3)
        self.store.add(series(name), stored)
        self.received.take(series(name), first, first + 1, 0.0)
        return stored

    def ask(self, *entries: Entry, envelopes: int = 64, size_bytes: int = 65_536) -> list[Frame]:
        asked = Ask(7, envelopes, size_bytes, entries)
        return frames(self.answers.on_request(ANN, asked, 0.0))


def frames(effects: list[Effect]) -> list[Frame]:
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert len(sends) == len(effects)
    assert all(send.connections == (ANN,) for send in sends)
    return [send.frame for send in sends]


def filled(answer: list[Frame]) -> list[bytes]:
    return [frame.id for frame in answer if isinstance(frame, Filled)]


def test_what_is_asked_for_comes_in_the_order_of_time_and_then_the_end() -> None:
    world = World()
    late = world.keep("bob", 1, time_ms=2_000)
    early = world.keep("bob", 0, time_ms=1_000)
    between = world.keep("carol", 4, time_ms=1_500)

    answer = world.ask(entry_of(series("bob"), [(0, 9)]), entry_of(series("carol"), [(4, 5)]))

    assert filled(answer) == [early.id, between.id, late.id]
    assert answer[-1] == Answered(7, True)
    assert isinstance(answer[0], Filled)
    assert answer[0].hops == 3


def test_an_answer_keeps_to_the_number_of_envelopes_asked_for() -> None:
    world = World()
    for number in range(10):
        world.keep("bob", number)

    answer = world.ask(entry_of(series("bob"), [(0, 10)]), envelopes=4)

    assert len(filled(answer)) == 4
    assert answer[-1] == Answered(7, False)


def test_an_answer_keeps_to_the_bytes_asked_for_but_holds_one_envelope() -> None:
    world = World()
    for number in range(4):
        world.keep("bob", number, size_bytes=1_000)

    few = world.ask(entry_of(series("bob"), [(0, 4)]), size_bytes=2_500)
    one = world.ask(entry_of(series("bob"), [(0, 4)]), size_bytes=1)

    assert len(filled(few)) == 2
    assert len(filled(one)) == 1


def test_a_span_up_to_two_to_the_fifty_three_costs_no_more_than_its_envelopes() -> None:
    world = World()
    world.keep("bob", 5)

    answer = world.ask(entry_of(series("bob"), [(0, 2**53)]))

    assert len(filled(answer)) == 1


def test_while_its_queue_is_high_nothing_is_answered_and_then_all() -> None:
    world = World()
    world.keep("bob", 0)
    world.answers.on_queue(ANN, 0.0, is_high=True)

    assert world.ask(entry_of(series("bob"), [(0, 1)])) == []
    answer = frames(world.answers.on_queue(ANN, 1.0, is_high=False))

    assert len(filled(answer)) == 1


def test_what_waits_is_bounded() -> None:
    world = World()
    world.answers.on_queue(ANN, 0.0, is_high=True)

    for _ in range(100):
        world.ask(entry_of(series("bob"), [(0, 1)]))

    assert len(frames(world.answers.on_queue(ANN, 0.0, is_high=False))) == 4
    assert world.strikes.has_any_out


def test_what_was_here_once_is_said_to_be_gone() -> None:
    world = World()
    for number in range(6):
        world.received.take(series("bob"), number, number + 1, 0.0)
    kept = world.keep("bob", 6)

    answer = world.ask(entry_of(series("bob"), [(2, 9)]))

    assert Gone(peer("bob"), epoch("bob"), 6) in answer
    assert filled(answer) == [kept.id]


def test_what_never_was_here_is_not_called_gone() -> None:
    world = World()
    world.keep("bob", 6)

    answer = world.ask(entry_of(series("bob"), [(2, 5)]), entry_of(series("carol"), [(0, 5)]))

    assert answer == [Answered(7, True)]


def test_asking_for_everything_again_and_again_gets_the_store_once() -> None:
    world = World()
    for number in range(60):
        world.keep("bob", number, size_bytes=30_000)
    sent_bytes = requests = 0
    now = 0.0
    while now < 60.0:
        for _ in range(20):  # faster than anybody may
            requests += 1
            asked = Ask(1, 64, 65_536, (entry_of(series("bob"), [(0, 60)]),))
            answer = frames(world.answers.on_request(ANN, asked, now))
            sent_bytes += sum(len(f.signed) for f in answer if isinstance(f, Filled))
        now += 0.1

    most_bytes = limits.ANSWER_BYTES_BURST + 60 * limits.ANSWER_BYTES_PER_S
    assert 0.9 * most_bytes < sent_bytes <= most_bytes + 65_536
    assert list(world.strikes.take_out()) == [ANN]


def test_a_page_names_what_is_stored_of_a_minute() -> None:
    world = World()
    world.keep("bob", 0, time_ms=60_000)
    world.keep("bob", 1, time_ms=60_001)
    world.keep("carol", 5, time_ms=60_002)
    world.keep("dave", 0, time_ms=120_000)

    (page,) = frames(world.answers.on_request(ANN, PageAsk(1, b""), 0.0))

    assert isinstance(page, Page)
    assert dict(unpacked(page.entries)) == {series("bob"): (0, 2), series("carol"): (5, 6)}
    assert page.is_last


def test_pages_follow_one_another_to_the_end_and_stay_small() -> None:
    world = World()
    names = [f"author {n}" for n in range(150)]
    for name in names:
        for first in range(0, 20, 2):  # ten spans each
            world.keep(name, first)
    found: list[Series] = []
    after, pages = b"", 0
    while True:
        (page,) = frames(world.answers.on_request(ANN, PageAsk(0, after), 0.0))
        assert isinstance(page, Page)
        assert len(encode(page)) <= limits.BULK_FRAME_BYTES + 200
        pages += 1
        found += [one for one, _ in unpacked(page.entries)]
        if page.is_last:
            break
        after = page.entries[-1].author + page.entries[-1].epoch

    assert list(dict.fromkeys(found)) == sorted(series(name) for name in names)
    assert pages > 2


def test_an_empty_minute_has_one_empty_page() -> None:
    world = World()

    (page,) = frames(world.answers.on_request(ANN, PageAsk(2**53, b"x" * 40), 0.0))

    assert page == Page(2**53, b"x" * 40, (), True)


def test_requests_beyond_the_allowance_are_dropped() -> None:
    world = World()

    answered = [bool(world.answers.on_request(ANN, PageAsk(0, b""), 0.0)) for _ in range(500)]

    assert answered.count(True) == limits.REQUESTS_BURST // 2
    assert world.strikes.has_any_out


def test_who_is_not_open_gets_nothing() -> None:
    world = World()
    world.answers.on_closed(ANN)

    assert world.answers.on_request(ANN, PageAsk(0, b""), 0.0) == []
    assert world.answers.on_queue(ANN, 0.0, is_high=False) == []

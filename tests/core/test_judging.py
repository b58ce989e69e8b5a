from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.envelopes import Envelope
from p2pchat.core.judging import Judge
from p2pchat.core.message_store import MessageStore, Stored
from p2pchat.core.received import Received, Verdict
from p2pchat.core.refusals import Refusals, TooFast
from p2pchat.core.series import series_of
from tests.core.repair_network import envelope, peer

BODY = b"another one"


class Court:
    def __init__(self, *, is_metered: bool = True) -> None:
        self.received, self.store = Received(is_metered=is_metered), MessageStore()
        self.refusals = Refusals()
        self.judge = Judge(self.received, self.store, self.refusals, is_metered=is_metered)

    def say(self, made: Envelope, now: float = 0.0, *, is_live: bool = True) -> Verdict:
        series = series_of(made.author, made.epoch)
        span = (made.numbers.start, made.numbers.stop)
        verdict = self.judge.judge(made, series, span, now, is_live=is_live)
        if verdict is Verdict.NEW:
            self.received.take(series, *span, now)
            self.store.add(series, Stored.of(made, 1))
        return verdict

    def is_wanted(self, made: Envelope) -> bool:
        series = series_of(made.author, made.epoch)
        return bool(self.received.lacking(series, made.numbers.start, made.numbers.stop))


def test_the_first_of_two_for_one_number_wins_and_their_author_is_muted() -> None:
    court = Court()
    first, second = envelope("bob", 0, 2), envelope("bob", 1, 2, body=BODY)

    verdicts = [court.say(first), court.say(second)]

    assert verdicts == [Verdict.NEW, Verdict.CONFLICT]
    assert not court.is_wanted(second)
    assert court.say(envelope("bob", 9)) is Verdict.MUTED
    assert court.say(envelope("carol", 0)) is Verdict.NEW


def test_a_muted_author_is_heard_again_afterwards() -> None:
    court = Court()
    court.say(envelope("bob", 0))
    court.say(envelope("bob", 0, body=BODY))

    assert court.say(envelope("bob", 1), now=limits.CONFLICT_MUTE_S) is Verdict.NEW


def test_the_same_envelope_again_is_a_copy_and_no_offence() -> None:
    court = Court()
    court.say(envelope("bob", 0))

    assert court.say(envelope("bob", 0)) is Verdict.COPY
    assert court.say(envelope("bob", 1)) is Verdict.NEW


def test_what_is_no_longer_kept_can_t_convict_anybody() -> None:
    court = Court()
    court.say(envelope("bob", 0))
    court.store.forget_before(2**53)

    assert court.say(envelope("bob", 0, body=BODY)) is Verdict.COPY
    assert court.say(envelope("bob", 1)) is Verdict.NEW


def test_repair_takes_no_more_of_an_author_and_minute_than_live_traffic_brings() -> None:
    court = Court()
    most = limits.AUTHOR_MINUTE_ENVELOPES

    verdicts = [court.say(envelope("bob", n), is_live=False) for n in range(most + 2)]

    assert verdicts == [Verdict.NEW] * most + [Verdict.TOO_FAST] * 2
    assert not court.is_wanted(envelope("bob", most))
    assert court.refusals.on_time(100.0) == [TooFast(peer("bob"), 2)]
    assert court.say(envelope("carol", 0), is_live=False) is Verdict.NEW


def test_in_a_private_room_it_takes_everything() -> None:
    court = Court(is_metered=False)

    for number in range(limits.AUTHOR_MINUTE_ENVELOPES + 50):
        assert court.say(envelope("bob", number), is_live=False) is Verdict.NEW

"""Neighbours that lie cost little, harm nobody, and are put out when they keep on."""

from __future__ import annotations

from p2pchat.core import limits
from p2pchat.core.events import Effect, Event, FrameReceived, Send
from p2pchat.core.frames import (
    Announced,
    Answered,
    Ask,
    Carry,
    Entry,
    Filled,
    Frame,
    IHave,
    Offer,
    Span,
)
from tests.sim.liars import Circle, silent_about
from tests.sim.support import are_neighbours, craft

_EVERYTHING = (Span(0, 2**53),)


def test_who_claims_all_numbers_there_are_and_delivers_none_is_put_out() -> None:
    circle = Circle()
    circle.lie(lambda event, effects, now: silent_about(effects, Filled, Answered))
    claim = Offer((Entry(circle.bob.peer, circle.bob.epoch, _EVERYTHING),))
    circle.network.announce(circle.bob, "before")

    circle.keep_saying(lambda _: claim, 0.5, 600.0)
    lasted_s = circle.network.now - 10.0
    frames = circle.alice.sent_frames - circle.began_frames
    circle.talk(3)

    circle.assert_mallory_is_out("it does not answer")
    assert lasted_s <= 400.0
    assert frames <= 8 * lasted_s, "bounded work: the ones it sends are two a second"
    assert circle.alice.texts == ["before", "bob 0", "bob 1", "bob 2"]


def test_who_asks_for_everything_again_and_again_is_put_out() -> None:
    circle = Circle()
    circle.lie(lambda event, effects, now: effects, deaf_to=(Filled, Answered))
    circle.talk(20)
    everything = (Entry(circle.bob.peer, circle.bob.epoch, _EVERYTHING),)
    stored_bytes = sum(len(p.envelope.signed) + 200 for p in circle.bob.published)
    circle.began_bytes = circle.alice.sent_bytes

    circle.keep_saying(
        lambda n: Ask(n, limits.ASK_ENVELOPES, limits.ASK_BYTES, everything), 0.005, 600.0
    )
    lasted_s = circle.network.now - 30.0
    given_bytes = circle.alice.sent_bytes - circle.began_bytes

    circle.assert_mallory_is_out("it asks too often")
    assert lasted_s <= 60.0
    answers = limits.REQUESTS_BURST + limits.REQUESTS_PER_S * lasted_s
    assert given_bytes <= min(stored_bytes * answers, limits.ANSWER_BYTES_BURST)


def test_who_announces_ids_that_it_never_delivers_is_put_out() -> None:
    circle = Circle()

    def announcement(number: int) -> Frame:
        names = ((number << 16 | index).to_bytes(16, "big") for index in range(limits.LIST_LIMIT))
        return IHave(
            tuple(
                Announced(name, circle.bob.peer, bytes(circle.bob.epoch), 10_000 + number, 1)
                for name in names
            )
        )

    circle.keep_saying(announcement, 0.5, 600.0)
    lasted_s = circle.network.now - 10.0
    circle.talk(3)

    circle.assert_mallory_is_out("announces envelopes that it does not deliver")
    assert lasted_s <= 120.0
    assert circle.alice.texts == ["bob 0", "bob 1", "bob 2"]


def test_who_answers_with_other_envelopes_than_asked_for_is_put_out() -> None:
    circle = Circle()

    def lie(event: Event, effects: list[Effect], now: float) -> list[Effect]:
        if not (isinstance(event, FrameReceived) and isinstance(event.frame, Ask)):
            return effects
        other = craft(circle.mallory, number=int(now * 1000), now=now)
        filled = Filled(0, other.id, other.signature, other.signed)
        answered = Answered(event.frame.token, True)
        return [Send((event.connection,), filled), Send((event.connection,), answered)]

    circle.lie(lie)
    circle.talk(3)
    first = iter(range(10**6))

    def claim(_: int) -> Frame:
        spans = (Span(1_000 + 2 * next(first), 1),)
        return Offer((Entry(circle.bob.peer, circle.bob.epoch, spans),))

    circle.keep_saying(claim, 0.5, 600.0)
    lasted_s = circle.network.now - 13.0

    circle.assert_mallory_is_out("it sends what nobody asked for")
    assert lasted_s <= 120.0
    assert circle.alice.texts == ["bob 0", "bob 1", "bob 2"], "none of its answers is shown"


def test_what_one_neighbour_withholds_is_got_from_another() -> None:
    circle = Circle()
    network, alice = circle.network, circle.alice
    network.connect(circle.bob, circle.mallory)
    network.run(10.0)

    def is_withheld(effect: Effect) -> bool:
        if not (isinstance(effect, Send) and isinstance(effect.frame, Carry | Filled)):
            return False
        return b"secret" in effect.frame.signed

    circle.lie(lambda event, effects, now: [e for e in effects if not is_withheld(e)])
    for other in (circle.bob, circle.carol):
        network.cut(other, alice)
    for text in ("one", "secret two", "three", "secret four", "five"):
        network.announce(circle.bob, text)
        network.run(1.0)
    network.run(5.0)
    from_mallory = [*alice.texts]
    network.run(60.0)
    network.connect(circle.carol, alice)
    network.run(10.0)

    assert "one" in from_mallory
    assert not any("secret" in text for text in from_mallory)
    assert sorted(alice.texts) == sorted(["one", "secret two", "three", "secret four", "five"])
    assert are_neighbours(alice, circle.mallory), "one gap is no proof of ill will"


def test_an_honest_neighbour_is_never_put_out_for_what_it_passed_on() -> None:
    circle = Circle()
    claim = Offer((Entry(circle.bob.peer, circle.bob.epoch, _EVERYTHING),))

    circle.keep_saying(lambda _: claim, 0.5, 300.0)
    network = circle.network
    network.run(60.0)

    for one, other in ((circle.alice, circle.bob), (circle.carol, circle.bob)):
        assert are_neighbours(one, other)

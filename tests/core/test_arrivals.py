"""What is done with an envelope on arrival, in which order, and who pays for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.events import Deliver, Effect, Tell
from p2pchat.core.frames import Answered, Ask, Carry, Filled
from p2pchat.core.notices import Remark
from p2pchat.core.values import ConnectionId
from tests.core.support import OneCore, closed, of, sent
from tests.sim.support import Stranger, craft

DAVE = Stranger("dave")


class Scene:
    """Alice with two neighbours; others speak through them."""

    def __init__(self) -> None:
        self.subject = OneCore()
        self.bob, _ = self.subject.open("bob")
        self.carol, _ = self.subject.open("carol")

    def said(self, number: int, *, author: Stranger = DAVE, age_s: float = 0.0) -> Carry:
        return craft(author, (f"{number}",), number=number, age_s=age_s, now=self.subject.now)

    def bring(
        self, frame: Carry | Filled | Answered, by: ConnectionId | None = None
    ) -> list[Effect]:
        return self.subject.frame(self.bob if by is None else by, frame)

    def flood(self, count: int) -> list[str]:
        """Let Dave say so many things at once; return what is shown of them."""
        return [t for n in range(count) for t in texts(self.bring(self.said(n)))]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def texts(effects: list[Effect]) -> list[str]:
    return [text for delivery in of(effects, Deliver) for text in delivery.texts]


def forged(frame: Carry) -> Carry:
    return replace(frame, signature=bytes(64))


def told(effects: list[Effect]) -> list[str]:
    notices = [tell.notice for tell in of(effects, Tell)]
    return [notice.text for notice in notices if isinstance(notice, Remark)]


def test_what_is_above_its_author_s_rate_is_neither_shown_nor_passed_on(scene: Scene) -> None:
    shown = scene.flood(limits.AUTHOR_ENVELOPES)

    above = scene.bring(scene.said(limits.AUTHOR_ENVELOPES))

    assert len(shown) == limits.AUTHOR_ENVELOPES
    assert texts(above) == []
    assert sent(above, scene.carol) == []


@pytest.mark.threat(30)
def test_a_forgery_above_the_rate_is_a_fault_and_costs_its_author_nothing(scene: Scene) -> None:
    scene.flood(limits.AUTHOR_ENVELOPES)

    faults = []
    for number in range(5):
        forger, _ = scene.subject.open(f"forger {number}", ip=f"198.51.100.{number}")
        faults.append(scene.bring(forged(scene.said(100 + number)), by=forger))
    scene.subject.wait(1.0)
    later = scene.bring(scene.said(limits.AUTHOR_ENVELOPES))

    assert all(closed(effects) for effects in faults)
    assert texts(later) == [f"{limits.AUTHOR_ENVELOPES}"]


def test_the_copies_of_what_was_refused_are_not_verified_again(scene: Scene) -> None:
    scene.flood(limits.AUTHOR_ENVELOPES)
    above = scene.said(limits.AUTHOR_ENVELOPES)
    scene.bring(above)

    copy = scene.bring(forged(above), by=scene.carol)

    assert closed(copy) == []


def test_what_a_full_connection_brings_is_not_looked_at_and_may_come_by_another(
    scene: Scene,
) -> None:
    for number in range(limits.CONNECTION_ENVELOPES):
        scene.bring(scene.said(0, author=Stranger(f"{number}"), age_s=limits.AGE_PAST_S + 60))
    frame = scene.said(0)

    lost = scene.bring(forged(frame))
    found = scene.bring(frame, by=scene.carol)

    assert lost == []
    assert texts(found) == ["0"]


def test_what_was_lost_is_told_with_the_name_of_who_brought_it(scene: Scene) -> None:
    for number in range(limits.CONNECTION_ENVELOPES + 5):
        scene.bring(scene.said(0, author=Stranger(f"{number}"), age_s=limits.AGE_PAST_S + 60))

    lines = told(scene.subject.wait(limits.TOO_FAST_TOLD_EVERY_S + 0.1))

    assert lines == ["5 envelopes that bob passed on not looked at: too many"]


def test_who_is_loud_is_told_of_once_and_heard_after_a_minute(scene: Scene) -> None:
    scene.flood(limits.AUTHOR_ENVELOPES + limits.OVER_LIMIT_ENVELOPES)

    lines = told(scene.subject.wait(limits.TOO_FAST_MUTE_S - 1.0))
    erin, _ = scene.subject.open("erin")  # the others did not answer for a minute
    too_early = texts(scene.bring(scene.said(1_000), by=erin))
    scene.subject.wait(1.1)
    in_time = texts(scene.bring(scene.said(1_001), by=erin))

    nick = lines[0].split()[3]
    assert lines == [
        f"100 messages of {nick} not taken: too fast; {nick} is not heard for a minute"
    ]
    assert too_early == []
    assert in_time == ["1001"]


def test_what_was_held_up_is_asked_for_and_costs_nobody_s_rate(scene: Scene) -> None:
    late = [scene.said(number, age_s=15.0 - number / 4) for number in range(60)]
    shown = [text for frame in late for text in texts(scene.bring(frame))]

    asked = [f for f in sent(scene.subject.wait(0.5), scene.bob) if isinstance(f, Ask)]
    for frame in late[len(shown) :]:
        filled = Filled(frame.hops, frame.id, frame.signature, frame.signed)
        shown += texts(scene.bring(filled))
    scene.bring(Answered(asked[0].token, True))
    scene.subject.wait(1.0)
    live = scene.bring(scene.said(60), by=scene.carol)

    assert len(asked) == 1
    assert shown == [f"{number}" for number in range(60)]
    assert texts(live) == ["60"]
    assert told(scene.subject.wait(30.0)) == []


def test_what_the_rate_refused_is_not_asked_for_by_its_number(scene: Scene) -> None:
    scene.flood(limits.AUTHOR_ENVELOPES + 3)
    scene.subject.wait(5.0)

    scene.bring(scene.said(limits.AUTHOR_ENVELOPES + 3))
    effects = scene.subject.wait(10.0)

    assert not [frame for frame in sent(effects, scene.bob) if isinstance(frame, Ask)]
    assert told(effects)[0].startswith("3 messages of")

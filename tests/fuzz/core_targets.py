"""Frames and time into one core: each family of frames by itself, then everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from p2pchat.core.direct_frames import DirectFrame
from p2pchat.core.frames import (
    Acks,
    Answered,
    Ask,
    Carry,
    Digests,
    Filled,
    Frame,
    Gone,
    Goodbye,
    GoodbyeSeen,
    Graft,
    Hello,
    IHave,
    Offer,
    Page,
    PageAsk,
    Ping,
    Pong,
    Proof,
    Prune,
    Refusal,
    Skipped,
    Welcome,
)
from p2pchat.core.joining import JoiningFrame
from p2pchat.core.notices import Direction
from p2pchat.core.survey import SurveyFrame
from p2pchat.wire.codec import encode
from tests.fuzz import frames as made
from tests.fuzz.steps import STEPS_LIMIT, Script, Step, play
from tests.fuzz.target import Reader, Target
from tests.fuzz.world import HOSTS, PEERS, World

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

OPENING: Final = frozenset(
    {Hello, Proof, Welcome, Refusal, Ping, Pong, Goodbye, GoodbyeSeen, Skipped, Carry}
)
FLOODING: Final = frozenset({Carry, IHave, Graft, Prune, Acks, Skipped})
REPAIR: Final = frozenset({Digests, PageAsk, Page, Offer, Ask, Filled, Answered, Gone, Carry})
JOINING: Final = frozenset(get_args(JoiningFrame))
SURVEY: Final = frozenset({*get_args(SurveyFrame), Carry})
DIRECT: Final = frozenset({*get_args(DirectFrame), Carry})

_TALK: Final = (Step.WAIT, Step.FRAME, Step.TRUE_FRAME, Step.SAY, Step.WISH)
_STRANGERS: Final = (Step.WAIT, Step.FRAME, Step.TRUE_FRAME, Step.START, Step.SECURE, Step.END)


def opening(data: bytes) -> None:
    """Connections that are not open yet: every frame in every state of the table."""
    play(World(joins=False), Reader(data), _STRANGERS, OPENING)


def flooding(data: bytes) -> None:
    """Envelopes, their announcements and acknowledgements, from three neighbours."""
    _among_neighbours(data, FLOODING)


def repair(data: bytes) -> None:
    """Digests, pages, questions and answers about what is missing."""
    _among_neighbours(data, REPAIR)


def joining(data: bytes) -> None:
    """Address records, walks and shuffles: who is told of whom."""
    _among_neighbours(data, JOINING, more=(Step.OPEN, Step.END))


def survey(data: bytes) -> None:
    """Maps and ways, and who is here."""
    _among_neighbours(data, SURVEY)


def direct(data: bytes) -> None:
    """Packets, sealing keys and receipts."""
    _among_neighbours(data, DIRECT)


def relay(data: bytes) -> None:
    """Everything from two neighbours; a third one, an honest node, must find no fault with us.

    The first byte says after how many steps he comes: what was before he learns by repair.
    """
    world, reader = World(), Reader(data)
    for peer, host in zip(PEERS[:2], HOSTS[1:3], strict=True):
        world.open(peer, Direction.IN, host)
    steps, before = (*_TALK, Step.OPEN), reader.choice(STEPS_LIMIT)
    play(world, reader, steps, most=before)
    world.open_honest()
    play(world, reader, steps, most=STEPS_LIMIT - before)
    world.wait(4.0)


def session(data: bytes) -> None:
    """Everything: all frames, lines, ends and wishes, and time."""
    play(World(), Reader(data), tuple(Step))


def _among_neighbours(data: bytes, frames: Collection[type], more: tuple[Step, ...] = ()) -> None:
    world = World()
    for peer, host in zip(PEERS[:3], HOSTS[1:], strict=True):
        world.open(peer, Direction.IN, host)
    play(world, Reader(data), (*_TALK, *more), frames)


# --- Seeds ------------------------------------------------------------------------------------


def _opening_seeds() -> list[bytes]:
    def begun() -> Script:
        return Script(_STRANGERS).take(Step.START, 1).take(Step.SECURE, 0)

    hello = made.HELLO
    return [
        begun().frame(hello).frame(made.PROOF).frame(made.WELCOME).frame(Ping(7)).bytes(),
        begun().frame(hello).frame(made.PROOF).take(Step.WAIT, 9).bytes(),
        begun().frame(hello).frame(Refusal(2)).frame(hello).bytes(),
        begun().frame(Hello(9, 12, (), bytes(8))).bytes(),
        begun().frame(hello).take(Step.FRAME, 0, text=encode(made.PROOF)).bytes(),
        Script(_STRANGERS).take(Step.START, 0x81).take(Step.SECURE, 0).frame(hello)
        .frame(made.PROOF).frame(made.WELCOME).frame(Goodbye()).frame(GoodbyeSeen()).bytes(),
    ]  # fmt: skip


def _talk_seeds(frames: Sequence[Frame], more: tuple[Step, ...] = ()) -> list[bytes]:
    """Each frame by itself, then all of them; some wishes of the user before them."""
    steps = (*_TALK, *more)
    each = [Script(steps).frame(frame, 1).take(Step.WAIT, 3).bytes() for frame in frames]
    whole = Script(steps).take(Step.SAY, 1, text=b"hi" + b"\0")
    for number, frame in enumerate(frames):
        whole.frame(frame, number % 3)
    asked = Script(steps)
    for wish in (0, 1, 2, 4, 9, 14):
        asked.take(Step.WISH, wish, 1)
    asked.take(Step.WISH, 3, 4, 9, text=b"psst").take(Step.WAIT, 4)
    for frame in frames:
        asked.frame(frame, 1).take(Step.WAIT, 2)
    return [*each, whole.bytes(), asked.bytes()]


def _relay_seeds() -> list[bytes]:
    """As the others, with the honest node from the beginning, in the middle and at the end."""
    seeds = _talk_seeds((*made.TALK, *made.EDGES), (Step.OPEN,))
    return [bytes([before]) + seed for seed in seeds for before in (0, 2, STEPS_LIMIT - 1)]


def _session_seeds() -> list[bytes]:
    steps = tuple(Step)
    company = Script(steps).take(Step.OPEN, 0x08).take(Step.OPEN, 0x89).take(Step.OPEN, 0x12)
    for frame in made.TALK:
        company.frame(frame, 1)
    company.take(Step.WAIT, 5).take(Step.END, 0).take(Step.WAIT, 11)
    guest = (
        Script(steps).take(Step.START, 0).take(Step.LINES, 0, text=b"hello\nthere\n")
        .take(Step.OPEN, 9).take(Step.SAY, 0, text=b"hi\x03").take(Step.WAIT, 8)
    )  # fmt: skip
    dials = Script(steps).take(Step.OPEN, 9).frame(made.INTRODUCE).frame(made.SHUFFLE)
    for wish in (6, 7, 7, 8, 9, 10, 4, 5, 11, 12, 13):
        dials.take(Step.WISH, wish, 3).take(Step.WAIT, 6)
    leaving = Script(steps).take(Step.OPEN, 9).take(Step.SIGN, 0, 1).take(Step.WISH, 13, 0)
    leaving.frame(GoodbyeSeen()).frame(Goodbye())
    return [script.bytes() for script in (company, guest, dials, leaving)]


CORE: Final = {
    "opening": Target(opening, _opening_seeds, made.WORDS),
    "flooding": Target(flooding, lambda: _talk_seeds(made.FLOOD), made.WORDS),
    "repair": Target(repair, lambda: _talk_seeds(made.REPAIR), made.WORDS),
    "joining": Target(
        joining, lambda: _talk_seeds(made.JOINING, (Step.OPEN, Step.END)), made.WORDS
    ),
    "survey": Target(survey, lambda: _talk_seeds((*made.MAP, *made.WHO)), made.WORDS),
    "direct": Target(direct, lambda: _talk_seeds(made.DIRECT), made.WORDS),
    "relay": Target(relay, _relay_seeds, made.WORDS),
    "session": Target(session, _session_seeds, made.WORDS),
}

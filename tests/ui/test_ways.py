"""What `/trace` and `/ping` say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.notices import Path, PathStep
from p2pchat.core.values import Epoch, Kind, Message, Person
from p2pchat.sanitize import visible_line
from p2pchat.ui.ways import delay_ms, line_of_ping, lines_of_trace
from tests.effort import EFFORT

from .maps import ANYTHING, BOB, CAROL, DAVE, said

WRITTEN_MS = 1_000_000


def name(person: Person) -> str:
    return visible_line(person.nick)


def step(person: Person | None, after_ms: int | None = None) -> PathStep:
    return PathStep(person, 0 if after_ms is None else WRITTEN_MS + after_ms)


def test_a_trace_names_each_node_with_the_delay_that_it_tells() -> None:
    path = Path((step(CAROL, 35), step(None, 30), step(BOB, 0)), is_complete=True, rtt_ms=12.34)

    assert lines_of_trace(path, said("hello"), name) == [
        'the way of "hello" from bob, from here back, as told by each of them, which took 12.3 ms:',
        "  1  carol: had it 35 ms after it was written",
        "  2  somebody who hides: had it 30 ms after it was written",
        "  3  bob: wrote it",
    ]


@pytest.mark.parametrize(
    ("after_ms", "text"),
    [
        (0, "had it 0 ms after it was written"),
        (999, "had it 999 ms after it was written"),
        (1_260, "had it 1.3 s after it was written"),
        (42_000, "had it 42 s after it was written"),
        (7_200_000, "had it 2 h after it was written"),
        (-120, "had it 120 ms before it was written, so the clocks differ"),
        (None, "did not say when it had it"),
    ],
)
def test_a_delay_is_said_in_the_unit_that_fits(after_ms: int | None, text: str) -> None:
    path = Path((step(CAROL, after_ms),), is_complete=False, rtt_ms=None)

    assert lines_of_trace(path, said("hello"), name)[1] == f"  1  carol: {text}"


def test_a_way_that_ends_early_says_so() -> None:
    path = Path((step(CAROL, 35),), is_complete=False, rtt_ms=12.0)

    assert lines_of_trace(path, said("hello"), name)[-1] == (
        "  the rest of the way to bob is not known"
    )


def test_a_way_of_which_nobody_told_is_one_line() -> None:
    nothing = Path((), is_complete=False, rtt_ms=None)

    assert lines_of_trace(nothing, said("hello"), name) == [
        'nobody told the way of "hello" from bob within 5 s'
    ]


def test_what_was_said_here_has_come_no_way() -> None:
    here = Path((), is_complete=True, rtt_ms=None)

    assert lines_of_trace(here, said("hello"), name) == [
        '"hello" from bob began its way here. /seen tells who has it'
    ]


def test_the_words_of_a_guest_come_from_the_node_that_announced_them() -> None:
    message = Message(BOB, Epoch(bytes(8)), 0, "hi", WRITTEN_MS, kind=Kind.GUEST)

    first, second = lines_of_trace(Path((step(BOB, 0),), True, 1.0), message, name)

    assert '"hi" from guest' in first
    assert second == "  1  bob: announced it"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (Path((step(BOB),), True, 3.24), "bob: 3.2 ms directly, as a neighbour"),
        (Path((step(CAROL), step(BOB)), True, 3.2), "bob: 3.2 ms over 2 hops (via carol)"),
        (
            Path((step(CAROL), step(None), step(BOB)), True, 3.2),
            "bob: 3.2 ms over 3 hops (via carol, somebody who hides)",
        ),
        (Path((), False, None), "bob: no answer within 5 s"),
        (Path((step(DAVE),), False, 3.2), "bob: the way is known only as far as dave"),
    ],
)
def test_a_ping_is_one_line(path: Path, line: str) -> None:
    assert line_of_ping(path, BOB, name) == line


def test_a_delay_is_counted_from_the_authors_clock() -> None:
    assert delay_ms(step(CAROL, -5), said("hello")) == -5
    assert delay_ms(step(CAROL), said("hello")) is None


STEPS = st.builds(
    PathStep,
    st.none() | ANYTHING.map(lambda nick: Person(CAROL.id, nick)),
    st.integers(0, 2**53),
)
PATHS = st.builds(
    Path,
    st.lists(STEPS, max_size=5).map(tuple),
    st.booleans(),
    st.none() | st.floats(0, 1e6),
)


@settings(max_examples=EFFORT.property_examples)
@given(PATHS, ANYTHING, ANYTHING)
def test_whatever_was_told_each_line_is_clean(path: Path, nick: str, text: str) -> None:
    somebody = Person(BOB.id, nick)

    lines = lines_of_trace(path, said(text, by=somebody), name)

    for line in [*lines, line_of_ping(path, somebody, name)]:
        assert visible_line(line) == line

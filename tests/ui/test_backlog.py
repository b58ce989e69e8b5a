"""Tests of what is shown of many earlier messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.notices import Connected, Direction, How, Joined, Notice, Received, Remark
from p2pchat.core.values import Address, Epoch, Message, PeerId, Person
from p2pchat.ui.backlog import (
    EARLIER_SHOWN,
    NEWCOMERS_EACH,
    NEWCOMERS_LIMIT,
    EarlierMessages,
    Newcomers,
)
from p2pchat.ui.commands import HISTORY_LIMIT_MESSAGES, ShowHistory
from p2pchat.ui.grammar import parse

BOB = Person(PeerId(b"b" * 32), "bob")


def _gathered(earlier: EarlierMessages, count: int) -> list[Received]:
    notices = [
        Received(Message(BOB, Epoch(bytes(8)), number, f"line {number}", 0, earlier=True))
        for number in range(count)
    ]
    for notice in notices:
        earlier.add(notice)
    return notices


@given(st.integers(0, 3 * EARLIER_SHOWN))
def test_every_earlier_message_is_either_shown_in_order_or_counted(count: int) -> None:
    earlier = EarlierMessages()
    added = _gathered(earlier, count)

    taken = earlier.take()

    shown = [notice for notice in taken if isinstance(notice, Received)]
    remarks = [notice.text for notice in taken if isinstance(notice, Remark)]
    assert shown == added[-EARLIER_SHOWN:]
    hidden = count - len(shown)
    assert remarks == ([f"… {hidden} more, /history {count}"] if hidden else [])


def test_how_many_are_not_shown_stands_in_front() -> None:
    earlier = EarlierMessages()
    _gathered(earlier, EARLIER_SHOWN + 212)

    taken = earlier.take()

    assert taken[0] == Remark("… 212 more, /history 262")
    assert len(taken) == 1 + EARLIER_SHOWN


@pytest.mark.parametrize("count", [EARLIER_SHOWN, EARLIER_SHOWN + 1])
def test_what_was_taken_is_never_taken_or_counted_again(count: int) -> None:
    earlier = EarlierMessages()
    _gathered(earlier, count)
    earlier.take()

    assert earlier.take() == []
    new: list[Notice] = [*_gathered(earlier, 2)]
    assert earlier.take() == new


@pytest.mark.parametrize("count", [EARLIER_SHOWN + 1, 2 * HISTORY_LIMIT_MESSAGES])
def test_what_the_remark_says_to_type_is_a_command_that_works(count: int) -> None:
    earlier = EarlierMessages()
    _gathered(earlier, count)

    remark = earlier.take()[0]

    assert isinstance(remark, Remark)
    command = parse(remark.text.partition(", ")[2])
    assert command == ShowHistory(min(count, HISTORY_LIMIT_MESSAGES))


# --- People who come --------------------------------------------------------------------------


def _comes(number: int, how: How | None = How.MACHINE) -> Connected:
    person = Person(PeerId(bytes([number]) * 32), f"p{number}")
    return Connected(person, Address("127.0.0.1", 5555), Direction.IN, how=how)


def test_a_few_who_come_together_have_a_line_each() -> None:
    newcomers = Newcomers()
    few = [_comes(n) for n in range(NEWCOMERS_EACH)]
    for notice in few:
        newcomers.add(notice)

    assert newcomers.take() == few
    assert newcomers.take() == []


def test_a_crowd_is_one_line_that_counts_all_of_it() -> None:
    newcomers = Newcomers()
    for number in range(1, 9):
        newcomers.add(_comes(number))

    assert newcomers.take() == [Remark("8 people joined: p1, p2, p3, p4, p5 and 3 more")]


@given(st.integers(NEWCOMERS_EACH + 1, 3 * NEWCOMERS_LIMIT))
def test_however_large_a_crowd_is_it_is_counted_and_not_kept(count: int) -> None:
    newcomers = Newcomers()
    for number in range(count):
        newcomers.add(_comes(number % 250))

    (line,) = newcomers.take()

    assert isinstance(line, Remark)
    assert line.text.startswith(f"{count} people joined: ")


@pytest.mark.parametrize(
    ("notice", "is_gathered"),
    [
        (_comes(1), True),
        (_comes(1, How.MESH), True),
        (Joined(BOB, Person(PeerId(b"c" * 32), "cat"), 2), True),
        (_comes(1, How.TYPED), False),
        (_comes(1, How.INVITE), False),
        (_comes(1, None), False),
        (Remark("hello"), False),
    ],
)
def test_only_who_comes_by_himself_is_gathered(notice: Notice, is_gathered: bool) -> None:
    assert Newcomers.wants(notice) is is_gathered

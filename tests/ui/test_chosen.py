"""Which message is meant."""

from __future__ import annotations

import pytest

from p2pchat.core.values import Message
from p2pchat.ui.chosen import chosen_messages

from .maps import said

MESSAGES = [said(f"line {number}", number=number) for number in range(12)]


@pytest.mark.parametrize(
    ("which", "text"),
    [(None, "line 11"), ("1", "line 11"), ("2", "line 10"), ("12", "line 0"), ("007", "line 5")],
)
def test_messages_are_counted_from_the_last_one_back(which: str | None, text: str) -> None:
    assert [message.text for message in chosen_messages(MESSAGES, which)] == [text]


def test_the_beginning_of_an_id_is_enough() -> None:
    wanted = MESSAGES[3]

    assert chosen_messages(MESSAGES, wanted.id[:12]) == [wanted]
    assert chosen_messages(MESSAGES, wanted.id) == [wanted]


@pytest.mark.parametrize("which", [None, "1", "abcd"])
def test_of_no_messages_none_is_meant(which: str | None) -> None:
    assert chosen_messages([], which) == []


@pytest.mark.parametrize("which", ["13", "0", "ffffffffffffffff"])
def test_what_there_is_not_is_not_found(which: str) -> None:
    found = chosen_messages(MESSAGES, which)

    assert all(message.id.startswith(which) for message in found)


def test_a_beginning_that_several_have_finds_them_all_newest_first() -> None:
    by_start: dict[str, list[Message]] = {}
    for message in [said(f"line {number}", number=number) for number in range(40)]:
        by_start.setdefault(message.id[0], []).append(message)
    letter, shared = next(
        item for item in by_start.items() if len(item[1]) > 1 and not item[0].isdigit()
    )

    assert chosen_messages(shared, letter) == shared[::-1]


def test_a_message_shown_twice_is_one() -> None:
    assert chosen_messages([MESSAGES[0], MESSAGES[0]], MESSAGES[0].id) == [MESSAGES[0]]

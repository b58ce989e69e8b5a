"""Tests of the command table."""

from __future__ import annotations

from itertools import chain

import pytest

from p2pchat.core.values import Address
from p2pchat.sanitize import visible_line
from p2pchat.ui.command_table import COMMANDS, CommandSpec, built_words, find
from p2pchat.ui.commands import NotYet
from p2pchat.ui.grammar import parse
from p2pchat.ui.help_text import help_text

BUILT = [spec for spec in COMMANDS if spec.built]
LATER = [spec for spec in COMMANDS if not spec.built]


def test_no_word_means_two_commands() -> None:
    words = list(chain.from_iterable(spec.words for spec in COMMANDS))

    assert len(words) == len(set(words))


def test_just_what_is_built_is_marked_as_built() -> None:
    assert {spec.name for spec in BUILT} == {
        "help", "connect", "disconnect", "peers", "who", "map", "trace", "seen", "history", "me",
        "nick", "say", "invite", "ping", "doctor", "clear", "quit", "msg", "reply", "whois",
        "verify", "block", "unblock",
    }  # fmt: skip


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_a_row_of_the_table_is_fit_to_be_shown(spec: CommandSpec) -> None:
    assert spec.usage.split()[0] == f"/{spec.name}"
    assert spec.summary[0].islower()
    assert not spec.summary.endswith(".")
    assert len(spec.usage) + len(spec.summary) < 78
    assert all(len(line) < 78 for line in spec.more)
    assert all(word.isascii() and word.islower() for word in spec.words)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("peers", "peers"),
        ("names", "peers"),
        ("w", "peers"),
        ("pe", "peers"),
        ("q", "quit"),
        ("exit", "quit"),
        ("e", "quit"),
        ("QUIT", "quit"),
        ("me", "me"),
        ("m", "msg"),
        ("dm", "msg"),
        ("r", "reply"),
        ("sa", "say"),
        ("con", "connect"),
    ],
)
def test_a_word_or_its_unique_beginning_finds_the_command(word: str, name: str) -> None:
    assert [spec.name for spec in find(word)] == [name]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("p", ["peers", "ping"]),
        ("c", ["connect", "clear"]),
        ("s", ["seen", "say", "stats", "set"]),
        ("", []),
        ("zzz", []),
        ("peersx", []),
    ],
)
def test_other_words_find_all_that_they_may_mean(word: str, names: list[str]) -> None:
    assert [spec.name for spec in find(word)] == names


@pytest.mark.parametrize("spec", BUILT, ids=lambda spec: spec.name)
def test_help_shows_each_command_that_works(spec: CommandSpec) -> None:
    assert any(line.startswith(spec.usage) for line in help_text())

    on_it = help_text(spec.name)

    assert on_it[0].startswith(spec.usage)
    assert help_text(f"/{spec.name}") == on_it
    assert all(any(alias in line for line in on_it) for alias in spec.aliases)


@pytest.mark.parametrize("spec", LATER, ids=lambda spec: spec.name)
def test_nothing_shows_a_command_that_does_not_work(spec: CommandSpec) -> None:
    everything = chain(help_text(), *(help_text(built.name) for built in BUILT))

    assert not any(f"/{word} " in f"{line} " for line in everything for word in spec.words)
    assert not set(spec.words) & set(built_words())
    assert help_text(spec.name) == help_text()


def test_help_fits_a_screen_of_80_columns() -> None:
    lines = list(chain(help_text(), *(help_text(spec.name) for spec in BUILT)))

    assert all(len(line) < 90 for line in lines)
    assert all(visible_line(line) == line for line in lines)


def test_keys_are_told_only_where_there_are_keys() -> None:
    assert any("Alt+Enter" in line for line in help_text())
    assert not any("Alt+Enter" in line for line in help_text(keys=False))


def test_what_help_says_about_the_grammar_is_true() -> None:
    assert [spec.name for spec in find("he")] == ["help"]
    assert parse("/say /quit") == parse("/ /quit")
    assert str(Address.parse(":55555")) == ":55555"


def test_the_answer_to_what_is_not_built_is_one_clean_line() -> None:
    text = NotYet("@bob\x1b[2J\n").text

    assert "not in this version yet" in text
    assert visible_line(text) == text

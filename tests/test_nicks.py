"""Tests of nicks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.values import GUEST, PeerId, Person, fingerprint
from p2pchat.errors import BadNick
from p2pchat.nicks import (
    _ADJECTIVES,
    _ANIMALS,
    check_nick,
    comparable,
    default_nick,
    full_label,
    label,
    tame_nick,
)
from p2pchat.sanitize import visible_line

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=30)
PEERS = st.binary(min_size=32, max_size=32).map(PeerId)
PEER = PeerId(bytes(range(32)))


@pytest.mark.parametrize(
    "nick",
    ["a", "bob", "x" * 24, "amber-otter", "жук", "你好", "bob~", "O'Neil", "🦊", "[dm]", "-"],
)
def test_a_printable_nick_is_taken_as_it_is(nick: str) -> None:
    assert check_nick(nick) == nick


def test_a_nick_is_returned_in_composed_form() -> None:
    assert check_nick("Rene\u0301") == "Ren\u00e9"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("x" * 25, "more than 24"),
        ("x" * 100_000, "more than 24"),
        ("a b", "blank"),
        (" bob", "blank"),
        ("bob\n", "blank"),
        ("a\u00a0b", "blank"),
        ("a\u3000b", "blank"),
        ("@bob", "@ / # :"),
        ("a/b", "@ / # :"),
        ("bob#k3f9", "@ / # :"),
        ("Error:", "@ / # :"),
        ("~guest", "guests"),
        ("a\x1b[31m", "invisible"),
        ("a\x9b", "invisible"),
        ("\u202ebob", "invisible"),
        ("bo\u200bb", "invisible"),
        ("bo\u200db", "invisible"),
        ("bob\ufe0f", "invisible"),
        ("\u3164", "invisible"),
        ("\ud800", "invisible"),
        ("a\U000e0041", "invisible"),
        ("-->", "kind of line"),
        ("->", "kind of line"),
        ("*", "kind of line"),
        ("\u0301a", "combining"),
        ("q" + "\u0353" * 5, "combining"),
    ],
)
def test_a_nick_that_breaks_a_rule_is_refused_with_that_rule(text: str, fault: str) -> None:
    with pytest.raises(BadNick, match=fault) as caught:
        check_nick(text)

    assert len(str(caught.value)) < 150
    assert visible_line(str(caught.value)) == str(caught.value)


@given(ANYTHING, PEERS)
def test_a_tamed_nick_follows_all_rules_whatever_came(text: str, peer: PeerId) -> None:
    nick = tame_nick(text, peer)

    assert check_nick(nick) == nick
    assert visible_line(nick) == nick
    assert unicodedata.is_normalized("NFC", nick)
    assert 1 <= len(nick) <= 24
    assert not set(nick) & set("@/#: ")


def test_a_good_nick_from_outside_is_kept() -> None:
    assert tame_nick("bob", PEER) == "bob"


def test_a_bad_nick_from_outside_gives_way_to_the_one_from_the_key() -> None:
    assert tame_nick("bob\x1b[2J", PEER) == default_nick(PEER)


@given(PEERS)
def test_the_first_nick_is_two_words_that_follow_from_the_key(peer: PeerId) -> None:
    nick = default_nick(peer)

    adjective, animal = nick.split("-")
    assert adjective in _ADJECTIVES
    assert animal in _ANIMALS
    assert check_nick(nick) == nick
    assert default_nick(PeerId(bytes(peer))) == nick


def test_keys_that_differ_in_one_bit_have_unlike_nicks() -> None:
    nicks = {default_nick(PeerId(number.to_bytes(32, "big"))) for number in range(256)}

    assert len(nicks) > 245


@pytest.mark.parametrize("words", [_ADJECTIVES, _ANIMALS])
def test_the_word_lists_are_even_and_fit_a_nick(words: tuple[str, ...]) -> None:
    assert len(set(words)) == len(words) == 128
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    assert max(map(len, words)) <= 11


@pytest.mark.parametrize(
    ("one", "other"), [("Bob", "bob"), ("\uff42ob", "bob"), ("stra\u00dfe", "STRASSE")]
)
def test_nicks_that_people_take_for_the_same_compare_equal(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_other_nicks_compare_unequal() -> None:
    assert comparable("bob") != comparable("rob")


def _key(*digits: int) -> PeerId:
    return PeerId(bytes(digits).ljust(32, b"\0"))


def test_a_nick_that_nobody_else_has_stands_alone() -> None:
    bob, alice = Person(_key(1), "bob"), Person(_key(2), "alice")

    assert label(bob, [bob, alice]) == "bob"


def test_equal_nicks_are_told_apart_by_the_key() -> None:
    one, other = Person(_key(0x10), "bob"), Person(_key(0x99), "BOB")

    assert label(one, [other]) == f"bob#{fingerprint(_key(0x10))[:4]}"
    assert label(other, [one]) == f"BOB#{fingerprint(_key(0x99))[:4]}"


def test_the_suffix_grows_until_it_differs() -> None:
    # The first 25 bits are equal, which is five digits.
    one, other = Person(_key(1, 2, 3, 0), "bob"), Person(_key(1, 2, 3, 64), "bob")

    labels = label(one, [other]), label(other, [one])

    assert labels[0] != labels[1]
    assert {len(each) for each in labels} == {len("bob#") + 6}


def test_a_guest_does_not_make_somebody_ambiguous() -> None:
    person = Person(_key(1), "guest")

    assert label(person, [GUEST]) == "guest"
    assert label(GUEST, [person]) == "~guest"


@given(st.lists(PEERS, min_size=2, max_size=5, unique=True))
def test_labels_of_people_with_one_nick_differ(keys: list[PeerId]) -> None:
    people = [Person(key, "bob") for key in keys]

    labels = {label(person, people) for person in people}

    assert len(labels) == len(people)


def test_nicks_that_only_look_alike_are_told_apart_by_the_key() -> None:
    one, other = Person(_key(0x10), "bob"), Person(_key(0x99), "b\u043eb")

    assert label(one, [other]) == f"bob#{fingerprint(_key(0x10))[:4]}"
    assert label(other, [one]) == f"b\u043eb#{fingerprint(_key(0x99))[:4]}"


def test_a_full_label_tells_the_key_from_all_others_whatever_they_are_called() -> None:
    one, other = Person(_key(1, 2, 3, 0), "bob"), Person(_key(1, 2, 3, 64), "ann")

    assert len(full_label(one, [])) == len("bob#") + 4
    assert len(full_label(one, [one, other, GUEST])) == len("bob#") + 6
    assert full_label(GUEST, [one]) == "~guest"

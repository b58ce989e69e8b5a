"""Passphrases become secrets, the same everywhere, and not cheaply."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.kdf import argon2
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import PASSPHRASE_LIMIT_BYTES, ROOM_SECRET_BYTES
from p2pchat.crypto.passphrase import STRETCHED_BYTES, check_passphrase, salt_of, stretch
from p2pchat.crypto.room import Room
from p2pchat.errors import BadSecret, TooLittleMemory

LEAST_GUESS_S = 0.1
"""What a guess has to cost one core at least."""


def test_the_secret_of_a_passphrase_is_frozen() -> None:
    secret = stretch("seven green d\u00e4cher under one slow moon", "cellar")

    assert secret.hex() == "a8e49911fcc75e7a541c1c1d2de39fb77e1a0a442456133264840ee2a1e545af"
    assert salt_of("cellar").hex() == "10743bc451c9b677c797debe6db84104"


def test_the_derivation_is_that_of_the_standard() -> None:
    """The test vector of RFC 9106, section 5.3."""
    derivation = Argon2id(
        salt=bytes([2]) * 16, length=32, iterations=3, lanes=4, memory_cost=32,
        secret=bytes([3]) * 8, ad=bytes([4]) * 12,
    )  # fmt: skip

    assert derivation.derive(bytes([1]) * 32).hex() == (
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    )


def test_each_room_has_another_secret_and_each_passphrase_too() -> None:
    secrets = {stretch("one", "a"), stretch("one", "b"), stretch("two", "a"), stretch("one ", "a")}

    assert len(secrets) == 4
    assert {len(secret) for secret in secrets} == {STRETCHED_BYTES}


def test_two_spellings_of_one_passphrase_are_one() -> None:
    composed = "gr\u00fcn"
    decomposed = unicodedata.normalize("NFD", composed)

    assert composed != decomposed
    assert check_passphrase(decomposed) == composed


@pytest.mark.threat(15)
def test_a_guess_costs_a_core_a_tenth_of_a_second_and_holds_nobody_up(
    record_property: Callable[[str, object], None],
) -> None:
    turns = 0
    began_s = time.process_time()
    thread = threading.Thread(target=stretch, args=("one", "a"))
    thread.start()
    while thread.is_alive():
        turns += 1
        thread.join(0.001)

    guess_s = time.process_time() - began_s
    record_property("reached", f"{guess_s:.2f} s of a core for a guess")
    assert guess_s >= LEAST_GUESS_S
    assert turns > 10, "whoever shares the process went on"


@pytest.mark.threat(15)
def test_a_room_of_a_passphrase_may_be_guessed_and_one_that_was_drawn_not() -> None:
    assert Room("tea", stretch("one", "tea")).is_guessable
    assert Room("tea", b"a passphrase that nobody has stretched").is_guessable
    assert not Room("tea", bytes(ROOM_SECRET_BYTES)).is_guessable
    assert not Room("tea").is_guessable


def test_a_machine_with_too_little_memory_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Starved:
        def __init__(self, **_: object) -> None: ...

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(argon2, "Argon2id", Starved)

    with pytest.raises(TooLittleMemory, match="64 MiB"):
        stretch("one", "tea")


@pytest.mark.parametrize(
    "text",
    ["", " ", "  \u0020", "one\ntwo", "one\ttwo", "one\u00a0two", "one\u200btwo", "\x1b[31m",
     "\ud800", "x" * (PASSPHRASE_LIMIT_BYTES + 1), "\u00fc" * (PASSPHRASE_LIMIT_BYTES // 2 + 1)],
)  # fmt: skip
def test_what_nobody_could_type_again_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadSecret) as caught:
        stretch(text, "tea")

    assert "two" not in str(caught.value)
    assert len(str(caught.value)) < 120


def test_the_longest_passphrase_is_taken() -> None:
    assert check_passphrase("x" * PASSPHRASE_LIMIT_BYTES)


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_the_text_it_is_checked_or_refused(text: str) -> None:
    with suppress(BadSecret):
        checked = check_passphrase(text)
        assert checked.encode()
        assert check_passphrase(checked) == checked

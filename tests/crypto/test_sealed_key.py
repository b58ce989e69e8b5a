"""A key under a passphrase opens with that one only, and at a price."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.limits import PASSPHRASE_LIMIT_BYTES
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import Cost, check_passphrase
from p2pchat.crypto.sealed_key import (
    LANES_LIMIT,
    MEMORY_LIMIT_KIB,
    PASSES_LIMIT,
    SEALED_BYTES,
    USUAL_COST,
    seal_key,
)
from p2pchat.errors import BadSecret
from tests.effort import EFFORT
from tests.keys import ANN, CHEAP, OTHER, PASSPHRASE, SEED, sealed_key

LEAST_GUESS_S = 0.1


def counting(size: int) -> bytes:
    return bytes(range(size))


def test_the_sealed_bytes_are_frozen() -> None:
    key = seal_key(ANN, PASSPHRASE, CHEAP, counting)

    assert key.salt == counting(16)
    assert key.sealed.hex() == FROZEN


FROZEN = (
    "000102030405060708090a0b5acb7dd3bd3e0f8d29d8fda26d6d46948203"
    "2517d39302678ec2bbe132aa9ffb68bf5c5930307e687270ca6712e185f0"
)


@settings(max_examples=EFFORT.property_examples)
@given(
    seed=st.binary(min_size=32, max_size=32),
    passphrase=st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable()),
)
def test_what_was_sealed_opens_with_the_same_passphrase(seed: bytes, passphrase: str) -> None:
    if not passphrase.strip() or not check_passphrase(passphrase).isprintable():
        return
    key = seal_key(Identity(seed), passphrase, CHEAP)

    opened = key.open_(passphrase)

    assert opened is not None
    assert opened.seed == seed
    assert key.peer == opened.peer
    assert seed not in key.sealed
    assert seed.hex() not in repr(key)


@pytest.mark.parametrize("passphrase", [OTHER, PASSPHRASE + " ", PASSPHRASE.upper(), "x"])
def test_another_passphrase_opens_nothing(passphrase: str) -> None:
    assert sealed_key().open_(passphrase) is None


def test_two_spellings_of_one_passphrase_are_one() -> None:
    assert sealed_key(passphrase="gr\u00fcn").open_("gru\u0308n") is not None


@pytest.mark.parametrize("passphrase", ["", "  ", "a\nb", "x" * (PASSPHRASE_LIMIT_BYTES + 1)])
def test_what_is_no_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(BadSecret):
        sealed_key().open_(passphrase)
    with pytest.raises(BadSecret):
        seal_key(ANN, passphrase, CHEAP)


def test_nothing_in_it_can_be_changed() -> None:
    key = sealed_key()
    places = range(SEALED_BYTES)
    changed = [
        *(replace(key, sealed=flipped(key.sealed, place)) for place in places),
        *(replace(key, salt=flipped(key.salt, place)) for place in range(16)),
        replace(key, peer=Identity(bytes(32)).peer),
        replace(key, cost=Cost(16, 1, 1)),
        replace(key, sealed=sealed_key(Identity(bytes(32))).sealed),
    ]

    assert [each.open_(PASSPHRASE) for each in changed] == [None] * len(changed)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_the_same_key_and_passphrase_look_different_each_time() -> None:
    first, second = sealed_key(), sealed_key()

    assert first.salt != second.salt
    assert first.sealed != second.sealed


@pytest.mark.threat(14)
@pytest.mark.parametrize(
    "cost",
    [
        Cost(MEMORY_LIMIT_KIB + 1, 1, 1),
        Cost(4_000_000_000, 1, 1),
        Cost(8, PASSES_LIMIT + 1, 1),
        Cost(8, 4_000_000_000, 1),
        Cost(8 * (LANES_LIMIT + 1), 1, LANES_LIMIT + 1),
        Cost(7, 1, 1),
        Cost(15, 1, 2),
        Cost(0, 0, 0),
    ],
    ids=str,
)
def test_what_asks_for_absurd_work_is_not_begun(cost: Cost) -> None:
    key = replace(sealed_key(), cost=cost)
    began_s = time.process_time()

    assert not key.is_bearable
    with pytest.raises(ValueError, match="bearable"):
        key.open_(PASSPHRASE)

    assert time.process_time() - began_s < LEAST_GUESS_S


@pytest.mark.threat(14)
def test_a_guess_costs_a_core_a_tenth_of_a_second(
    record_property: Callable[[str, object], None],
) -> None:
    key = seal_key(ANN, PASSPHRASE)
    began_s = time.process_time()

    opened = key.open_(PASSPHRASE)

    guess_s = time.process_time() - began_s
    record_property("reached", f"{guess_s:.2f} s of a core for a guess at a key's passphrase")
    assert opened is not None
    assert opened.seed == SEED
    assert key.cost == USUAL_COST == Cost(64 * 1024, 3, 4)
    assert guess_s >= LEAST_GUESS_S

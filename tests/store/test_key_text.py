"""Both formats of the key file, byte by byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.crypto.identity import Identity
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.store.key_text import is_of_newer_version, read_key, with_check, write_key
from tests.effort import EFFORT
from tests.keys import ANN, CHEAP, PASSPHRASE, SEED, sealed_key

FROZEN = (
    b"p2pchat key 2\n"
    b"id 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8\n"
    b"argon2id 8 1 1\n"
    b"salt 000102030405060708090a0b0c0d0e0f\n"
    b"sealed 000102030405060708090a0b5acb7dd3bd3e0f8d29d8fda26d6d46948203"
    b"2517d39302678ec2bbe132aa9ffb68bf5c5930307e687270ca6712e185f0\n"
    b"check f162a2149cb841d8\n"
)

NEWER_FOR_VERSION_1 = re.compile(rb"p2pchat key ([2-9]|[1-9][0-9]{1,3})\n")
"""By this the programs that knew no passphrase told a file to leave alone."""


def counting(size: int) -> bytes:
    return bytes(range(size))


def test_the_format_with_a_passphrase_is_frozen() -> None:
    assert write_key(seal_key(ANN, PASSPHRASE, CHEAP, counting)) == FROZEN


def test_a_file_of_that_format_is_read_and_opens() -> None:
    key = read_key(FROZEN)

    assert isinstance(key, SealedKey)
    assert key.peer == ANN.peer
    opened = key.open_(PASSPHRASE)
    assert opened is not None
    assert opened.seed == SEED


@pytest.mark.threat(20)
def test_programs_that_know_no_passphrase_leave_it_alone() -> None:
    assert NEWER_FOR_VERSION_1.match(write_key(sealed_key()))
    assert not NEWER_FOR_VERSION_1.match(write_key(ANN))


def test_what_is_known_is_not_newer() -> None:
    assert not is_of_newer_version(write_key(ANN))
    assert not is_of_newer_version(write_key(sealed_key()))
    assert is_of_newer_version(b"p2pchat key 3\n")


def test_the_seed_is_not_in_it() -> None:
    written = write_key(sealed_key())

    assert SEED not in written
    assert SEED.hex().encode() not in written


@settings(max_examples=EFFORT.property_examples)
@given(place=st.integers(0, len(FROZEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed_without_a_passphrase(place: int, byte: int) -> None:
    changed = bytearray(FROZEN)
    changed[place] = byte

    key = read_key(bytes(changed))

    assert (key is not None) == (bytes(changed) == FROZEN)


@pytest.mark.parametrize("length", range(len(FROZEN)))
def test_a_cut_file_is_none(length: int) -> None:
    assert read_key(FROZEN[:length]) is None


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (b"argon2id 8 1 1", b"argon2id 08 1 1"),
        (b"argon2id 8 1 1", b"argon2id 0 1 1"),
        (b"argon2id 8 1 1", b"argon2id 8 1"),
        (b"argon2id 8 1 1", b"argon2id 99999999999 1 1"),
        (b"argon2id 8 1 1", b"argon2id -8 1 1"),
        (b"argon2id 8 1 1", b"argon2id \xd9\xa3 1 1"),
        (b"argon2id", b"scrypt"),
        (ANN.peer.hex().encode(), b"00" * 32),
        (ANN.peer.hex().encode(), ANN.peer.hex().upper().encode()),
        (b"salt 00", b"salt "),
        (b"sealed 00", b"sealed "),
        (b"key 2", b"key 1"),
        (b"sealed ", b"seed " + b"00" * 32 + b"\nsealed "),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_none_even_with_the_right_hash(
    what: bytes, instead: bytes
) -> None:
    begun = FROZEN.partition(b"check ")[0]
    assert read_key(with_check(begun)) is not None
    assert what in begun

    assert read_key(with_check(begun.replace(what, instead))) is None


@settings(max_examples=EFFORT.property_examples)
@given(seed=st.binary(min_size=32, max_size=32), passphrase=st.sampled_from(["a", PASSPHRASE]))
def test_what_is_written_is_read_again(seed: bytes, passphrase: str) -> None:
    open_, sealed = Identity(seed), sealed_key(Identity(seed), passphrase)

    read_open, read_sealed = read_key(write_key(open_)), read_key(write_key(sealed))

    assert isinstance(read_open, Identity)
    assert read_open.seed == seed
    assert read_sealed == sealed

"""What a profile seals opens with its key, in its place, unchanged, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.crypto.at_rest import SEALING_BYTES, open_, seal
from p2pchat.crypto.identity import KEY_BYTES, Identity
from tests.effort import EFFORT

SEED = bytes(range(32))
KEY = bytes(range(32, 64))


def test_the_format_and_the_key_are_frozen() -> None:
    key = Identity(SEED).derive_key(b"outbox")

    sealed = seal(key, b"content", b"bound", lambda count: b"n" * count)

    assert key.hex() == "2dec82b5b36d2064d61a671911748fcaf57814453cd69cebeaac6228793bea4a"
    assert sealed[:24] == b"n" * 24
    assert sealed[24:].hex() == "431a3733d52e0ff69a5f6a9ccc766f539e811db571205f"


def test_each_purpose_and_each_identity_has_its_own_key() -> None:
    ann, ben = Identity(SEED), Identity(KEY)

    keys = {ann.derive_key(b"outbox"), ann.derive_key(b"contacts"), ben.derive_key(b"outbox")}

    assert len(keys | {ann.seed, ben.seed}) == 5
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert ann.derive_key(b"outbox") == Identity(SEED).derive_key(b"outbox")


@settings(max_examples=EFFORT.property_examples)
@given(content=st.binary(max_size=99), bound=st.binary(max_size=9))
def test_what_was_sealed_opens(content: bytes, bound: bytes) -> None:
    sealed = seal(KEY, content, bound)

    assert open_(KEY, sealed, bound) == content
    assert len(sealed) == len(content) + SEALING_BYTES


def test_nothing_is_sealed_twice_alike() -> None:
    assert seal(KEY, b"content", b"") != seal(KEY, b"content", b"")


def test_a_changed_or_missing_byte_another_key_or_place_opens_nothing() -> None:
    sealed = seal(KEY, b"content", b"bound")

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert open_(KEY, bytes(changed), b"bound") is None
        assert open_(KEY, sealed[:place], b"bound") is None
    assert open_(SEED, sealed, b"bound") is None
    assert open_(KEY, sealed, b"bounded") is None


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(SEALING_BYTES)])
def test_what_is_too_short_opens_nothing(sealed: bytes) -> None:
    assert open_(KEY, sealed, b"") is None

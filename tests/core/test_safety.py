"""Safety numbers: the same on both sides, and other ones for other keys."""

from __future__ import annotations

import re
from hashlib import sha512

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.safety import safety_number
from p2pchat.core.values import PeerId

KEYS = st.binary(min_size=32, max_size=32).map(PeerId)
ONE, OTHER = PeerId(bytes(range(32))), PeerId(bytes(range(32, 64)))

# A fraction of the usual count: two keys cost 10 ms.
some = settings(max_examples=25, deadline=None)


def test_the_number_of_two_keys_never_changes() -> None:
    assert safety_number(ONE, OTHER) == (
        "76805 02722 59263 61885 89941 98121 97512 45186 63306 29245 63044 29152"
    )


def test_the_number_is_what_the_description_says() -> None:
    halves = []
    for key in (ONE, OTHER):
        digest = b"p2pchat/1 safety number\0" + key
        for _ in range(5200):
            digest = sha512(digest + key).digest()
        halves.append(
            "".join(
                f"{int.from_bytes(digest[i : i + 5], 'big') % 100_000:05}" for i in range(0, 30, 5)
            )
        )

    assert safety_number(ONE, OTHER).replace(" ", "") == "".join(sorted(halves))


@some
@given(KEYS, KEYS)
def test_both_sides_see_twelve_groups_of_five_digits(one: PeerId, other: PeerId) -> None:
    number = safety_number(one, other)

    assert number == safety_number(other, one)
    assert re.fullmatch(r"[0-9]{5}( [0-9]{5}){11}", number)


@some
@given(KEYS, st.integers(0, 255))
def test_a_key_that_differs_in_one_bit_has_another_number(key: PeerId, bit: int) -> None:
    changed = PeerId((int.from_bytes(key, "big") ^ (1 << bit)).to_bytes(32, "big"))

    assert safety_number(key, ONE) != safety_number(changed, ONE)

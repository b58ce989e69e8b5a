"""Small changes of an input, as values: hypothesis draws and shrinks them, so does a loop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.fuzz.target import Target

INPUT_LIMIT_BYTES: Final = 4_096
"""Longest input that is made; longer ones find little more, and later."""

EDITS_LIMIT: Final = 6
_PIECE_LIMIT_BYTES: Final = 40

_TELLING: Final = (
    *(bytes([byte]) for byte in (0, 1, 0x0A, 0x16, 0x1B, 0x7F, 0x80, 0xC0, 0xC1, 0xDC, 0xFF)),
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\xcf\x00\x20\x00\x00\x00\x00\x00\x00",  # 2 ** 53 in msgpack
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xed\xa0\x80",  # half a character
    "\u202e\u0301\ufeff".encode(),
)
"""What parsers trip over."""


class Kind(IntEnum):
    """What an edit does at its place."""

    WRITE = 0
    INSERT = 1
    DELETE = 2
    DOUBLE = 3
    CUT = 4


@dataclass(frozen=True)
class Edit:
    """One change."""

    kind: Kind
    place: int
    """Taken modulo the length."""
    piece: bytes
    """What is written; its length counts where nothing is."""

    def of(self, data: bytes) -> bytes:
        """Return the changed input."""
        at, size = self.place % (len(data) + 1), len(self.piece)
        match self.kind:
            case Kind.WRITE:
                return data[:at] + self.piece + data[at + size :]
            case Kind.INSERT:
                return data[:at] + self.piece + data[at:]
            case Kind.DELETE:
                return data[:at] + data[at + size :]
            case Kind.DOUBLE:
                return data[: at + size] + data[at:]
            case Kind.CUT:
                return data[:at]


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Make the changes one after the other; the result is at most INPUT_LIMIT_BYTES long."""
    for edit in edits:
        data = edit.of(data)
    return data[:INPUT_LIMIT_BYTES]


def mutations(target: Target, kept: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Inputs of a target: arbitrary ones, its seeds and what was kept, changed here and there."""
    known = [*target.seeds(), *kept]
    pieces = st.sampled_from((*_TELLING, *target.words)) | st.binary(max_size=_PIECE_LIMIT_BYTES)
    edits = st.builds(Edit, st.sampled_from(Kind), st.integers(0, INPUT_LIMIT_BYTES), pieces)
    changed = st.builds(edited, st.sampled_from(known), st.lists(edits, max_size=EDITS_LIMIT))
    return changed | st.binary(max_size=300)


def mutated(known: Sequence[bytes], words: Sequence[bytes], rng: Random) -> bytes:
    """Draw one input: a known one with some changes, pieces of other known ones among them."""
    pieces = (*_TELLING, *words)

    def piece() -> bytes:
        match rng.randrange(3):
            case 0:
                return rng.choice(pieces)
            case 1:
                return rng.randbytes(rng.randrange(1, 9))
            case _:
                other = rng.choice(known)
                start = rng.randrange(len(other) + 1)
                return other[start : start + rng.randrange(1, _PIECE_LIMIT_BYTES)]

    edits = [
        Edit(rng.choice(list(Kind)), rng.randrange(INPUT_LIMIT_BYTES), piece())
        for _ in range(rng.randrange(1, EDITS_LIMIT + 1))
    ]
    return edited(rng.choice(known), edits)

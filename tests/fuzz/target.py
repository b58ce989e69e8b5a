"""What a fuzz target is: a function of bytes, with inputs to begin from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

PIECES_LIMIT: Final = 48

Run = Callable[[bytes], None]
"""Takes any bytes and returns.

The exceptions that its subject documents it catches itself; whatever comes out is a finding. It
keeps nothing from one call to the next but caches, and draws no chance of its own.
"""


@dataclass(frozen=True)
class Target:
    """One part of the program, fed with bytes."""

    run: Run
    seeds: Callable[[], Sequence[bytes]]
    """Makes inputs that get far: mutations of them get farther than random bytes."""
    words: tuple[bytes, ...] = ()
    """Byte strings that mean something to the subject, for the dictionary of a fuzzer."""


class Reader:
    """Takes an input apart, from the front; past its end everything is zero or empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything was taken."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """Take one byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def choice(self, count: int) -> int:
        """Take one byte as a number below `count`."""
        return self.byte() % count

    def piece(self) -> bytes:
        """Take two bytes of a length, and then so many bytes, or as many as there are."""
        length = self.byte() << 8 | self.byte()
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def pieces(self) -> Iterator[bytes]:
        """Take pieces to the end, or PIECES_LIMIT of them: thousands of empty ones tell nothing."""
        for _ in range(PIECES_LIMIT):
            if self.is_empty:
                return
            yield self.piece()

    def rest(self) -> bytes:
        """Take everything that is left."""
        taken, self._at = self._data[self._at :], len(self._data)
        return taken


def piece(content: bytes) -> bytes:
    """Write what `Reader.piece` takes."""
    return len(content).to_bytes(2, "big") + content

"""Draws by chance without looking at everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from random import Random


class Lot(Protocol):
    """Something that lies in one urn at most."""

    place: int
    """Where it lies; the urn keeps it."""


L = TypeVar("L", bound=Lot)


class Urn(Generic[L]):
    """Lots in no order; to put one in, take one out or draw one costs the same for any number."""

    __slots__ = ("_lots",)

    def __init__(self) -> None:
        self._lots: list[L] = []

    def __len__(self) -> int:
        return len(self._lots)

    def __iter__(self) -> Iterator[L]:
        return iter(self._lots)

    def put(self, lot: L) -> None:
        """Put in a lot that is in no urn."""
        lot.place = len(self._lots)
        self._lots.append(lot)

    def take(self, lot: L) -> None:
        """Take out a lot that is in this urn: the last one comes to its place."""
        last = self._lots.pop()
        if last is not lot:
            self._lots[lot.place] = last
            last.place = lot.place

    def drawn(self, rng: Random) -> Iterator[L]:
        """Yield all by chance; draws no more than are taken, and nobody may put or take meanwhile.

        Fisher and Yates' shuffle, as far as it is needed.
        """
        lots = self._lots
        for left in range(len(lots), 0, -1):
            place = int(rng.random() * left)
            lot = lots[place]
            yield lot
            last = lots[left - 1]
            lots[place], lots[left - 1] = last, lot
            last.place, lot.place = place, left - 1

"""Tables whose entries end in the order in which they came."""

from __future__ import annotations

from typing import Protocol, TypeVar

K = TypeVar("K")


class Ending(Protocol):
    """Something that holds for a while."""

    @property
    def ends_at(self) -> float:
        """Monotonic seconds."""
        ...


E = TypeVar("E", bound=Ending)


def forget_ended(table: dict[K, E], now: float) -> None:
    """Drop what has ended off the front of a table, the oldest of which stands first."""
    while table:
        oldest = next(iter(table))
        if table[oldest].ends_at > now:
            return
        del table[oldest]

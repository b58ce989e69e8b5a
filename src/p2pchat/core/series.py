"""Names one author's numbering in one start of its node."""

from __future__ import annotations

from functools import lru_cache
from typing import NewType

from p2pchat.core.values import PEER_ID_BYTES, Epoch, PeerId

Series = NewType("Series", bytes)
"""40 bytes: author, then epoch. Numbers count from 0 anew in each series."""

SERIES_BYTES = 40


@lru_cache(maxsize=1024)
def series_of(author: PeerId, epoch: Epoch) -> Series:
    """Name the numbering of that author in that epoch.

    Remembered, so that the tables share one object for all envelopes of a series, instead of
    80 bytes in each of their entries.
    """
    return Series(author + epoch)


def author_of(series: Series) -> PeerId:
    """Return who numbers."""
    return PeerId(series[:PEER_ID_BYTES])


def epoch_of(series: Series) -> Epoch:
    """Return the start of the author's node that is numbered."""
    return Epoch(series[PEER_ID_BYTES:])

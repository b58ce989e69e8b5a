"""Packs numbers of many authors into the entries of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from p2pchat.core import limits
from p2pchat.core.frames import Entry, Span
from p2pchat.core.intervals import Span as Numbers
from p2pchat.core.series import Series, author_of, epoch_of, series_of
from p2pchat.core.values import Epoch, PeerId

_ENTRY_BYTES: Final = 46
_SPAN_BYTES: Final = 19
"""Upper bounds of what msgpack makes of them."""


def entry_of(series: Series, spans: Iterable[Numbers]) -> Entry:
    """Name numbers of a series; what exceeds a frame's longest list is left out."""
    few = list(spans)[: limits.INTERVALS_LIMIT]
    named = tuple(Span(start, stop - start) for start, stop in few)
    return Entry(author_of(series), epoch_of(series), named)


def packed(entries: Iterable[Entry]) -> Iterator[tuple[Entry, ...]]:
    """Cut a row of entries into pieces that each fit a frame of repair."""
    piece: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        more_bytes = _ENTRY_BYTES + _SPAN_BYTES * len(entry.spans)
        is_full = len(piece) >= limits.LIST_LIMIT or (
            size_bytes + more_bytes > limits.BULK_FRAME_BYTES
        )
        if piece and is_full:
            yield tuple(piece)
            piece, size_bytes = [], 0
        piece.append(entry)
        size_bytes += more_bytes
    if piece:
        yield tuple(piece)


def unpacked(entries: Iterable[Entry]) -> Iterator[tuple[Series, Numbers]]:
    """Iterate over the spans of all entries."""
    for entry in entries:
        series = series_of(PeerId(entry.author), Epoch(entry.epoch))
        for span in entry.spans:
            yield series, (span.first, span.first + span.count)

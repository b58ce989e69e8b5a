"""Numbered texts, with a count of which of them arrived."""

from __future__ import annotations

import asyncio
import time
from array import array
from typing import Final

TEXT_BYTES: Final = 64
NUMBER_DIGITS: Final = 8
TIME_DIGITS: Final = 20
_TIME_END: Final = NUMBER_DIGITS + TIME_DIGITS
_PADDING: Final = "." * (TEXT_BYTES - _TIME_END)


def numbered_text(number: int) -> str:
    """Write a text of TEXT_BYTES that carries its number and the time."""
    return f"{number:0{NUMBER_DIGITS}}{time.monotonic_ns():0{TIME_DIGITS}}{_PADDING}"


class Tally:
    """Counts what one node received.

    Its memory is laid out at the start, so that it does not grow while a node is watched.
    """

    def __init__(self, texts: int, wanted: int, *, delays: bool) -> None:
        self._seen = bytearray(texts)
        self._wanted = wanted
        self.keeps_delays = delays
        self.delays_ms = array("d")
        self.distinct = 0
        self.duplicates = 0
        self.garbled = 0
        self.last_ns = time.monotonic_ns()
        self.ended = asyncio.Event()
        if not wanted:
            self.end()

    def add(self, text: str) -> None:
        """Count one text."""
        # Short on purpose: what this costs is part of every figure.
        try:
            number = int(text[:NUMBER_DIGITS])
            is_known = self._seen[number]
        except (ValueError, IndexError):
            self.garbled += 1
            return
        if is_known or len(text) != TEXT_BYTES:
            self.duplicates += is_known
            self.garbled += not is_known
            return
        self._seen[number] = 1
        self.distinct += 1
        self.last_ns = time.monotonic_ns()
        if self.keeps_delays:
            sent_ns = int(text[NUMBER_DIGITS:_TIME_END])
            self.delays_ms.append((self.last_ns - sent_ns) / 1e6)
        if self.distinct == self._wanted:
            self.end()

    def end(self) -> None:
        """Wait for no more: all are here, or the rest is lost."""
        self.ended.set()

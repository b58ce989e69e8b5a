"""A text that is too long for one message, in pieces that are not."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from p2pchat.core import limits

_JOINING: Final = "[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"
"""What belongs to the character before it though it is no combining mark: the joiner of emoji,
variation selectors, skin tones."""

_FLAGS: Final = "[\U0001f1e6-\U0001f1ff]+$"
"""Letters of which two make a flag."""

_ZERO_WIDTH_JOINER: Final = "\u200d"

_LONGEST_CHARACTER: Final = 64
"""Code points of one character that is not cut; those of real ones are fewer than 20."""


def fits(text: str) -> bool:
    """Tell whether a text may go out as one message."""
    if len(text) > limits.TEXT_LIMIT_CHARACTERS:
        return False
    return text.isascii() or len(text.encode("utf-8", "replace")) <= limits.TEXT_LIMIT_BYTES


def pieces(text: str) -> list[str]:
    """Cut a text into pieces that fit, which joined are the text again.

    It is cut behind line ends; a line that is too long itself, behind blanks; a word that is,
    anywhere but inside of what people take for one character.
    """
    return list(_pieces(text))


@lru_cache(maxsize=2)
def count_pieces(text: str) -> int:
    """Return how many pieces that makes; asked again and again while it stands in an editor."""
    return 1 if fits(text) else sum(1 for _ in _pieces(text))


def sending_s(parts: Sequence[str]) -> float:
    """Return how long they take at the pace that an open room takes of one author."""
    size_bytes = sum(len(part.encode("utf-8", "replace")) for part in parts)
    envelopes = math.ceil(size_bytes / limits.ENVELOPE_BATCH_BYTES)
    late_envelopes = envelopes / limits.OWN_PACE - limits.AUTHOR_ENVELOPES
    late_bytes = size_bytes / limits.OWN_PACE - limits.AUTHOR_BYTES
    by_count = late_envelopes / limits.AUTHOR_ENVELOPES_PER_S
    return max(0.0, by_count, late_bytes / limits.AUTHOR_BYTES_PER_S)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = _end_of_room(text, start)
        if end < len(text):
            end = _cut(text, start, end)
        yield text[start:end]
        start = end


def _end_of_room(text: str, start: int) -> int:
    end = min(len(text), start + limits.TEXT_LIMIT_CHARACTERS)
    while not fits(text[start:end]):
        end -= max(1, (end - start) // 16)
    return end


def _cut(text: str, start: int, end: int) -> int:
    """Return where to cut, behind start and not behind end."""
    for blank in ("\n", " "):
        if (place := text.rfind(blank, start, end)) >= start:
            return place + 1
    for place in range(end, max(start, end - _LONGEST_CHARACTER), -1):
        if _is_between_characters(text[start:place], text[place]):
            return place
    return end


def _is_between_characters(before: str, after: str) -> bool:
    if before.endswith(_ZERO_WIDTH_JOINER) or re.match(_JOINING, after):
        return False
    if re.match(_FLAGS, after) and (letters := re.search(_FLAGS, before)):
        return len(letters[0]) % 2 == 0
    return not unicodedata.category(after).startswith("M")

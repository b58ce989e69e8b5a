r"""The one cleaner between untrusted text and whatever shows or records it.

A terminal obeys what it is sent: an ESC moves the cursor, a bidi override reorders a line, a
carriage return writes over a nick. Here such characters become harmless ASCII that still tells
what was there: ESC becomes `\x1b`, RIGHT-TO-LEFT OVERRIDE `\u202e`, a language tag `\U000e0001`.
The spelled form is the same as in Python source, and is not marked: a typed `\x1b` looks equal.
"""

from __future__ import annotations

import unicodedata
from typing import Final

TAB: Final = "    "
"""What a tab becomes; a real one could push text under somebody else's line."""

MARKS_LIMIT: Final = 4
"""Most combining marks and joiners on one base.

Vietnamese, Hebrew and Devanagari need up to four; stacks of hundreds paint over the lines above.
"""

ELLIPSIS: Final = "..."
"""Ends what was cut to a limit; ASCII, for logs and old code pages."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""ZWNJ and ZWJ: invisible, but Persian, Hindi and emoji need them."""

_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, invisible formatting such as bidi overrides, lone surrogates, line breaks."""

_MARK_CATEGORIES: Final = frozenset({"Mn", "Me"})
"""Marks that are drawn onto their base; variation selectors are among them."""


def visible(text: str) -> str:
    r"""Return text in which nothing can steer a terminal; newlines are kept.

    Spelled out are all controls but newline and tab, all formatting characters but ZWJ and
    ZWNJ, lone surrogates, line and paragraph separators, and whatever combining mark or joiner
    is beyond the fourth on its base. A tab becomes four spaces. Everything else stays.

    Whoever shows the result indents what follows a newline, or a text could fake a line.
    """
    if text.isascii() and text.replace("\n", " ").isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        if " " <= character <= "~" or character == "\n":
            marks = 0
            shown.append(character)
            continue
        if character == "\t":
            marks = 0
            shown.append(TAB)
            continue
        category = unicodedata.category(character)
        if category in _MARK_CATEGORIES or character in _JOINERS:
            marks += 1
            shown.append(character if marks <= MARKS_LIMIT else _spell_out(character))
            continue
        marks = 0
        shown.append(_spell_out(character) if category in _UNSAFE_CATEGORIES else character)
    return "".join(shown)


def visible_line(text: str, limit: int | None = None) -> str:
    r"""Return exactly one line: as `visible`, and a newline becomes `\x0a`.

    Args:
        text: Anything.
        limit: Most characters of the result, at least 3; what is longer ends in "...".
    """
    # Nothing becomes shorter by being spelled out, so this much decides whether it fits.
    start = text if limit is None else text[: limit + 1]
    line = visible(start).replace("\n", _spell_out("\n"))
    if limit is None or len(line) <= limit:
        return line
    return line[: limit - len(ELLIPSIS)] + ELLIPSIS


def is_invisible(character: str) -> bool:
    """Tell whether a character shows nothing, or only a blank.

    Blanks, controls, formatting, joiners, variation selectors, and the letters and signs that
    are drawn as nothing, such as the Hangul fillers.
    """
    if " " < character <= "~":
        return False
    if character.isspace() or character in _DRAWN_AS_NOTHING:
        return True
    return unicodedata.category(character) in _UNSAFE_CATEGORIES - {"Cs"}


_DRAWN_AS_NOTHING: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""Default-ignorable characters that are no formatting characters, with the empty Braille cell."""


def _spell_out(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

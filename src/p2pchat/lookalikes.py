"""What a nick looks like, so that nobody can borrow another one's.

The skeletons of UTS #39 (Unicode Security Mechanisms, section 4), with the case and width mapping
of RFC 8266 (nicknames), and without marks: `Rene` with an accent may be read as one without.

A nick has two looks, and two nicks look alike when they share one. `IAN` as it stands looks like
`lan`, and in lower case like `ian`; but `ian` and `lan` are different. One skeleton for both would
have to make them equal, and with them `v` and `n`, since Greek has a small `v` whose capital is
an `N`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from p2pchat.confusables import prototypes
from p2pchat.sanitize import is_invisible

_CUT_CHARACTERS: Final = 192
"""What is looked at of a text; eight times the longest nick. A bound before the work."""

_CACHED_NICKS: Final = 8_192
"""Nicks whose looks are remembered: twice the people that a node remembers, some 3 MiB."""

_ROUNDS_LIMIT: Final = 8
"""Prototypes may have a lower case, and that a prototype; nothing needs more than four rounds."""

_MARKS: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
"""Combining marks that belong to no script; vowel signs of Devanagari, say, are letters.

A pattern that `re` compiles when it is first needed, and remembers."""


def folded(nick: str) -> str:
    """Return what is equal for nicks that differ in case, width or encoding only, as RFC 8266."""
    return _lower(_drawn(nick[:_CUT_CHARACTERS]))


@lru_cache(maxsize=_CACHED_NICKS)
def looks(nick: str) -> tuple[str, ...]:
    """Return the one or two skeletons of a nick: in lower case, and as it stands.

    They are to be compared, not to be shown. Text of any length and form may be given.
    """
    kept = _drawn(nick[:_CUT_CHARACTERS])
    lower, shown = _settled(kept), _settled(_prototype(unicodedata.normalize("NFC", kept)))
    return (lower,) if lower == shown else (lower, shown)


def looks_like(one: str, other: str) -> bool:
    """Tell whether people could take one nick for the other; equal ones look alike."""
    return not set(looks(one)).isdisjoint(looks(other))


def _settled(text: str) -> str:
    for _ in range(_ROUNDS_LIMIT):
        before, text = text, _prototype(_lower(text))
        if text == before:
            break
    return text


def _lower(text: str) -> str:
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # What NFKC makes of U+00B4 begins with a blank, of U+FFA0 it is the invisible U+1160.
    return unicodedata.normalize("NFKC", _drawn(lower))


def _drawn(text: str) -> str:
    return "".join(character for character in text if not is_invisible(character))


def _prototype(text: str) -> str:
    bare = re.sub(_MARKS, "", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFD", bare.translate(prototypes()))

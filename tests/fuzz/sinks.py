"""Everywhere that a notice may be shown: what comes out there can't steer a terminal."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from p2pchat.ui import ndjson, plain, view

if TYPE_CHECKING:
    from p2pchat.core.notices import Notice
    from p2pchat.core.values import Person

_AT: Final = datetime(2026, 1, 2, tzinfo=UTC)
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FREE: Final = frozenset("\n\u200c\u200d")
"""Newlines are laid out by whoever shows them; joiners are needed by some scripts."""


def assert_harmless(shown: str, lines: int | None = None) -> None:
    """Fail where a text could steer a terminal, or has more lines than it may."""
    if not shown.isascii() or not shown.replace("\n", "").isprintable():
        for character in shown:
            is_safe = character in _FREE or unicodedata.category(character) not in _UNSAFE
            assert is_safe, f"{character!r} is shown"
    assert lines is None or len(shown.split("\n")) <= lines


def show(notice: Notice, me: Person) -> None:
    """Write a notice to every kind of front."""
    for line in ndjson.encode(notice, _AT):
        assert line.isascii()
        assert "\n" not in line
        json.loads(line)
    printed = plain.lines_of(notice)
    for line in (*printed.out, *printed.err):
        assert_harmless(line, lines=1)
    rendered = view.render(notice, _AT, view.Scene(me, known=(me,)))
    if rendered is not None:
        assert_harmless(rendered.plain, lines=view.LINES_LIMIT + 3)

"""The program's own sentences, broken between words and never inside of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

GUTTER: Final = " " * 6
"""Further lines of a text start here, so that none of them can pose as a line of its own."""

_LEAST_COLUMNS: Final = 20
"""On narrower terminals there is nothing to choose: they break where they must."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A text of the program itself, fitted to the width when it is printed.

    What people write is left to the terminal instead: it flows again after a resize, and links
    stay whole.
    """

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield wrapped(self.text, options.max_width)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A drawing of the program itself, whose lines are folded where the terminal ends.

    Texts are printed so that the terminal wraps them. A tree draws each line by itself, and would
    be cut off.
    """

    drawing: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.drawing, options.update(no_wrap=False, overflow="fold"))


def wrapped(text: Text, columns: int) -> Text:
    """Return the text with line breaks at blanks, further rows under the gutter.

    A word that is wider than a row stays whole, for the terminal to break: an address or an
    invite can then still be copied.
    """
    if columns < _LEAST_COLUMNS:
        return text
    rows = [row for line in text.split("\n", allow_blank=True) for row in _rows(line, columns)]
    return Text("\n").join(rows)


def _rows(line: Text, columns: int) -> Iterator[Text]:
    for number, row in enumerate(line.divide(_breaks(line.plain, columns))):
        row.rstrip()
        yield Text(GUTTER).append_text(row) if number else row


def _breaks(line: str, columns: int) -> list[int]:
    """Return where the rows after the first one begin."""
    breaks: list[int] = []
    start, room = 0, columns
    for word in re.finditer(r"\S+", line):
        if word.start() > start and cell_len(line[start : word.end()]) > room:
            start, room = word.start(), columns - len(GUTTER)
            breaks.append(start)
    return breaks

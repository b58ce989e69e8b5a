"""What the terminal shows besides the conversation, as plain values."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from msgspec import Struct

from p2pchat.sanitize import visible_line

Fragments = list[tuple[str, str]]
"""Styles with the texts they apply to."""

NARROW_COLUMNS: Final = 60
"""Below this width the toolbar leaves out what can be asked for."""

PASTE_LINES: Final = 5
"""With more lines than this in the editor, the toolbar says what Enter would do."""

ROOM_COLUMNS_SHARE: Final = 3
"""A room's name may take one third of the toolbar."""


class Toolbar(Struct, frozen=True):
    """The line under the input line."""

    room: str
    peers: int
    """People in the room, oneself not counted."""
    port: int
    direct: int | None = None
    """How many of them are neighbours; None when all are."""
    waiting: int = 0
    """Own messages that were not delivered yet."""
    is_private: bool = False
    """Whether only who has the room's secret is in it."""


class Draft(Struct, frozen=True):
    """The text in the editor."""

    lines: int = 1
    messages: int = 1
    """How many it makes when it is sent."""


ONE_LINE: Final = Draft()


def toolbar_text(toolbar: Toolbar, width: int, draft: Draft = ONE_LINE) -> Fragments:
    """Lay out the toolbar, or say what Enter would do with a long text.

    Args:
        toolbar: What to show.
        width: Columns of the terminal.
        draft: What stands in the editor.
    """
    if draft.lines > PASTE_LINES or draft.messages > 1:
        what = [f"{draft.lines} lines"] if draft.lines > 1 else []
        what += [f"{draft.messages} messages"] if draft.messages > 1 else []
        what.append("Enter asks" if draft.messages > 1 else "Enter sends")
        return [("", fit_words(f" {', '.join(what)}, Ctrl+C drops", width))]
    narrow = width < NARROW_COLUMNS
    room = _fit(visible_line(toolbar.room), max(8, width // ROOM_COLUMNS_SHARE))
    if toolbar.is_private:
        room += " (private)"
    parts = [room, _peers(toolbar, narrow=narrow)]
    if not narrow:
        parts.append(f":{toolbar.port}")
    if toolbar.waiting:
        parts.append(f"{toolbar.waiting} waiting")
    elif not narrow:
        parts.append("/help")
    return [("", fit_words(" " + " · ".join(parts), width))]


def _peers(toolbar: Toolbar, *, narrow: bool) -> str:
    if not toolbar.peers:
        return "no peers"
    count = "1 peer" if toolbar.peers == 1 else f"{toolbar.peers} peers"
    if narrow or toolbar.direct is None or toolbar.direct == toolbar.peers:
        return count
    return f"{count} ({toolbar.direct} direct)"


def fit_words(text: str, columns: int) -> str:
    """Shorten a sentence to one row, between two words if there are two."""
    if len(text) <= columns:
        return text
    kept = text[: max(0, columns - 1)]
    if not text[len(kept) :].startswith(" "):
        kept = kept.rpartition(" ")[0]
    return f"{kept.rstrip(' ,.;:·')}…" if kept.strip() else _fit(text, columns)


def _fit(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[: max(0, columns - 1)] + "…"


Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """What waits to be shown: bounded, the oldest gives way.

    Items marked to keep give way last, so that an answer to the user is not lost in a flood.
    """

    def __init__(self, limit_items: int) -> None:
        self._limit_items = limit_items
        self._waiting: deque[tuple[Item, bool]] = deque()
        self._skipped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: Item, *, keep: bool = False) -> None:
        """Append an item; above the limit the oldest other one is dropped, and counted."""
        self._waiting.append((item, keep))
        if len(self._waiting) <= self._limit_items:
            return
        self._skipped += 1
        for place, (_, kept) in enumerate(self._waiting):
            if not kept:
                del self._waiting[place]
                return
        self._waiting.popleft()

    def take(self) -> Item:
        """Remove the oldest item.

        Raises:
            IndexError: Nothing waits.
        """
        return self._waiting.popleft()[0]

    def take_skipped(self) -> int:
        """Return how many items were dropped since the last call."""
        skipped, self._skipped = self._skipped, 0
        return skipped

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._skipped = 0

"""What waits to be shown becomes what a terminal is sent."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Final

from rich.console import Console

from p2pchat.ui.view import skipped_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from p2pchat.ui.model import Backlog

FLUSH_LIMIT_ITEMS: Final = 100
FLUSH_LIMIT_CHARACTERS: Final = 32 * 1024
"""Most that one print shows, so that a flood leaves time for keys."""


class Printer:
    """Turns renderables into what the terminal is sent."""

    def __init__(self, has_colour: bool | None) -> None:
        """Prepare; `has_colour` None leaves it to NO_COLOR."""
        self._written = StringIO()
        self._console = Console(
            file=self._written,
            force_terminal=True,
            no_color=None if has_colour is None else not has_colour,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )

    def render(self, backlog: Backlog[RenderableType], columns: int) -> str:
        """Take items out of the backlog, as many as one print may show.

        Args:
            backlog: What waits to be shown.
            columns: Width of the terminal.
        """
        self._console.width = columns
        self._written.seek(0)
        self._written.truncate()
        if skipped := backlog.take_skipped():
            self._print(skipped_line(skipped))
        for _ in range(FLUSH_LIMIT_ITEMS):
            if not backlog or self._written.tell() > FLUSH_LIMIT_CHARACTERS:
                break
            self._print(backlog.take())
        return self._written.getvalue().replace("\n", "\r\n")

    def _print(self, item: RenderableType) -> None:
        # The terminal wraps texts better: they flow again after a resize, and links stay whole.
        self._console.print(item, soft_wrap=True)

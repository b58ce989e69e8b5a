"""Long texts in the editor: one question before they go out as several messages."""

from __future__ import annotations

from collections.abc import Iterator

from p2pchat.ui.commands import Command, Say
from p2pchat.ui.grammar import parse
from p2pchat.ui.pieces import fits, pieces, sending_s
from p2pchat.ui.words import span


class Pasting:
    """Asks once; the same text entered again is the yes."""

    def __init__(self) -> None:
        self.is_private = False
        """Whether the room is: then nobody has to keep to a pace."""
        self._asked: str | None = None

    def question(self, buffer: str) -> str | None:
        """Return what to ask before that is taken out of the editor; None where it may go."""
        if fits(buffer) or buffer == self._asked:
            self._asked = None
            return None
        command = parse(buffer)
        if not isinstance(command, Say) or fits(command.text):
            return None
        self._asked = buffer
        parts = pieces(command.text)
        seconds = 0.0 if self.is_private else sending_s(parts)
        time = f"about {span(seconds)}" if seconds >= 1 else "at once"
        return f"{len(parts)} messages, {time}: Enter again sends, Ctrl+C drops"


def commands_of(buffer: str) -> Iterator[Command]:
    """Read what was taken out of the editor: a long text is several messages."""
    command = parse(buffer)
    if isinstance(command, Say) and not fits(command.text):
        yield from map(Say, pieces(command.text))
        return
    yield command

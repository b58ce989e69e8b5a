"""One accepted buffer, cut for the decision what it means, and the errors about it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from p2pchat.sanitize import is_invisible
from p2pchat.ui.command_table import find
from p2pchat.ui.commands import SetBack
from p2pchat.wire.invite import holds_secret

SHOWN_CHARACTERS: Final = 40
"""How much of somebody's input an error repeats."""

ERROR_CHARACTERS: Final = 300

SECRET_TEXT: Final = (
    "that text holds an invite with a secret, and whoever reads it is a member of the room for "
    "good. Nothing was sent. To use it: connect, then the invite. "
    "To have everybody read it all the same: /say, then the text"
)

BROKEN_TEXT: Final = "that text holds half a character (a lone surrogate). Nothing was sent."


class Typed(Struct, frozen=True):
    """One accepted buffer, cut for the decision."""

    buffer: str
    lead: str
    """Blanks and invisible characters before everything else."""
    body: str
    """What follows them, without blanks at the end."""
    core: str
    """The body without invisible characters at the end: what decides."""

    @property
    def after_word(self) -> str:
        """What follows the first word and the one blank after it, exactly."""
        word = self.core.split(None, 1)[0]
        return self.body[len(word) + 1 :]

    def set_back(self, text: str, code: str) -> SetBack:
        """Refuse it with a line that says why."""
        return SetBack(text, code, self.buffer)

    def usage(self, name: str) -> SetBack:
        """Refuse it with how the command is used."""
        return self.set_back(f"usage: {find(name)[0].usage}", "bad-input")


def cut(buffer: str) -> Typed:
    """Cut a buffer, whatever it holds."""
    kept = buffer.rstrip()
    core = without_invisible(kept)
    start = kept.find(core) if core else len(kept)
    return Typed(buffer, kept[:start], kept[start:], core)


def without_invisible(text: str) -> str:
    """Return the text from its first to its last visible character, which may be nothing."""
    start, end = 0, len(text)
    while start < end and is_invisible(text[start]):
        start += 1
    while start < end and is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def words_of(text: str) -> list[str]:
    """Return the words of a text without what is invisible around them all."""
    return without_invisible(text).split()


def is_whole(text: str) -> bool:
    """Tell whether the text has a UTF-8 form, as everything that is sent must."""
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def refusal_of(text: str, typed: Typed) -> SetBack | None:
    """Refuse a text that must not go out by mistake; None for one that may."""
    if holds_secret(text):
        return typed.set_back(SECRET_TEXT, "bad-input")
    return broken_text(text, typed)


def broken_text(text: str, typed: Typed) -> SetBack | None:
    """Refuse a text that can't be written down; None for one that can."""
    return None if is_whole(text) else typed.set_back(BROKEN_TEXT, "bad-input")

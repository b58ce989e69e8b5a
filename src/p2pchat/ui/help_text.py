"""What `/help` says, made from the table of commands."""

from __future__ import annotations

from typing import Final

from p2pchat.ui.command_table import COMMANDS, CommandSpec, find

_GRAMMAR: Final = (
    "Whatever is no command goes to everybody you are connected with.",
    "@NAME and a text go to that person only, also with several lines.",
    "//text and @@text send /text and @text; /say TEXT sends anything as it is.",
    "Commands may be shortened as long as only one is meant: /he for /help.",
    "Any other text of several lines is sent as it is, commands in it are not carried out.",
)

KEYS: Final = (
    ("Enter", "send"),
    ("Alt+Enter, Ctrl+J", "begin a new line in the same message"),
    ("Tab", "complete a command, a name or an address"),
    ("Up, Down, Ctrl+R", "look through what you typed before"),
    ("Ctrl+C", "drop the line; twice on an empty one leaves"),
    ("Ctrl+D", "leave, on an empty line"),
    ("Ctrl+L", "draw the screen again"),
)


def help_text(topic: str | None = None, *, keys: bool = True) -> list[str]:
    """Return the lines of help about everything, or about one command that works.

    Args:
        topic: A command, with or without slash; whatever means no single one is taken as None.
        keys: Whether to tell the keys, which only the full terminal has.
    """
    specs = find(topic.removeprefix("/")) if topic else ()
    if len(specs) == 1 and specs[0].built:
        return _help_on(specs[0])
    lines = _columns([(spec.usage, spec.summary) for spec in COMMANDS if spec.built])
    lines += ["", *_GRAMMAR]
    if keys:
        lines += ["", *_columns(list(KEYS))]
    return lines


def _help_on(spec: CommandSpec) -> list[str]:
    lines = [f"{spec.usage}: {spec.summary}", *(f"  {line}" for line in spec.more)]
    if spec.aliases:
        lines.append("  Also: " + ", ".join(f"/{alias}" for alias in spec.aliases))
    return lines


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(left) for left, _ in rows) + 2
    return [f"{left:<{width}}{right}" for left, right in rows]

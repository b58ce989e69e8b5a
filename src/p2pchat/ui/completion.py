"""What Tab makes of the text before the cursor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from p2pchat.sanitize import visible_line
from p2pchat.ui.command_table import COMMANDS, CommandSpec, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ARGUMENT_KINDS: Final = re.compile("[A-Z]+")
_OPTIONS: Final = re.compile("(?:--)?[a-z]+")
"""Words of a usage that are typed as they stand."""

_NEW_NICK: Final = "nick"
"""The one command whose NAME is not that of somebody else."""


class Candidate(NamedTuple):
    """One way to go on."""

    text: str
    start: int
    """Where the text goes, counted from the cursor: 0 or less."""
    meta: str
    """What it is, in a few words."""


def candidates(
    before_cursor: str, nicks: Iterable[str], addresses: Iterable[str]
) -> list[Candidate]:
    """Return how the text before the cursor may go on, in alphabetical order.

    Commands at the start of a line, names after `@` and where a command takes one, addresses
    after `connect`; nothing in plain text, where Tab would only be in the way.

    Args:
        before_cursor: What was typed up to the cursor.
        nicks: How to address the people who are around.
        addresses: Where others may be reached.
    """
    if "\n" in before_cursor:
        return []
    *earlier, word = before_cursor.lstrip().split(" ")
    match earlier:
        case []:
            found = [*_commands(word), *_mentions(word, nicks, end=" ")]
        case [command] if spec := _spec(command):
            found = [*_arguments(spec, word, nicks, addresses), *_mentions(word, nicks, end="")]
        case [command, _] if spec := _spec(command):
            found = [*_second_argument(spec, word), *_mentions(word, nicks, end="")]
        case _:
            found = _mentions(word, nicks, end="")
    return sorted(set(found))


def _commands(word: str) -> Iterator[Candidate]:
    if not word.startswith("/") or word.startswith("//"):
        return
    for spec in COMMANDS:
        if not spec.built:
            continue
        end = " " if " " in spec.usage else ""
        for name in spec.words:
            yield from _if_it_goes_on(word, f"/{name}", end, spec.summary)


def _mentions(word: str, nicks: Iterable[str], *, end: str) -> list[Candidate]:
    if not word.startswith("@") or word.startswith("@@"):
        return []
    return [found for nick in nicks for found in _if_it_goes_on(word, f"@{nick}", end, "")]


def _arguments(
    spec: CommandSpec, word: str, nicks: Iterable[str], addresses: Iterable[str]
) -> list[Candidate]:
    usage = spec.usage.partition(" ")[2].partition(" ")[0]
    kinds = set(_ARGUMENT_KINDS.findall(usage))
    options = _OPTIONS.findall(usage)
    found = [f for option in options for f in _if_it_goes_on(word, option, "", "")]
    if "NAME" in kinds and spec.name != _NEW_NICK:
        found += [f for nick in nicks for f in _if_it_goes_on(word, nick, "", "")]
    if "ADDRESS" in kinds:
        found += [f for address in addresses for f in _if_it_goes_on(word, address, "", "")]
    if "COMMAND" in kinds:
        built = [known for known in COMMANDS if known.built]
        found += [f for known in built for f in _if_it_goes_on(word, known.name, "", known.summary)]
    return found


def _second_argument(spec: CommandSpec, word: str) -> Iterator[Candidate]:
    usage = spec.usage.split(" ")[2:]
    for option in _OPTIONS.findall(" ".join(usage)):
        yield from _if_it_goes_on(word, option, "", "")


def _if_it_goes_on(word: str, whole: str, end: str, meta: str) -> Iterator[Candidate]:
    # Nicks are texts from outside, and prompt_toolkit draws what it is given.
    text = visible_line(whole)
    if text.casefold().startswith(word.casefold()):
        yield Candidate(text + end, -len(word), meta)


def _spec(command: str) -> CommandSpec | None:
    if command == "connect":
        command = "/connect"
    if not command.startswith("/"):
        return None
    specs = find(command.removeprefix("/"))
    return specs[0] if len(specs) == 1 and specs[0].built else None

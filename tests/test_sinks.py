"""Every way out: whatever strangers write, nothing that steers a terminal comes out."""

from __future__ import annotations

import enum
import logging
import re
import types
import typing
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat import cli
from p2pchat.core.notices import Notice, Path, Peers, Reach
from p2pchat.core.values import Message, PeerId, Person
from p2pchat.logs import OneLine
from p2pchat.ui import ndjson, ndjson_answers, plain
from p2pchat.ui.answers import render_peers
from p2pchat.ui.completion import candidates
from p2pchat.ui.model import Backlog, Toolbar, toolbar_text
from p2pchat.ui.names import name_alone
from p2pchat.ui.ndjson_people import encode_about
from p2pchat.ui.people import AboutPerson, SafetyNumber, lines_about
from p2pchat.ui.printer import Printer
from p2pchat.ui.view import Scene, render, render_reach
from tests.effort import EFFORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
ME: Final = Person(PeerId(bytes(31) + b"\1"), "me")
SCENE: Final = Scene(ME)
OWN_STYLES: Final = re.compile(r"\x1b\[[0-9;]*m")

ATTACKS: Final = (
    "\x1b]52;c;ZXZpbA==\x07",  # writes the clipboard
    '\x1bP$q"p\x1b\\',  # DECRQSS: the terminal answers into the input
    "\x1b[?1003h",  # reports every movement of the mouse
    "\x1b[21t",  # the title comes back as if it were typed
    "\x1b]8;;https://evil.invalid\x1b\\bank\x1b]8;;\x1b\\",  # a link that says something else
    "\x9b2J\x9d0;title\x9c",  # the same in C1
    "\x1b[2J\x1b[H$ sudo rm",
    "\r\x1b[Kbob -> it was me",
    "back\b\b\b\bspace\x7f",
    "one\ntwo\r\nthree\u2028four\u2029five\x85six",
    "\u202egnp.exe\u202c\u2066\u2069\u200f\u061c",
    "\ud800\udfff\udc80",
    "\ufeff\u00ad\u2060\u180e\U000e0041",
    "Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306",
    "[red]markup[/red] <b>html</b> \x1b[31mred",
)
"""What has been tried on other chats; some of it once worked."""

TEXTS: Final = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.builds("".join, st.lists(st.sampled_from(ATTACKS), max_size=3)),
)

LENGTHS: Final = {"PeerId": 32, "Epoch": 8}
"""Of values that are bytes under another name; the others have 16."""


def _is_no_argument(text: str) -> bool:
    """Tell whether no command line can hold that text."""
    return "\ud800" in text


def steering(text: str) -> list[str]:
    """Return the characters of a text that a terminal obeys, or that reorder what is read."""
    return [
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and character not in "\u200c\u200d"
    ]


# --- Values with hostile texts in all their places --------------------------------------------

PEERS: Final = st.binary(min_size=32, max_size=32)

OURS: Final[dict[type, dict[str, st.SearchStrategy[Any]]]] = {
    Person: {"id": PEERS},  # nobody without a key signs anything
    SafetyNumber: {"number": st.just("12345 " * 12)},
}
"""Fields that no stranger fills."""


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of a type as it is written in an annotation."""
    hint = getattr(hint, "__value__", hint)
    arguments = typing.get_args(hint)
    if hint is str:
        return TEXTS
    if isinstance(hint, typing.NewType):
        return _of_new_type(hint)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return st.one_of([values_of(argument) for argument in arguments])
    if typing.get_origin(hint) is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if typing.get_origin(hint) is tuple:
        return st.tuples(*[values_of(argument) for argument in arguments])
    if typing.get_origin(hint) is frozenset:
        return st.frozensets(values_of(arguments[0]), max_size=3)
    return _of_class(hint)


def _of_new_type(hint: Any) -> st.SearchStrategy[Any]:
    if hint.__supertype__ is not bytes:
        return values_of(hint.__supertype__)
    length = LENGTHS.get(hint.__name__, 16)
    return st.binary(min_size=length, max_size=length)


def _of_class(kind: type) -> st.SearchStrategy[Any]:
    simple: dict[type, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(0, 10**12),
        float: st.floats(0, 10**9),
        bytes: st.binary(min_size=16, max_size=16),
        type(None): st.none(),
    }
    if kind in simple:
        return simple[kind]
    if issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    hints = typing.get_type_hints(kind)
    names = getattr(kind, "__struct_fields__", None) or kind.__dataclass_fields__  # type: ignore[attr-defined]
    fields = {name: values_of(hints[name]) for name in names}
    return st.builds(kind, **fields | OURS.get(kind, {}))


# --- The ways out -----------------------------------------------------------------------------


def on_the_terminal(notice: Notice) -> str:
    return str(render(notice, NOW, SCENE) or "")


def in_line_mode(notice: Notice) -> str:
    return "\n".join([line for lines in plain.lines_of(notice) for line in lines])


def as_json(notice: Notice) -> str:
    return "\n".join(ndjson.encode(notice, NOW))


def printed(renderable: RenderableType) -> str:
    """Have it printed without colours; what the printer adds itself is taken out again."""
    backlog: Backlog[RenderableType] = Backlog(1)
    backlog.add(renderable)
    return OWN_STYLES.sub("", Printer(has_colour=False).render(backlog, 100)).replace("\r\n", "\n")


def peers(found: Peers) -> str:
    told = [*plain.lines_of_peers(found), ndjson.encode_peers(found, NOW)]
    tables = [printed(render_peers(found, width, SCENE)) for width in (60, 100)]
    return "\n".join([*told, *tables])


def reach(found: Reach) -> str:
    shown = [plain.line_of_reach(found), str(render_reach(found, NOW, SCENE))]
    return "\n".join([*shown, ndjson.encode_reach("reach", found, NOW)])


def way(found: tuple[Path, Message | Person]) -> str:
    told = plain.lines_of_path(*found)
    return "\n".join([*told, ndjson_answers.encode_path(*found, NOW)])


def about(found: AboutPerson) -> str:
    return "\n".join([*lines_about(found, name_alone, NOW), encode_about(found, NOW)])


def history(messages: tuple[Message, ...]) -> str:
    return "\n".join([*plain.lines_of_history(messages), ndjson.encode_history(messages, NOW)])


def completion(nicks: tuple[str, ...]) -> str:
    found = [*candidates("@", nicks, nicks), *candidates("connect ", nicks, nicks)]
    return "\n".join(f"{candidate.text} {candidate.meta}" for candidate in found)


def toolbar(room: str) -> str:
    return "".join(text for _, text, *_ in toolbar_text(Toolbar(room, 3, 55555), 80))


def log_line(text: str) -> str:
    record = logging.LogRecord("p2pchat", logging.INFO, "", 0, "it said %s", (text,), None)
    line = OneLine().format(record)
    assert "\n" not in line
    return line


SINKS: Final[dict[str, tuple[Any, Callable[[Any], str]]]] = {
    "terminal": (Notice, on_the_terminal),
    "line mode": (Notice, in_line_mode),
    "json": (Notice, as_json),
    "peers": (Peers, peers),
    "reach": (Reach, reach),
    "way": (tuple[Path, Message | Person], way),
    "about a person": (AboutPerson, about),
    "history": (tuple[Message, ...], history),
    "completion": (tuple[str, ...], completion),
    "toolbar": (str, toolbar),
    "log": (str, log_line),
}
"""What each shows, and what comes out."""


@pytest.mark.threat(16)
@pytest.mark.parametrize("name", SINKS)
@settings(max_examples=EFFORT.property_examples, deadline=None)
@given(data=st.data())
def test_nothing_that_steers_a_terminal_comes_out(name: str, data: st.DataObject) -> None:
    kind, shown = SINKS[name]

    out = shown(data.draw(values_of(kind)))

    assert set(steering(out)) <= {"\n"}


@pytest.mark.threat(16)
@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if not _is_no_argument(attack)])
def test_not_even_a_mistake_on_the_command_line_does(
    attack: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_run", lambda _flags, _program: 0)  # some of it is no mistake
    for flag in ("--port", "--connect", "--config", "--nick", "--invite-file"):
        with suppress(SystemExit):
            cli.main([flag, attack])

    shown = capsys.readouterr()
    assert set(steering(shown.out + shown.err)) <= {"\n"}
    assert shown.err.count("\n") == 5


@pytest.mark.threat(16)
@pytest.mark.parametrize("code", [cli.EXIT_FAILED, cli.EXIT_USAGE])
def test_nor_does_any_error(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._fail(ValueError("".join(ATTACKS)), code) == code

    assert steering(capsys.readouterr().err) == ["\n"]

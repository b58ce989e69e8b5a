"""Notices become lines for people."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from p2pchat.core.notices import (
    Connected,
    Dialling,
    Direction,
    Disconnected,
    Gap,
    Listening,
    NickChanged,
    Reach,
    Received,
    Remark,
    Seam,
    Sent,
    Skipped,
    Trouble,
)
from p2pchat.core.values import short_fingerprint
from p2pchat.nicks import label
from p2pchat.sanitize import visible, visible_line
from p2pchat.ui.theme import Theme
from p2pchat.ui.words import of_gap, of_reach, of_seam

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.console import RenderableType

    from p2pchat.core.notices import HeardStatus, NeighbourStatus, Notice, Peers
    from p2pchat.core.values import Address, Message, Person

GUTTER: Final = " " * 6
"""Further lines of a text start here, so that none of them can pose as a line of its own."""

LINES_LIMIT: Final = 50
"""Lines shown of one text; a screen or two, so that one message cannot scroll all others away."""

COLUMNS_LIMIT: Final = 2_000
"""Columns shown of one line of a text."""

TABLE_COLUMNS: Final = 80
"""Below this width, `/peers` prints a labelled line a peer instead of a table."""

NOBODY: Final = "no one is connected: nobody got that; whoever joins in the next 10 minutes gets it"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a line depends on besides the notice."""

    me: Person
    theme: Theme = field(default_factory=Theme)
    known: tuple[Person, ...] = ()
    """Everybody around: whose nick somebody else has too is shown with the start of the key."""


def render(notice: Notice, at: datetime, scene: Scene) -> Text | None:
    """Build the line or lines of a notice.

    Args:
        notice: What the node tells.
        at: When it told so, in the time zone to show.  A message is shown with its author's
            time instead.
        scene: Who looks, and how.

    Returns:
        Unwrapped text, or None for a notice that has no line in the conversation.
    """
    match notice:
        case Received(message):
            return _message(message, at, scene)
        case Sent(message, neighbours):
            return _sent(message, neighbours, at, scene)
        case Connected():
            return _connected(notice, at, scene)
        case Disconnected():
            return _disconnected(notice, at, scene)
        case NickChanged(who, old):
            return _nick_changed(who, old, at, scene)
        case Trouble(text):
            line = _begin(at, "-!-", scene.theme)
            line.append(visible_line(text), scene.theme.trouble)
            return line
        case Remark(text):
            return _remark(text, at, scene)
        case Dialling(address):
            return _remark(f"connecting to {address}", at, scene)
        case Gap():
            return _remark(of_gap(notice, _name(notice.author, scene)), at, scene)
        case Seam():
            return _remark(of_seam(notice), at, scene)
        case Skipped(count):
            return skipped_line(count)
        case Listening():
            return None
        case _:
            assert_never(notice)


@dataclass(frozen=True, slots=True)
class Line:
    """A notice that has a line, which is built only when it is really shown.

    In a flood most lines are skipped, and building them would be most of the work.
    """

    notice: Notice
    at: datetime
    scene: Scene

    def __rich__(self) -> Text:
        text = render(self.notice, self.at, self.scene)
        assert text is not None, "only Listening has no line"
        return text


def mentions(text: str, nick: str) -> bool:
    """Tell whether a text names the nick as a word of its own, in any case, with or without @."""
    return _mention_pattern(nick).search(text) is not None


def skipped_line(count: int) -> Text:
    """Say that lines came faster than anybody could read them."""
    return Text(f"-- … {count} {'line' if count == 1 else 'lines'} skipped", "dim")


def banner(listening: Listening, version: str) -> list[Text]:
    """Build what stands above the first line of the conversation."""
    nick = visible_line(listening.person.nick)
    peer = listening.person.id
    key = f" (key {short_fingerprint(peer)}-…)" if peer is not None else ""
    port = listening.address.port
    return [
        Text(f"p2pchat {version}   you are {nick}{key}"),
        Text(f"Listening for connection requests at {listening.address}"),
        Text(
            f"{visible_line(listening.room)} is an open room: "
            "whoever is on this network can read it and write to it."
        ),
        Text(_how_to_connect(listening, port)),
        Text("/help lists the commands, exit leaves."),
    ]


def render_help(lines: Iterable[str]) -> Text:
    """Build the answer of `/help`: one line each, commands at the start of a line stand out."""
    text = Text()
    for number, line in enumerate(lines):
        word, blank, rest = visible_line(line).partition(" ")
        text.append("\n" if number else "")
        text.append(word, "bold" if word.startswith("/") else "")
        text.append(blank + rest)
    return text


def render_reach(reach: Reach, at: datetime, scene: Scene) -> Text:
    """Build the answer of `/seen`."""
    return _remark(of_reach(reach, lambda person: _name(person, scene)), at, scene)


def render_peers(peers: Peers, width: int, scene: Scene) -> RenderableType:
    """Build the answer of `/peers`: neighbours first, then who was heard through others.

    Args:
        peers: The facts.
        width: Columns of the terminal; fewer than 80 give a labelled line a peer.
        scene: Who looks, and how.
    """
    rows = [_neighbour_row(status, scene) for status in peers.neighbours]
    rows += [_heard_row(status, scene) for status in peers.heard]
    if not rows:
        return Text("-- no one is connected", scene.theme.quiet)
    return _table(rows) if width >= TABLE_COLUMNS else _labelled(rows)


# --- Messages ---------------------------------------------------------------------------------


def _message(message: Message, at: datetime, scene: Scene) -> Text:
    is_mention = message.author.id != scene.me.id and mentions(message.text, scene.me.nick)
    line = _begin(_author_time(message, at), ">>" if is_mention else "", scene.theme)
    if message.earlier:
        line.append("(earlier) ", scene.theme.quiet)
    if message.action:
        line.append("* ")
    line.append(_author(message, scene), scene.theme.nick(message.author.id))
    line.append(" " if message.action else ": ")
    line.append(_body(message.text), scene.theme.mention if is_mention else "")
    return line


def _sent(message: Message, neighbours: int, at: datetime, scene: Scene) -> Text:
    line = _begin(_author_time(message, at), "", scene.theme)
    if message.action:
        line.append("* ")
    line.append(_name(message.author, scene), scene.theme.nick(message.author.id))
    line.append(" " if message.action else ": ")
    line.append(_body(message.text))
    if not neighbours:
        line.append("\n")
        line.append_text(_remark(NOBODY, at, scene))
    return line


def _author_time(message: Message, at: datetime) -> datetime:
    return message.time.astimezone(at.tzinfo)


def _author(message: Message, scene: Scene) -> str:
    if message.via is None:
        return _name(message.author, scene)
    via = "you" if message.via.id == scene.me.id else _name(message.via, scene)
    return f"{_name(message.author, scene)} (via {via}, unverified)"


def _body(text: str) -> str:
    first, *more = text.split("\n")
    hidden = len(more) + 1 - LINES_LIMIT
    lines = [first, *more[: LINES_LIMIT - 1]]
    shown = f"\n{GUTTER}".join(_clipped(visible(line)) for line in lines)
    return f"{shown}\n{GUTTER}... {hidden} more" if hidden > 0 else shown


def _clipped(line: str) -> str:
    # No character is wider than two columns, so most lines need not be measured.
    if len(line) * 2 <= COLUMNS_LIMIT or cell_len(line) <= COLUMNS_LIMIT:
        return line
    return f"{set_cell_size(line, COLUMNS_LIMIT)} ... cut"


@lru_cache(maxsize=16)
def _mention_pattern(nick: str) -> re.Pattern[str]:
    # A hyphen joins words here: "bob" does not stand in "bob-cat", nor in "spongy-bob".
    return re.compile(rf"(?<!\w)(?<!\w-){re.escape(nick)}(?!\w)(?!-\w)", re.IGNORECASE)


# --- People who come and go -------------------------------------------------------------------


def _connected(notice: Connected, at: datetime, scene: Scene) -> Text:
    if notice.already:
        who = _name(notice.person, scene)
        return _remark(f"already connected to {who} ({notice.address}).", at, scene)
    line = _begin(at, "-->", scene.theme)
    line.append(_name(notice.person, scene), scene.theme.nick(notice.person.id))
    line.append(f" joined ({_particulars(notice)})", scene.theme.quiet)
    return line


def _particulars(notice: Connected) -> str:
    if notice.guest or notice.person.id is None:
        return f"{_place(notice.address)}, plain text, not encrypted, not verified"
    key = short_fingerprint(notice.person.id)
    return f"{_place(notice.address)}, key {key}, encrypted, not verified"


def _disconnected(notice: Disconnected, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "<--", scene.theme)
    line.append(_name(notice.person, scene), scene.theme.nick(notice.person.id))
    reason = "" if notice.left else visible_line(notice.reason)
    line.append(f" left ({reason})" if reason else " left", scene.theme.quiet)
    return line


def _nick_changed(who: Person, old: str, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "--", scene.theme)
    if who.id is not None and who.id == scene.me.id:
        line.append(f"you are now called {visible_line(who.nick)}", scene.theme.quiet)
        return line
    line.append(f"{visible_line(old)} is now called ", scene.theme.quiet)
    line.append(_name(who, scene), scene.theme.nick(who.id))
    return line


def _name(person: Person, scene: Scene) -> str:
    return _label(person, scene.known)


@lru_cache(maxsize=1_024)
def _label(person: Person, known: tuple[Person, ...]) -> str:
    return visible_line(label(person, known))


def _place(address: Address) -> str:
    is_here = address.is_any or _is_loopback(address.host)
    return "this machine" if is_here else visible_line(str(address))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _how_to_connect(listening: Listening, port: int) -> str:
    bound = listening.address
    here = f"127.0.0.1:{port}" if bound.is_any else str(bound)
    elsewhere = [a for a in listening.reachable_at if not _is_loopback(a.host)]
    hint = f"no one here yet. In another terminal run p2pchat, and there type:  connect {here}"
    return f"{hint} (from another machine: connect {elsewhere[0]})" if elsewhere else hint


# --- Pieces -----------------------------------------------------------------------------------


def _begin(at: datetime, mark: str, theme: Theme) -> Text:
    line = Text()
    line.append(f"{at:%H:%M} ", theme.quiet)
    if mark:
        line.append(f"{mark} ")
    return line


def _remark(text: str, at: datetime, scene: Scene) -> Text:
    line = _begin(at, "--", scene.theme)
    line.append(visible_line(text), scene.theme.quiet)
    return line


# --- Peers ------------------------------------------------------------------------------------

_COLUMNS: Final = ("name", "address", "connection", "hops", "rtt", "heard")

_Row = tuple[Text, str, str, str, str, str]


def _neighbour_row(status: NeighbourStatus, scene: Scene) -> _Row:
    name = Text(_name(status.person, scene), scene.theme.nick(status.person.id))
    direction = "in" if status.direction is Direction.IN else "out"
    rtt = "-" if status.rtt_ms is None else f"{status.rtt_ms:.1f} ms"
    address = visible_line(str(status.address))
    return name, address, direction, "1", rtt, _ago(status.heard_s)


def _heard_row(status: HeardStatus, scene: Scene) -> _Row:
    name = Text(_name(status.person, scene), scene.theme.nick(status.person.id))
    return name, "-", "via others", str(status.hops), "-", _ago(status.heard_s)


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    minutes = seconds / 60
    return f"{minutes:.0f} min ago" if minutes < 120 else f"{minutes / 60:.0f} h ago"


def _table(rows: list[_Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        right = column in {"hops", "rtt"}
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def _labelled(rows: list[_Row]) -> Text:
    text = Text()
    for number, (name, *cells) in enumerate(rows):
        text.append("\n" if number else "")
        text.append_text(name)
        pairs = zip(_COLUMNS[1:], cells, strict=True)
        text.append(": " + ", ".join(f"{label} {cell}" for label, cell in pairs if cell != "-"))
    return text

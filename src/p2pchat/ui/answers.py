"""Answers of commands, drawn for the full terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from p2pchat.core.notices import Direction
from p2pchat.sanitize import visible_line
from p2pchat.ui.chart import chart_of, naming_in
from p2pchat.ui.commands import MapForm
from p2pchat.ui.drawing import dot, mermaid
from p2pchat.ui.view import name_of, remark
from p2pchat.ui.words import NOBODY_CONNECTED
from p2pchat.ui.wrapping import GUTTER, Fitted, Wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from p2pchat.core.notices import HeardStatus, NeighbourStatus, NetworkMap, Peers
    from p2pchat.core.values import PeerId, Person
    from p2pchat.ui.chart import Branch
    from p2pchat.ui.view import Scene

TABLE_COLUMNS: Final = 80
"""Below this width, `/peers` prints a labelled line a peer instead of a table."""

QR_STYLE: Final = "#ffffff on #000000"
"""Said outright, because nobody tells us which background the terminal has."""


def render_peers(peers: Peers, width: int, scene: Scene) -> RenderableType:
    """Build the answer of `/peers`: neighbours first, then who was heard through others.

    Args:
        peers: The facts.
        width: Columns of the terminal; fewer than 80 give a labelled line a peer.
        scene: Who looks, and how.
    """
    blocked = peers.blocked
    rows = [_neighbour_row(status, blocked, scene) for status in peers.neighbours]
    rows += [_heard_row(status, blocked, scene) for status in peers.heard]
    if not rows:
        return _nobody(scene)
    return _table(rows) if width >= TABLE_COLUMNS else _labelled(rows)


def render_map(found: NetworkMap, form: MapForm, scene: Scene) -> RenderableType:
    """Build the answer of `/map`."""
    name = naming_in(found, scene.known)
    match form:
        case MapForm.MERMAID:
            return Text(mermaid(found, name))
        case MapForm.DOT:
            return Text(dot(found, name))
    chart = chart_of(found, name)
    if chart is None:
        return _nobody(scene)
    tree = Tree(_leaf(chart.tree, scene), guide_style=scene.theme.quiet)
    _grow(tree, chart.tree, scene)
    return Group(Fitted(tree), *(Text(f"-- {note}") for note in chart.notes))


def render_way(lines: Sequence[str], at: datetime, scene: Scene) -> Text:
    """Build the answer of `/trace` and `/ping` from its lines; the first is a heading."""
    first, *more = lines
    text = remark(first, at, scene)
    for line in more:
        text.append(f"\n{GUTTER}{visible_line(line)}")
    return text


def render_invite(url: str, qr: str | None, note: str, width: int, scene: Scene) -> RenderableType:
    """Build the answer of `/invite`.

    Args:
        url: Stands on a line of its own, so that it can be copied whole.
        qr: Its picture, if that was asked for.
        note: What to know about it; may be empty.
        width: Columns of the terminal; a picture that is wider would be torn.
        scene: Who looks, and how.
    """
    parts: list[RenderableType] = [_picture(qr, width, scene)] if qr else []
    parts.append(Text(visible_line(url)))
    if note:
        parts.append(Wrapped(Text(f"-- {visible_line(note)}", scene.theme.quiet)))
    return Group(*parts)


def _nobody(scene: Scene) -> Text:
    return Text(f"-- {NOBODY_CONNECTED}", scene.theme.quiet)


def _picture(qr: str, width: int, scene: Scene) -> Text:
    needed = cell_len(qr.split("\n", 1)[0])
    if needed > width:
        text = f"-- the QR code needs {needed} columns, this window has {width}"
        return Text(text, scene.theme.quiet)
    return Text(qr, QR_STYLE)


def _leaf(branch: Branch, scene: Scene) -> Text:
    return Text.assemble((branch.name, scene.theme.nick(branch.person.id)), branch.remarks)


def _grow(tree: Tree, branch: Branch, scene: Scene) -> None:
    for further in branch.branches:
        _grow(tree.add(_leaf(further, scene)), further, scene)


# --- Peers ------------------------------------------------------------------------------------

_COLUMNS: Final = ("name", "address", "connection", "for", "hops", "rtt", "heard", "verified")

_BLOCKED: Final = "blocked"
"""In the place of whether somebody is verified: a word of its own, not the value of a column."""

_Row = tuple[Text, str, str, str, str, str, str, str]


def _neighbour_row(status: NeighbourStatus, blocked: frozenset[PeerId], scene: Scene) -> _Row:
    name = Text(name_of(status.person, scene), scene.theme.nick(status.person.id))
    direction = "in" if status.direction is Direction.IN else "out"
    rtt = "-" if status.rtt_ms is None else f"{status.rtt_ms:.1f} ms"
    address = visible_line(str(status.address))
    heard, trust = _ago(status.heard_s), _trust(status.person, blocked, scene)
    return name, address, direction, status.place.value, "1", rtt, heard, trust


def _heard_row(status: HeardStatus, blocked: frozenset[PeerId], scene: Scene) -> _Row:
    name = Text(name_of(status.person, scene), scene.theme.nick(status.person.id))
    trust = _trust(status.person, blocked, scene)
    return name, "-", "via others", "-", str(status.hops), "-", _ago(status.heard_s), trust


def _trust(person: Person, blocked: frozenset[PeerId], scene: Scene) -> str:
    if person.id in blocked:
        return _BLOCKED
    return "yes" if person.id is not None and scene.is_verified(person.id) else "no"


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
        # 80 columns are few: that a length of time in "heard" is ago goes without saying.
        cells = (c if isinstance(c, Text) else Text(c.removesuffix(" ago")) for c in row)
        table.add_row(*cells)
    return table


def _labelled(rows: list[_Row]) -> Text:
    text = Text()
    for number, (name, *cells) in enumerate(rows):
        text.append("\n" if number else "")
        text.append_text(name)
        pairs = zip(_COLUMNS[1:], cells, strict=True)
        said = (
            cell if cell is _BLOCKED else f"{label} {cell}" for label, cell in pairs if cell != "-"
        )
        text.append(": " + ", ".join(said))
    return text

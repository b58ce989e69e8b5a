"""The terminal's lines as plain text, for terminals without a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.text import Text

from p2pchat.core.notices import Listening, Notice, Peers, Reach
from p2pchat.core.values import Person
from p2pchat.ui.answers import render_peers, render_way
from p2pchat.ui.banner import banner
from p2pchat.ui.theme import ColourMode, Theme
from p2pchat.ui.view import Scene, render, render_reach
from p2pchat.ui.words import Verdict, nobody_is_verified

_NARROW = 1
"""A width at which `/peers` is a labelled line a peer: screen readers read no tables."""


class LinearView:
    """Renders what the terminal would show, without styles."""

    def __init__(self, color: str, is_verified: Verdict = nobody_is_verified) -> None:
        self._theme = Theme(ColourMode(color))
        self._is_verified = is_verified

    def banner(self, listening: Listening, version: str) -> list[str]:
        """Return what stands above the first line."""
        return [line.plain for line in banner(listening, version)]

    def lines(
        self, notice: Notice, at: datetime, me: Person, people: tuple[Person, ...]
    ) -> list[str]:
        """Return the lines of a notice; none where it has no line in the conversation."""
        return _lines(render(notice, at, self._scene(me, people)))

    def reach(
        self, reach: Reach, at: datetime, me: Person, people: tuple[Person, ...]
    ) -> list[str]:
        """Return the answer of `/seen`."""
        return _lines(render_reach(reach, at, self._scene(me, people)))

    def way(
        self, lines: Sequence[str], at: datetime, me: Person, people: tuple[Person, ...]
    ) -> list[str]:
        """Return the answer of `/trace` and `/ping`."""
        return _lines(render_way(lines, at, self._scene(me, people)))

    def peers(self, peers: Peers, me: Person, people: tuple[Person, ...]) -> list[str]:
        """Return the answer of `/peers`."""
        return _lines(render_peers(peers, _NARROW, self._scene(me, people)))

    def _scene(self, me: Person, people: tuple[Person, ...]) -> Scene:
        return Scene(me, self._theme, people, self._is_verified)


def _lines(rendered: object) -> list[str]:
    if isinstance(rendered, Text):
        return rendered.plain.split("\n")
    parts: Iterable[object] = getattr(rendered, "renderables", ())
    return [line for part in parts for line in _lines(part)]

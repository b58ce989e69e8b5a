"""The terminal and the view of it, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group
from rich.text import Text

from p2pchat.core.notices import Listening, NetworkMap, Notice, Peers, Reach, Received, Remark
from p2pchat.core.values import Message, Person
from p2pchat.sanitize import visible_line
from p2pchat.ui.answers import render_invite, render_map, render_peers, render_way
from p2pchat.ui.banner import banner
from p2pchat.ui.commands import MapForm
from p2pchat.ui.completion import Candidate, candidates
from p2pchat.ui.model import Toolbar
from p2pchat.ui.names import labels
from p2pchat.ui.terminal import Terminal
from p2pchat.ui.theme import ColourMode, Theme
from p2pchat.ui.view import Line, Scene, has_line, mentions, render_help, render_reach
from p2pchat.ui.words import NOTHING_SAID, Verdict, nobody_is_verified
from p2pchat.ui.wrapping import Wrapped

TOGETHER_LINES: Final = 10
"""Messages of `/history` that wait to be printed as one item: a whole history as single ones
would leave no room for what others say meanwhile, and in one piece no time for keys."""

Around = Callable[[], tuple[tuple[Person, ...], Sequence[str]]]
"""Returns the people around, and addresses worth completing."""


class Screen:
    """Shows notices in the terminal and yields what is typed there."""

    def __init__(
        self,
        color: str,
        around: Around,
        is_verified: Verdict = nobody_is_verified,
        question: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._mode = ColourMode(color)
        self._theme = Theme(self._mode)
        self._around = around
        self._is_verified = is_verified
        self._question = question
        self._terminal: Terminal | None = None

    async def open(self, me: Person, toolbar: Toolbar) -> None:
        """Take the terminal over."""
        has_colour = False if self._mode is ColourMode.OFF else None
        self._terminal = Terminal(
            me.nick,
            toolbar,
            complete=self._complete,
            question=self._question,
            has_colour=has_colour,
        )
        await self._terminal.__aenter__()

    async def close(self) -> None:
        """Give the terminal back as it was."""
        if self._terminal is not None:
            await self._terminal.__aexit__(None, None, None)

    @property
    def _open(self) -> Terminal:
        assert self._terminal is not None, "not open yet"
        return self._terminal

    def lines(self) -> AsyncIterator[str]:
        """Yield what is entered; TerminalGone when there is nobody left who could."""
        return self._open.lines()

    def show(self, notice: Notice, me: Person, people: tuple[Person, ...]) -> None:
        """Print a notice above the prompt, if it has a line."""
        if has_line(notice):
            self._open.show(Line(notice, datetime.now().astimezone(), self._scene(me, people)))

    def show_banner(self, listening: Listening, version: str) -> None:
        """Print what stands above the first line."""
        for line in banner(listening, version):
            self._open.show(Wrapped(line), keep=True)

    def show_peers(self, peers: Peers, me: Person, people: tuple[Person, ...]) -> None:
        """Print the answer of `/peers`."""
        rendered = render_peers(peers, self._open.columns, self._scene(me, people))
        self._open.show(rendered, keep=True)

    def show_reach(self, reach: Reach, me: Person, people: tuple[Person, ...]) -> None:
        """Print the answer of `/seen`."""
        at = datetime.now().astimezone()
        self._open.show(Wrapped(render_reach(reach, at, self._scene(me, people))), keep=True)

    def show_map(
        self, found: NetworkMap, form: MapForm, me: Person, people: tuple[Person, ...]
    ) -> None:
        """Print the answer of `/map`."""
        self._open.show(render_map(found, form, self._scene(me, people)), keep=True)

    def show_way(self, lines: Sequence[str], me: Person, people: tuple[Person, ...]) -> None:
        """Print an answer of several lines, the first of which is a heading."""
        at = datetime.now().astimezone()
        self._open.show(Wrapped(render_way(lines, at, self._scene(me, people))), keep=True)

    def show_invite(
        self, url: str, qr: str | None, note: str, me: Person, people: tuple[Person, ...]
    ) -> None:
        """Print the answer of `/invite`."""
        rendered = render_invite(url, qr, note, self._open.columns, self._scene(me, people))
        self._open.show(rendered, keep=True)

    def show_history(
        self, messages: Iterable[Message], me: Person, people: tuple[Person, ...]
    ) -> None:
        """Print the answer of `/history`."""
        at, scene = datetime.now().astimezone(), self._scene(me, people)
        notices: list[Notice] = [Received(message) for message in messages]
        lines = [Line(notice, at, scene) for notice in notices or [Remark(NOTHING_SAID)]]
        for start in range(0, len(lines), TOGETHER_LINES):
            self._open.show(Group(*lines[start : start + TOGETHER_LINES]), keep=True)

    def show_lines(self, lines: Iterable[str]) -> None:
        """Print clean lines as they are."""
        self._open.show(Wrapped(Text("\n".join(lines))), keep=True)

    def show_help(self, lines: Iterable[str]) -> None:
        """Print the answer of `/help`."""
        self._open.show(Wrapped(render_help(lines)), keep=True)

    def refuse(self, text: str, line: str) -> None:
        """Say why nothing was done; the line goes back into the editor when that is empty."""
        said = Text("-!- ")
        said.append(visible_line(text), self._theme.trouble)
        self._open.show(Wrapped(said), keep=True)
        if line:
            self._open.put_back(line)

    def ring_for(self, message: Message, me: Person) -> None:
        """Ring when somebody is spoken to by name."""
        if mentions(message.text, me.nick):
            self._open.bell()

    def ring(self) -> None:
        """Ring for a message to us alone."""
        self._open.bell()

    def update(self, me: Person, toolbar: Toolbar) -> None:
        """Bring prompt and toolbar up to date."""
        self._open.set_prompt(me.nick)
        self._open.set_toolbar(toolbar)

    def clear(self) -> None:
        """Empty the screen."""
        self._open.clear()

    async def wait_for_ever(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def _scene(self, me: Person, people: tuple[Person, ...]) -> Scene:
        return Scene(me, self._theme, people, self._is_verified)

    def _complete(self, before_cursor: str) -> list[Candidate]:
        people, addresses = self._around()
        return candidates(before_cursor, labels(people), addresses)

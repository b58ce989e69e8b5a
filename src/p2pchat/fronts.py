"""The faces for somebody who types, terminal and linear text; and which of all four is used.

That follows from what standard input and output are. None of the faces decides anything.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from p2pchat import __version__
from p2pchat.core.attendance import Attendance
from p2pchat.core.notices import (
    DirectArrived,
    Finding,
    Listening,
    NetworkMap,
    Notice,
    Path,
    Peers,
    Reach,
    Received,
    Remark,
)
from p2pchat.core.values import Message, Person
from p2pchat.face import Around, Front
from p2pchat.pipe_fronts import JsonFront, LineFront, PipeFront
from p2pchat.ui import plain
from p2pchat.ui.attendance import lines_of_attendance
from p2pchat.ui.backlog import EarlierMessages, Newcomers
from p2pchat.ui.commands import MapForm, NotYet, SetBack
from p2pchat.ui.findings import lines_of_findings
from p2pchat.ui.help_text import help_text
from p2pchat.ui.lateness import Lateness
from p2pchat.ui.names import naming_among
from p2pchat.ui.ndjson import Request
from p2pchat.ui.pasting import Pasting, commands_of
from p2pchat.ui.people import AboutPerson, lines_about
from p2pchat.ui.words import NOTHING_SAID

GATHER_S: Final = 0.3
"""Earlier messages, and people who come, are shown when no more have come for so long, if nothing
else is shown."""


_STALE_SLACK_S: Final = 1.0
"""Added to the time until somebody counts no more, so that nobody is looked at too early."""


class _Gathering:
    """Holds notices of one kind back until all are here, or something else is to be shown."""

    def __init__(self, show: Callable[[Notice], None]) -> None:
        self._show = show
        self._kinds = (EarlierMessages(), Newcomers())
        self._gathered: EarlierMessages | Newcomers | None = None
        self._timer: asyncio.TimerHandle | None = None

    def takes(self, notice: Notice) -> bool:
        """Take a notice that is gathered and return True; others come after those held back."""
        kind = next((kind for kind in self._kinds if kind.wants(notice)), None)
        if kind is not self._gathered:
            self.flush()
        if kind is None:
            return False
        kind.add(notice)
        self._gathered = kind
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        return True

    def flush(self) -> None:
        """Show what is held back."""
        if self._timer is None or self._gathered is None:
            return
        self._timer.cancel()
        self._timer = None
        gathered, self._gathered = self._gathered, None
        for notice in gathered.take():
            self._show(notice)


class LinearFront(PipeFront):
    """The lines of the terminal without its cursor: for dumb terminals and screen readers."""

    is_interactive = True

    def __init__(self, around: Around, theme: str) -> None:
        super().__init__()
        # Imported here and below because rich and prompt_toolkit cost a tenth of a second,
        # and a program in a pipe needs neither.
        from p2pchat.ui.linear import LinearView  # noqa: PLC0415

        self._around = around
        self._view = LinearView(theme, around.is_verified)
        self._earlier = _Gathering(self._show_now)

    def finish(self) -> None:
        """Print what was held back."""
        self._earlier.flush()

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as the terminal would, on lines of its own."""
        told = self._lateness.told(notice, naming_among(self._around.named))
        if told is not None and not self._earlier.takes(told):
            self._show_now(told)

    def _show_now(self, notice: Notice) -> None:
        if isinstance(notice, Listening):
            self._print(self._view.banner(notice, __version__))
            return
        at = _now().astimezone()
        self._print(self._view.lines(notice, at, self._around.me, self._around.named))

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a labelled line a peer."""
        self._earlier.flush()
        self._print(self._view.peers(peers, self._around.me, self._around.named))

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print who has a message."""
        self._earlier.flush()
        at = _now().astimezone()
        self._print(self._view.reach(reach, at, self._around.me, self._around.named))

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        """Print who is here."""
        self._earlier.flush()
        lines = lines_of_attendance(found, self._around.named, self._around.is_verified)
        at = _now().astimezone()
        self._print(self._view.way(lines, at, self._around.me, self._around.named))

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        """Print an indented tree, or text for other programs."""
        self._earlier.flush()
        self._print(plain.lines_of_map(found, form, self._around.named))

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        """Print the way."""
        self._earlier.flush()
        lines = plain.lines_of_path(path, about, self._around.named)
        at = _now().astimezone()
        self._print(self._view.way(lines, at, self._around.me, self._around.named))

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        """Print what is known of somebody, or what was noted down."""
        self._earlier.flush()
        at = _now().astimezone()
        lines = lines_about(told, naming_among(self._around.named), at)
        self._print(self._view.way(lines, at, self._around.me, self._around.named))

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        """Print what was found."""
        self._earlier.flush()
        self._print(lines_of_findings(findings))

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        """Print an invite."""
        self._earlier.flush()
        self._print(plain.lines_of_invite(url, qr, note))

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Print the messages once more."""
        self._earlier.flush()
        for message in messages:
            self._show_now(Received(message))
        if not messages:
            self._show_now(Remark(NOTHING_SAID))

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Print the help."""
        self._earlier.flush()
        self._print(help_text(topic, keys=False))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Print why nothing was done."""
        self._earlier.flush()
        self._print([f"-!- {refused.text}"])


class TerminalFront:
    """The full terminal."""

    is_interactive = True
    has_editor = True

    def __init__(self, around: Around, theme: str) -> None:
        from p2pchat.ui.screen import Screen  # noqa: PLC0415

        self._around = around
        self._pasting = Pasting()
        self._screen = Screen(
            theme, self._complete_with, around.is_verified, self._pasting.question
        )
        self._lateness = Lateness()
        self._earlier = _Gathering(self._show_now)
        self._stale_timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._screen.open(self._around.me, self._around.toolbar)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._earlier.flush()
        if self._stale_timer is not None:
            self._stale_timer.cancel()
        await self._screen.close()

    async def requests(self) -> AsyncIterator[Request]:
        """Yield what was entered; a long text as several messages."""
        async for line in self._screen.lines():
            for command in commands_of(line):
                yield Request(command)

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice above the prompt."""
        told = self._lateness.told(notice, naming_among(self._around.named))
        if told is not None and not self._earlier.takes(told):
            self._show_now(told)
        self.refresh()

    def _show_now(self, notice: Notice) -> None:
        if isinstance(notice, Listening):
            self._pasting.is_private = notice.is_private
            self._screen.show_banner(notice, __version__)
        else:
            self._screen.show(notice, self._around.me, self._around.named)
        if isinstance(notice, DirectArrived):
            self._screen.ring()
        if isinstance(notice, Received):
            self._screen.ring_for(notice.message, self._around.me)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a table."""
        self._earlier.flush()
        self._screen.show_peers(peers, self._around.me, self._around.named)

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print who has a message."""
        self._earlier.flush()
        self._screen.show_reach(reach, self._around.me, self._around.named)

    def show_attendance(self, found: Attendance, ref: str | None) -> None:
        """Print who is here."""
        self._earlier.flush()
        lines = lines_of_attendance(found, self._around.named, self._around.is_verified)
        self._screen.show_way(lines, self._around.me, self._around.named)

    def show_map(self, found: NetworkMap, form: MapForm, ref: str | None) -> None:
        """Print a tree, or text for other programs."""
        self._earlier.flush()
        self._screen.show_map(found, form, self._around.me, self._around.named)

    def show_path(self, path: Path, about: Message | Person, ref: str | None) -> None:
        """Print the way."""
        self._earlier.flush()
        lines = plain.lines_of_path(path, about, self._around.named)
        self._screen.show_way(lines, self._around.me, self._around.named)

    def show_about(self, told: AboutPerson, ref: str | None) -> None:
        """Print what is known of somebody, or what was noted down."""
        self._earlier.flush()
        lines = lines_about(told, naming_among(self._around.named), _now().astimezone())
        self._screen.show_way(lines, self._around.me, self._around.named)

    def show_doctor(self, findings: Sequence[Finding], ref: str | None) -> None:
        """Print what was found."""
        self._earlier.flush()
        self._screen.show_lines(lines_of_findings(findings))

    def show_invite(self, url: str, qr: str | None, note: str, ref: str | None) -> None:
        """Print an invite, with its picture where there is room for it."""
        self._earlier.flush()
        self._screen.show_invite(url, qr, note, self._around.me, self._around.named)

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Print the messages once more."""
        self._earlier.flush()
        self._screen.show_history(messages, self._around.me, self._around.named)

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Print the help."""
        self._earlier.flush()
        self._screen.show_help(help_text(topic))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Say why nothing was done and give the line back to the editor."""
        self._earlier.flush()
        self._screen.refuse(refused.text, refused.line)

    def refresh(self) -> None:
        """Bring toolbar and prompt up to date, again when somebody has been silent too long."""
        self._screen.update(self._around.me, self._around.toolbar)
        stale_s = self._around.stale_s
        # One that is planned comes early enough: what changes meanwhile lasts longer.
        if self._stale_timer is None and stale_s is not None:
            loop = asyncio.get_running_loop()
            self._stale_timer = loop.call_later(stale_s + _STALE_SLACK_S, self._refresh_late)

    def _refresh_late(self) -> None:
        self._stale_timer = None
        self.refresh()

    def clear(self) -> None:
        """Empty the screen."""
        self._earlier.flush()
        self._screen.clear()

    async def keep_up(self) -> None:
        """Return at once: the terminal drops what nobody could read, and says so."""

    async def flush(self) -> None:
        """Return at once: the terminal's own thread writes, a twentieth of a second later."""

    async def wait_broken(self) -> None:
        """Wait for ever: a vanished terminal ends the requests instead."""
        await self._screen.wait_for_ever()

    def hurry(self) -> None:
        """Do nothing: the terminal is never waited for."""

    def _complete_with(self) -> tuple[tuple[Person, ...], Sequence[str]]:
        return self._around.known, self._around.known_addresses


def chosen(
    around: Around, *, json: bool, plain_text: bool, color: str, is_quiet: bool, is_dumb: bool
) -> Callable[[], Front]:
    """Choose the face for what standard input and output are."""
    if json:
        return lambda: JsonFront(is_quiet=is_quiet, is_verified=around.is_verified)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return lambda: LineFront(is_quiet=is_quiet, is_verified=around.is_verified)
    if plain_text or is_dumb:
        return lambda: LinearFront(around, color)
    return lambda: TerminalFront(around, color)


def _now() -> datetime:
    return datetime.now(UTC)

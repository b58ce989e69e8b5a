"""The four faces of the program: terminal, linear text, line mode, NDJSON.

Each turns notices into what its reader understands, and what comes in into requests. None of
them decides anything; which one is used follows from what standard input and output are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from p2pchat import __version__
from p2pchat.core.notices import Listening, Notice, Peers, Reach, Received, Remark
from p2pchat.core.values import Message, Person
from p2pchat.face import Around, Front
from p2pchat.stdio import StandardInput, StandardOutput
from p2pchat.ui import ndjson, plain
from p2pchat.ui.backlog import EarlierMessages
from p2pchat.ui.commands import NotYet, SetBack, help_text
from p2pchat.ui.grammar import parse
from p2pchat.ui.ndjson import Request
from p2pchat.ui.words import NOTHING_SAID

HURRY_S: Final = 1.0
"""What a reader of our output still has when a signal ends us, and one of our narration ever."""

EARLIER_GATHER_S: Final = 0.3
"""Earlier messages are shown when no other one has come for so long, if nothing else is shown."""


class _Gathering:
    """Holds earlier messages back until all of them are here, or something else is to be shown."""

    def __init__(self, show: Callable[[Notice], None]) -> None:
        self._show = show
        self._earlier = EarlierMessages()
        self._timer: asyncio.TimerHandle | None = None

    def takes(self, notice: Notice) -> bool:
        """Take an earlier message and return True; anything else comes after those held back."""
        if not (isinstance(notice, Received) and notice.message.earlier):
            self.flush()
            return False
        self._earlier.add(notice)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(EARLIER_GATHER_S, self.flush)
        return True

    def flush(self) -> None:
        """Show what is held back."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for notice in self._earlier.take():
            self._show(notice)


class PipeFront:
    """What line mode, NDJSON and linear text have in common: no cursor, no editor."""

    is_interactive = False

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._input = StandardInput()

    async def __aenter__(self) -> Self:
        self._output = StandardOutput()
        self._narration = StandardOutput(2)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish()
        await self._output.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_S):
                await self._narration.flush()

    def finish(self) -> None:
        """Write what is still to be said, if anything is."""

    async def requests(self) -> AsyncIterator[Request]:
        """Yield one request for each line."""
        async for line in self._input.lines():
            yield self.read(line)

    def read(self, line: str) -> Request:
        """Read one line of input."""
        return Request(parse(line))

    def refresh(self) -> None:
        """Nothing is always in view."""

    def clear(self) -> None:
        """Nothing can be taken back."""

    async def keep_up(self) -> None:
        """Wait while the reader of our output is behind."""
        await self._output.keep_up()

    async def wait_broken(self) -> None:
        """Return when our output is read no more."""
        await self._output.broken.wait()

    def hurry(self) -> None:
        """Give a reader that is behind one more moment."""
        asyncio.get_running_loop().call_later(HURRY_S, self._output.give_up)

    def _print(self, lines: Sequence[str]) -> None:
        if lines:
            self._output.write("\n".join(lines) + "\n")

    def _narrate(self, lines: Sequence[str]) -> None:
        if lines and not self._is_quiet:
            self._narration.offer("\n".join(lines) + "\n")


class LineFront(PipeFront):
    """Line mode: standard output for scripts, everything else on standard error."""

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as its lines."""
        lines = plain.lines_of(notice)
        self._print(lines.out)
        self._narrate(lines.err)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_peers(peers) or ["no one is connected"])

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate([plain.line_of_reach(reach)])

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(plain.lines_of_history(messages))

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Answer on standard error."""
        self._narrate(help_text(topic, keys=False))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Print an error line."""
        self._print([f"Error: {refused.text}"])


class JsonFront(PipeFront):
    """NDJSON on standard output, narration for people on standard error."""

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as an object, where it is one."""
        lines = ndjson.encode(notice, _now(), ref)
        self._print(lines)
        if not lines:
            narrated = plain.lines_of(notice)
            self._narrate(narrated.out + narrated.err)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_peers(peers, _now(), ref)])

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_reach("seen", reach, _now(), ref)])

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_history(messages, _now(), ref)])

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Print a result."""
        self._print([ndjson.encode_result("help", help_text(topic, keys=False), _now(), ref)])

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Print an error object."""
        code = refused.code if isinstance(refused, SetBack) else "not-yet"
        self._print([ndjson.encode_error(refused.text, code, _now(), ref)])

    def read(self, line: str) -> Request:
        """Read an object, or a line of the grammar."""
        return ndjson.parse_request(line)

    def finish(self) -> None:
        """Print the last object."""
        self._print([ndjson.encode_bye(_now())])


class LinearFront(PipeFront):
    """The lines of the terminal without its cursor: for dumb terminals and screen readers."""

    is_interactive = True

    def __init__(self, around: Around, theme: str) -> None:
        super().__init__()
        # Imported here and below because rich and prompt_toolkit cost a tenth of a second,
        # and a program in a pipe needs neither.
        from p2pchat.ui.linear import LinearView  # noqa: PLC0415

        self._around = around
        self._view = LinearView(theme)
        self._earlier = _Gathering(self._show_now)

    def finish(self) -> None:
        """Print what was held back."""
        self._earlier.flush()

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice as the terminal would, on lines of its own."""
        if not self._earlier.takes(notice):
            self._show_now(notice)

    def _show_now(self, notice: Notice) -> None:
        if isinstance(notice, Listening):
            self._print(self._view.banner(notice, __version__))
            return
        at = _now().astimezone()
        self._print(self._view.lines(notice, at, self._around.me, self._around.people))

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a labelled line a peer."""
        self._earlier.flush()
        self._print(self._view.peers(peers, self._around.me, self._around.people))

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print who has a message."""
        self._earlier.flush()
        at = _now().astimezone()
        self._print(self._view.reach(reach, at, self._around.me, self._around.people))

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

    def __init__(self, around: Around, theme: str) -> None:
        from p2pchat.ui.screen import Screen  # noqa: PLC0415

        self._around = around
        self._screen = Screen(theme, self._complete_with)
        self._earlier = _Gathering(self._show_now)

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
        await self._screen.close()

    async def requests(self) -> AsyncIterator[Request]:
        """Yield one request for each accepted buffer."""
        async for line in self._screen.lines():
            yield Request(parse(line))

    def show(self, notice: Notice, ref: str | None = None) -> None:
        """Print a notice above the prompt."""
        if not self._earlier.takes(notice):
            self._show_now(notice)
        self.refresh()

    def _show_now(self, notice: Notice) -> None:
        if isinstance(notice, Listening):
            self._screen.show_banner(notice, __version__)
        else:
            self._screen.show(notice, self._around.me, self._around.people)
        if isinstance(notice, Received):
            self._screen.ring_for(notice.message, self._around.me)

    def show_peers(self, peers: Peers, ref: str | None) -> None:
        """Print a table."""
        self._earlier.flush()
        self._screen.show_peers(peers, self._around.me, self._around.people)

    def show_reach(self, reach: Reach, ref: str | None) -> None:
        """Print who has a message."""
        self._earlier.flush()
        self._screen.show_reach(reach, self._around.me, self._around.people)

    def show_history(self, messages: Sequence[Message], ref: str | None) -> None:
        """Print the messages once more."""
        self._earlier.flush()
        self._screen.show_history(messages, self._around.me, self._around.people)

    def show_help(self, topic: str | None, ref: str | None) -> None:
        """Print the help."""
        self._earlier.flush()
        self._screen.show_help(help_text(topic))

    def refuse(self, refused: SetBack | NotYet, ref: str | None) -> None:
        """Say why nothing was done and give the line back to the editor."""
        self._earlier.flush()
        self._screen.refuse(refused.text, refused.line)

    def refresh(self) -> None:
        """Bring toolbar and prompt up to date."""
        self._screen.update(self._around.me, self._around.toolbar)

    def clear(self) -> None:
        """Empty the screen."""
        self._earlier.flush()
        self._screen.clear()

    async def keep_up(self) -> None:
        """Return at once: the terminal drops what nobody could read, and says so."""

    async def wait_broken(self) -> None:
        """Wait for ever: a vanished terminal ends the requests instead."""
        await self._screen.wait_for_ever()

    def hurry(self) -> None:
        """Do nothing: the terminal is never waited for."""

    def _complete_with(self) -> tuple[tuple[Person, ...], Sequence[str]]:
        return self._around.people, self._around.known_addresses


def chosen(
    around: Around, *, json: bool, plain_text: bool, color: str, is_quiet: bool, is_dumb: bool
) -> Callable[[], Front]:
    """Choose the face for what standard input and output are."""
    if json:
        return lambda: JsonFront(is_quiet=is_quiet)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return lambda: LineFront(is_quiet=is_quiet)
    if plain_text or is_dumb:
        return lambda: LinearFront(around, color)
    return lambda: TerminalFront(around, color)


def _now() -> datetime:
    return datetime.now(UTC)

"""An input line below the lines that are shown, neither disturbing the other."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Self

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style
from rich.text import Text

from p2pchat.core.invites import INVITE_SCHEME
from p2pchat.errors import TerminalGone
from p2pchat.sanitize import visible_line
from p2pchat.ui.model import Backlog, Draft, Toolbar, fit_words, toolbar_text
from p2pchat.ui.pieces import count_pieces
from p2pchat.ui.printer import Printer
from p2pchat.ui.tty import console_input, console_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from types import TracebackType

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent
    from prompt_toolkit.output import Output
    from rich.console import RenderableType

    from p2pchat.ui.completion import Candidate

BACKLOG_LIMIT_ITEMS: Final = 1_000
"""Items that wait to be shown; more than anybody reads in the time it takes to show them."""

FLUSH_INTERVAL_S: Final = 0.05
"""Least time between two prints above the prompt: each one redraws it."""

ACCEPTED_LIMIT_LINES: Final = 200
"""Lines that were entered but not taken; above, Enter keeps the text in the editor."""

BELL_INTERVAL_S: Final = 2.0
LEAVE_INTERVAL_S: Final = 2.0
"""A second Ctrl+C within this time leaves."""

HOW_TO_LEAVE: Final = "-- Ctrl+C once more leaves; so do exit and Ctrl+D."
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Terminal:
    """Reads what the user enters while lines appear above, neither disturbing the other.

    Use as an asynchronous context manager.  All methods must be called in its event loop.

    One prompt runs from the start to the end, instead of one for each line: so the terminal
    stays in raw mode, and keys pressed while a line is carried out are not echoed into it.
    For the same reason lines are not printed through prompt_toolkit's StdoutProxy, which
    leaves raw mode for each print.
    """

    def __init__(
        self,
        nick: str,
        toolbar: Toolbar,
        *,
        complete: Callable[[str], Iterable[Candidate]] | None = None,
        question: Callable[[str], str | None] = lambda _: None,
        has_colour: bool | None = None,
        input: Input | None = None,  # noqa: A002 - prompt_toolkit's word
        output: Output | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the terminal is touched when the context is entered.

        Args:
            nick: What the prompt says.
            toolbar: What stands below the input line.
            complete: Gives the completions for the text before the cursor.
            question: Gives what to ask, in place of the toolbar, before a text is taken out of the
                editor; None for nothing.
            has_colour: Whether to use colours; None leaves it to NO_COLOR.
            input: Where keys come from; None for standard input.
            output: Where to draw; None for standard output.
            clock: Monotonic seconds.

        Raises:
            NoConsole: On Windows, in a window that is no console.
        """
        self._nick = visible_line(nick)
        self._toolbar = toolbar
        self._question = question
        self._asked: tuple[str, str | None] = ("", None)
        self._clock = clock
        self._output = console_output(self._end_gone) if output is None else output
        self._printer = Printer(has_colour)
        self._backlog: Backlog[RenderableType] = Backlog(BACKLOG_LIMIT_ITEMS)
        self._accepted: deque[str] = deque()
        self._something_happened = asyncio.Event()
        self._is_open = False
        self._is_ended = False
        self._is_gone = False
        self._is_held = False
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flushed_at = self._belled_at = self._interrupted_at = float("-inf")
        self._session = self._new_session(complete, input or console_input(), has_colour)

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._is_open = True
        self._prompt = self._tasks.create_task(self._run_prompt(), name="input")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._prompt.cancel()
        try:
            # Without the error of the body, which the group would wrap in another one.
            await self._tasks.__aexit__(None, None, None)
        finally:
            self._is_open = False
            self._stop_flush_timer()
            self._print_all()

    async def lines(self) -> AsyncIterator[str]:
        """Yield what the user enters, until the user leaves.

        Raises:
            TerminalGone: There is nobody left who could enter anything.
        """
        while True:
            while self._accepted:
                yield self._accepted.popleft()
            if self._is_ended:
                break
            self._something_happened.clear()
            await self._something_happened.wait()
        if self._is_gone:
            raise TerminalGone

    def show(self, item: RenderableType, *, keep: bool = False) -> None:
        """Print above the prompt, within about 50 ms.

        Of more than 1,000 items that wait, the oldest are skipped, and counted in a line.

        Args:
            item: Text is left to the terminal to wrap, anything else is fitted to its width.
            keep: Do not skip it: it is the answer to something that the user asked.
        """
        self._backlog.add(item, keep=keep)
        if self._is_open:
            self._plan_flush()
            return
        self._print_all()

    def set_toolbar(self, toolbar: Toolbar) -> None:
        """Replace what stands below the input line; costs nothing if it is the same."""
        if toolbar == self._toolbar:
            return
        self._toolbar = toolbar
        self._session.app.invalidate()

    @property
    def columns(self) -> int:
        """Width of the terminal."""
        return self._output.get_size().columns

    def set_prompt(self, nick: str) -> None:
        """Replace the nick in front of the input line."""
        if visible_line(nick) == self._nick:
            return
        self._nick = visible_line(nick)
        self._session.app.invalidate()

    def put_back(self, line: str) -> bool:
        """Give a refused line back to the editor, or return False if something is typed there."""
        buffer = self._session.default_buffer
        if buffer.text:
            return False
        buffer.document = Document(line, len(line))
        return True

    def bell(self) -> None:
        """Ring, at most once in two seconds."""
        now = self._clock()
        if now < self._belled_at + BELL_INTERVAL_S or self._is_gone:
            return
        self._belled_at = now
        self._output.bell()
        self._output.flush()

    def clear(self) -> None:
        """Empty the screen, and forget what was not shown yet."""
        self._backlog.clear()
        if not self._is_held:
            self._session.app.renderer.clear()
            self._session.app.invalidate()

    # --- The prompt -------------------------------------------------------------------------

    async def _run_prompt(self) -> None:
        try:
            if self._is_gone:
                return
            await self._session.prompt_async(handle_sigint=False, set_exception_handler=False)
        except (EOFError, OSError):
            # Ctrl+D does not end up here: it is bound below.  This is a closed input.
            self._is_gone = True
        finally:
            self._is_ended = True
            self._something_happened.set()

    def _end_gone(self) -> None:
        self._is_gone = True
        if self._is_open:
            self._leave()

    def _leave(self) -> None:
        running = self._session.app.future
        if running is not None and not running.done():
            self._session.app.exit(result="")

    def _accept(self, buffer: Buffer) -> bool:
        """Take a line out of the editor; true leaves it there."""
        if len(self._accepted) >= ACCEPTED_LIMIT_LINES:
            self.bell()
            return True
        self._asked = (buffer.text, self._question(buffer.text))
        if self._asked[1] is not None:
            return True
        # What was no valid UTF-8 arrives as lone surrogates, which nobody could encode again.
        self._accepted.append(_SURROGATES.sub("\ufffd", buffer.text))
        self._something_happened.set()
        return False

    def _new_session(
        self,
        complete: Callable[[str], Iterable[Candidate]] | None,
        keys: Input,
        has_colour: bool | None,
    ) -> PromptSession[str]:
        session: PromptSession[str] = PromptSession(
            self._prompt_text,
            input=keys,
            output=self._output,
            erase_when_done=True,
            bottom_toolbar=self._toolbar_text,
            prompt_continuation=_continuation,
            completer=None if complete is None else _Completions(complete),
            complete_while_typing=False,
            reserve_space_for_menu=4,
            history=_History(),
            key_bindings=self._key_bindings(),
            enable_suspend=True,
            color_depth=ColorDepth.DEPTH_1_BIT if has_colour is False else None,
            # A full-width background would leave copies behind when the window is resized.
            style=Style.from_dict({"bottom-toolbar": "noreverse"}),
        )
        session.default_buffer.accept_handler = self._accept
        if sys.platform != "win32":
            # The signal of a resize is enough; a timer would wake an idle program up.
            session.app.terminal_size_polling_interval = None
        return session

    def _prompt_text(self) -> StyleAndTextTuples:
        return [("", f"{self._nick}> ")]

    def _toolbar_text(self) -> StyleAndTextTuples:
        document = self._session.default_buffer.document
        columns = self._output.get_size().columns
        about, question = self._asked
        # Not above the prompt, where a long text would push it out of the window.
        if question is not None and about == document.text:
            return [("", fit_words(f" {question}", columns))]
        draft = Draft(document.line_count, count_pieces(document.text))
        return [*toolbar_text(self._toolbar, columns, draft)]

    # --- Keys -------------------------------------------------------------------------------

    def _key_bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        in_editor = has_focus(DEFAULT_BUFFER)
        is_empty = Condition(lambda: not self._session.default_buffer.text)

        @bindings.add("escape", "enter", filter=in_editor)
        @bindings.add("c-j", filter=in_editor)
        def new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @bindings.add("c-c", filter=in_editor)
        def drop_or_leave(event: KeyPressEvent) -> None:
            self._interrupt(event.current_buffer)

        @bindings.add("c-d", filter=in_editor & is_empty)
        def leave(event: KeyPressEvent) -> None:
            self._leave()

        @bindings.add("c-x", "c-e", filter=in_editor)
        def edit(event: KeyPressEvent) -> None:
            event.app.create_background_task(self._edit(event.current_buffer))

        return bindings

    def _interrupt(self, buffer: Buffer) -> None:
        if buffer.text:
            buffer.reset()
            return
        now = self._clock()
        if now <= self._interrupted_at + LEAVE_INTERVAL_S:
            self._leave()
            return
        self._interrupted_at = now
        self.show(Text(HOW_TO_LEAVE, "dim"), keep=True)

    async def _edit(self, buffer: Buffer) -> None:
        self._is_held = True  # the editor has the screen now
        try:
            await buffer.open_in_editor()
        except (OSError, UnicodeError):
            self.show(Text("-!- the editor did not give back a text."), keep=True)
        finally:
            self._is_held = False
            self._plan_flush()

    # --- Printing ---------------------------------------------------------------------------

    def _plan_flush(self) -> None:
        if self._flush_timer is None and not self._is_held and self._backlog:
            loop = asyncio.get_running_loop()
            due_at = self._flushed_at + FLUSH_INTERVAL_S
            self._flush_timer = loop.call_at(due_at, self._flush)

    def _stop_flush_timer(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None

    def _flush(self) -> None:
        self._flush_timer = None
        if self._is_held:
            return
        self._print_some()
        self._flushed_at = asyncio.get_running_loop().time()
        self._plan_flush()

    def _print_some(self) -> None:
        text = self._printer.render(self._backlog, self._output.get_size().columns)
        app = self._session.app
        if app.is_running:
            app.renderer.erase()
        self._output.enable_autowrap()
        self._output.write_raw(text)
        self._output.flush()
        app.invalidate()

    def _print_all(self) -> None:
        while self._backlog:
            self._print_some()


class _History(InMemoryHistory):
    def append_string(self, string: str) -> None:
        # It may hold a room's secret, so Up does not bring it back.
        if INVITE_SCHEME not in string.lower():
            super().append_string(string)


class _Completions(Completer):
    def __init__(self, complete: Callable[[str], Iterable[Candidate]]) -> None:
        self._complete = complete

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        for candidate in self._complete(document.text_before_cursor):
            yield Completion(candidate.text, candidate.start, display_meta=[("", candidate.meta)])


def _continuation(width: int, line_number: int, wrap_count: int) -> StyleAndTextTuples:
    return [] if wrap_count else [("", " " * width)]

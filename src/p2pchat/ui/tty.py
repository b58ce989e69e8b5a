"""The terminal as prompt_toolkit sees it."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from prompt_toolkit.data_structures import Size
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import get_bell_environment_variable

from p2pchat.errors import P2PChatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

_ENTER = KeyPress(Keys.ControlM, "\r")


class NoConsole(P2PChatError):
    """A Windows program was started in a window that is no console."""

    def __init__(self) -> None:
        super().__init__(
            "this window is no console. Use Windows Terminal, or start p2pchat with winpty."
        )


class InlineOutput(Vt100_Output):
    """A terminal that is written to below what stands there already.

    It never asks the terminal where its cursor is: the answer may come late, never, or among
    the keys.  Without the answer prompt_toolkit would not draw a toolbar, so the free rows are
    claimed to be known.
    """

    def __init__(self, stdout: TextIO, on_gone: Callable[[], None]) -> None:
        """Draw to a terminal, and call `on_gone` once when that fails."""
        super().__init__(
            stdout,
            self._size,
            term=os.environ.get("TERM"),
            default_color_depth=ColorDepth.from_env(),
            enable_bell=get_bell_environment_variable(),
            enable_cpr=False,
        )
        self._on_gone = on_gone
        self._is_gone = False

    def get_rows_below_cursor_position(self) -> int:
        """Return 1, so that the toolbar stands right below the input line."""
        return 1

    def erase_down(self) -> None:
        """Erase all from the cursor, which stands at the start of a row, to the end."""
        # In the top left corner tmux takes the sequence for a wish to clear the screen, and keeps
        # what stood there in its scrollback: an old prompt above the first line.
        self.erase_end_of_line()
        self.cursor_forward(1)
        super().erase_down()
        self.cursor_backward(1)

    def flush(self) -> None:
        """Write what was gathered; once the terminal is gone, forget it."""
        if self._is_gone:
            self._buffer.clear()
            return
        try:
            super().flush()
        except OSError:
            self._is_gone = True
            self._let_go()
            self._on_gone()

    def _let_go(self) -> None:
        # The stream still holds what it could not write, tries again when the interpreter ends,
        # and would turn our exit code into 120.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stdout.fileno())
        os.close(nowhere)

    def _size(self) -> Size:
        try:
            columns, rows = os.get_terminal_size(self.stdout.fileno())
        except OSError:
            columns = rows = 0
        return Size(rows=rows or 24, columns=columns or 80)


def console_output(on_gone: Callable[[], None]) -> Output:
    """Return what draws to standard output, and calls `on_gone` once when that fails.

    Raises:
        NoConsole: On Windows, in a window that is no console.
    """
    if sys.platform == "win32":
        return _windows_output()
    return InlineOutput(sys.stdout, on_gone)


if sys.platform == "win32":
    from prompt_toolkit.input.defaults import create_input
    from prompt_toolkit.output.defaults import create_output
    from prompt_toolkit.output.win32 import NoConsoleScreenBufferError

    console_input = create_input

    def _windows_output() -> Output:
        try:
            return create_output()
        except NoConsoleScreenBufferError:
            raise NoConsole from None

else:
    from prompt_toolkit.input.vt100 import Vt100Input

    class PatientInput(Vt100Input):
        """Keys of a terminal, those pressed before we were ready included."""

        _has_early_lines = False

        def raw_mode(self) -> AbstractContextManager[None]:
            """Enter raw mode."""
            # Not raw yet, the terminal hands over whole lines only.
            self._has_early_lines = bool(select.select([self.fileno()], [], [], 0)[0])
            return super().raw_mode()

        def read_keys(self) -> list[KeyPress]:
            """Return the keys that were pressed since the last call."""
            keys = super().read_keys()
            if not keys and self._is_hung_up():
                self.stdin_reader.closed = True  # else the loop would call again at once, forever
            if not self._has_early_lines:
                return keys
            # The terminal still turned Enter into a line feed then, which is Ctrl+J to us.
            self._has_early_lines = False
            return [_ENTER if key.key == Keys.ControlJ else key for key in keys]

        def _is_hung_up(self) -> bool:
            poll = select.poll()
            poll.register(self.fileno(), 0)
            return any(happened for _, happened in poll.poll(0))

    def console_input() -> Input:
        """Return what reads keys from standard input."""
        return PatientInput(sys.stdin)

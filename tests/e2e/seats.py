"""Somebody at a terminal of their own, in the program itself."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.e2e.processes import PROGRAM, environment_of
from tests.ui.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.processes import Program

_PLACE: Final = ("--host", "127.0.0.1", "--port", "0", "--manual", "--nick", "ann")


class Seat:
    """Somebody at a terminal whom others can connect to."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        screen.wait_until(lambda: any("exit leaves" in row for row in screen.all_lines), "a banner")
        screen.wait_until(lambda: screen.lines[-1].startswith(" lobby"), "a toolbar")
        told = re.search(r"requests at\s+(\S+)", "\n".join(screen.all_lines))
        assert told is not None
        self.address = told[1]

    def joined_by(self, other: Program) -> None:
        other.say(f"connect {self.address}")
        other.wait_for("Connected: ann")
        self.wait_joined()

    def wait_joined(self) -> None:
        """Wait until both toolbar and conversation show that bob is there."""
        self.screen.wait_for("1 peer ")
        self.screen.wait_for("--> bob joined (")

    def is_at_rest(self, prompt: str = "ann>") -> bool:
        """Tell whether all is drawn down to the end of the toolbar, below that prompt."""
        return self.screen.lines[-2:-1] == [prompt] and self.toolbar.endswith(" · /help")

    @property
    def toolbar(self) -> str:
        lines = self.screen.lines  # none while all is drawn anew
        return lines[-1] if lines else ""

    @property
    def spoken(self) -> list[str]:
        """The conversation without its times, banner, prompt and toolbar."""
        rows = [re.fullmatch(r"\d\d:\d\d (.*)", row) for row in self.screen.all_lines]
        return [row[1] for row in rows if row]


@contextmanager
def seat(
    home: Path, *flags: str, columns: int = 80, rows: int = 24, **variables: str
) -> Iterator[Seat]:
    with Screen(
        *PROGRAM, *_PLACE, *flags, columns=columns, rows=rows,
        environment=environment_of(home, **variables),
    ) as screen:  # fmt: skip
        yield Seat(screen)


class PlainSeat(Seat):
    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        screen.wait_for("exit leaves")
        told = next(row for row in screen.lines if row.startswith("Listening"))
        self.address = told.split()[-1]


@contextmanager
def plain(home: Path, *flags: str, **variables: str) -> Iterator[PlainSeat]:
    with Screen(*PROGRAM, *_PLACE, *flags, environment=environment_of(home, **variables)) as screen:
        yield PlainSeat(screen)

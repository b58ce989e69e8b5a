"""Two honest programs that are connected, for many strangers one after another."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from p2pchat.logs import SAME_EVENT_PER_MINUTE
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import Program, Programs


class Village:
    """Two honest nodes that are connected; strangers come to ann."""

    def __init__(self, ann: Program, bob: Program) -> None:
        self.ann = ann
        self.bob = bob
        self._markers = count()

    def goes_on(self) -> None:
        """Have both say something that the other hears, and see that nothing else was shown."""
        marker = f"marker {next(self._markers)}"
        self.bob.say(marker)
        self.ann.wait_for(f"bob -> {marker}")
        self.ann.say(marker)
        self.bob.wait_for(f"ann -> {marker}")
        for program, nick in ((self.ann, "bob"), (self.bob, "ann")):
            assert [line for line in program.heard if not line.startswith(f"{nick} -> mark")] == []
            assert not any(line.startswith(f"Disconnected: {nick}") for line in program.out)

    @contextmanager
    def logs(self, reason: str) -> Iterator[None]:
        """Do something, and wait until ann's log says that once more."""
        before = self.ann.log.count(reason)
        yield
        wait_until(
            lambda: self.ann.log.count(reason) > before,
            f"{reason!r} once more in the log",
            lambda: self.ann.log,
        )


class Villages:
    """Hands out a village, and a new one when the log of the old one would leave events out."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._lines_left = 0

    def village(self, lines: int = 1) -> Village:
        """Return one whose log takes so many more lines of one event."""
        if self._lines_left < lines:
            ann = self._programs.line("--nick", "ann", "--manual")
            bob = self._programs.line("--nick", "bob", "--manual")
            bob.connect(ann)
            self._village = Village(ann, bob)
            self._lines_left = SAME_EVENT_PER_MINUTE - 2
        self._lines_left -= lines
        return self._village

"""What became of messages to one person: pure bookkeeping.

Such a message waits on its author's disk until its receipt comes, so all that were taken have to
arrive, whoever was killed meanwhile; and once, but for a reader that was killed between showing
one and writing that down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.soak.ledger import Run

LISTED: Final = 20


@dataclass
class _Written:
    author: Run
    to: str
    at: float
    is_shown: bool = False
    is_confirmed: bool = False


@dataclass
class DirectLedger:
    """Keeps account by the ids that programs tell."""

    taken: int = 0
    shown: int = 0
    confirmed: int = 0
    twice: int = 0
    twice_after_kill: int = 0
    strange: int = 0
    """Shown to somebody they were not written to."""
    _open: dict[str, _Written] = field(default_factory=dict)
    _shown_by: dict[str, Run] = field(default_factory=dict)
    _killed: set[Run] = field(default_factory=set)

    def written(self, author: Run, message: str, to: str, at: float) -> None:
        """Note that an author's program has taken one."""
        self.taken += 1
        written = self._open[message] = _Written(author, to, at)
        # What two programs tell comes by two pipes, so a reader's word may be here first.
        if (reader := self._shown_by.get(message)) is not None:
            self._note_shown(message, written, reader)

    def arrived(self, reader: Run, message: str) -> None:
        """Note that a program has shown one."""
        if (first := self._shown_by.get(message)) is not None:
            if first in self._killed and first != reader:
                self.twice_after_kill += 1
            else:
                self.twice += 1
            return
        self._shown_by[message] = reader
        self.shown += 1
        if (written := self._open.get(message)) is not None:
            self._note_shown(message, written, reader)

    def receipt(self, message: str) -> None:
        """Note that its author was told that it has arrived."""
        if (written := self._open.get(message)) is not None and not written.is_confirmed:
            written.is_confirmed = True
            self.confirmed += 1
            self._close(message, written)

    def killed(self, run: Run) -> None:
        """Note that a run ended as by a crash."""
        self._killed.add(run)

    def _note_shown(self, message: str, written: _Written, reader: Run) -> None:
        self.strange += written.to != reader[0]
        written.is_shown = True
        self._close(message, written)

    def _close(self, message: str, written: _Written) -> None:
        if written.is_shown and written.is_confirmed:
            del self._open[message]

    @property
    def missing(self) -> int:
        """Taken and shown nowhere yet."""
        return sum(not written.is_shown for written in self._open.values())

    @property
    def faults(self) -> list[str]:
        """Describe some that are missing."""
        lost = [w for w in self._open.values() if not w.is_shown]
        return [
            f"not shown: from {w.author[0]}.{w.author[1]} to {w.to}, written at {w.at:.0f}"
            for w in lost[:LISTED]
        ]

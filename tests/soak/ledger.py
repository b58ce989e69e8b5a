"""Who should have been shown which message, and who was: pure bookkeeping.

A message is *settled* once the network has been whole for REPAIR_S after it was said. It is
*owed* when somebody who has it, its author to begin with, ran from then until it settled. It is
owed to everybody who had a neighbour when it was said and ran until it settled. What is settled is
counted and forgotten, so that a run of days needs no more memory than one of minutes.

All times are seconds on one clock.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

REPAIR_S: Final = 180.0
"""What was said apart is everywhere so long after a split (docs/protocol.md promises less)."""

LISTED: Final = 20
"""Faults that are kept by their text; the others are counted."""

Run = tuple[str, int]
"""Nick and count of its starts."""


@dataclass
class _Life:
    connected_at: float = math.inf
    ended_at: float = math.inf
    shown: dict[Run, int] = field(default_factory=dict)
    """Of each author's run, the numbers shown, as the bits of one integer."""
    told: Counter[str] = field(default_factory=Counter)
    """Of each author, how many messages this run has told to be missing and not shown since."""


@dataclass
class _Said:
    author: Run
    number: int
    at: float
    shown_at: dict[Run, float] = field(default_factory=dict)


@dataclass
class Tally:
    """What has been counted so far."""

    said: int = 0
    owed: int = 0
    """Pairs of a settled message and a run."""
    arrived: int = 0
    beyond: int = 0
    """Pairs that nobody owed: newcomers, and who ended soon after."""
    lost_with_author: int = 0
    """Messages that left the world with everybody who had them."""
    twice: int = 0
    disordered: int = 0
    late: int = 0
    """Shown behind later ones, after the gap was told: allowed, and worth knowing."""
    backlog_behind: int = 0
    """Shown behind later ones of the same author, marked as earlier: allowed as well."""
    faults: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return self.owed - self.arrived

    def note(self, fault: str) -> None:
        """Keep the text of a fault, if there are not too many yet."""
        if len(self.faults) < LISTED:
            self.faults.append(fault)


class Ledger:
    """Keeps account of messages to everybody."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._lives: dict[Run, _Life] = {}
        self._open: dict[tuple[Run, int], _Said] = {}
        self._order: deque[_Said] = deque()  # bounded by what is said until it settles
        self._splits: list[tuple[float, float]] = []

    # --- What happens --------------------------------------------------------------------------

    def connected(self, run: Run, at: float) -> None:
        """Note that a run has its first neighbour."""
        life = self._lives.setdefault(run, _Life())
        life.connected_at = min(life.connected_at, at)

    def ended(self, run: Run, at: float) -> None:
        """Note that a run has ended."""
        self._lives.setdefault(run, _Life()).ended_at = at

    def split(self, at: float) -> None:
        """Note that not everybody reaches everybody from now on."""
        self._splits.append((at, math.inf))

    def healed(self, at: float) -> None:
        """Note that everybody may reach everybody again."""
        began, _ = self._splits.pop()
        self._splits.append((began, at))

    def said(self, author: Run, number: int, at: float) -> None:
        """Note what a run says, before anybody can have heard it."""
        self._lives.setdefault(author, _Life())
        said = _Said(author, number, at)
        self._open[author, number] = said
        self._order.append(said)
        self.tally.said += 1

    def told_gap(self, reader: Run, author: str, missing: int) -> None:
        """Note that a run was told that so many messages of that author are missing."""
        self._lives.setdefault(reader, _Life()).told[author] += missing

    def shown(
        self, reader: Run, author: Run, number: int, at: float, *, is_earlier: bool = False
    ) -> None:
        """Note that a run shows a message, perhaps marked as earlier."""
        life = self._lives.setdefault(reader, _Life())
        before = life.shown.get(author, 0)
        what = f"{author[0]}.{author[1]} #{number} to {reader[0]}.{reader[1]} at {at:.1f}"
        if before >> number & 1:
            self.tally.twice += 1
            self.tally.note(f"twice: {what}")
            return
        if before >> number:
            self._note_disorder(life, author, what, is_earlier=is_earlier)
        life.shown[author] = before | 1 << number
        if (said := self._open.get((author, number))) is not None:
            said.shown_at[reader] = at

    def _note_disorder(self, life: _Life, author: Run, what: str, *, is_earlier: bool) -> None:
        if is_earlier:
            self.tally.backlog_behind += 1
            return
        if life.told[author[0]] > 0:
            life.told[author[0]] -= 1
            self.tally.late += 1
            return
        self.tally.disordered += 1
        self.tally.note(f"out of order: {what}")

    # --- Settling ------------------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """Count what is settled by now, and forget it."""
        while self._order and self.settles_at(self._order[0].at) <= now:
            said = self._order.popleft()
            del self._open[said.author, said.number]
            self._count(said, self.settles_at(said.at))
        self._forget()

    def settles_at(self, said_at: float) -> float:
        """Return when everybody must have what was said then; infinity while nobody knows."""
        settled = said_at + REPAIR_S
        for began, ended in self._splits:
            if began < settled and ended > settled - REPAIR_S:
                settled = ended + REPAIR_S
        return settled

    @property
    def unsettled(self) -> int:
        """Messages that are not counted yet."""
        return len(self._order)

    def _count(self, said: _Said, settled: float) -> None:
        present = {
            run for run, life in self._lives.items()
            if life.connected_at <= said.at and life.ended_at >= settled and run != said.author
        }  # fmt: skip
        holders = [said.author, *said.shown_at]
        has_survived = any(self._lives[run].ended_at >= settled for run in holders)
        tally = self.tally
        tally.beyond += len(said.shown_at.keys() - present)
        if not has_survived:
            tally.lost_with_author += 1
            return
        tally.owed += len(present)
        tally.arrived += len(present & said.shown_at.keys())
        for run in sorted(present - said.shown_at.keys()):
            tally.note(
                f"missing: {said.author[0]}.{said.author[1]} #{said.number} "
                f"said at {said.at:.0f} to {run[0]}.{run[1]}"
            )

    def _forget(self) -> None:
        """Drop runs and splits that no open message is about."""
        oldest = self._order[0].at if self._order else math.inf
        gone = [run for run, life in self._lives.items() if life.ended_at < oldest]
        for run in gone if self._order else ():
            del self._lives[run]
        self._splits = [s for s in self._splits if s[1] > oldest - REPAIR_S] or self._splits[-1:]

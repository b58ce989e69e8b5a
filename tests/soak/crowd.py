"""The people of a soak: real programs, each on a machine of its own, that come and go."""

from __future__ import annotations

import asyncio
import json
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.live import Live
from tests.soak.direct_ledger import DirectLedger
from tests.soak.ledger import Ledger, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.e2e.virtual_lan import LanHost

FLAGS: Final = ("-r", "soak", "--lan")
START_TIMEOUT_S: Final = 60.0
DIRECT_SHARE: Final = 0.1
LONG_SHARE: Final = 0.05
RECORD: Final = "told.txt"
LONG_CHARACTERS: Final = 3_000
"""Some texts are so long that their envelopes are not flooded but pushed lazily."""

_TASKS: Final = re.compile(r"(\d+) tasks.*?(?:(\d+) times|(once))?(?: since the start)?$")


@dataclass
class Person:
    """Somebody with a machine, a profile and, most of the time, a program that runs."""

    nick: str
    home: Path
    host: LanHost
    is_resident: bool
    """Never restarted, so that its memory can be watched."""
    starts: int = 0
    said: int = 0
    live: Live | None = None
    tasks: int = 0
    unexpected: int = 0
    """What asyncio reported, in this run of its program."""
    unexpected_before: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def run(self) -> Run:
        return self.nick, self.starts

    @property
    def is_up(self) -> bool:
        return self.live is not None and self.live.is_up


class Crowd:
    """Starts and ends programs, has them speak, and keeps the ledgers."""

    def __init__(
        self, folder: Path, hosts: Sequence[LanHost], residents: int, chance: random.Random,
        tasks: asyncio.TaskGroup, *, records: bool = False,
    ) -> None:  # fmt: skip
        """Describe everybody; nobody runs yet.

        Args:
            folder: Where the programs live.
            hosts: A machine for each.
            residents: How many of them are never restarted.
            chance: Decides who speaks.
            tasks: Own what follows the programs.
            records: Whether all that a program tells is kept in its home, with the time.
        """
        self.ledger = Ledger()
        self.direct = DirectLedger()
        self.died_by_themselves: list[str] = []
        self._chance = chance
        self._tasks = tasks
        self._records = records
        self._is_asked_to_end: set[Live] = set()
        self._runs: dict[Live, tuple[Person, Run]] = {}
        self.people = [
            Person(f"n{place:02}", folder / f"n{place:02}", host, place < residents)
            for place, host in enumerate(hosts)
        ]

    @property
    def up(self) -> list[Person]:
        return [person for person in self.people if person.is_up]

    def living(self) -> Iterator[tuple[Person, Live]]:
        """Yield everybody who is up, with the program."""
        for person in self.people:
            if person.live is not None and person.live.is_up:
                yield person, person.live

    # --- Coming and going ----------------------------------------------------------------------

    async def start(self, person: Person) -> None:
        """Start somebody's program and wait until it listens."""
        person.home.mkdir(parents=True, exist_ok=True)
        person.starts += 1
        person.said = 0
        person.unexpected_before += person.unexpected
        person.unexpected = 0
        live = await Live.start(person.nick, person.home, *FLAGS, wrapper=person.host.inside)
        self._runs[live] = (person, person.run)
        person.live = live
        self._tasks.create_task(self._follow(live))
        await live.until(lambda: bool(live.id), START_TIMEOUT_S)

    async def end(self, person: Person, *, by_force: bool) -> None:
        """End somebody's program."""
        live = person.live
        assert live is not None
        self._is_asked_to_end.add(live)
        if by_force:
            self.direct.killed(person.run)
            live.kill()
        await live.stop()
        person.complaints += [c for c in live.complaints if c not in person.complaints]

    async def end_all(self) -> None:
        """End every program."""
        async with asyncio.TaskGroup() as tasks:
            for person in self.people:
                if person.live is not None:
                    tasks.create_task(self.end(person, by_force=False))

    def kill_all(self) -> None:
        """End whatever still runs, without waiting."""
        for live in self._runs:
            self._is_asked_to_end.add(live)
            live.kill()

    async def _follow(self, live: Live) -> None:
        await live.follow(self._told)
        person, run = self._runs.pop(live)
        assert live.ended_at is not None
        self.ledger.ended(run, live.ended_at)
        if live not in self._is_asked_to_end:
            self.died_by_themselves.append(person.nick)
        self._is_asked_to_end.discard(live)

    # --- Speaking ------------------------------------------------------------------------------

    def speak(self, now: float) -> None:
        """Have somebody say something, to everybody or to one."""
        able = [p for p, live in self.living() if live.connected_at is not None]
        if len(able) < 2:
            return
        author, other = self._chance.sample(able, 2)
        assert author.live is not None
        if self._chance.random() < DIRECT_SHARE:
            author.live.write(other.nick, f"for {other.nick} alone")
            return
        is_long = self._chance.random() < LONG_SHARE
        filler = "x" * (LONG_CHARACTERS if is_long else self._chance.randrange(1, 200))
        self.ledger.said(author.run, author.said, now)
        author.live.send(f"{author.starts} {author.said} {filler}")
        author.said += 1

    def ask_everybody(self) -> None:
        """Ask every program how it is; answers come when they come."""
        for _, live in self.living():
            live.command("/doctor")

    # --- Hearing -------------------------------------------------------------------------------

    def _told(self, live: Live, told: dict[str, Any], at: float) -> None:
        person, run = self._runs[live]
        if self._records:
            with (person.home / RECORD).open("a") as record:
                record.write(f"{at:.3f} {json.dumps(told)}\n")
        match told:
            case {"type": "connected"}:
                self.ledger.connected(run, at)
            case {"type": "message", "from": {"nick": str(nick)}, "text": str(text)}:
                start, number, _ = text.split(" ", 2)
                author = nick, int(start)
                is_earlier = bool(told["earlier"])
                self.ledger.shown(run, author, int(number), at, is_earlier=is_earlier)
            case {"type": "gap", "author": {"nick": str(nick)}, "missing": int(missing)}:
                self.ledger.told_gap(run, nick, missing)
            case {"type": "sent", "to": {"nick": str(nick)}, "id": str(message)}:
                self.direct.written(run, message, nick, at)
            case {"type": "dm", "id": str(message)}:
                self.direct.arrived(run, message)
            case {"type": "receipt", "id": str(message)}:
                self.direct.receipt(message)
            case {"type": "result", "command": "doctor", "data": list(findings)}:
                self._note_health(person, findings)

    def _note_health(self, person: Person, findings: list[dict[str, str]]) -> None:
        text = next(found["text"] for found in findings if found["what"] == "run")
        found = _TASKS.match(text)
        assert found is not None, text
        person.tasks = int(found[1])
        person.unexpected = 1 if found[3] else int(found[2] or 0)

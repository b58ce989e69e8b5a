"""The command: `python -m tests.soak --minutes 10`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.e2e import virtual_lan
from tests.measured import Figure, table, write_json
from tests.soak.crowd import Crowd
from tests.soak.ledger import REPAIR_S
from tests.soak.split_lan import SplitLan, split_lan
from tests.soak.verdict import Soaked, figures
from tests.soak.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLE_EVERY_S: Final = 10.0
ASK_EVERY_S: Final = 60.0
TELL_EVERY_S: Final = 60.0
LEAST_UP: Final = 0.7
"""Nobody is ended while fewer are up: what is measured is a network, not a ruin."""

FORCED_SHARE: Final = 0.5
DOWN_S: Final = (0.0, 20.0)
SPLIT_S: Final = (20.0, 60.0)
LAST_ANSWER_S: Final = 5.0


class Soak:
    """Lets time pass: people talk, come and go, and the network splits."""

    def __init__(self, given: argparse.Namespace, lan: SplitLan, crowd: Crowd) -> None:
        self._given = given
        self._lan = lan
        self._crowd = crowd
        self._watch = Watch(crowd)
        self._chance = random.Random(given.seed)
        self._began_at = time.monotonic()
        self._busy_until = self._began_at

    async def run(self) -> list[Figure]:
        """Run for the time that was asked for, then let everything settle."""
        async with asyncio.TaskGroup() as starting:
            for person in self._crowd.people:
                starting.create_task(self._crowd.start(person))
        self._began_at = time.monotonic()
        length_s = 60 * self._given.minutes
        async with asyncio.TaskGroup() as tasks:
            watching = [
                tasks.create_task(doing)
                for doing in (
                    _every(SAMPLE_EVERY_S, self._sample),
                    _every(ASK_EVERY_S, self._crowd.ask_everybody),
                    _every(TELL_EVERY_S, self._tell),
                )
            ]
            await self._busy_time(length_s)
            await self._settle()
            self._crowd.ask_everybody()
            await asyncio.sleep(LAST_ANSWER_S)
            for task in watching:
                task.cancel()
        self._tell()
        return figures(await self._end(length_s))

    async def _busy_time(self, length_s: float) -> None:
        self._busy_until = time.monotonic() + length_s
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._talk())
            tasks.create_task(self._restart_some())
            tasks.create_task(self._split_sometimes())

    async def _pause(self, length_s: float) -> bool:
        """Wait; return whether the busy time goes on."""
        left_s = self._busy_until - time.monotonic()
        await asyncio.sleep(max(0.0, min(length_s, left_s)))
        return length_s < left_s

    async def _settle(self) -> None:
        """Wait until everything said is settled, and direct messages are there, if they come."""
        until = time.monotonic() + 2 * REPAIR_S
        while self._crowd.ledger.unsettled or self._crowd.direct.missing:
            if time.monotonic() > until:
                return
            await asyncio.sleep(1)

    async def _end(self, length_s: float) -> Soaked:
        crowd, watch = self._crowd, self._watch
        died = list(crowd.died_by_themselves)
        await crowd.end_all()
        return Soaked(
            length_s=length_s,
            tally=crowd.ledger.tally,
            direct=crowd.direct,
            residents=list(watch.residents.values()),
            log_bytes=list(watch.log_bytes.values()),
            unexpected=sum(p.unexpected + p.unexpected_before for p in crowd.people),
            complaints=[line for p in crowd.people for line in p.complaints],
            died_by_themselves=died,
        )

    # --- What happens to them ------------------------------------------------------------------

    async def _talk(self) -> None:
        while await self._pause(self._chance.expovariate(self._given.rate)):
            self._crowd.speak(time.monotonic())

    async def _restart_some(self) -> None:
        per_s = self._given.restarts / 60
        while per_s and await self._pause(self._chance.expovariate(per_s)):
            able = [person for person in self._crowd.up if not person.is_resident]
            if able and len(self._crowd.up) > LEAST_UP * len(self._crowd.people):
                person = self._chance.choice(able)
                by_force = self._chance.random() < FORCED_SHARE
                self._report(f"{'killed' if by_force else 'stopped'} {person.nick}")
                await self._crowd.end(person, by_force=by_force)
                await self._pause(self._chance.uniform(*DOWN_S))
                await self._crowd.start(person)

    async def _split_sometimes(self) -> None:
        people = range(len(self._crowd.people))
        each_s = 60 * self._given.splits
        while each_s and await self._pause(self._chance.uniform(0.5, 1.5) * each_s):
            apart = self._chance.sample(people, self._chance.randint(1, len(people) // 2))
            self._crowd.ledger.split(time.monotonic())
            try:
                self._lan.split(apart)
                self._report(f"split {' '.join(f'n{place:02}' for place in sorted(apart))}")
                await self._pause(self._chance.uniform(*SPLIT_S))
            finally:
                self._lan.heal()
                self._crowd.ledger.healed(time.monotonic())
                self._report("healed")

    # --- What is looked at ---------------------------------------------------------------------

    def _sample(self) -> None:
        now = time.monotonic()
        self._watch.sample(now)
        self._crowd.ledger.settle(now)

    def _report(self, what: str) -> None:
        now = time.monotonic()
        print(f"{(now - self._began_at) / 60:5.1f} min  at {now:.1f}: {what}", flush=True)

    def _tell(self) -> None:
        crowd, watch, tally = self._crowd, self._watch, self._crowd.ledger.tally
        unexpected = sum(p.unexpected + p.unexpected_before for p in crowd.people)
        log_kib = max(watch.log_bytes.values(), default=0) / 1024
        self._report(
            f"{len(crowd.up)} up  said {tally.said}  settled: owed {tally.owed}"
            f" missing {tally.missing} twice {tally.twice} disordered {tally.disordered}"
            f" late {tally.late} backlog {tally.backlog_behind}  direct {crowd.direct.taken}"
            f" missing {crowd.direct.missing} twice {crowd.direct.twice}"
            f"  highest: {watch.highest_rss_mib:.1f} MiB {watch.highest_files} files"
            f" {watch.highest_tasks} tasks"
            f"  unexpected {unexpected}  log {log_kib:.0f} KiB"
        )


async def _every(period_s: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(period_s)
        do()


async def soak(given: argparse.Namespace) -> int:
    """Run a soak and print what it has shown; 1 when a bound is broken."""
    with split_lan(given.nodes) as lan, _folder(given.folder) as folder:
        async with asyncio.TaskGroup() as tasks:
            chance = random.Random(given.seed)
            residents = given.nodes // 2
            records = given.folder is not None
            crowd = Crowd(folder, lan.hosts, residents, chance, tasks, records=records)
            try:
                found = await Soak(given, lan, crowd).run()
            finally:
                crowd.kill_all()
    faults = [*crowd.ledger.tally.faults, *crowd.direct.faults]
    faults += [line for person in crowd.people for line in person.complaints]
    print("", table(found, markdown=given.markdown), *faults, sep="\n")
    if given.json:
        write_json(found, given.json)
    return 0 if all(figure.is_met for figure in found) else 1


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yield where the programs live: a folder that is kept, or one for now."""
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="of talk, restarts and splits; default 10")
    add("--nodes", type=int, default=20, help="programs; half of them are never restarted")
    add("--rate", type=float, default=5, help="messages a second, of all together")
    add("--restarts", type=float, default=1, help="a minute; half of them by kill -9; 0 for none")
    add("--splits", type=float, default=4, help="minutes between two, on average; 0 for none")
    add("--seed", type=int, default=1)
    add("--folder", type=Path, help="where the programs live; all that they told is kept there")
    add("--json", type=Path, metavar="FILE", help="write the figures there, an object a line")
    add("--markdown", action="store_true", help="a table for a document")
    given = parser.parse_args(arguments)
    if given.nodes < 4:
        parser.error("a soak needs at least 4 nodes")
    return given


def main(arguments: list[str]) -> int:
    """Run what was asked for; 2 where this system has no networks to tear."""
    given = parse(arguments)
    if why := virtual_lan.why_not():
        print(f"no soak here: {why}", file=sys.stderr)
        return 2
    return asyncio.run(soak(given))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The command: besiege networks for hours, a line of JSON each; goes on where it was ended.

`python -m tests.sim.sieges FILE --honest 60 --victims 6 --hours 24 --seeds 0-9`
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from tests.sim.siege import HOUR_S, LOOK_S, Siege

RESTARTS: Final = 10

_APART_S: Final = 60.0
"""Between the starts of two victims: not all of them start at once."""


class Turn(msgspec.Struct, frozen=True):
    """What was seen when each victim started once, and in the hours before."""

    hours: float
    """Since the network began."""
    found: tuple[int, ...]
    """Whom each victim had dialled that was honest, half a minute after its start."""
    found_by_others: dict[int, int]
    """How many of the others that started had found so many."""
    without: int
    """How many of all had dialled nobody honest, just before the victims started."""
    largest_part: int
    """How many honest ones were connected by honest ones, just after."""


class Run(msgspec.Struct, frozen=True):
    """A network that was besieged."""

    seed: int
    honest: int
    turns: tuple[Turn, ...]

    @property
    def found(self) -> list[tuple[int, ...]]:
        """Whom each victim had found after each of its starts."""
        return list(zip(*(turn.found for turn in self.turns), strict=True))


def besiege(seed: int, honest: int, *, victims: int, hours: float) -> Run:
    """Let each victim start RESTARTS times, spread over those hours; all others come and go."""
    siege = Siege(seed, honest, victims=victims)
    apart_s = hours * HOUR_S / RESTARTS - victims * _APART_S
    turns = []
    for _ in range(RESTARTS):
        turns.append(_turn(siege, apart_s))
        print(f"seed {seed}:", turns[-1], file=sys.stderr, flush=True)
    return Run(seed, honest, tuple(turns))


def _turn(siege: Siege, apart_s: float) -> Turn:
    siege.run(apart_s)
    without = siege.without_honest_dial()
    found = tuple(_found_after_start(siege, number) for number in range(len(siege.victims)))
    others = dict(sorted(Counter(siege.found_by_others).items()))
    siege.found_by_others.clear()
    hours = siege.overlay.now / HOUR_S
    return Turn(round(hours, 2), found, others, without, siege.largest_part())


def _found_after_start(siege: Siege, number: int) -> int:
    siege.restart(number)
    siege.overlay.run(LOOK_S)
    found = siege.honest_dials(siege.victims[number])
    siege.overlay.run(_APART_S - LOOK_S)
    return found


def main() -> None:
    """Besiege with each seed that the file has no line of."""
    given = _parser().parse_args()
    done = {run.seed for run in read(given.file)} if given.file.exists() else set()
    first, _, last = given.seeds.partition("-")
    for seed in range(int(first), int(last or first) + 1):
        if seed not in done:
            run = besiege(seed, given.honest, victims=given.victims, hours=given.hours)
            with given.file.open("ab") as lines:
                lines.write(msgspec.json.encode(run) + b"\n")


def read(path: Path) -> list[Run]:
    """Return the runs that came to an end."""
    return [msgspec.json.decode(line, type=Run) for line in path.read_bytes().splitlines()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.sieges", description=__doc__)
    add = parser.add_argument
    add("file", type=Path, help="of one kind of runs: a line is added for each")
    add("--honest", type=int, default=60, help="nodes; there are four times as many Sybils")
    add("--victims", type=int, default=6, help="of these; each starts ten times")
    add("--hours", type=float, default=24.0, help="of virtual time")
    add("--seeds", default="0", help="as 0-9, each a run")
    return parser


if __name__ == "__main__":
    main()

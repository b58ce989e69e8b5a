"""The command: `python -m tests.attack`, all of them or those named."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.attack.attacks import ATTACKS, figures
from tests.attack.outcome import carried_out
from tests.measured import table, write_json

if TYPE_CHECKING:
    from tests.measured import Figure

SECONDS: Final = 10.0
"""What the spam of 10,000 envelopes needs."""


async def attack(names: list[str], length_s: float) -> list[Figure]:
    """Carry out one after the other; each has a village of its own."""
    found: list[Figure] = []
    for name in names:
        print(f"{name}: {ATTACKS[name].title}", file=sys.stderr, flush=True)
        outcome = await carried_out(name, ATTACKS[name], length_s)
        found += figures(ATTACKS[name], outcome)
        for line in outcome.complaints:
            print(line, file=sys.stderr)
    return found


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; default all")
    add("--seconds", type=float, default=SECONDS, help="of each attack; default 10")
    add("--json", type=Path, metavar="FILE", help="write the figures there, an object a line")
    add("--markdown", action="store_true", help="a table for a document")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(ATTACKS):
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    return given


def main(arguments: list[str]) -> int:
    """Attack and print; 1 when something asked was not reached."""
    given = parse(arguments)
    found = asyncio.run(attack(given.names or list(ATTACKS), given.seconds))
    print(table(found, markdown=given.markdown))
    if given.json:
        write_json(found, given.json)
    return 0 if all(figure.is_met for figure in found) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

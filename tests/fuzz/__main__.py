"""Fuzzes by one command; README.md beside this file tells how."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path
from typing import Final

from tests.fuzz import corpus
from tests.fuzz.campaign import Outcome, fuzz, is_guidance_here
from tests.fuzz.cost import cost_of
from tests.fuzz.targets import TARGETS
from tests.sources import ROOT

_NO_GUIDANCE: Final = """\
atheris is not installed, and without it nothing tells which inputs reach further.
  pip install -e '.[fuzz]'     (Linux on x86-64, Python 3.11 to 3.13: it has no other wheels)
or go on without guidance:
  python -m tests.fuzz --blind"""

_PROGRAM: Final = "python -m tests.fuzz"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when nothing was found, 1 when something was, 2 when it can't run."""
    wanted = _parser().parse_args(arguments)
    names = wanted.targets or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        print(f"there is no target {unknown[0]}; there are: {' '.join(TARGETS)}")
        return 2
    if wanted.replay is not None:
        return _replay(names, wanted.replay)
    if not wanted.blind and not is_guidance_here():
        print(_NO_GUIDANCE)
        return 2
    found = False
    for name in names:
        folder = wanted.work / name
        outcome = fuzz(name, wanted.seconds, folder, is_blind=wanted.blind)
        found |= bool(outcome.findings)
        _tell(name, outcome)
        if wanted.keep:
            _keep(name, outcome)
    return int(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Fuzz targets, by atheris.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all without any")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target; 60")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".fuzz", help="where inputs and findings go; .fuzz"
    )
    parser.add_argument("--blind", action="store_true", help="mutate without guidance")
    parser.add_argument(
        "--keep", action="store_true", help="renew tests/fuzz/corpus by what was reached"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one input and measure it")
    return parser


def _replay(names: list[str], file: Path) -> int:
    data, failed = file.read_bytes(), False
    for name in names:
        try:
            cost = cost_of(TARGETS[name].run, data)
        except Exception:  # noqa: BLE001 - that is what is wanted to be seen
            traceback.print_exc()
            failed = True
            continue
        print(f"{name}: {cost}{', too much' if cost.is_too_high else ''}")
        failed |= cost.is_too_high
    return int(failed)


def _tell(name: str, outcome: Outcome) -> None:
    rate = outcome.inputs / max(outcome.seconds, 0.001)
    count = len(outcome.findings)
    print(
        f"{name:14} {outcome.inputs:>10,} inputs {rate:>8,.0f}/s   worst {outcome.worst}"
        f"   {count or 'no'} finding{'s' * (count != 1)}",
        flush=True,
    )
    if outcome.said:
        print(outcome.said)
    for path in outcome.findings:
        print(f"  {_PROGRAM} {name} --replay {path}", flush=True)


def _keep(name: str, outcome: Outcome) -> None:
    target = TARGETS[name]
    known = [*corpus.kept(name), *outcome.known]
    chosen = corpus.smallest_set(target.run, known, target.seeds())
    corpus.replace_kept(name, chosen)
    print(f"  kept {len(chosen)} inputs, {sum(map(len, chosen)):,} bytes")


if __name__ == "__main__":
    sys.exit(main())

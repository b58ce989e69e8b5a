"""Fuzzing one target for some time: guided by coverage, or blindly, and what came of it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from tests.fuzz import corpus
from tests.fuzz.cost import TIME_LIMIT_S, Cost, cost_of, time_of
from tests.fuzz.mutation import INPUT_LIMIT_BYTES, mutated
from tests.fuzz.targets import TARGETS
from tests.sources import ROOT

if TYPE_CHECKING:
    from tests.fuzz.target import Target

INPUT_TIMEOUT_S: Final = 60
"""Of the wall clock: an input that takes so long hangs, however busy the machine is."""

_COUNTED: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass
class Outcome:
    """What came of fuzzing one target."""

    inputs: int = 0
    seconds: float = 0.0
    known: list[bytes] = field(default_factory=list)
    """Inputs that each reached something new."""
    findings: list[Path] = field(default_factory=list)
    worst: Cost = Cost(0.0, 0)  # noqa: RUF009 - a tuple
    said: str = ""
    """What the last finding raises, or the end of what the fuzzer printed."""


def is_guidance_here() -> bool:
    """Tell whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(name: str, seconds: float, folder: Path, *, is_blind: bool = False) -> Outcome:
    """Fuzz a target and measure what was found on the way.

    Args:
        name: Of the target.
        seconds: For how long.
        folder: Where inputs and findings go; what lies there from before is used again.
        is_blind: Without atheris.
    """
    target = TARGETS[name]
    for part in ("seeds", "slow"):
        shutil.rmtree(folder / part, ignore_errors=True)
    corpus.write(folder / "seeds", [*target.seeds(), *corpus.kept(name)])
    for part in ("inputs", "slow", "findings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    outcome = _blindly(target, seconds, folder) if is_blind else _guided(name, seconds, folder)
    outcome.seconds = time.monotonic() - begin
    outcome.known = corpus.read(folder / "inputs")
    _measure(target, outcome, folder)
    return outcome


def _guided(name: str, seconds: float, folder: Path) -> Outcome:
    words = folder / "words"
    # libFuzzer takes no empty dictionary, so one word of what every binary format holds is there.
    words.write_text("".join(map(_entry, (b"\xff\xff\xff\xff", *TARGETS[name].words))), "ascii")
    before = set((folder / "findings").iterdir())
    run = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.guided", name, str(folder / "slow")),
            *(str(folder / "inputs"), str(folder / "seeds")),
            f"-max_total_time={max(1, round(seconds))}",
            f"-max_len={INPUT_LIMIT_BYTES}",
            f"-timeout={INPUT_TIMEOUT_S}",
            f"-artifact_prefix={folder / 'findings'}/",
            f"-dict={words}",
            "-print_final_stats=1",
            "-verbosity=1",
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    said = run.stdout + run.stderr
    counted = _COUNTED.search(said)
    fresh = sorted(set((folder / "findings").iterdir()) - before)
    outcome = Outcome(int(counted[1]) if counted else 0, findings=fresh)
    if run.returncode or fresh:
        outcome.said = "\n".join(said.splitlines()[-60:])
    if run.returncode and not fresh:
        raise RuntimeError(f"the fuzzer ended with {run.returncode}:\n{outcome.said}")
    return outcome


def _entry(word: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def _blindly(target: Target, seconds: float, folder: Path) -> Outcome:
    """Mutate what is known, with nothing to tell which mutation reached further."""
    known, rng = corpus.read(folder / "seeds"), Random()
    outcome, end = Outcome(), time.monotonic() + seconds
    while time.monotonic() < end and not outcome.findings:
        data = mutated(known, target.words, rng)
        outcome.inputs += 1
        try:
            took_s = time_of(target.run, data)
        except Exception:  # noqa: BLE001 - that is what is looked for
            outcome.said = traceback.format_exc()
            outcome.findings = corpus.write(folder / "findings", [data], "crash-")
        else:
            if took_s > TIME_LIMIT_S:
                corpus.write(folder / "slow", [data])
    return outcome


def _measure(target: Target, outcome: Outcome, folder: Path) -> None:
    """Run without instrumentation what failed or may be costly; too costly is a finding too."""
    for path in outcome.findings:
        try:
            target.run(path.read_bytes())
        except Exception:  # noqa: BLE001 - that is what was found
            outcome.said = traceback.format_exc()
    for data in (*outcome.known, *corpus.read(folder / "seeds"), *corpus.read(folder / "slow")):
        try:
            cost = cost_of(target.run, data)
        except Exception:  # noqa: BLE001 - likewise
            outcome.said = traceback.format_exc()
            outcome.findings += corpus.write(folder / "findings", [data], "crash-")
            continue
        time_s = max(cost.time_s, outcome.worst.time_s)
        outcome.worst = Cost(time_s, max(cost.memory_bytes, outcome.worst.memory_bytes))
        if cost.is_too_high:
            outcome.findings += corpus.write(folder / "findings", [data], "costly-")

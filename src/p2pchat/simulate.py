"""`p2pchat simulate`: makes an experiment of flags, shows how far it is, writes what came of it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from p2pchat.errors import BadSettings
from p2pchat.sim import experiment as simulation
from p2pchat.sim import sweep as sweeping
from p2pchat.sim import sweep_report
from p2pchat.sim.experiment import LARGE_BYTES, Experiment, Outcome
from p2pchat.sim.report import aligned, rows

__all__ = ["as_json", "as_text", "simulate", "sweep", "sweep_report", "wanted"]

_YOUNG_OBJECTS: Final = 100_000
"""New objects between two looks for garbage: nearly everything lives to the end of the run."""


def wanted(flags: Mapping[str, Any]) -> Experiment:
    """Return the experiment that flags of the command line ask for.

    Raises:
        BadSettings: They don't fit together.
    """
    given = dict(flags)
    if minutes := given.pop("minutes", None):
        rate = given.get("rate", Experiment().rate)
        given["messages"] = max(1, round(minutes * 60 * rate))
    if given.pop("large", False):
        given["size"] = LARGE_BYTES
    for flag, field in (("size", "size_bytes"), ("partition", "partition_s")):
        if flag in given:
            given[field] = given.pop(flag)
    experiment = Experiment(**given)
    if experiment.authors > experiment.nodes:
        raise BadSettings(f"--authors {experiment.authors}: there are {experiment.nodes} nodes.")
    return experiment


def simulate(experiment: Experiment) -> Outcome:
    """Do an experiment; shows how far it is on standard error, where that is a terminal."""
    with _rare_collections(), _progress() as show:
        return simulation.run(experiment, show)


def as_json(outcome: Outcome) -> str:
    """Write an outcome as one object on one line."""
    everything = {
        "type": "simulation",
        **msgspec.structs.asdict(outcome.experiment),
        **msgspec.structs.asdict(outcome.report),
        "repair_s": outcome.repair_s,
        "broken": outcome.broken,
    }
    return msgspec.json.encode(everything).decode() + "\n"


def as_text(outcome: Outcome) -> str:
    """Write an outcome for people, a line for each fact."""
    table = [
        *rows(outcome.report),
        ("all there", f"{outcome.repair_s:.1f} s after the talk"),
        ("invariants", outcome.broken or "all kept"),
    ]
    return "".join(f"{line}\n" for line in aligned(table))


# --- The sweep --------------------------------------------------------------------------------


def sweep(flags: Mapping[str, Any]) -> sweeping.Outcome:
    """Do the sweep that flags ask for; the outcome is the same in any number of processes."""
    given = dict(flags)
    jobs = given.pop("jobs", 1)
    plan = sweeping.Plan(**given)
    workers = sweeping.one_by_one if jobs == 1 else Processes(jobs)
    with _no_collections(), _progress() as show:
        return sweeping.run(plan, show, workers)


class Processes:
    """Does jobs of a sweep side by side."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(
        self, snapshot: bytes, plan: sweeping.Plan, jobs: tuple[sweeping.Job, ...]
    ) -> Iterator[sweeping.Result]:
        """Hand the snapshot over in a file: it has hundreds of megabytes."""
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
        from multiprocessing import get_context  # noqa: PLC0415

        with TemporaryDirectory(prefix="p2pchat-") as folder:
            path = Path(folder, "network")
            path.write_bytes(snapshot)
            count = len(jobs)
            with ProcessPoolExecutor(self._count, mp_context=get_context("spawn")) as pool:
                yield from pool.map(_work, [path] * count, [plan] * count, jobs)


def _work(path: Path, plan: sweeping.Plan, job: sweeping.Job) -> sweeping.Result:
    with _no_collections():
        return sweeping.work(path.read_bytes(), plan, job)


# --- What all have ----------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[simulation.Progress]:
    if not sys.stderr.isatty():
        yield lambda _share: None
        return
    # Imported here: without a terminal nobody needs it, and it takes a while.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating", total=1.0)
        yield lambda share: progress.update(task, completed=share)


@contextmanager
def _rare_collections() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _no_collections() -> Iterator[None]:
    """For overlays: they have no cycles until they end, and millions of objects to look through."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

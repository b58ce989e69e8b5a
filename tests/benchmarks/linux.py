"""What Linux knows about a process."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.hosts import NotMeasured


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in use now."""
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise NotMeasured(f"process {pid} has ended")


def wake_ups(pid: int) -> int:
    """How often its threads have waited for something, since its start."""
    return sum(
        int(line.split()[1])
        for task in _tasks(pid)
        for line in (task / "status").read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches:")
    )


def cpu_s(pid: int) -> float:
    """Time its threads were on a core; finer than the ticks of /proc/PID/stat."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9


def _tasks(pid: int) -> list[Path]:
    tasks = list(_folder(pid).joinpath("task").iterdir())
    if not (tasks[0] / "schedstat").exists():
        raise NotMeasured("this kernel keeps no schedstat")
    return tasks


def _read(pid: int, name: str) -> str:
    return (_folder(pid) / name).read_text()


def _folder(pid: int) -> Path:
    folder = Path("/proc") / str(pid)
    if not folder.exists():
        raise NotMeasured("needs /proc, which only Linux has")
    return folder

"""What the programs of a soak cost, sampled while they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks import linux
from tests.benchmarks.hosts import NotMeasured

if TYPE_CHECKING:
    from tests.live import Live
    from tests.soak.crowd import Crowd, Person
    from tests.soak.ledger import Run
    from tests.soak.slope import Sample

MEBIBYTE: Final = 1024 * 1024
LOGS: Final = ".local/share/p2pchat/*/log.txt"


@dataclass
class Series:
    """Samples of one run of a program: seconds, and MiB, files, tasks, seconds of CPU."""

    rss_mib: list[Sample] = field(default_factory=list)
    files: list[Sample] = field(default_factory=list)
    tasks: list[Sample] = field(default_factory=list)
    cpu_s: float = 0.0


class Watch:
    """Samples everybody; keeps the series of residents, and of others the highest values."""

    def __init__(self, crowd: Crowd) -> None:
        self.residents: dict[Run, Series] = {}
        self.highest_rss_mib = 0.0
        self.highest_files = 0
        self.highest_tasks = 0
        self.log_bytes: dict[str, int] = {}
        self._log_sizes: dict[str, int] = {}
        self._crowd = crowd

    def sample(self, now: float) -> None:
        """Look at everybody once."""
        for person, live in self._crowd.living():
            try:
                self._sample_one(person, live, now)
            except (NotMeasured, OSError):
                continue  # it has just ended
        for person in self._crowd.people:
            self._sample_log(person)

    def _sample_one(self, person: Person, live: Live, now: float) -> None:
        rss_mib = linux.resident_bytes(live.pid) / MEBIBYTE
        files = len(list(Path(f"/proc/{live.pid}/fd").iterdir()))
        self.highest_rss_mib = max(self.highest_rss_mib, rss_mib)
        self.highest_files = max(self.highest_files, files)
        self.highest_tasks = max(self.highest_tasks, person.tasks)
        if not person.is_resident:
            return
        series = self.residents.setdefault(person.run, Series())
        series.rss_mib.append((now, rss_mib))
        series.files.append((now, files))
        if person.tasks:
            series.tasks.append((now, person.tasks))
        series.cpu_s = linux.cpu_s(live.pid)

    def _sample_log(self, person: Person) -> None:
        """Add what its log has grown by; a file that is smaller than before is a new one."""
        size = sum(file.stat().st_size for file in person.home.glob(LOGS))
        before = self._log_sizes.get(person.nick, 0)
        grown = size - before if size >= before else size
        self.log_bytes[person.nick] = self.log_bytes.get(person.nick, 0) + grown
        self._log_sizes[person.nick] = size

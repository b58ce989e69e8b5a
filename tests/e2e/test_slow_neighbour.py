"""A neighbour that stops reading while much is said: he is dropped, and nobody else notices."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.processes import Program, Programs

TALK_S: Final = 60.0
EACH: Final = "x" * 3_900
AT_ONCE: Final = 7
EVERY_S: Final = 0.5
"""So many texts of that length, so often: about what one author may say in an open room."""


def memory_kib(program: Program) -> int:
    status = Path(f"/proc/{program.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def talk(ann: Program, cid: Program) -> tuple[list[float], int]:
    """Have ann say much and cid hear it at once; return how late he was each time, and how much."""
    late_s: list[float] = []
    began_at = time.monotonic()
    while time.monotonic() < began_at + TALK_S:
        said_at = time.monotonic()
        ann.say(*[f"{len(late_s)} {EACH}"] * AT_ONCE, f"end of {len(late_s)}")
        cid.wait_for(f"ann -> end of {len(late_s)}")
        late_s.append(time.monotonic() - said_at)
        time.sleep(max(0.0, said_at + EVERY_S - time.monotonic()))  # faster would be muted
    return late_s, len(late_s) * (AT_ONCE + 1)


@pytest.mark.threat(18)
@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_who_stops_reading_is_dropped_slows_nobody_down_and_gets_all_of_it_afterwards(
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr("tests.e2e.processes.DEADLINE_S", 120.0)  # megabytes have to be fetched
    ann, bob, cid = programs.people("ann", "bob", "cid")
    bob.connect(ann)
    cid.connect(ann)
    talk_before = memory_kib(ann)

    bob.signal(signal.SIGSTOP)
    late_s, count = talk(ann, cid)
    ann.wait_for("Disconnected: bob")
    gained = memory_kib(ann) - talk_before
    bob.signal(signal.SIGCONT)

    bob.wait_until(lambda: len(bob.heard) >= count, "everything")
    assert bob.heard == cid.heard
    late_s.sort()
    p99_s = late_s[len(late_s) * 99 // 100]
    record_property(
        "reached",
        f"the other one {p99_s * 1000:.0f} ms late at p99, {count} texts, "
        f"memory + {gained / 1024:.0f} MiB, all of them there afterwards",
    )
    assert p99_s < 1.0

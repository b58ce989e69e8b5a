"""One attack from start to end: a village, an attacker, and what honest people noticed."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.attack.target import CUT_OFF
from tests.attack.village import Talk, Village, village
from tests.benchmarks import linux
from tests.e2e.hostile_peer import HostilePeer
from tests.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.attack.attacks import Attack
    from tests.attack.target import Told

BEFORE_S: Final = 5.0
"""Talk before the attack, as a control of what follows."""

PREPARED_S: Final = 120.0
SETTLE_S: Final = 20.0
"""Until all files are back: longer than an opening may take."""

NEWCOMER_EVERY_S: Final = 1.0
NICE: Final = ("nice", "-n", "10")
"""Load yields to what is measured: on two cores it would be measured itself otherwise."""

LOOK_S: Final = 0.1
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What was measured; lengths of time in seconds unless named otherwise."""

    length_s: float
    told: Told
    delivered_percent: float
    p50_ms: float
    p99_ms: float
    p99_before_ms: float
    grown_mib: float
    highest_rss_mib: float
    interpreter_mib: float
    victim_percent: float
    relay_percent: float
    files_more: int
    log_lines: int
    complaints: list[str]
    strangers: int
    """Messages of strangers that one honest reader was shown, at most."""
    newcomer_s: float
    """Longest time until an honest newcomer was let in during the attack."""
    recovered_s: float
    """From the end of the attack until one was let in."""
    dropped_s: float
    """From the last byte that went to a stranger who does not read until the victim lost him."""


async def carried_out(
    name: str, attack: Attack, length_s: float, *, before_s: float = BEFORE_S, listeners: int = 0
) -> Outcome:
    """Attack a village of its own, with so many who listen besides those who speak."""
    with tempfile.TemporaryDirectory() as folder:
        async with village(Path(folder), attack.files, listeners) as people:
            return await _measure(name, people, length_s, before_s)


async def _measure(name: str, people: Village, length_s: float, before_s: float) -> Outcome:
    before = await _talk_for(people, before_s)
    async with _attacker(name, people, length_s) as attacker:
        base_files, base_lines = people.files(), people.log_lines()
        base_rss_mib = people.highest_rss_mib = people.rss_mib()
        cpu_s = {nick: people.cpu_s(nick) for nick in ("victim", "bob")}
        began_at = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            people.talk = people.new_talk()
            watching = [tasks.create_task(people.speak()), tasks.create_task(people.watch())]
            visiting = tasks.create_task(_newcomers(people, began_at + length_s))
            told = await _strike(attacker)
            took_s = time.monotonic() - began_at
            used_s = {nick: people.cpu_s(nick) - cpu_s[nick] for nick in cpu_s}
            for task in watching:
                task.cancel()
            newcomer_s = await visiting
    recovered_s = await _newcomer_s(people, SETTLE_S)
    await people.hear_all()
    files = await _files_back(people, base_files)
    return Outcome(
        length_s=took_s,
        told=told,
        delivered_percent=people.talk.delivered_percent,
        p50_ms=people.talk.delay_ms(0.5),
        p99_ms=people.talk.delay_ms(0.99),
        p99_before_ms=before.delay_ms(0.99),
        grown_mib=people.highest_rss_mib - base_rss_mib,
        highest_rss_mib=people.highest_rss_mib,
        interpreter_mib=await _interpreter_mib(),
        victim_percent=100 * used_s["victim"] / took_s,
        relay_percent=100 * used_s["bob"] / took_s,
        files_more=files - base_files,
        log_lines=people.log_lines() - base_lines,
        complaints=people.complaints,
        strangers=max(max(c.values(), default=0) for c in people.strangers.values()),
        newcomer_s=newcomer_s,
        recovered_s=recovered_s,
        dropped_s=people.dropped_at.get("deaf", math.inf) - told.get("full_at", began_at),
    )


async def _talk_for(people: Village, length_s: float) -> Talk:
    people.talk = talk = people.new_talk()
    with suppress(TimeoutError):
        async with asyncio.timeout(length_s):
            await people.speak()
    await people.hear_all()
    return talk


# --- The attacker -----------------------------------------------------------------------------


@asynccontextmanager
async def _attacker(
    name: str, people: Village, length_s: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start one that has prepared everything; end it in any case."""
    alice = people.people["alice"]
    process = await asyncio.create_subprocess_exec(
        *NICE, sys.executable, "-m", "tests.attack.attacker",
        name, str(people.victim.port), people.room, alice.id, str(length_s),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PREPARED_S):
            ready = await process.stdout.readline()
        assert ready == b"ready\n", f"the attacker {name} could not prepare"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _strike(attacker: asyncio.subprocess.Process) -> Told:
    assert attacker.stdin is not None
    assert attacker.stdout is not None
    attacker.stdin.write(b"go\n")
    line = await attacker.stdout.readline()
    assert line, "the attacker ended by itself"
    told: Told = json.loads(line)
    return told


# --- Newcomers --------------------------------------------------------------------------------


async def _newcomers(people: Village, until: float) -> float:
    """Have somebody new come in again and again; return how long the slowest took."""
    longest_s = 0.0
    while (left_s := until - time.monotonic()) > 0:
        longest_s = max(longest_s, await _newcomer_s(people, left_s))
        await asyncio.sleep(NEWCOMER_EVERY_S)
    return longest_s


async def _newcomer_s(people: Village, patience_s: float) -> float:
    """Have somebody new come in, who tries again until he is in; return how long that took."""
    began_at = time.monotonic()
    while not await asyncio.to_thread(_comes_in, people.victim.port, people.room):
        if time.monotonic() - began_at > patience_s:
            return math.inf
        await asyncio.sleep(LOOK_S)
    return time.monotonic() - began_at


def _comes_in(port: int, room: str) -> bool:
    with suppress(*CUT_OFF), HostilePeer(port, room) as peer:
        peer.open("newcomer")
        return True
    return False


# --- What it costs ----------------------------------------------------------------------------


async def _files_back(people: Village, base: int) -> int:
    """Wait until the victim has no more files open than before, if it comes to that."""
    until = time.monotonic() + SETTLE_S
    # Nothing tells when a file of another process is closed.
    while (files := people.files()) > base and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
    return files


async def _interpreter_mib() -> float:
    """Return the memory of a Python that does nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(flush=True); open(0).read()",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    size_mib = linux.resident_bytes(process.pid) / MEBIBYTE
    process.stdin.close()
    await process.wait()
    return size_mib

"""Messages to one person between real processes: past relays, and through kills."""

from __future__ import annotations

import json
import re
import secrets
import signal
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.processes import JsonProgram, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT: Final = Path(__file__).with_name("direct_node.py")
ROOT: Final = Path(__file__).parents[2]
NEEDS_MEMORY: Final = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads /proc/PID/mem"
)


class Resident:
    """A process that can be killed, and started again as the same person at the same port."""

    def __init__(self, folder: Path, nick: str) -> None:
        self.folder = folder / nick
        self.nick = nick
        self.program = self._start(0)

    def _start(self, port: int) -> JsonProgram:
        environment = environment_of(self.folder)
        environment["PYTHONPATH"] = f"{ROOT}:{environment.get('PYTHONPATH', '')}"
        command = (sys.executable, str(SCRIPT), self.nick, str(self.folder), str(port))
        started = JsonProgram(command, environment)
        started.wait_for_object("ready")
        return started

    @property
    def ready(self) -> dict[str, Any]:
        return self.program.wait_for_object("ready")

    def kill(self) -> None:
        """End it as a crash would."""
        self.program.signal(signal.SIGKILL)
        self.program.wait()

    def restart(self) -> None:
        port = self.program.port
        self.program.close()
        self.program = self._start(port)

    def connect(self, other: Resident) -> None:
        # It may be connected already: who had dialled one that starts again dials it once more.
        self.program.say(json.dumps({"connect": other.program.address}))
        self.program.wait_until(lambda: self.is_connected_to(other), "connected")
        other.program.wait_until(lambda: other.is_connected_to(self), "connected")

    def is_connected_to(self, other: Resident) -> bool:
        peer = other.ready["id"]
        told = [found["type"] for found in self.program.objects if found.get("peer") == peer]
        return told[-1:] == ["Connected"]

    def write(self, other: Resident, text: str) -> str:
        """Write to somebody; return the id of the message."""
        self.program.say(json.dumps({"write": other.ready["id"], "text": text}))
        return str(self.program.wait_for_object("DirectSent", text=text)["id"])

    def shown(self) -> list[str]:
        return [told["text"] for told in self.program.of_type("DirectArrived")]


@pytest.fixture
def residents(tmp_path: Path) -> Iterator[dict[str, Resident]]:
    """Ann, Bob, Cid and Dot, each connected to the one before."""
    started: dict[str, Resident] = {}
    try:
        for nick in ("ann", "bob", "cid", "dot"):
            started[nick] = Resident(tmp_path, nick)
        nicks = list(started)
        for before, nick in pairwise(nicks):
            started[nick].connect(started[before])
        yield started
    finally:
        for resident in started.values():
            resident.program.close()


def test_a_message_passes_two_others_and_is_shown_by_its_recipient_alone(
    residents: dict[str, Resident],
) -> None:
    ann, bob, cid, dot = residents.values()

    name = ann.write(dot, "for you alone")

    assert dot.program.wait_for_object("DirectArrived")["text"] == "for you alone"
    ann.program.wait_for_object("DirectReceipt", id=name)
    for relay in (bob, cid):
        ann.write(relay, "for you, later")
        relay.program.wait_for_object("DirectArrived", text="for you, later")
        assert relay.shown() == ["for you, later"]


def test_a_killed_author_delivers_after_its_restart(residents: dict[str, Resident]) -> None:
    ann, bob, _, dot = residents.values()
    dot.kill()
    name = ann.write(dot, "while you were away")
    ann.kill()

    ann.restart()
    assert ann.ready["waiting"] == 1
    dot.restart()
    ann.connect(bob)
    dot.connect(ann)

    assert dot.program.wait_for_object("DirectArrived")["id"] == name
    ann.program.wait_for_object("DirectReceipt", id=name)
    ann.kill()
    ann.restart()
    assert ann.ready["waiting"] == 0


def test_a_killed_recipient_gets_what_comes_and_nothing_twice(
    residents: dict[str, Resident],
) -> None:
    ann, _, cid, dot = residents.values()
    name = ann.write(dot, "before")
    ann.program.wait_for_object("DirectReceipt", id=name)
    dot.kill()

    dot.restart()
    dot.connect(cid)
    for text in ("after", "long after"):
        name = ann.write(dot, text)
        ann.program.wait_for_object("DirectReceipt", id=name)

    dot.program.wait_for_object("DirectArrived", text="long after")
    assert dot.shown() == ["after", "long after"]


def memory_of(pid: int) -> Iterator[bytes]:
    """Iterate over what a process holds in writable memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in lines:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if found is None:
                continue
            start, end = (int(place, 16) for place in found.groups())
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except (OSError, OverflowError):
                continue  # the system's own pages


def holds(pid: int, secret: str) -> bool:
    encodings = [secret.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-32-le")]
    return any(encoded in region for region in memory_of(pid) for encoded in encodings)


@NEEDS_MEMORY
def test_neither_the_memory_nor_the_files_of_a_relay_hold_the_text(
    residents: dict[str, Resident],
) -> None:
    ann, bob, cid, dot = residents.values()
    secret = secrets.token_hex(16)

    name = ann.write(dot, secret)
    ann.program.wait_for_object("DirectReceipt", id=name)
    dot.program.wait_for_object("DirectArrived", id=name)  # by a pipe of its own

    assert dot.shown() == [secret]
    try:
        assert holds(dot.program.pid, secret), "the scan finds what is there"
    except PermissionError:
        pytest.skip("this system lets nobody read the memory of a child")
    for relay in (bob, cid):
        assert not holds(relay.program.pid, secret)
    for person in residents.values():
        person.kill()  # so that no file changes any more
        for file in person.folder.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file
    assert "FrameReceived" in (bob.folder / "log.txt").read_text()

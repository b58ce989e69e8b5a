"""Many at once: programs that start together, connections that come and go, frames that are bad."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core.frames import Goodbye, GoodbyeSeen
from tests.deadline import DEADLINE_S
from tests.e2e.files import files_of
from tests.e2e.hostile_peer import HostilePeer
from tests.e2e.network_namespace import network_namespace, why_not
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.processes import Program, Programs

FIRST_PORT: Final = 55555
LINES_LIMIT: Final = 200
"""Lines of the log that any number of bad frames may cause."""

WHY_NO_NAMESPACE: Final = why_not()
ABORT: Final = struct.pack("ii", 1, 0)
"""Value of SO_LINGER that makes close() send a reset."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


# --- Starting at once -------------------------------------------------------------------------


@pytest.fixture
def inside() -> Iterator[tuple[str, ...]]:
    """What to put in front of a command, so that no port is taken by anybody else."""
    if WHY_NO_NAMESPACE:
        pytest.skip(WHY_NO_NAMESPACE)
    with network_namespace() as wrapper:
        yield wrapper


def start_at_once(programs: Programs, inside: tuple[str, ...], count: int) -> None:
    """Start many that want the same port; each says which it has, and is there."""
    flags = ("--manual", "--ephemeral")
    started = [programs.line(*flags, wrapper=inside, port=None) for _ in range(count)]

    assert sorted(program.port for program in started) == [FIRST_PORT + n for n in range(count)]
    for one, other in pairwise(started):
        one.connect(other)


@pytest.mark.threat(28)
def test_programs_that_start_at_once_each_get_a_port_and_say_which(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    start_at_once(programs, inside, 5)


@pytest.mark.threat(28)
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_that_start_at_once_each_get_a_port_and_say_which(
    programs: Programs,
    inside: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr("tests.e2e.processes.DEADLINE_S", 120.0)  # a hundred programs, two cores
    start_at_once(programs, inside, 100)
    record_property("reached", "100 of 100 up at once, each where it says")


# --- Coming and going -------------------------------------------------------------------------


def knock(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()


def stop_in_the_opening(port: int) -> None:
    with HostilePeer(port) as peer:
        peer.greet()


def break_off(port: int) -> None:
    with HostilePeer(port) as peer:
        peer.open()
        peer._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)


def leave(port: int) -> None:
    with HostilePeer(port) as peer:
        peer.open().send(Goodbye())
        peer.expect(GoodbyeSeen)


WAYS: Final = (knock, stop_in_the_opening, break_off, leave)


def strict(programs: Programs, nick: str) -> Program:
    """Start one with Python's own checks: a warning, of what is not closed or so, is an error."""
    flags = ("--nick", nick, "--manual")
    return programs.line(*flags, PYTHONDEVMODE="1", PYTHONWARNINGS="error")


def come_and_go(programs: Programs, times: int) -> None:
    """Let many connections end in each way; nothing of them is left, and nothing was amiss."""
    ann = strict(programs, "ann")
    leave(ann.port)  # what is opened once and for all is open now
    before = files_of(ann)

    for number in range(times):
        WAYS[number % len(WAYS)](ann.port)

    wait_until(lambda: files_of(ann) <= before, "files closed", lambda: str(files_of(ann)))
    bob = strict(programs, "bob")
    bob.connect(ann)
    bob.say("is all well?")
    ann.wait_for("bob -> is all well?")
    assert ann.leave() == 0
    assert "unexpected" not in ann.log
    assert "Traceback" not in ann.log


@needs_proc
@pytest.mark.threat(31)
def test_connections_that_come_and_go_leave_nothing_behind(programs: Programs) -> None:
    come_and_go(programs, 60)


@needs_proc
@pytest.mark.threat(31)
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_thousand_connections_that_come_and_go_leave_nothing_behind(
    programs: Programs, record_property: Callable[[str, object], None]
) -> None:
    come_and_go(programs, 1_000)
    record_property("reached", "files back to base after 1,000, no warning, nothing unexpected")


# --- Bad frames -------------------------------------------------------------------------------


def log_lines_after(ann: Program, times: int) -> int:
    """Bring so many bad frames, each on a connection of its own; count what the log says."""
    for number in range(times):
        stranger = socket.create_connection(("127.0.0.1", ann.port), DEADLINE_S)
        with stranger, suppress(ConnectionError):  # it may be cut off before all is out
            stranger.sendall(b"\x80\xff %d\r\nINFO forged\x1b[2J\n" % number)
            while stranger.recv(4096):
                pass
    return len(ann.log.splitlines())


@pytest.mark.threat(17)
@pytest.mark.skipif(sys.platform == "win32", reason="reads the log of a running program")
def test_bad_frames_do_not_fill_the_log(programs: Programs) -> None:
    ann = programs.line("--nick", "ann", "--manual")
    once = log_lines_after(ann, 100)

    assert log_lines_after(ann, 400) <= once + LINES_LIMIT // 10
    assert once <= LINES_LIMIT // 10
    assert not any(line.startswith("INFO") for line in ann.log.splitlines())


@pytest.mark.threat(17)
@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_a_hundred_thousand_bad_frames_do_not_fill_the_log(
    programs: Programs, record_property: Callable[[str, object], None]
) -> None:
    ann = programs.line("--nick", "ann", "--manual")

    lines = log_lines_after(ann, 100_000)

    assert lines <= LINES_LIMIT
    record_property("reached", f"{lines} lines after 100,000 bad frames")

"""Standard input and output that are no terminal, and how the program ends with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.idleness import wait_until_asleep
from tests.e2e.processes import HUNG_UP, INTERRUPTED, LISTENING, TERMINATED, wait_until

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from tests.e2e.processes import Program, Programs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and signals")

LINES = 5_000

FULL_PIPE_BYTES = 60 * 1024
"""A pipe of Linux holds 64 KiB; a write that does not fit whole may leave some room."""

CLOSED_INPUT = ("sh", "-c", 'exec "$@" 0<&-', "sh")
CLOSED_OUTPUT = ("sh", "-c", 'exec "$@" 1>&-', "sh")
EMPTY_INPUT = ("sh", "-c", 'exec "$@" </dev/null', "sh")
IGNORING_HANGUP = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")


def listener(programs: Programs) -> Program:
    ann = programs.line("--nick", "ann", "--manual")
    assert ann.port
    return ann


# --- How it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["exit", "quit", "/quit"])
def test_a_word_ends_it_with_0_though_nobody_got_anything(programs: Programs, word: str) -> None:
    ann = programs.line()

    ann.say("to nobody", word, "never read")

    assert ann.wait() == 0


def test_the_end_of_the_input_is_an_exit(programs: Programs) -> None:
    ann = programs.line()

    ann.end_input()

    assert ann.wait() == 0
    assert [line.startswith(LISTENING) for line in ann.out] == [True]


def test_the_end_of_the_input_after_words_that_nobody_confirmed_is_a_failure(
    programs: Programs,
) -> None:
    ann = programs.line()

    ann.say("to nobody")
    ann.end_input()

    assert ann.wait() == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, INTERRUPTED),
        (signal.SIGTERM, TERMINATED),
        (getattr(signal, "SIGHUP", None), HUNG_UP),
    ],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_ends_it_with_its_own_code_and_a_goodbye(
    programs: Programs, number: int, code: int
) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.signal(number)

    assert bob.wait() == code
    ann.wait_for("Disconnected: bob")
    assert ann.leave() == 0
    assert not any("is gone" in line for line in ann.err), "it did not say goodbye"


def test_under_nohup_a_hangup_changes_nothing(programs: Programs) -> None:
    ann = programs.line("--stay", "--nick", "ann", "--manual", wrapper=IGNORING_HANGUP)
    bob = programs.line("--nick", "bob", "--manual")
    assert ann.port

    ann.signal(signal.SIGHUP)
    bob.connect(ann)
    bob.say("are you there?")
    ann.wait_for("bob -> are you there?")

    assert ann.leave() == 0


# --- What comes from a pipe -------------------------------------------------------------------


def test_two_lines_from_a_pipe_are_delivered_before_it_ends(programs: Programs) -> None:
    ann = listener(programs)
    bob = programs.line("--manual", "--nick", "bob")

    bob.write(f"connect {ann.address}\nbuild finished\n".encode())
    bob.end_input()

    assert bob.wait() == 0
    ann.wait_for("Disconnected: bob")
    assert ann.heard == ["bob -> build finished"]


def test_a_last_line_without_its_newline_counts(programs: Programs) -> None:
    ann = listener(programs)
    bob = programs.line("--manual", "--nick", "bob", "--connect", ann.address)

    bob.write(b"no newline here")
    bob.end_input()

    assert bob.wait() == 0
    assert ann.wait_for("bob -> ") == "bob -> no newline here"


def test_thousands_of_lines_from_a_pipe_arrive_whole_and_in_order(programs: Programs) -> None:
    ann = listener(programs)
    bob = programs.line("--manual", "--nick", "bob")
    lines = [f"line {number} {'x' * (number % 97)}." for number in range(LINES)]

    bob.write("".join(f"{line}\n" for line in [f"connect {ann.address}", *lines]).encode())
    bob.end_input()

    assert bob.wait() == 0
    ann.wait_for("Disconnected: bob")
    assert ann.heard == [f"bob -> {line}" for line in lines]


def test_more_than_an_open_room_takes_at_once_arrives_whole_and_is_told_of(
    programs: Programs,
) -> None:
    ann = listener(programs)
    bob = programs.line("--manual", "--nick", "bob", "--connect", ann.address)
    # Long ones, so that reading them takes less time than an open room wants for their bytes.
    lines = [f"line {number} ".ljust(1_700, ".") for number in range(600)]

    bob.write("".join(f"{line}\n" for line in lines).encode())
    bob.end_input()

    assert bob.wait() == 0
    ann.wait_for("Disconnected: bob")
    assert ann.heard == [f"bob -> {line}" for line in lines]
    assert any(" of 600 messages sent" in line for line in bob.err)


def test_a_connect_line_has_failed_before_the_next_line_is_read(programs: Programs) -> None:
    ann = listener(programs)
    bob = programs.line("--manual", "--nick", "bob")

    bob.say("connect 127.0.0.1:1", f"connect {ann.address}", "hello")
    bob.end_input()

    assert bob.wait() == 0
    assert [line.split(":")[0] for line in bob.out[1:5]] == [
        "Requesting connection",
        "Error",
        "Requesting connection",
        "Connected",
    ]
    ann.wait_for("bob -> hello")


def test_a_regular_file_is_read_like_a_pipe(programs: Programs, tmp_path: Path) -> None:
    ann = listener(programs)
    script = tmp_path / "script"
    script.write_text(f"connect {ann.address}\nfrom a file\n")

    with script.open("rb") as file:
        bob = programs.line("--manual", "--nick", "bob", stdin=file)

    assert bob.wait() == 0
    assert ann.wait_for("bob -> ") == "bob -> from a file"


@pytest.mark.parametrize("wrapper", [CLOSED_INPUT, EMPTY_INPUT], ids=["closed", "/dev/null"])
def test_without_an_input_it_ends_at_once_and_well(
    programs: Programs, wrapper: tuple[str, ...]
) -> None:
    ann = programs.line(wrapper=wrapper, stdin=subprocess.DEVNULL)

    assert ann.wait() == 0
    assert len(ann.out) == 1


@pytest.mark.parametrize("wrapper", [CLOSED_INPUT, EMPTY_INPUT], ids=["closed", "/dev/null"])
def test_with_stay_it_listens_on_without_an_input(
    programs: Programs, wrapper: tuple[str, ...]
) -> None:
    ann = programs.line("--stay", "--nick", "ann", wrapper=wrapper, stdin=subprocess.DEVNULL)
    bob = programs.line("--nick", "bob", "--manual")

    bob.connect(ann)
    bob.say("hello")
    ann.wait_for("bob -> hello")
    ann.signal(signal.SIGTERM)

    assert ann.wait() == TERMINATED


def test_a_pipe_that_nobody_reads_ends_it_quietly(programs: Programs, tmp_path: Path) -> None:
    ann = listener(programs)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    to_fifo = ("sh", "-c", f'exec "$@" >{fifo}', "sh")
    bob = programs.line("--manual", "--nick", "bob", "--connect", ann.address, wrapper=to_fifo)
    ann.wait_for("Connected: bob")

    os.close(reader)
    ann.say("written into nothing")

    assert bob.wait() == 0
    ann.wait_for("Disconnected: bob")
    assert not any("Error" in line or "Broken" in line for line in bob.err)


def test_with_every_stream_closed_it_still_is_a_node(programs: Programs) -> None:
    ann = listener(programs)
    closed = ("sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh")

    bob = programs.line(
        "--manual", "--stay", "--nick", "bob", "--connect", ann.address, wrapper=closed
    )
    ann.wait_for("Connected: bob")
    bob.signal(signal.SIGTERM)

    assert bob.wait() == TERMINATED


def test_a_closed_output_is_no_reason_for_a_traceback(programs: Programs) -> None:
    ann = listener(programs)
    bob = programs.line(
        "--manual", "--nick", "bob", "--connect", ann.address, wrapper=CLOSED_OUTPUT
    )

    bob.end_input()

    assert bob.wait() == 0
    assert bob.out == []


def test_a_slow_reader_of_the_output_loses_nothing(programs: Programs, tmp_path: Path) -> None:
    """The reader sleeps on its first line until the writer is done."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    slow = ("sh", "-c", f'"$@" | (read first; echo "$first"; cat {gate}; cat)', "sh")
    ann = programs.line("--nick", "ann", "--manual", "--stay", wrapper=slow)
    bob = programs.line("--manual", "--nick", "bob", "--connect", f"127.0.0.1:{ann.port}")
    lines = [f"{number} {'y' * 200}" for number in range(2_000)]

    bob.write("".join(f"{line}\n" for line in lines).encode())
    bob.end_input()
    assert bob.wait() == 0
    gate.write_bytes(b"")
    ann.wait_for("Disconnected: bob")
    assert ann.leave() == 0

    assert ann.heard == [f"bob -> {line}" for line in lines]


def test_a_reader_that_has_stopped_does_not_keep_it_from_ending(
    programs: Programs, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    to_fifo = ("sh", "-c", f'exec "$@" >{fifo}', "sh")
    bob = listener(programs)
    ann = programs.line("--manual", "--stay", "--connect", bob.address, wrapper=to_fifo)
    bob.wait_for("Connected: ")

    bob.say(*(f"{number} {'z' * 1_000}" for number in range(3_000)))
    wait_until(lambda: _bytes_in(reader) >= FULL_PIPE_BYTES, "a full pipe")
    ann.signal(signal.SIGTERM)

    assert ann.wait() == TERMINATED
    os.close(reader)


def test_narration_that_nobody_reads_holds_nothing_up(programs: Programs, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    ann = listener(programs)
    bob = programs.line(
        "--manual", "--nick", "bob", "--connect", ann.address,
        wrapper=("sh", "-c", f'exec "$@" 2>{fifo}', "sh"),
    )  # fmt: skip

    bob.say(*["/help"] * 200)
    wait_until(lambda: _bytes_in(reader) >= FULL_PIPE_BYTES, "a full pipe")
    bob.say("still talking")
    ann.wait_for("bob -> still talking")
    bob.say("exit")

    assert bob.wait() == 0
    os.close(reader)


def _bytes_in(pipe: int) -> int:
    count = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


# --- What stays behind ------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_an_idle_node_sleeps(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)
    ann.say("hello")
    bob.wait_for("ann -> hello")

    wait_until_asleep(ann.pid)

"""Nothing that a program writes, shows or leaves behind holds its key."""

from __future__ import annotations

import base64
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.processes import Program, Programs

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


def key_file_of(home: Path) -> Path:
    (found,) = home.glob(".local/share/p2pchat/*/key")
    return found


def seed_of(home: Path) -> bytes:
    found = re.search(r"seed ([0-9a-f]{64})", key_file_of(home).read_text())
    assert found is not None
    return bytes.fromhex(found[1])


def spellings(seed: bytes) -> list[bytes]:
    """Return what a seed looks like where somebody writes it down without thinking."""
    return [
        seed, seed[:16], seed.hex().encode(), seed.hex().upper().encode(),
        base64.b64encode(seed).rstrip(b"="), repr(seed)[2:-1].encode(),
    ]  # fmt: skip


def places_with(seed: bytes, contents: dict[str, bytes]) -> list[str]:
    return [
        name
        for name, content in contents.items()
        if any(spelling in content for spelling in spellings(seed))
    ]


def files_below(home: Path) -> dict[str, bytes]:
    """Return what is in the files, of which a running program may remove some meanwhile."""
    found = {}
    for path in home.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                found[str(path)] = path.read_bytes()
    return found


def printed_by(program: Program) -> dict[str, bytes]:
    errors = "\n".join(program.err).encode()
    return {"standard output": program.raw_out, "standard error": errors}


def shown_by(program: Program) -> dict[str, bytes]:
    process = Path(f"/proc/{program.pid}")
    return {
        **printed_by(program),
        "environment": (process / "environ").read_bytes(),
        "arguments": (process / "cmdline").read_bytes(),
    }


def busy_pair(programs: Programs) -> list[Program]:
    """Have two talk, write to each other, and make mistakes, with a log of everything."""
    pair = [programs.line("--manual", "--verbose", "--nick", nick) for nick in ("ann", "bob")]
    ann, bob = pair
    bob.connect(ann)
    ann.say("hello", "@bob for you alone", "/whois bob", "/verify bob", "/invite", "/doctor")
    bob.wait_for("(direct) ann -> for you alone")
    ann.say("connect nowhere.invalid", "connect p2pchat://broken", "/nonsense")
    ann.wait_for("/nonsense")
    return pair


@needs_proc
@pytest.mark.threat(14)
def test_the_seed_is_in_no_file_but_its_own_and_nowhere_that_is_shown(programs: Programs) -> None:
    for program in busy_pair(programs):
        seed = seed_of(program.home)

        assert places_with(seed, shown_by(program)) == []
        assert program.leave() == 0
        assert places_with(seed, printed_by(program)) == []
        assert places_with(seed, files_below(program.home)) == [str(key_file_of(program.home))]


@needs_proc
@pytest.mark.threat(14)
def test_a_crash_leaves_no_picture_of_its_memory(programs: Programs) -> None:
    ann = programs.line("--manual", wrapper=("sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh"))
    assert ann.port
    limits = Path(f"/proc/{ann.pid}/limits").read_text()
    before = set(ann.home.iterdir())

    ann.signal(signal.SIGABRT)

    assert ann.wait() == -signal.SIGABRT
    assert set(ann.home.iterdir()) == before
    assert re.search(r"Max core file size +0 +0 ", limits)

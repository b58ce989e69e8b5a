"""Programs that start again find whom they knew, though nothing else leads there."""

from __future__ import annotations

import secrets
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Programs


@dataclass
class Resident:
    """Somebody with a home of his own, so that no folder is shared: only his book leads on."""

    programs: Programs
    home: Path
    room: str
    port: int = field(init=False)
    program: JsonProgram = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.programs.port()

    def start(self) -> None:
        flags = ("-n", self.home.name, "-r", self.room)
        self.program = self.programs.json(*flags, home=self.home, port=self.port)
        assert self.program.port

    def start_elsewhere(self) -> None:
        """Start where nobody knows of, so that nobody else finds the way."""
        self.port = self.programs.port()
        self.start()

    def leave(self) -> None:
        assert self.program.leave() == 0

    def books(self) -> list[str]:
        """Return what is in his address books on disk; what is just being written is none yet."""
        folder = self.home / ".local/share/p2pchat/default/addresses"
        return [file.read_text() for file in folder.glob("*") if file.suffix != ".new"]

    @property
    def id(self) -> str:
        return str(self.program.wait_for_object("ready")["id"])

    def meets(self, other: Resident) -> str:
        """Wait until that one is there, and tell how."""

        def found() -> str:
            connected = self.program.of_type("connected")
            return next((o["how"] for o in connected if o["peer"]["id"] == other.id), "")

        wait_until(found, f"{other.home.name} is there", self.program.report)
        return found()


@pytest.fixture
def three(programs: Programs, tmp_path: Path) -> list[Resident]:
    """Ann, bob, who typed her address, and cid, who typed it too: so he met bob through her."""
    room = f"room-{secrets.token_hex(4)}"
    made = [Resident(programs, tmp_path / nick, room) for nick in ("ann", "bob", "cid")]
    ann, bob, cid = made
    for one in made:
        one.start()
    bob.program.connect(ann.program)
    cid.program.connect(ann.program)
    cid.meets(bob)
    bob.meets(cid)
    return made


def test_two_who_met_through_a_third_find_each_other_when_he_is_gone_for_good(
    three: list[Resident],
) -> None:
    ann, bob, cid = three
    ann.program.signal(signal.SIGKILL)
    ann.program.wait()
    bob.leave()
    cid.leave()

    bob.start()
    cid.start()

    assert {bob.meets(cid), cid.meets(bob)} <= {"book", "called"}
    bob.program.request("send", text="where is ann?")
    cid.program.wait_for_object("message", text="where is ann?")
    for one in (bob, cid):
        one.leave()
        assert not any(o["peer"]["nick"] == "ann" for o in one.program.of_type("connected"))
        assert one.program.of_type("error") == []


def test_who_comes_back_alone_finds_those_who_stayed(three: list[Resident]) -> None:
    ann, bob, cid = three
    ann.program.signal(signal.SIGKILL)
    cid.leave()

    cid.start_elsewhere()

    assert cid.meets(bob) == "book"
    cid.program.request("send", text="back")
    bob.program.wait_for_object("message", text="back")


def test_a_killed_program_still_knows_whom_it_met_first(programs: Programs, tmp_path: Path) -> None:
    """The first book is written soon, so that a short life is not in vain."""
    room = f"room-{secrets.token_hex(4)}"
    bob, cid = (Resident(programs, tmp_path / nick, room) for nick in ("bob", "cid"))
    bob.start()
    cid.start()
    cid.program.connect(bob.program)
    wait_until(lambda: any(bob.id in book for book in cid.books()), "a book", cid.program.report)
    cid.program.signal(signal.SIGKILL)
    cid.program.wait()

    cid.start_elsewhere()

    assert cid.meets(bob) == "book"


def test_an_ephemeral_program_leaves_no_book(programs: Programs, tmp_path: Path) -> None:
    room = f"room-{secrets.token_hex(4)}"
    ann = Resident(programs, tmp_path / "ann", room)
    ann.start()
    bob = programs.json("--ephemeral", "-r", room, home=tmp_path / "bob")
    bob.connect(ann.program)

    assert bob.leave() == 0
    kept = [path for path in (tmp_path / "bob").rglob("*") if path.is_file()]
    assert kept == []

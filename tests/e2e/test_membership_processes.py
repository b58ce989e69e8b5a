"""Real programs stay connected: whoever breaks off, stops for a while, or is killed."""

from __future__ import annotations

import itertools
import secrets
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core.limits import DIAL_BACKOFF_S, DIAL_BACKOFF_SPREAD
from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room
from p2pchat.store.running import RunningNode, run_folder
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Programs

BACK_S: Final = 15.0
"""Until somebody who was away is a neighbour again, with all he missed."""


@pytest.fixture
def room() -> str:
    """A room that no other test is in: loopback is shared by all of them."""
    return f"room-{secrets.token_hex(4)}"


class Person:
    """A program that can be killed, and started again as the same person at the same port."""

    def __init__(self, programs: Programs, folder: Path, nick: str, *flags: str) -> None:
        self._programs = programs
        self._home = folder / nick
        self._flags = (*flags, "-n", nick)
        self._port = programs.port()
        self.program = self._start()

    def _start(self) -> JsonProgram:
        started = self._programs.json(*self._flags, home=self._home, port=self._port)
        started.wait_for_object("ready")
        return started

    @property
    def id(self) -> str:
        return str(self.program.wait_for_object("ready")["id"])

    def restart(self) -> None:
        self.program.close()
        self.program = self._start()

    def connections_to(self, other: Person) -> int:
        return sum(o["peer"]["id"] == other.id for o in self.program.of_type("connected"))

    def losses_of(self, other: Person) -> int:
        return sum(o["peer"]["id"] == other.id for o in self.program.of_type("disconnected"))

    def say(self, text: str) -> None:
        self.program.request("send", text=text)

    def hears(self, text: str) -> None:
        self.program.wait_for_object("message", text=text)


# --- Typed connections ------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [(), ("--manual",)], ids=["by itself", "manual"])
def test_a_typed_connection_that_broke_is_dialled_again(
    programs: Programs, tmp_path: Path, room: str, flags: tuple[str, ...]
) -> None:
    ann = Person(programs, tmp_path, "ann", "-r", room, "--manual")
    bob = Person(programs, tmp_path, "bob", "-r", room, *flags)
    bob.program.connect(ann.program)

    ann.restart()

    wait_until(lambda: bob.connections_to(ann) == 2, "bob is back", bob.program.report)
    wait_until(lambda: ann.connections_to(bob), "ann knows of it", ann.program.report)
    ann.say("there again")
    bob.hears("there again")


def test_a_connection_that_the_user_ended_is_not_dialled_again(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    ann, bob, cid = (
        Person(programs, tmp_path, nick, "-r", room, "--manual") for nick in ("ann", "bob", "cid")
    )
    bob.program.connect(ann.program)
    bob.program.connect(cid.program)

    bob.program.say("/disconnect ann")
    wait_until(lambda: bob.losses_of(ann) == 1, "the end", bob.program.report)
    cid.restart()
    wait_until(lambda: bob.connections_to(cid) == 2, "cid is back", bob.program.report)

    # Cid was dialled twice since: at once, in vain, and after the first wait.
    assert bob.program.leave() == 0
    assert bob.connections_to(ann) == 1


# --- Staying connected ------------------------------------------------------------------------


def test_the_death_of_whom_all_came_through_parts_nobody(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    ann, *others = (
        Person(programs, tmp_path, nick, "-r", room) for nick in ("ann", "bob", "cid", "dot", "eva")
    )
    for other in others:
        other.program.connect(ann.program)
    for one, other in itertools.permutations(others, 2):
        wait_until(lambda a=one, b=other: a.connections_to(b), "a mesh", one.program.report)  # type: ignore[misc]

    ann.program.signal(signal.SIGKILL)

    for one in others:
        wait_until(lambda a=one: a.losses_of(ann), "the loss", one.program.report)  # type: ignore[misc]
    for number, one in enumerate(others):
        one.say(f"text {number}")
    for number, one in enumerate(others):
        for other in others:
            if other is not one:
                other.hears(f"text {number}")
    assert not any(a.losses_of(b) for a, b in itertools.permutations(others, 2))


def stop_for_a_while(programs: Programs, folder: Path, room: str, away_s: float) -> float:
    """Stop one of three, have the others speak; return how long he took to know all of it."""
    ann, bob, cid = (Person(programs, folder, nick, "-r", room) for nick in ("ann", "bob", "cid"))
    bob.program.connect(ann.program)
    cid.program.connect(ann.program)
    wait_until(lambda: cid.connections_to(bob), "a triangle", cid.program.report)

    bob.program.signal(signal.SIGSTOP)
    ann.say("in the beginning")
    time.sleep(away_s / 2)  # it is the length of the absence that matters
    cid.say("half way")
    time.sleep(away_s / 2)
    ann.say("at the end")
    bob.program.signal(signal.SIGCONT)
    began_s = time.monotonic()

    for text in ("in the beginning", "half way", "at the end"):
        bob.hears(text)
    bob.say("awake")
    ann.hears("awake")
    cid.hears("awake")
    took_s = time.monotonic() - began_s
    texts = [message["text"] for message in bob.program.of_type("message")]
    assert sorted(texts) == ["at the end", "half way", "in the beginning"]
    return took_s


@pytest.mark.threat(24)
def test_who_was_stopped_for_a_moment_misses_nothing(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    assert stop_for_a_while(programs, tmp_path, room, 3.0) < BACK_S


@pytest.mark.threat(2, 24)
@pytest.mark.long
@pytest.mark.timeout(300)
def test_who_was_stopped_for_a_minute_is_back_soon_and_misses_nothing(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    """Both others have given him up by then."""
    assert stop_for_a_while(programs, tmp_path, room, 60.0) < BACK_S


# --- Peers that drop us -----------------------------------------------------------------------


class Dropping:
    """Accepts and hangs up at once, and is found on this machine all the time."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.accepted_at: list[float] = []
        self.hung_up_at: list[float] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.accepted_at.append(time.monotonic())
            self.hung_up_at.append(time.monotonic())
            connection.close()


@contextmanager
def dropping() -> Iterator[Dropping]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Dropping(listening)
        listening.shutdown(socket.SHUT_RDWR)


def announced(home: Path, port: int, peer: PeerId, room: Room) -> RunningNode:
    """Tell the programs of that home that such a node runs on this machine."""
    folder = run_folder(home / ".local/share/p2pchat", home / ".local/share/p2pchat/.run")
    assert folder is not None
    node = RunningNode(folder)
    assert node.announce("127.0.0.1", port, peer, room) is None
    return node


def test_who_accepts_and_hangs_up_is_dialled_with_growing_waits(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    home = tmp_path / "home"
    peer = Identity.generate().peer
    with dropping() as target, announced(home, target.port, peer, Room(room)):
        ann = programs.line("-r", room, home=home)
        assert ann.port

        wait_until(lambda: len(target.accepted_at) >= 3, "three dials", ann.report)

    assert ann.leave() == 0
    # From the end of one to the beginning of the next: no lateness of ours makes that shorter.
    again_at = target.accepted_at[1:3]
    waits = [at - ended_at for at, ended_at in zip(again_at, target.hung_up_at, strict=False)]
    assert waits[0] > DIAL_BACKOFF_S * (1 - DIAL_BACKOFF_SPREAD)
    assert waits[1] > 2 * DIAL_BACKOFF_S * (1 - DIAL_BACKOFF_SPREAD)
    assert ann.out == [f"Listening for connection requests at {ann.bound}"]

"""Programs of one user find each other by themselves, and whom an invite names."""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.wire.invite import decode_invite, encode_invite
from tests.e2e.processes import LISTENING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import JsonProgram, Program, Programs

WITHIN_S: Final = 15.0
"""What "within seconds" means where ten programs look for each other on two cores."""


@pytest.fixture
def room() -> str:
    """A room that no other test is in: loopback is shared by all of them."""
    return f"room-{secrets.token_hex(4)}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where everybody lives who is to be found: nodes of one user find each other."""
    return tmp_path / "home"


# --- On this machine --------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 10])
def test_programs_started_at_once_find_each_other_and_hear_each_other(
    programs: Programs, home: Path, room: str, count: int
) -> None:
    nicks = [f"n{number}" for number in range(count)]
    started = [programs.line("--ephemeral", "-n", n, "-r", room, home=home) for n in nicks]
    for program in started:
        assert program.port
    began_at = time.monotonic()  # how long Python takes to start is not what is promised

    for program in started:
        program.wait_for("Connected: ")
    took_s = time.monotonic() - began_at
    for nick, program in zip(nicks, started, strict=True):
        program.say(f"this is {nick}")
    for program in started:
        program.wait_until(lambda p=program: len(p.heard) == count - 1, "everybody heard")  # type: ignore[misc]

    assert took_s < WITHIN_S
    for program in started:
        program.say("exit")
    for nick, program in zip(nicks, started, strict=True):
        assert program.wait() == 0
        assert sorted(program.heard) == [f"{n} -> this is {n}" for n in nicks if n != nick]
        assert not any("Requesting connection" in line or "Error" in line for line in program.out)


def test_who_starts_later_finds_who_is_there_and_says_how(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.json("-n", "ann", "-r", room, home=home)
    ann.wait_for_object("ready")

    bob = programs.json("-n", "bob", "-r", room, home=home)

    out, into = bob.wait_for_object("connected"), ann.wait_for_object("connected")
    assert (out["peer"]["nick"], out["direction"], out["how"]) == ("ann", "out", "machine")
    assert (into["peer"]["nick"], into["direction"], into["how"]) == ("bob", "in", "called")
    assert out["address"] == ann.address


@pytest.mark.threat(25)
def test_a_peer_that_was_killed_and_starts_again_is_back_within_six_seconds(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.json("-n", "ann", "-r", room, home=home)
    ann.wait_for_object("ready")
    bob = programs.json("-n", "bob", "-r", room, "--profile", "bob", home=home)
    first = ann.wait_for_object("connected")

    bob.close()
    again = programs.json("-n", "bob", "-r", room, "--profile", "bob", home=home)
    again.wait_for_object("ready")
    began_at = time.monotonic()  # how long Python takes to start is not what is promised
    again.request("send", text="back again")
    heard = ann.wait_for_object("message", text="back again")
    took_s = time.monotonic() - began_at

    assert heard["from"]["id"] == first["peer"]["id"]
    assert took_s < 6.0


# --- Who is not joined ------------------------------------------------------------------------


def test_a_manual_program_finds_nobody_and_is_found_by_nobody(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.line("--manual", "-n", "ann", "-r", room, home=home)
    assert ann.port
    bob = programs.line("-n", "bob", "-r", room, home=home)
    assert bob.port

    ann.say("connect")
    bob.say("connect")

    ann.wait_for_error("this node connects only where you say (--manual)")
    bob.wait_for_error("nobody was found on this machine")
    assert ann.leave() == bob.leave() == 0
    assert ann.out == [f"{LISTENING}{ann.bound}"]
    assert bob.out == [f"{LISTENING}{bob.bound}"]


def test_another_room_is_not_joined_and_connect_says_so(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.line("-n", "ann", "-r", room, home=home)
    assert ann.port
    bob = programs.line("-n", "bob", "-r", f"{room}-2", home=home)
    assert bob.port

    bob.say("connect")

    told = bob.wait_for_error(f"nobody is in {room}-2 here, but ")
    assert told.endswith(" in another room: see --room")
    assert ann.leave() == bob.leave() == 0
    assert not any("refused" in line for line in ann.err)
    assert ann.out == [f"{LISTENING}{ann.bound}"]
    assert bob.out == [f"{LISTENING}{bob.bound}"]


def test_people_of_other_homes_are_found_through_whom_one_of_them_typed(
    programs: Programs, tmp_path: Path, room: str
) -> None:
    """Nothing but the one typed address: the others come by membership alone."""
    ann, bob, cid = (
        programs.json("-n", nick, "-r", room, home=tmp_path / nick)
        for nick in ("ann", "bob", "cid")
    )
    bob.connect(ann)
    ann.wait_for_object("connected")

    cid.connect(ann)

    found = cid.wait_for_object("connected", peer=_peer(bob))
    assert found["how"] in ("mesh", "called")
    bob.wait_for_object("connected", peer=_peer(cid))


def _peer(program: JsonProgram) -> dict[str, str]:
    ready = program.wait_for_object("ready")
    return {"id": ready["id"], "nick": ready["nick"]}


# --- Invites ----------------------------------------------------------------------------------


def invite_to(programs: Programs, program: Program, room: str) -> str:
    """Have another process of the same user print an invite to where that program is."""
    assert program.port
    asked = programs.bare("invite", "-r", room, "--host", "127.0.0.1", home=program.home)
    assert asked.wait() == 0, asked.report()
    (url,) = asked.out
    return url


def test_an_invite_of_one_leads_another_one_there(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.json("-n", "ann", "-r", room, home=home)
    url = invite_to(programs, ann, room)

    bob = programs.json("-n", "bob", "-c", url)

    out = bob.wait_for_object("connected")
    assert (out["peer"], out["how"], out["direction"]) == (_peer(ann), "invite", "out")
    assert bob.wait_for_object("ready")["room"] == room
    bob.request("send", text="I was invited")
    assert ann.wait_for_object("message")["text"] == "I was invited"


@pytest.mark.threat(13)
def test_who_answers_at_an_invite_with_another_key_is_refused_aloud(
    programs: Programs, home: Path, room: str
) -> None:
    port = programs.port()
    ann = programs.json("-n", "ann", "-r", room, home=home, port=port)
    url = invite_to(programs, ann, room)
    ann.close()
    eve = programs.json("-n", "eve", "-r", room, port=port)
    eve.wait_for_object("ready")

    bob = programs.json("-n", "bob", "-c", url)

    refused = bob.wait_for_object("error")
    assert refused["code"] == "key-mismatch"
    assert re.search(r"expected key \S+, found \S+\. Not connected", refused["message"])
    assert bob.leave() == eve.leave() == 0
    assert bob.of_type("connected") == eve.of_type("connected") == []


def test_an_invite_with_a_flipped_letter_is_one_line_and_2(
    programs: Programs, home: Path, room: str
) -> None:
    ann = programs.json("-r", room, home=home)
    url = invite_to(programs, ann, room)
    assert encode_invite(decode_invite(url)) == url
    broken = url[:-1] + ("a" if url[-1] != "a" else "b")

    bob = programs.bare("--host", "127.0.0.1", "-p", "0", "-c", broken)

    assert bob.wait() == 2
    assert bob.out == []
    assert len(bob.err) == 1

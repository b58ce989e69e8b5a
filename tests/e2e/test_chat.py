"""People who talk in line mode, each in a process of its own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.contract import is_contract_line
from tests.e2e.processes import LISTENING

if TYPE_CHECKING:
    from tests.e2e.processes import Program, Programs


def test_in_a_chain_of_three_everybody_hears_the_others_once_under_their_nicks(
    programs: Programs,
) -> None:
    ann, bob, cid = programs.people("ann", "bob", "cid")
    bob.connect(ann)
    cid.connect(bob)

    cid.say("hello from the end")
    ann.wait_for("hello from the end")
    bob.wait_for("hello from the end")
    ann.say("hello from the start")
    cid.wait_for("hello from the start")
    bob.wait_for("hello from the start")

    assert ann.heard == ["cid -> hello from the end"]
    assert bob.heard == ["cid -> hello from the end", "ann -> hello from the start"]
    assert cid.heard == ["ann -> hello from the start"]


def test_in_a_ring_of_four_nobody_hears_anything_twice(programs: Programs) -> None:
    ring = programs.people("ann", "bob", "cid", "dot")
    for one, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        one.connect(following)

    for speaker, nick in zip(ring, ("ann", "bob", "cid", "dot"), strict=True):
        speaker.say(f"this is {nick}")
        for other in ring:
            if other is not speaker:
                other.wait_for(f"this is {nick}")

    # A copy of an earlier line would have come before the last one: each connection is in order,
    # and the last line has gone round the whole ring.
    expected = [f"{nick} -> this is {nick}" for nick in ("ann", "bob", "cid", "dot")]
    assert [program.heard for program in ring] == [
        [line for line in expected if not line.startswith(nick)]
        for nick in ("ann", "bob", "cid", "dot")
    ]


def test_the_same_line_twice_appears_twice(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("ok", "ok", "the end")
    ann.wait_for("the end")

    assert ann.heard == ["bob -> ok", "bob -> ok", "bob -> the end"]


def test_the_death_of_the_middle_is_told_and_everybody_else_goes_on(programs: Programs) -> None:
    ann, bob, cid, dot = programs.people("ann", "bob", "cid", "dot")
    bob.connect(ann)
    bob.connect(cid)
    dot.connect(cid)

    bob.signal(signal.SIGKILL)
    ann.wait_for("Disconnected: bob")
    cid.wait_for("Disconnected: bob")
    dot.say("still here")
    cid.wait_for("dot -> still here")
    ann.connect(cid)
    dot.say("and back together")

    assert ann.wait_for("and back together") == "dot -> and back together"
    assert dot.leave() == 0
    assert not any("Disconnected: bob" in line for line in dot.out)


def test_who_leaves_is_named_and_the_rest_goes_on(programs: Programs) -> None:
    ann, bob, cid = programs.people("ann", "bob", "cid")
    bob.connect(ann)
    cid.connect(ann)

    bob.say("exit")
    code = bob.wait()
    ann.wait_for("Disconnected: bob")
    cid.say("who is left?")
    ann.wait_for("cid -> who is left?")

    assert code == 0
    assert ann.leave() == 0
    assert not any("gone" in line for line in ann.err)


def test_standard_output_holds_nothing_but_the_lines_of_the_contract(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("/help", "/peers", "/nick robert", "/me waves", "/nonsense", "plain text", "exit")
    bob.wait()
    ann.wait_for("Disconnected: ")

    for program in (ann, bob):
        assert [line for line in program.out if not is_contract_line(line)] == []
        assert [line for line in program.out if line.startswith(LISTENING)] == [program.out[0]]
    assert ann.heard == ["robert -> plain text"]
    assert "* robert waves" in ann.out


def test_own_lines_are_not_echoed(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("a line of my own")
    ann.wait_for("a line of my own")
    bob.say("exit")
    bob.wait()

    assert not any("a line of my own" in line for line in bob.out)


@pytest.mark.threat(16)
def test_hostile_texts_never_reach_the_output_raw(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.write("\x1b[2J\x1b]0;owned\x07 \x9b5A \u202eabc\rcid -> forged\n".encode())
    bob.write(b"broken \xff\xfe bytes\n")
    bob.say("done")
    ann.wait_for("bob -> done")

    spoken = r"bob -> \x1b[2J\x1b]0;owned\x07 \x9b5A \u202eabc\x0dcid -> forged"
    assert ann.heard == [spoken, "bob -> broken \ufffd\ufffd bytes", "bob -> done"]
    for harmful in (b"\x1b", b"\x07", b"\r", b"\xc2\x9b", "\u202e".encode()):
        assert harmful not in ann.raw_out


def test_further_lines_of_a_text_are_indented_so_that_none_can_pose_as_another(
    programs: Programs,
) -> None:
    ann = programs.line("--nick", "ann", "--manual")
    bob = programs.json("--nick", "bob", "--manual")
    bob.connect(ann)

    bob.request("send", text="first\nDisconnected: cid (127.0.0.1:1)\nlast")
    ann.wait_for("last")

    assert ann.out[-3:] == [
        "bob -> first",
        "      Disconnected: cid (127.0.0.1:1)",
        "      last",
    ]


def test_a_new_nick_is_told_with_the_next_message(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("/nick robert", "hello")
    ann.wait_for("robert -> hello")

    assert ann.wait_for_error("is now") == "bob is now robert"


def test_an_unknown_command_is_answered_and_never_sent(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say("/peesr", " /quit now", "@nobody secret", "connect localhost", "done")
    ann.wait_for("bob -> done")

    assert ann.heard == ["bob -> done"]
    bob.wait_until(lambda: len(errors_of(bob)) == 4, "four errors")
    assert "Did you mean /peers?" in errors_of(bob)[0]


def errors_of(program: Program) -> list[str]:
    return [line for line in program.out if line.startswith("Error: ")]


def test_disconnect_ends_one_connection_and_says_so(programs: Programs) -> None:
    ann, bob, cid = programs.people("ann", "bob", "cid")
    bob.connect(ann)
    bob.connect(cid)

    bob.say("/disconnect ann")
    ann.wait_for("Disconnected: bob")
    bob.wait_for("Disconnected: ann")
    bob.say("/disconnect ann", "to the rest")
    cid.wait_for("bob -> to the rest")

    assert bob.wait_for("Error: ") == 'Error: no one called "ann" is connected to you.'
    assert ann.leave() == 0
    assert ann.heard == []

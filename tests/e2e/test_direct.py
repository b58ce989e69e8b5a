"""Messages to one person, in real programs."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import Programs


def test_in_line_mode_a_direct_message_reaches_one_of_two_and_nobody_else(
    programs: Programs,
) -> None:
    ann, bob, cid = programs.people("ann", "bob", "cid")
    ann.connect(bob)
    cid.connect(bob)
    ann.say("hello all")
    cid.wait_for("ann -> hello all")
    cid.say("@ann for you alone", "and for all")
    bob.wait_for("cid -> and for all")

    assert ann.wait_for("(direct)") == "(direct) cid -> for you alone"
    ann.say("/reply thanks")
    assert cid.wait_for("(direct)") == "(direct) ann -> thanks"
    assert ann.leave() == bob.leave() == 0
    assert not any("(direct)" in line for line in ann.out if "thanks" in line)
    assert not any("alone" in line or "thanks" in line for line in bob.out)


def test_with_json_each_step_is_an_object_and_ref_comes_back(programs: Programs) -> None:
    ann = programs.json("--nick", "ann", "--manual")
    bob = programs.json("--nick", "bob", "--manual")
    bob.connect(ann)
    key = ann.wait_for_object("ready")["id"]
    bob.request("dm", to=key, text="/quit\n\x1b[2J", ref="mine")
    bob.request("dm", to="bob", text="me", ref="self")
    bob.request("command", line="/verify ann", ref="number")
    bob.request("command", line="/verify ann yes", ref="yes")
    bob.request("command", line="/whois ann", ref="who")

    sent = bob.wait_for_object("sent")
    dm = ann.wait_for_object("dm")
    assert (sent["ref"], sent["to"]["id"], "neighbours" in sent) == ("mine", key, False)
    assert (dm["id"], dm["text"], dm["from"]["nick"]) == (sent["id"], "/quit\n\x1b[2J", "bob")
    assert bob.wait_for_object("receipt")["id"] == sent["id"]
    assert bob.wait_for_object("error", ref="self")["code"] == "self"
    number = bob.wait_for_object("result", ref="number")["data"]["number"]
    assert re.fullmatch(r"(\d{5} ){11}\d{5}", number)
    assert bob.wait_for_object("result", ref="yes")["data"]["verified"] is True
    assert bob.wait_for_object("result", ref="who")["data"]["verified_since"]


def test_who_is_away_gets_it_from_the_next_run_of_its_author(
    programs: Programs, tmp_path: Path
) -> None:
    of_ann, of_bob = tmp_path / "ann", tmp_path / "bob"
    ann = programs.line("--nick", "ann", "--manual", home=of_ann)
    bob = programs.line("--nick", "bob", "--manual", home=of_bob)
    ann.connect(bob)
    assert bob.leave() == 0
    ann.wait_for("Disconnected: bob")
    ann.say("@bob when you are back")
    ann.end_input()
    assert ann.wait() == 0
    assert any("1 direct message is not delivered yet" in line for line in ann.err)

    bob = programs.line("--nick", "bob", "--manual", home=of_bob)
    ann = programs.line("--nick", "ann", "--manual", home=of_ann)
    ann.connect(bob)

    assert bob.wait_for("(direct)") == "(direct) ann -> when you are back"
    ann.wait_for_error("bob has your message now")


def test_a_verified_person_is_one_after_a_restart_and_a_blocked_one_stays_away(
    programs: Programs, tmp_path: Path
) -> None:
    of_ann = tmp_path / "ann"
    bob, cid = programs.people("bob", "cid")
    ann = programs.line("--nick", "ann", "--manual", home=of_ann)
    for other in (bob, cid):
        ann.connect(other)
    ann.say("/verify bob yes", "/block cid")
    ann.wait_for_error("cid is blocked")
    assert ann.leave() == 0

    ann = programs.line("--nick", "ann", "--manual", home=of_ann)
    for other in (bob, cid):
        ann.connect(other)
    ann.say("/peers", "@cid hello")
    assert "  verified" in ann.wait_for_error("name bob")
    assert "not verified" in ann.wait_for_error("name cid")
    assert "/unblock cid" in ann.wait_for("Error: ")
    bob.connect(cid)
    cid.say("@ann do you hear me?", "hello?")
    bob.wait_for("cid -> hello?")  # and hands it on to ann, before his own
    bob.say("hello!")

    ann.wait_for("bob -> hello!")
    assert ann.leave() == 0
    assert not any("cid ->" in line for line in ann.out)


def test_send_to_one_person_ends_with_0_when_he_has_it(programs: Programs) -> None:
    (bob,) = programs.people("bob")
    sending = programs.bare(
        "send", "--manual", "--port", "0", "-n", "ann", "-c", bob.address, "--to", "bob", "psst"
    )

    assert sending.wait() == 0
    assert bob.wait_for("(direct)") == "(direct) ann -> psst"


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_on_the_terminal_both_sides_of_it_are_marked_and_a_mistake_comes_back(
    programs: Programs, tmp_path: Path
) -> None:
    from tests.e2e.seats import seat  # noqa: PLC0415 - needs pseudo-terminals

    (bob,) = programs.people("bob")
    with seat(tmp_path) as ann:
        ann.joined_by(bob)
        bob.say("@ann psst")
        ann.screen.wait_for("[dm] bob -> you: psst")
        ann.screen.press("/r what is it?\r")
        ann.screen.wait_for("[dm] you -> bob: what is it?")
        assert bob.wait_for("(direct)") == "(direct) ann -> what is it?"
        ann.screen.press("@b\t")
        ann.screen.wait_for("ann> @bob")
        ann.screen.press("\x03@bbo hi\r")
        ann.screen.wait_for("Did you mean bob?")
        ann.screen.wait_for("ann> @bbo hi")
        assert bob.leave() == 0
        ann.screen.wait_for("<-- bob left")
        ann.screen.press("\x03@bob are you back?\r")
        ann.screen.wait_for("1 waiting")
        ann.screen.wait_for("-!- not delivered to bob yet")
        ann.screen.press("exit\r")

        assert ann.screen.wait_for_end() == 0
        assert any("1 direct message is not delivered" in row for row in ann.screen.all_lines)

"""The program with `--json`: what other programs rely on."""

from __future__ import annotations

import json
import re
import secrets
import signal
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.deadline import DEADLINE_S
from tests.e2e.processes import TERMINATED, Programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import JsonProgram

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{32}")
KEY = re.compile(r"[0-9a-f]{64}")


Pair = tuple["JsonProgram", "JsonProgram"]


def pair(programs: Programs) -> Pair:
    """Start two that are connected: bob has dialled ann."""
    ann = programs.json("--nick", "ann", "--manual")
    bob = programs.json("--nick", "bob", "--manual")
    assert ann.port
    bob.connect(ann)
    ann.wait_for_object("connected")
    return ann, bob


def person(program: JsonProgram) -> dict[str, Any]:
    ready = program.wait_for_object("ready")
    return {"id": ready["id"], "nick": ready["nick"]}


def test_ready_comes_first_and_bye_last(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("send", text="hello")
    ann.wait_for_object("message")
    ann.say("exit")
    bob.wait_for_object("disconnected")
    bob.say("exit")

    assert (ann.wait(), bob.wait()) == (0, 0)
    for program in (ann, bob):
        assert program.objects[0]["type"] == "ready"
        assert program.objects[-1]["type"] == "bye"
        assert len(program.of_type("ready")) == len(program.of_type("bye")) == 1


def test_every_line_is_one_ascii_object_with_version_type_and_time(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("send", text="naïve 🦦 \x1b[2J\n\u202e")
    ann.wait_for_object("message")
    ann.request("command", line="/peers")
    ann.wait_for_object("result")
    assert ann.leave() == 0

    assert ann.raw_out.isascii()
    assert b"\x1b" not in ann.raw_out
    for found in ann.objects:
        assert found["v"] == 1
        assert TIME.fullmatch(found["ts"])


def test_ready_says_who_where_and_in_which_room(programs: Programs) -> None:
    ann = programs.json("--nick", "ann", "--room", "tea", "--manual", host=None)

    ready = ann.wait_for_object("ready")

    assert KEY.fullmatch(ready["id"])
    assert (ready["nick"], ready["room"]) == ("ann", "tea")
    assert f"127.0.0.1:{ready['port']}" in ready["addresses"]
    assert not any("[::]" in address for address in ready["addresses"])
    assert all(address.endswith(f":{ready['port']}") for address in ready["addresses"])
    assert not ready["addresses"][0].startswith("["), "IPv4 comes first"


def test_connected_and_disconnected_name_peer_address_and_direction(programs: Programs) -> None:
    ann, bob = pair(programs)

    into, out = ann.wait_for_object("connected"), bob.wait_for_object("connected")
    bob.signal(signal.SIGKILL)
    gone = ann.wait_for_object("disconnected")

    assert (into["peer"], into["direction"]) == (person(bob), "in")
    assert (out["peer"], out["direction"]) == (person(ann), "out")
    assert out["address"] == ann.address
    assert gone["peer"] == person(bob)
    assert gone["address"] == into["address"]
    assert gone["direction"] == "in"
    assert gone["reason"]


def test_a_neighbour_that_is_dialled_again_is_connected_already(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("connect", address=ann.address, ref="again")

    again = bob.wait_for_object("connected", already=True)
    assert again["ref"] == "again"
    assert again["peer"] == person(ann)
    assert "already" not in bob.of_type("connected")[0]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        'quotes " and \\ and \\n',
        "two\nlines\n",
        "\x1b[31mred\x1b[0m \x07 \x9b \t tab",
        "naïve 🦦 👩‍👩‍👧 \u202eabc\u2028\u2029",
        "  leading blanks",
        "exit",
        "/quit",
        "connect 127.0.0.1:1",
        "x" * 4_000,
    ],
    ids=lambda text: repr(text)[:20],
)
def test_texts_are_exact_whatever_is_in_them(connected: Pair, text: str) -> None:
    ann, bob = connected
    ref = secrets.token_hex(8)

    bob.request("send", text=text, ref=ref)
    sent = bob.wait_for_object("sent", ref=ref)
    message = ann.wait_for_object("message", id=sent["id"])

    assert sent["text"] == message["text"] == text


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return two for many tests, each of which waits for all that it has said."""
    with closing(Programs(tmp_path_factory.mktemp("connected"))) as programs:
        yield pair(programs)


def test_sent_answers_every_announcement_and_has_the_id_that_others_see(
    programs: Programs,
) -> None:
    ann, bob = pair(programs)

    bob.request("send", text="one", ref="1")
    bob.request("send", text="one", ref="2")
    bob.say("three")
    ann.wait_for_object("message", text="three")
    bob.wait_for_object("sent", text="three")

    sent, heard = bob.of_type("sent"), ann.of_type("message")
    assert [s.get("ref") for s in sent] == ["1", "2", None]
    assert [s["neighbours"] for s in sent] == [1, 1, 1]
    assert [s["id"] for s in sent] == [m["id"] for m in heard]
    assert len({s["id"] for s in sent}) == 3
    assert all(ID.fullmatch(s["id"]) for s in sent)
    assert bob.of_type("message") == []


def test_a_message_names_its_author_its_time_and_its_way(programs: Programs) -> None:
    ann, bob = pair(programs)
    cid = programs.json("--nick", "cid", "--manual")
    cid.connect(bob)

    cid.request("send", text="from afar")

    far, near = ann.wait_for_object("message"), bob.wait_for_object("message")
    assert far["from"] == near["from"] == person(cid)
    assert (near["hops"], far["hops"]) == (1, 2)
    assert far["id"] == near["id"]
    assert far["time"] == near["time"]
    assert TIME.fullmatch(far["time"])
    assert far["earlier"] is False
    assert "guest" not in far


def test_an_action_is_marked(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("command", line="/me waves", ref="wave")

    assert ann.wait_for_object("message", action=True)["text"] == "waves"
    assert bob.wait_for_object("sent", ref="wave")["action"] is True


def test_a_change_of_nick_is_told_on_both_sides(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("command", line="/nick robert", ref="name")
    bob.request("send", text="hello")

    own, theirs = bob.wait_for_object("nick"), ann.wait_for_object("nick")
    assert own["who"] == theirs["who"] == {**person(bob), "nick": "robert"}
    assert own["old"] == theirs["old"] == "bob"
    assert own["ref"] == "name"
    assert ann.wait_for_object("message")["from"]["nick"] == "robert"


def test_the_answer_of_a_command_is_a_result(programs: Programs) -> None:
    ann, bob = pair(programs)

    bob.request("command", line="/peers", ref="who")

    result = bob.wait_for_object("result", ref="who")
    assert result["command"] == "peers"
    (neighbour,) = result["data"]["neighbours"]
    assert neighbour["peer"] == person(ann)
    assert neighbour["address"] == ann.address
    assert result["data"]["heard"] == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "bad-input"),
        ('{"type":"send"}', "bad-input"),
        ('{"type":"send","text":1}', "bad-input"),
        ('{"type":"send","text":"x","to":"ann"}', "bad-input"),
        ('{"type":"nonsense"}', "bad-input"),
        ('{"type":"send","text":"x","ref":"' + "r" * 65 + '"}', "bad-input"),
        ('{"type":"command","line":"not a command"}', "bad-input"),
        ('{"type":"connect","address":"localhost"}', "bad-address"),
        ('{"type":"connect","address":"127.0.0.1:99999"}', "bad-address"),
        ("connect localhost", "bad-address"),
        ("/peesr", "unknown-command"),
        ('{"type":"command","line":"/peesr"}', "unknown-command"),
        ('{"type":"dm","to":"carol","text":"psst"}', "no-such-peer"),
        ('{"type":"command","line":"/disconnect nobody"}', "no-such-peer"),
        ('{"type":"send","text":"' + "x" * 4_001 + '"}', "too-long"),
        ("y" * 20_000, "too-long"),
    ],
    ids=lambda value: value[:40],
)
def test_a_line_that_can_not_be_carried_out_has_an_error_with_a_code(
    connected: Pair, line: str, code: str
) -> None:
    ann, bob = connected
    errors, messages = len(bob.of_type("error")), len(ann.of_type("message"))
    marker = f"a marker {secrets.token_hex(8)}"

    bob.say(line, marker)
    ann.wait_for_object("message", text=marker)

    bob.wait_for_object("sent", text=marker)
    (error,) = bob.of_type("error")[errors:]
    assert error["code"] == code
    assert error["message"]
    assert len(ann.of_type("message")) == messages + 1, "something of it was sent"


def test_the_ref_of_a_refused_request_comes_back(programs: Programs) -> None:
    ann = programs.json()

    ann.request("send", text="x" * 4_001, ref="long")
    ann.request("connect", address="nowhere", ref="address")
    ann.request("dm", to="bob", text="psst", ref="private")
    ann.request("nonsense", ref="type")
    ann.request("command", line="/peesr", ref="command")

    codes = {"long": "too-long", "address": "bad-address", "private": "no-such-peer",
             "type": "bad-input", "command": "unknown-command"}  # fmt: skip
    for ref, code in codes.items():
        assert ann.wait_for_object("error", ref=ref)["code"] == code


def test_a_dial_that_fails_has_an_error_with_its_ref(programs: Programs) -> None:
    ann = programs.json()

    ann.request("connect", address=f"127.0.0.1:{programs.port()}", ref="closed")
    ann.request("connect", address=ann.address, ref="self")

    assert ann.wait_for_object("error", ref="closed")["code"] == "refused"
    assert ann.wait_for_object("error", ref="self")["code"] == "self"


def test_another_room_is_an_error_with_a_code(programs: Programs) -> None:
    ann = programs.json("--manual")
    bob = programs.json("--manual", "--room", "elsewhere")

    bob.request("connect", address=ann.address, ref="wrong")

    assert bob.wait_for_object("error", ref="wrong")["code"] == "room-refused"
    assert ann.leave() == bob.leave() == 0
    assert ann.of_type("connected") == bob.of_type("connected") == []


def test_a_guest_is_marked_and_named_by_the_node_it_is_attached_to(programs: Programs) -> None:
    ann, bob = pair(programs)

    with socket.create_connection(("127.0.0.1", ann.port), DEADLINE_S) as guest:
        guest.sendall(b"hello from netcat\n")
        here, there = ann.wait_for_object("message"), bob.wait_for_object("message")
        arrived = ann.wait_for_object("connected", guest=True)
    gone = ann.wait_for_object("disconnected", guest=True)

    for message in (here, there):
        assert message["from"] == {"id": None, "nick": "guest"}
        assert message["guest"] is True
        assert message["via"] == person(ann)
        assert message["text"] == "hello from netcat"
    assert here["id"] == there["id"]
    assert arrived["peer"] == gone["peer"] == {"id": None, "nick": "guest"}
    assert bob.leave() == 0
    assert len(bob.of_type("connected")) == 1, "somebody else's guest is no connection of ours"


def test_narration_for_people_goes_to_standard_error(programs: Programs) -> None:
    ann = programs.json()

    ann.request("command", line="/help")
    ann.request("command", line="/clear")
    ann.request("connect", address=ann.address)
    ann.wait_for_object("error")
    ann.signal(signal.SIGTERM)

    assert ann.wait() == TERMINATED
    assert [json.loads(line)["type"] for line in ann.out] == ["ready", "result", "error", "bye"]
    assert any("Requesting connection" in line for line in ann.err)


def test_quiet_leaves_standard_error_empty(programs: Programs) -> None:
    ann = programs.json("--quiet")

    ann.request("connect", address=ann.address)
    ann.wait_for_object("error")

    assert ann.leave() == 0
    assert ann.err == []

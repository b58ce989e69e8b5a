"""Guests by plain lines: sockets, netcat, and the article's own node."""

from __future__ import annotations

import shutil
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from tests.deadline import DEADLINE_S
from tests.e2e.processes import ARTICLE_NODE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.processes import Program, Programs
    from tests.e2e.village import Village

MARKER = "a marker"
_AT_ONCE = 250
"""Lines of 3 KB that one author may say without a pause; more than small buffers take."""


class Guest:
    """A plain socket to a node."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self._lines = self.socket.makefile("rb")

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self.socket.close()

    def say(self, content: bytes) -> None:
        self.socket.sendall(content)

    def line(self) -> bytes:
        """Wait for the next line; b"" at the end."""
        try:
            return self._lines.readline()
        except ConnectionResetError:
            return b""


def pair(programs: Programs, *flags: str) -> tuple[Program, Program]:
    """Start two that are connected; guests come to ann."""
    ann = programs.line("--nick", "ann", "--manual", *flags)
    bob = programs.line("--nick", "bob", "--manual")
    bob.connect(ann)
    return ann, bob


def only_the_marker(ann: Program, bob: Program) -> None:
    """Wait for what bob says now and see that nothing else was ever shown."""
    bob.say(MARKER)
    ann.wait_for(MARKER)
    ann.say(MARKER)
    bob.wait_for(MARKER)
    assert ann.heard == [f"bob -> {MARKER}"]
    assert bob.heard == [f"ann -> {MARKER}"]


# --- Taking part ------------------------------------------------------------------------------


def test_a_guest_talks_and_listens_at_once(programs: Programs) -> None:
    ann, bob = pair(programs)

    with Guest(ann.port) as guest:
        guest.say(b"hello from a socket\n")
        ann.wait_for("~guest -> hello from a socket")
        bob.wait_for("~guest -> hello from a socket")
        bob.say("hello yourself")
        assert guest.line() == b"bob -> hello yourself\n"
        ann.say("welcome")
        assert guest.line() == b"ann -> welcome\n"

    assert ann.wait_for("Connected: ~guest")
    assert ann.wait_for("Disconnected: ~guest")
    ann.wait_for("bob -> hello yourself")
    assert ann.heard == ["~guest -> hello from a socket", "bob -> hello yourself"]
    assert bob.leave() == 0
    assert not any("Connected: ~guest" in line for line in bob.out)


def test_a_silent_guest_hears_everything_after_two_seconds(programs: Programs) -> None:
    ann, bob = pair(programs)

    began_at = time.monotonic()
    with Guest(ann.port) as guest:
        ann.wait_for("Connected: ~guest")
        waited_s = time.monotonic() - began_at
        bob.say("can you hear me?")

        assert guest.line() == b"bob -> can you hear me?\n"
    assert waited_s > limits.GUEST_SILENCE_S


def test_guests_hear_each_other_but_not_themselves(programs: Programs) -> None:
    ann, bob = pair(programs)

    with Guest(ann.port) as one:
        one.say(b"I am one\n")
        ann.wait_for("I am one")
        # Not earlier: who is silent for two seconds hears what is said from then on.
        with Guest(ann.port) as two:
            two.say(b"I am two\n")
            ann.wait_for("I am two")
            bob.say(MARKER)

            assert two.line() == b"bob -> a marker\n"
        assert one.line() == b"~guest -> I am two\n"
        assert one.line() == b"bob -> a marker\n"


def test_a_last_line_without_newline_and_telnets_line_ends_count(programs: Programs) -> None:
    ann, _ = pair(programs)

    with Guest(ann.port) as guest:
        guest.say(b"\xff\xfd\x03from telnet\r\nand the last words")

    ann.wait_for("~guest -> and the last words")
    assert ann.heard == ["~guest -> from telnet", "~guest -> and the last words"]


def test_what_a_guest_is_written_is_clean_and_one_line(programs: Programs) -> None:
    ann = programs.line("--nick", "ann", "--manual")
    bob = programs.json("--nick", "bob", "--manual")
    bob.connect(ann)

    with Guest(ann.port) as guest:
        guest.say(b"here\n")
        ann.wait_for("here")
        bob.request("send", text="\x1b[2Jred\nann -> forged\r\x9b")

        assert guest.line() == rb"bob -> \x1b[2Jred ann -> forged\x0d\x9b" + b"\n"


@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_netcat_talks_and_listens(programs: Programs) -> None:
    ann, bob = pair(programs)

    nc = programs.other("nc", "127.0.0.1", str(ann.port))
    nc.say("hello from netcat")
    bob.wait_for("~guest -> hello from netcat")
    bob.say("hello back")

    assert nc.wait_for("hello back") == "bob -> hello back"


# --- The article's node -----------------------------------------------------------------------


def test_the_articles_node_dials_us_and_both_hear_each_other(programs: Programs) -> None:
    ann, bob = pair(programs)
    article = programs.other(*ARTICLE_NODE, "--connect", ann.address)
    article.wait_for(f"Connected {ann.address}")

    article.say("hello from 2017")
    bob.wait_for("~guest -> hello from 2017")
    bob.say("welcome to today")

    assert article.wait_for("welcome") == "bob -> welcome to today"
    ann.wait_for("welcome")
    assert ann.heard == ["~guest -> hello from 2017", "bob -> welcome to today"]


def bridge(ann: Program, article: Program) -> str:
    """Have ann dial the article's node, and return its address once it listens to her."""
    address = article.wait_for("Listening on ").split()[-1]
    ann.say(f"connect plain://{address}")
    ann.wait_for("Connected: ~guest")
    ann.say("can you hear me?")  # the system accepts before the program does
    article.wait_for("ann -> can you hear me?")
    return address


def test_the_articles_node_is_dialled_by_us_and_both_hear_each_other(programs: Programs) -> None:
    ann, bob = pair(programs)
    article = programs.other(*ARTICLE_NODE)
    address = article.wait_for("Listening on ").split()[-1]

    bridge(ann, article)
    ann.wait_for(f"Connected: ~guest (plain://{address})")
    article.say("hello from 2017")
    bob.wait_for("~guest -> hello from 2017")
    bob.say("welcome to today")

    assert article.wait_for("welcome") == "bob -> welcome to today"
    article.end_input()
    ann.wait_for("Disconnected: ~guest")


def test_what_a_dialled_plain_peer_says_is_written_to_no_guest(programs: Programs) -> None:
    ann, bob = pair(programs)
    article = programs.other(*ARTICLE_NODE)
    bridge(ann, article)

    with Guest(ann.port) as guest:
        guest.say(b"here\n")
        ann.wait_for("here")
        article.say("bridged")
        bob.wait_for("~guest -> bridged")
        bob.say(MARKER)

        assert guest.line() == b"bob -> a marker\n"


def test_two_nodes_dialled_at_each_others_plain_port_do_not_shout_for_ever(
    programs: Programs,
) -> None:
    ann, bob = programs.people("ann", "bob")
    ann.say(f"connect plain://{bob.address}")
    bob.say(f"connect plain://{ann.address}")
    for program in (ann, bob):
        program.wait_for("Connected: ~guest (plain://")

    ann.say("once from ann")
    bob.wait_for("once from ann")
    bob.say("once from bob")
    ann.wait_for("once from bob")
    ann.say(MARKER)
    bob.wait_for(MARKER)
    bob.say("the end")
    ann.wait_for("the end")

    for program in (ann, bob):
        assert len(program.heard) <= 6, "\n".join(program.heard)
    assert sum("once from ann" in line for line in ann.heard) == 0
    assert sum("once from bob" in line for line in bob.heard) == 0


# --- What is refused --------------------------------------------------------------------------

REFUSED = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "http-post": b"POST /x HTTP/1.1\r\nContent-Length: 6\r\n\r\nhello\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "smtp": b"EHLO localhost\r\n",
    "rtsp": b"OPTIONS rtsp://localhost RTSP/1.0\r\n\r\n",
    "binary": bytes(range(128, 256)) + b"\n",
    "control": b"hello \x1b[2J\n",
    "nul": b"a\x00b\n",
    "long": b"x" * 5_000 + b"\n",
    "endless": b"y" * 100_000,
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_is_no_chat_ends_the_connection_and_nothing_of_it_is_shown(
    village: Village, content: bytes
) -> None:
    with village.logs("plain connection refused: "), Guest(village.ann.port) as stranger:
        with suppress(ConnectionError):  # it may be cut off before all is out
            stranger.say(content)
        assert stranger.line() == b""

    village.goes_on()


def test_garbage_after_a_good_line_ends_the_connection_too(programs: Programs) -> None:
    ann, bob = pair(programs)

    with Guest(ann.port) as guest:
        guest.say(b"a good line\n")
        bob.wait_for("a good line")
        guest.say(b"\xff\xff\xff\n")
        assert guest.line() == b""

    ann.wait_for("Disconnected: ~guest")
    ann.wait_for_log("not UTF-8")


def test_with_guests_off_nobody_takes_part(programs: Programs) -> None:
    ann, bob = pair(programs, "--guests", "off")

    with Guest(ann.port) as guest:
        guest.say(b"may I?\n")
        assert guest.line() == b""

    only_the_marker(ann, bob)


def test_a_ninth_guest_is_refused_and_the_others_stay(programs: Programs) -> None:
    ann, bob = pair(programs)
    guests = [Guest(ann.port) for _ in range(8)]
    try:
        for number, guest in enumerate(guests):
            guest.say(f"I am {number}\n".encode())
            bob.wait_for(f"I am {number}")
        with Guest(ann.port) as ninth:
            ninth.say(b"me too\n")
            assert ninth.line() == b""
        bob.say(MARKER)
        for guest in guests:
            while (line := guest.line()) != b"bob -> a marker\n":
                assert line.startswith(b"~guest -> I am ")
    finally:
        for guest in guests:
            guest.__exit__()

    assert ann.leave() == bob.leave() == 0
    assert not any("me too" in line for line in [*ann.out, *bob.out])


def test_a_talkative_guest_is_slowed_down_and_loses_nothing_of_a_few_lines(
    programs: Programs,
) -> None:
    ann, _ = pair(programs)

    began_at = time.monotonic()
    with Guest(ann.port) as guest:
        guest.say(b"".join(b"%d\n" % number for number in range(7)))
        ann.wait_for("~guest -> 6")

    assert time.monotonic() - began_at > 1.0
    assert ann.heard == [f"~guest -> {number}" for number in range(7)]


@pytest.mark.threat(18)
def test_a_guest_that_does_not_read_holds_nobody_up(programs: Programs, tmp_path: Path) -> None:
    ann, bob = pair(programs)

    with Guest(ann.port) as guest:
        guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        guest.say(b"I will never read\n")
        bob.wait_for("never read")
        bob.say(*(f"{number} {'z' * 3_000}" for number in range(_AT_ONCE)))
        bob.say(MARKER)

        ann.wait_for(MARKER)
    assert sum("zzz" in line for line in ann.heard) == _AT_ONCE

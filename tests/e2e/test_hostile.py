"""Strangers that break the protocol: their connection ends, everybody else goes on."""

from __future__ import annotations

import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core import limits
from p2pchat.core.frames import Carry, Goodbye, Hello, Ping, Pong, Proof, Welcome
from p2pchat.core.values import envelope_id
from tests.deadline import DEADLINE_S
from tests.e2e.files import allow_files, files_of
from tests.e2e.hostile_peer import HostilePeer
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.processes import Program, Programs
    from tests.e2e.village import Village, Villages

CROWD: Final = 1_000

KNOCKED_OFF_S: Final = 30.0
"""The 10 s that an opening may take, and what a busy machine adds."""

_STALLED: Final = "opening not finished after 10 s"

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


# --- Before TLS -------------------------------------------------------------------------------


@pytest.mark.threat(3)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x16" + bytes(range(256)) * 4, "handshake failed: "),
        (b"\x16\x03\x01\x40\x00" + b"\x00" * 20_000, "handshake failed: "),
        (b"\x00" * 100 + b"\n", "plain connection refused: "),
        (b"\x80\xff\xfe" * 100 + b"\n", "plain connection refused: "),
    ],
    ids=["no record", "too much", "zeros", "noise"],
)
def test_noise_ends_its_own_connection_only(village: Village, content: bytes, reason: str) -> None:
    with socket.create_connection(("127.0.0.1", village.ann.port), DEADLINE_S) as stranger:
        with suppress(ConnectionError):  # it may be cut off before all is out
            stranger.sendall(content)
            while stranger.recv(4096):
                pass  # an alert of TLS, perhaps
        port = stranger.getsockname()[1]

    village.ann.wait_for_log(f"127.0.0.1:{port} ends: {reason}")
    village.goes_on()


@pytest.mark.threat(1)
def test_openings_that_stall_are_ended_after_ten_seconds(villages: Villages) -> None:
    village = villages.village(lines=len(STALLING))
    with (
        village.logs(_STALLED),
        ExitStack() as stack,
        ThreadPoolExecutor(len(STALLING)) as threads,
    ):

        def stall(begin: Callable[[HostilePeer], object]) -> float:
            """Come and stall; return after how long that was over."""
            began_at = time.monotonic()
            stranger = stack.enter_context(HostilePeer(village.ann.port))
            begin(stranger)
            stranger.wait_for_end()
            return time.monotonic() - began_at

        stayed_s = list(threads.map(stall, STALLING))

    assert min(stayed_s) > limits.OPENING_TIMEOUT_S - 0.1
    assert max(stayed_s) < KNOCKED_OFF_S
    village.goes_on()


def _half_a_hello(peer: HostilePeer) -> None:
    peer._channel.start()
    peer.send_raw(peer._channel.take_outgoing()[:100])


def _drip(peer: HostilePeer) -> None:
    """Begin to shake hands, a byte a second, until it is cut off."""
    peer._channel.start()
    with suppress(OSError):
        for byte in peer._channel.take_outgoing():
            peer.send_raw(bytes([byte]))
            time.sleep(1.0)  # its slowness is what is tested


STALLING: Final = (
    _half_a_hello,
    _drip,
    HostilePeer.secure,
    HostilePeer.greet,
    HostilePeer.prove,
)


# --- In the opening ---------------------------------------------------------------------------

BEFORE_THE_WELCOME: Final[dict[str, tuple[Callable[[HostilePeer], object], str]]] = {
    "large frame": (
        lambda p: p.secure().send_payload(b"\x00" * 2_049),
        "frame of 2049 bytes, the limit is 2048",
    ),
    "envelope": (
        lambda p: p.secure().send(p.envelope("early").carry),
        "unexpected Carry while greeting",
    ),
    "second hello": (
        lambda p: p.greet().send(Hello(1, 1, (), p.epoch)),
        "unexpected Hello while proving",
    ),
    "welcome without proof": (
        lambda p: p.greet().send(Welcome("mallory", 0, ())),
        "unexpected Welcome while proving",
    ),
    "noise inside": (
        lambda p: p.secure().send_payload(os.urandom(100)),
        "malformed frame: ",
    ),
    "wrong proof": (lambda p: p.greet().send(Proof(bytes(32))), "refused: another room"),
    "nick too long": (
        lambda p: p.prove().send_payload(b"\x94\x03\xb9" + b"x" * 25 + b"\x00\x90"),
        "malformed frame: ",
    ),
}


@pytest.mark.threat(3)
@pytest.mark.parametrize(
    ("misbehave", "reason"), BEFORE_THE_WELCOME.values(), ids=BEFORE_THE_WELCOME
)
def test_whoever_breaks_the_opening_is_never_let_in(
    village: Village, misbehave: Callable[[HostilePeer], object], reason: str
) -> None:
    with village.logs(reason), HostilePeer(village.ann.port) as stranger:
        misbehave(stranger)
        stranger.wait_for_end()
        port = stranger._socket.getsockname()[1]

    village.ann.wait_for_log(f"127.0.0.1:{port}")
    village.goes_on()
    assert not any(f"127.0.0.1:{port})" in line for line in village.ann.out), "it was let in"


# --- After the opening ------------------------------------------------------------------------


def _altered(peer: HostilePeer) -> Carry:
    honest = peer.envelope("altered")
    changed = peer.envelope("replaced")
    return replace(changed, signature=honest.signature).carry


def _small_order(peer: HostilePeer) -> Carry:
    """A key of small order, under which one fixed signature verifies for every text."""
    identity_point = (1).to_bytes(32, "little")
    envelope = peer.envelope("anybody's", author=identity_point)
    return replace(envelope, signature=identity_point + bytes(32)).carry


AFTER_THE_WELCOME: Final[dict[str, tuple[Callable[[HostilePeer], object], str]]] = {
    "frame too large": (
        lambda p: p.send_plaintext((64 * 1024 + 1).to_bytes(4, "big")),
        "frame of 65537 bytes, the limit is 65536",
    ),
    "frame of 4 GiB": (lambda p: p.send_plaintext(b"\xff" * 4), "frame of 4294967295 bytes"),
    "empty frame": (lambda p: p.send_plaintext(bytes(4)), "malformed frame: it is empty"),
    "no msgpack": (lambda p: p.send_payload(b"\xc1\xc1\xc1"), "malformed frame: "),
    "a map": (lambda p: p.send_payload(b"\x81\x01\x02"), "malformed frame: "),
    "wrong types": (lambda p: p.send_payload(b"\x92\x05\xa3abc"), "malformed frame: "),
    "too few fields": (lambda p: p.send_payload(b"\x92\x10\x00"), "malformed frame: "),
    "deep nesting": (lambda p: p.send_payload(b"\x91" * 60_000), "malformed frame: "),
    "a million elements": (
        lambda p: p.send_payload(b"\x92\x23\xdd\x00\x0f\x42\x40" + bytes(50_000)),
        "malformed frame: ",
    ),
    "no UTF-8": (
        lambda p: p.send(p.envelope("x", body=b"\x92\xa3bob\x91\xa2\xff\xfe").carry),
        "malformed frame: ",
    ),
    "unknown low type": (lambda p: p.send_payload(b"\x91\x63"), "malformed frame: "),
    "unknown high types": (
        lambda p: p.send_plaintext((b"\x00\x00\x00\x03\x91\xcc\xc8") * 25),
        "flood of unknown frames",
    ),
    "second welcome": (
        lambda p: p.send(Welcome("mallory", 0, ())),
        "unexpected Welcome while open",
    ),
    "talk after goodbye": (
        lambda p: p.send(Goodbye(), Ping(1)),
        "unexpected Ping while parting",
    ),
    "broken record": (lambda p: p.send_raw(b"\x17\x03\x03\x00\x20" + bytes(32)), "stream broken"),
    "id not its own": (
        lambda p: p.send(replace(p.envelope("x"), id=bytes(16)).carry),
        "the id in front is not its own",
    ),
    "signature of nobody": (
        lambda p: p.send(replace(p.envelope("x"), signature=bytes(64)).carry),
        "its signature is not its author's",
    ),
    "altered after signing": (
        lambda p: p.send(_altered(p)),
        "its signature is not its author's",
    ),
    "name of another": (
        lambda p: p.send(p.envelope("I am bob", author=os.urandom(32)).carry),
        "its signature is not its author's",
    ),
    "key of small order": (
        lambda p: p.send(_small_order(p)),
        "its signature is not its author's",
    ),
    "another network": (
        lambda p: p.send(p.envelope("x", network=bytes(16)).carry),
        "of another network",
    ),
    "fewer texts than said": (
        lambda p: p.send(p.envelope("x", count=2).carry),
        "another number of messages",
    ),
    "no header": (
        lambda p: p.send(Carry(0, envelope_id(b"junk"), bytes(64), b"junk")),
        "malformed frame: ",
    ),
}


@pytest.mark.threat(3)
@pytest.mark.parametrize(("misbehave", "reason"), AFTER_THE_WELCOME.values(), ids=AFTER_THE_WELCOME)
def test_a_neighbour_that_breaks_the_protocol_is_cut_off(
    village: Village, misbehave: Callable[[HostilePeer], object], reason: str
) -> None:
    with village.logs(reason), HostilePeer(village.ann.port) as stranger:
        port = stranger._socket.getsockname()[1]
        stranger.open()
        village.ann.wait_for(f"Connected: mallory (127.0.0.1:{port})")
        misbehave(stranger)
        stranger.wait_for_end()

    village.ann.wait_for(f"Disconnected: mallory (127.0.0.1:{port})")
    village.goes_on()


@pytest.mark.threat(9)
def test_a_replayed_and_altered_copy_is_passed_over_in_silence(village: Village) -> None:
    with HostilePeer(village.ann.port) as stranger:
        stranger.open()
        village.bob.say("marker of the replay")
        carry = stranger.expect(Carry)
        assert isinstance(carry, Carry)
        for hops in (0, 7, 255):
            stranger.send(Carry(hops, carry.id, carry.signature, carry.signed))
        stranger.send(Carry(0, carry.id, bytes(64), carry.signed))
        stranger.send(Ping(4711))
        while stranger.expect(Pong) != Pong(4711):
            pass  # the answer to somebody's ping

        village.ann.wait_for("marker of the replay")
        village.goes_on()
    assert sum("marker of the replay" in line for line in village.ann.heard) == 1


@pytest.mark.parametrize("age_s", [21 * 60, -11 * 60], ids=["old", "from the future"])
def test_an_envelope_of_another_time_is_not_shown_and_nobody_is_blamed(
    village: Village, age_s: int
) -> None:
    with HostilePeer(village.ann.port) as stranger:
        stranger.open()
        time_ms = int((time.time() - age_s) * 1000)
        stranger.send(stranger.envelope("out of time", time_ms=time_ms).carry, Ping(4711))
        while stranger.expect(Pong) != Pong(4711):
            pass  # the answer to somebody's ping

        village.goes_on()


@pytest.mark.threat(11)
def test_a_forged_copy_does_not_keep_the_true_one_out(programs: Programs) -> None:
    ann = programs.line("--nick", "ann", "--manual")
    with HostilePeer(ann.port) as author, HostilePeer(ann.port) as forger:
        author.open("author")
        ann.wait_for("Connected: author")
        true = author.envelope("the true one")
        forger.open("forger").send(replace(true, signature=bytes(64)).carry)
        forger.wait_for_end()

        author.send(true.carry)

        ann.wait_for("mallory -> the true one")


def test_an_unknown_kind_is_passed_on_and_not_shown(village: Village) -> None:
    with HostilePeer(village.ann.port) as stranger, HostilePeer(village.bob.port) as listener:
        listener.open("listener")
        stranger.open()
        sent = stranger.envelope("of the future", kind=40)
        stranger.send(sent.carry)

        while (carry := listener.expect(Carry)) and isinstance(carry, Carry):
            if carry.id == sent.id:
                break
        assert carry == Carry(2, sent.id, sent.signature, sent.signed)
        village.goes_on()


# --- A crowd ----------------------------------------------------------------------------------


@pytest.mark.threat(1)
@needs_proc
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_thousand_silent_sockets_leave_the_node_usable_and_cost_nothing_afterwards(
    programs: Programs,
) -> None:
    allow_files(2 * CROWD)
    ann = programs.line("--nick", "ann", "--manual")
    bob = programs.line("--nick", "bob", "--manual")
    assert ann.port
    before = files_of(ann)
    control_s = _dial_s(bob, ann)
    bob.say("/disconnect ann")
    ann.wait_for("Disconnected: bob")

    with ExitStack() as crowd:
        # In parallel, because the system makes some of them wait a second for their turn.
        with ThreadPoolExecutor(50) as threads:
            addresses = [("127.0.0.1", ann.port)] * CROWD
            for silent in threads.map(socket.create_connection, addresses):
                crowd.enter_context(silent)
        waited_s = _dial_s(bob, ann)
        bob.say("through the crowd")
        ann.wait_for("bob -> through the crowd")
        places = limits.OPENING_PER_PRIVATE_ADDRESS + limits.GUESTS_LIMIT
        wait_until(lambda: files_of(ann) <= before + 1 + places, "most of them closed")

    wait_until(lambda: files_of(ann) <= before + 1, "files closed", lambda: str(files_of(ann)))
    assert waited_s < 2.0 + 10 * control_s


def _dial_s(dialler: Program, acceptor: Program) -> float:
    began_at = time.monotonic()
    dialler.connect(acceptor)
    return time.monotonic() - began_at

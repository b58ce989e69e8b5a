"""Where people connect to: what works, and what is said where it does not."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.crypto.hostile import make_certificate
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.processes import Program, Programs


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def _addresses_of(name: str) -> set[str]:
    return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


def everywhere(programs: Programs, nick: str) -> Program:
    """Start one that listens on both families."""
    program = programs.line("--nick", nick, "--manual", host=None)
    assert program.port
    return program


def dial(dialler: Program, address: str, acceptor: Program) -> None:
    dialler.say(f"connect {address}")
    dialler.wait_for("Connected: ")
    acceptor.wait_for("Connected: ")


# --- What works -------------------------------------------------------------------------------


@pytest.mark.threat(27)
@needs_ipv6
def test_three_processes_on_ipv4_ipv6_and_both_hear_each_other(programs: Programs) -> None:
    four = programs.line("--nick", "four", "--manual", host="127.0.0.1")
    six = programs.line("--nick", "six", "--manual", host="::1")
    both = everywhere(programs, "both")
    assert six.bound == f"[::1]:{six.port}"
    assert both.bound == f"[::]:{both.port}"

    four.say(f"connect 127.0.0.1:{both.port}")
    both.wait_for("Connected: four (127.0.0.1:")
    six.say(f"connect [::1]:{both.port}")
    both.wait_for("Connected: six ([::1]:")
    for dialler in (four, six):
        dialler.wait_for("Connected: both")
    four.say("from four")
    six.wait_for("four -> from four")
    six.say("from six")
    four.wait_for("six -> from six")
    both.wait_for("six -> from six")

    assert both.heard == ["four -> from four", "six -> from six"]


@pytest.mark.parametrize(
    "address",
    ["[::]:{}", "0.0.0.0:{}", ":{}", "localhost:{}", "localhost {}", "127.0.0.1 {}"],
)
def test_what_means_this_machine_can_be_typed(programs: Programs, address: str) -> None:
    ann, bob = everywhere(programs, "ann"), everywhere(programs, "bob")

    dial(bob, address.format(ann.port), ann)


@pytest.mark.threat(27)
@pytest.mark.skipif(
    "::1" not in _addresses_of("localhost"), reason="localhost has no IPv6 address here"
)
def test_localhost_reaches_a_node_of_either_family(programs: Programs) -> None:
    six = programs.line("--nick", "six", "--manual", host="::1")
    bob = everywhere(programs, "bob")

    dial(bob, f"localhost:{six.port}", six)


def test_a_neighbour_that_is_dialled_again_is_one_connection_still(programs: Programs) -> None:
    ann, bob = programs.people("ann", "bob")
    bob.connect(ann)

    bob.say(f"connect {ann.address}")
    already = bob.wait_for_error("already connected")
    bob.say("once")
    ann.wait_for("bob -> once")
    bob.say("twice")
    ann.wait_for("bob -> twice")

    assert already == f"already connected to ann ({ann.address})"
    assert ann.heard == ["bob -> once", "bob -> twice"]
    assert sum("Connected: " in line for line in ann.out) == 1


def test_a_connection_from_the_command_line_is_tried_again_until_it_opens(
    programs: Programs,
) -> None:
    port = programs.port()
    bob = programs.line("--nick", "bob", "--manual", "--connect", f"127.0.0.1:{port}")
    bob.wait_for("Error: could not connect")

    ann = programs.line("--nick", "ann", "--manual", port=port)

    assert ann.wait_for("Connected: ").startswith("Connected: bob ")


# --- What does not ----------------------------------------------------------------------------


@pytest.mark.threat(26)
@pytest.mark.parametrize(
    "address", ["127.0.0.1:{}", "[::]:{}", "localhost:{}", "[::ffff:127.0.0.1]:{}"]
)
def test_the_own_address_is_recognised_quietly(programs: Programs, address: str) -> None:
    ann = everywhere(programs, "ann")

    ann.say(f"connect {address.format(ann.port)}")

    assert ann.wait_for("Error: ") == "Error: that is this node's own address."
    assert ann.leave() == 0
    assert not any("Connected: " in line for line in ann.out)


@pytest.mark.threat(26)
def test_a_copy_of_the_own_profile_is_told_to_both(programs: Programs, tmp_path: Path) -> None:
    ann = everywhere(programs, "ann")
    copy = tmp_path / "copy/.local/share/p2pchat/default"
    copy.mkdir(parents=True, mode=0o700)
    (copy / "key").write_bytes((ann.home / ".local/share/p2pchat/default/key").read_bytes())
    (copy / "key").chmod(0o600)
    other = programs.line("--manual", home=tmp_path / "copy")

    other.say(f"connect 127.0.0.1:{ann.port}")

    assert "a copy of this profile runs there" in other.wait_for("Error: ")
    assert "a copy of this profile" in ann.wait_for_error("refused")


def test_a_closed_port_is_told_with_what_to_do(programs: Programs) -> None:
    ann = everywhere(programs, "ann")
    port = programs.port()

    ann.say(f"connect 127.0.0.1:{port}")

    assert ann.wait_for("Error: ") == (
        f"Error: could not connect to 127.0.0.1:{port}: nobody is listening there. "
        "Check the port on the other side (it is printed when p2pchat starts)."
    )


def test_a_closed_port_of_a_name_with_two_addresses_is_told_the_same_way(
    programs: Programs,
) -> None:
    ann = everywhere(programs, "ann")
    port = programs.port()

    ann.say(f"connect localhost:{port}")

    assert "nobody is listening there." in ann.wait_for("Error: ")


def test_a_machine_that_nobody_knows_is_told(programs: Programs) -> None:
    ann = everywhere(programs, "ann")

    ann.say("connect no-such-machine.invalid:55555")

    assert ann.wait_for("Error: ").startswith(
        "Error: could not connect to no-such-machine.invalid:55555: "
    )


def test_another_room_is_refused_aloud_on_both_sides(programs: Programs) -> None:
    ann = everywhere(programs, "ann")
    bob = programs.line("--manual", "--nick", "bob", "--room", "elsewhere")

    bob.say(f"connect 127.0.0.1:{ann.port}", "not for lobby")

    assert bob.wait_for("Error: ") == (
        "Error: that node is in another room, or its invite has another secret."
    )
    assert (
        ann.wait_for_error("refused")
        == "refused a connection from 127.0.0.1: another room or another secret"
    )
    bob.end_input()
    assert bob.wait() == 1
    assert ann.leave() == 0
    assert ann.heard == []


def test_members_of_another_room_chat_among_themselves(programs: Programs) -> None:
    ann = programs.line("--manual", "--nick", "ann", "--room", "elsewhere")
    bob = programs.line("--manual", "--nick", "bob", "--room", "elsewhere")
    bob.connect(ann)

    bob.say("hello")

    assert ann.wait_for(" -> ") == "bob -> hello"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections and do that with each; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(DEADLINE_S)


def test_a_server_that_talks_plain_text_is_no_p2pchat(programs: Programs) -> None:
    ann = everywhere(programs, "ann")

    with server(lambda connection: connection.sendall(b"220 mail ready\r\n")) as address:
        ann.say(f"connect {address}")

        assert ann.wait_for("Error: ") == (
            f"Error: no p2pchat answers at {address} (it speaks plain text). "
            f"If it is netcat or the article's node: connect plain://{address}"
        )


def test_a_server_that_hangs_up_is_told(programs: Programs) -> None:
    ann = everywhere(programs, "ann")

    with server(lambda connection: connection.close()) as address:
        ann.say(f"connect {address}")

        assert ann.wait_for("Error: ").startswith(f"Error: could not connect to {address}: ")


def test_a_tls_server_that_is_no_p2pchat_is_told(programs: Programs, tmp_path: Path) -> None:
    ann = everywhere(programs, "ann")
    context = _tls_context(tmp_path)

    def shake_hands(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)
        except OSError:
            return

    with server(shake_hands) as address:
        ann.say(f"connect {address}")

        error = ann.wait_for("Error: ")

    assert error.startswith(f"Error: could not connect to {address}: handshake failed")


def _tls_context(folder: Path) -> ssl.SSLContext:
    key = Ed25519PrivateKey.generate()
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + make_certificate(key).public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_port_that_accepts_and_says_nothing_is_given_up_after_10_s(programs: Programs) -> None:
    ann, bob = everywhere(programs, "ann"), everywhere(programs, "bob")

    # The backlog of the system accepts; nobody ever answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        ann.say(f"connect {address}", "after the dial")
        dial(bob, f"127.0.0.1:{ann.port}", ann)
        error = ann.wait_for("Error: ")

    assert error == (
        f"Error: no p2pchat answers at {address} (no TLS in 10 s). "
        f"If it is netcat or the article's node: connect plain://{address}"
    )
    bob.wait_for("ann -> after the dial")

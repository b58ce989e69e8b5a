"""`p2pchat doctor` and `p2pchat invite` as somebody in front of a terminal meets them.

Whatever looks for others runs in a network namespace of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.wire.invite import decode_invite
from tests.e2e import network_namespace, virtual_lan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.processes import Program, Programs

HERE_ONLY: Final = ("--manual", "--host", "127.0.0.1", "--port", "0")

needs_namespaces: Final = pytest.mark.skipif(
    bool(network_namespace.why_not()), reason=network_namespace.why_not()
)
needs_cables: Final = pytest.mark.skipif(bool(virtual_lan.why_not()), reason=virtual_lan.why_not())


@pytest.fixture
def inside() -> Iterator[tuple[str, ...]]:
    with network_namespace.network_namespace() as found:
        yield found


def line_about(what: str, program: Program) -> str:
    """Return the only line about that."""
    program.wait()
    (found,) = [line for line in program.out if line[5:].startswith(what)]
    return found


# --- Doctor -----------------------------------------------------------------------------------


def test_with_somebody_to_talk_to_all_is_well(programs: Programs) -> None:
    (ann,) = programs.people("ann")

    doctor = programs.bare("doctor", *HERE_ONLY, "-c", ann.address)

    assert doctor.wait() == 0
    assert "1 person is connected to this node" in line_about("people", doctor)
    assert doctor.err == []


def test_who_does_not_listen_is_named_and_the_exit_code_says_so(programs: Programs) -> None:
    gone = f"127.0.0.1:{programs.port()}"

    doctor = programs.bare("doctor", *HERE_ONLY, "-c", gone)

    assert doctor.wait() == 1
    assert line_about("connect", doctor).startswith("[!]")
    assert "nobody is listening there" in line_about("connect", doctor)


def test_as_json_each_finding_is_an_object(programs: Programs) -> None:
    doctor = programs.bare("doctor", "--json", *HERE_ONLY)

    doctor.wait()

    (line,) = doctor.out
    told = json.loads(line)
    assert told["command"] == "doctor"
    assert {finding["what"] for finding in told["data"]} >= {"port", "people", "room"}


@needs_namespaces
def test_a_machine_without_a_network_is_told_so(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    doctor = programs.line("doctor", wrapper=inside, host=None)

    assert doctor.wait() == 1
    assert line_about("network", doctor).startswith("[!]")
    assert "no network" in line_about("network", doctor)


@needs_namespaces
def test_the_other_terminal_is_found_without_a_network(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    home = programs.home()
    ann = programs.line("--nick", "ann", home=home, wrapper=inside)
    assert ann.port

    doctor = programs.line("doctor", home=home, wrapper=inside)

    assert doctor.wait() == 0
    assert line_about("people", doctor).startswith("[ok]")


@needs_namespaces
def test_who_is_in_another_room_than_all_others_is_told_so(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    home = programs.home()
    ann = programs.line("--room", "tea", home=home, wrapper=inside)
    assert ann.port

    doctor = programs.line("doctor", home=home, wrapper=inside)

    assert "alone in lobby" in line_about("people", doctor)


@needs_cables
def test_on_a_lan_a_stranger_is_told_of_and_joined_with_consent(programs: Programs) -> None:
    with virtual_lan.virtual_lan(2) as (one, other):
        ann = programs.line("--nick", "ann", "--lan", wrapper=one.inside, host=None)
        assert ann.port
        asking = programs.line("doctor", wrapper=other.inside, host=None)
        asked = line_about("people", asking)
        joining = programs.line("doctor", "--lan", wrapper=other.inside, host=None)

        assert "somebody of lobby was found" in asked
        assert joining.wait() == 0
        assert line_about("people", joining).startswith("[ok]")
        assert line_about("reachable", joining).startswith("[ok]")


# --- Invite -----------------------------------------------------------------------------------


@needs_namespaces
def test_an_invite_to_a_node_that_runs_leads_there(
    programs: Programs, inside: tuple[str, ...]
) -> None:
    home = programs.home()
    ann = programs.line("--nick", "ann", "--room", "tea", home=home, wrapper=inside)
    assert ann.port

    made = programs.bare("invite", "--room", "tea", "--qr", home=home)

    assert made.wait() == 0
    (place,) = decode_invite(made.out[-1]).places
    assert [str(address) for address in place.addresses] == [ann.address]
    assert len(made.out) > 10
    assert any("tea is an open room" in line for line in made.err)
    ben = programs.line("--manual", "-c", made.out[-1], wrapper=inside)
    ben.wait_for("Connected: ann")


def test_without_a_node_there_is_nobody_to_invite_to(programs: Programs) -> None:
    made = programs.bare("invite")

    assert made.wait() == 1
    assert made.out == []
    assert "Start one in another terminal: p2pchat" in made.err[0]

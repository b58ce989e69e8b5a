"""Somebody stands between two programs, and ends the connection of each with a key of his own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.values import Address, PeerId
from p2pchat.wire.invite import encode_invite
from tests.e2e.meddler import Meddler

if TYPE_CHECKING:
    from tests.e2e.processes import JsonProgram, Programs

ROOM: Final = "between"


@pytest.fixture
def ann(programs: Programs) -> JsonProgram:
    started = programs.json("--manual", "-n", "ann", "-r", ROOM)
    started.wait_for_object("ready")
    return started


def id_of(program: JsonProgram) -> str:
    return str(program.wait_for_object("ready")["id"])


def neighbour_of(program: JsonProgram) -> tuple[str, bool]:
    """Wait for its neighbour; return his key, and whether that was verified."""
    program.wait_for_object("connected")
    program.request("command", line="/peers")
    (neighbour,) = program.wait_for_object("result", command="peers")["data"]["neighbours"]
    return neighbour["peer"]["id"], neighbour["verified"]


def invite_to(ann: JsonProgram, address: str) -> str:
    """Invite to her, at another address than hers."""
    host, _, port = address.rpartition(":")
    peer = PeerId(bytes.fromhex(id_of(ann)))
    return encode_invite(Invite(ROOM, None, (InvitePlace(peer, (Address(host, int(port)),)),)))


@pytest.mark.threat(13)
def test_who_is_between_is_refused_where_a_key_is_expected(
    programs: Programs, ann: JsonProgram
) -> None:
    with Meddler(ann.port, ROOM, proves_itself=True) as eve:
        bob = programs.json("--manual", "-n", "bob", "-c", invite_to(ann, eve.address))

        refused = bob.wait_for_object("error")

    assert bob.leave() == 0
    assert refused["code"] == "key-mismatch"
    assert bob.of_type("connected") == []


@pytest.mark.threat(13)
def test_where_none_is_expected_both_see_his_key_and_nobody_is_verified(
    programs: Programs, ann: JsonProgram
) -> None:
    with Meddler(ann.port, ROOM, proves_itself=True) as eve:
        bob = programs.json("--manual", "-n", "bob", "-r", ROOM, "-c", eve.address)
        seen = [neighbour_of(end) for end in (bob, ann)]
        ann.request("send", text="it is me")
        heard = bob.wait_for_object("message", text="it is me")

    assert seen == [(eve.peer.hex(), False)] * 2
    assert heard["from"]["id"] == id_of(ann), "what he hands on is signed by who wrote it"


@pytest.mark.threat(13)
def test_proofs_that_he_hands_on_open_nothing(programs: Programs, ann: JsonProgram) -> None:
    with Meddler(ann.port, ROOM, proves_itself=False) as eve:
        bob = programs.json("--manual", "-n", "bob", "-r", ROOM)
        bob.request("connect", address=eve.address)

        bob.wait_for_object("error")

    assert bob.leave() == ann.leave() == 0
    assert bob.of_type("connected") == ann.of_type("connected") == []

"""What becomes of settings: which room a node is in, and whom it dials first."""

from __future__ import annotations

import pytest

from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.values import Address
from p2pchat.errors import BadAddress, BadInvite
from p2pchat.launch import node_for
from p2pchat.settings import Settings
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.wire.invite import encode_invite

BOB = Address("10.1.0.2", 55555)


def invite_to(room: str, secret: bytes | None = None) -> Invite:
    return Invite(room, secret, (InvitePlace(sim_peer_id("bob"), (BOB,)),))


async def test_whom_the_command_line_names_is_dialled_in_that_order() -> None:
    invite = invite_to("lobby")

    node, targets = await node_for(Settings(connect=(encode_invite(invite), "10.1.0.2:55555")))

    assert targets == (invite, BOB)
    assert node.room == "lobby"


async def test_an_invite_decides_the_room() -> None:
    text = encode_invite(invite_to("tea"))

    invited, _ = await node_for(Settings(connect=(text,)))
    named, _ = await node_for(Settings(connect=(text,), room="tea"))
    plain, _ = await node_for(Settings())

    assert (invited.room, named.room, plain.room) == ("tea", "tea", "lobby")


@pytest.mark.parametrize(
    ("text", "error"), [("10.1.0.2", BadAddress), ("p2pchat://nonsense", BadInvite)]
)
async def test_what_is_neither_address_nor_invite_is_refused(
    text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node_for(Settings(connect=(text,)))

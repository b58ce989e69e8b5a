"""What an invite may hold."""

from __future__ import annotations

import pytest

from p2pchat.core.invites import INVITE_ADDRESSES, INVITE_SECRET_BYTES, Invite, InvitePlace
from p2pchat.core.limits import ROOM_LIMIT_BYTES
from p2pchat.core.values import Address, PeerId
from p2pchat.errors import BadInvite

ANN = PeerId(b"a" * 32)
HERE = Address("192.168.1.5", 55555)


def test_an_invite_at_its_limits_is_one() -> None:
    invite = Invite(
        "ü" * (ROOM_LIMIT_BYTES // 2),
        bytes(INVITE_SECRET_BYTES),
        (InvitePlace(ANN, (HERE,) * INVITE_ADDRESSES),),
    )

    assert invite.has_secret


@pytest.mark.parametrize(
    ("room", "secret", "places"),
    [
        ("", None, ()),
        ("ü" * (ROOM_LIMIT_BYTES // 2) + "x", None, ()),
        ("lobby", b"", ()),
        ("lobby", bytes(INVITE_SECRET_BYTES + 1), ()),
        ("lobby", None, (InvitePlace(PeerId(b"a" * 31), ()),)),
        ("lobby", None, (InvitePlace(ANN, ()),) * (INVITE_ADDRESSES + 1)),
        ("lobby", None, (InvitePlace(ANN, (HERE,) * 5), InvitePlace(ANN, (HERE,) * 4))),
    ],
    ids=["no room", "long room", "no secret", "long secret", "short id", "places", "addresses"],
)
def test_an_invite_beyond_a_limit_is_refused(
    room: str, secret: bytes | None, places: tuple[InvitePlace, ...]
) -> None:
    with pytest.raises(BadInvite, match="that invite can't be read"):
        Invite(room, secret, places)


def test_the_secret_is_in_no_log() -> None:
    assert "hush" not in repr(Invite("lobby", b"hush"))

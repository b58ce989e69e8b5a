"""An invite as text: what people copy, send and scan.

`p2pchat://`, then base64url without padding of a msgpack array and four bytes of BLAKE2b over
that array. The array is [version 1, room, secret or nil, places], a place [id, addresses]; what
a later version adds behind these is skipped.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from p2pchat.core.fields import AddressText, Key, Version
from p2pchat.core.invites import (
    INVITE_ADDRESSES,
    INVITE_LIMIT_CHARACTERS,
    INVITE_SCHEME,
    INVITE_SECRET_BYTES,
    Invite,
    InvitePlace,
)
from p2pchat.core.records import read_addresses
from p2pchat.core.values import Address, PeerId
from p2pchat.errors import BadInvite, InviteTooNew
from p2pchat.sanitize import is_invisible

VERSION: Final = 1
CHECKSUM_BYTES: Final = 4

_OPENING: Final = "<([{\"'`*"
_CLOSING: Final = ">)]}\"'`*.,;:!?/"
"""What people and chat programs put around a link; none of it is in base64url."""


class _Version(Struct, array_like=True):
    """Reads the version in front and nothing else."""

    version: Version


class _Place(Struct, array_like=True):
    peer: Key
    addresses: Annotated[tuple[AddressText, ...], Meta(max_length=INVITE_ADDRESSES)]


class _Whole(Struct, array_like=True):
    version: Version
    room: str
    secret: Annotated[bytes, Meta(min_length=1, max_length=INVITE_SECRET_BYTES)] | None
    places: Annotated[tuple[_Place, ...], Meta(max_length=INVITE_ADDRESSES)]


_versions: Final = msgspec.msgpack.Decoder(_Version)
_invites: Final = msgspec.msgpack.Decoder(_Whole)


def encode_invite(invite: Invite) -> str:
    """Return the invite as text; `decode_invite` gives back an equal one.

    Raises:
        BadInvite: The room's name is no text.
    """
    places = tuple(_Place(p.peer, tuple(str(a) for a in p.addresses)) for p in invite.places)
    try:
        packed = msgspec.msgpack.encode(_Whole(VERSION, invite.room, invite.secret, places))
    except UnicodeEncodeError:
        raise BadInvite("its room's name holds half a character") from None
    return INVITE_SCHEME + urlsafe_b64encode(packed + _checksum(packed)).decode().rstrip("=")


def decode_invite(text: str) -> Invite:
    """Read an invite, also with blanks around it, in brackets, or before a full stop.

    Addresses of a kind that this version does not know are left out.

    Raises:
        BadInvite: It is none, or not whole; its text never repeats what was read.
        InviteTooNew: A later version made it.
    """
    packed = _unpacked(_bare(text))
    try:
        version = _versions.decode(packed).version
        if version > VERSION:
            raise InviteTooNew
        whole = _invites.decode(packed)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadInvite("what it says makes no sense") from None
    return Invite(whole.room, whole.secret, tuple(map(_place, whole.places)))


def read_target(text: str) -> Address | Invite:
    """Read what follows `connect`: an invite if it looks like one, otherwise an address.

    Raises:
        BadAddress, BadInvite: It is neither.
    """
    return decode_invite(text) if is_like_invite(text) else Address.parse(text)


def is_like_invite(text: str) -> bool:
    """Tell whether somebody who typed that meant an invite, be it a good one or not."""
    return INVITE_SCHEME in text.lower()


def holds_secret(text: str) -> bool:
    """Tell whether an invite with a secret stands among the words of a text.

    One that cannot be read, but may be one with a typing error, counts.
    """
    return any(_may_hold_secret(word) for word in text.split() if is_like_invite(word))


def _may_hold_secret(word: str) -> bool:
    try:
        return decode_invite(word[word.lower().index(INVITE_SCHEME) :]).has_secret
    except BadInvite:
        return True


def _bare(text: str) -> str:
    """Return what follows the scheme, without what stands around a link."""
    # A bound before the work: the text may be a whole file.
    kept = text[: 2 * INVITE_LIMIT_CHARACTERS].strip()
    while kept and (kept[0] in _OPENING or is_invisible(kept[0])):
        kept = kept[1:]
    while kept and (kept[-1] in _CLOSING or is_invisible(kept[-1])):
        kept = kept[:-1]
    if not kept.lower().startswith(INVITE_SCHEME):
        raise BadInvite(f"it does not begin with {INVITE_SCHEME}")
    if len(kept) > INVITE_LIMIT_CHARACTERS:
        raise BadInvite(f"it has more than {INVITE_LIMIT_CHARACTERS} characters")
    return kept[len(INVITE_SCHEME) :]


def _unpacked(coded: str) -> bytes:
    """Return the msgpack array, if the checksum says that it is the one that was written."""
    try:
        # The decoder skips what is no base64url, so what it read has to be compared.
        whole = urlsafe_b64decode(coded.encode("ascii") + b"=" * (-len(coded) % 4))
    except (binascii.Error, ValueError):
        whole = b""
    packed, checksum = whole[:-CHECKSUM_BYTES], whole[-CHECKSUM_BYTES:]
    is_exact = urlsafe_b64encode(whole).decode().rstrip("=") == coded
    if not packed or not is_exact or checksum != _checksum(packed):
        raise BadInvite("a character is wrong or missing. Copy the whole of it once more")
    return packed


def _checksum(packed: bytes) -> bytes:
    return blake2b(packed, digest_size=CHECKSUM_BYTES).digest()


def _place(read: _Place) -> InvitePlace:
    addresses = tuple(a for a in read_addresses(read.addresses) if not a.plain)
    return InvitePlace(PeerId(read.peer), addresses)

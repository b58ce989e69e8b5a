"""Bytes of strangers to values: framing, frames, what is signed in them, invites, addresses."""

from __future__ import annotations

import argparse
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from p2pchat import argument
from p2pchat.core.direct_values import (
    Inside,
    Outside,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
)
from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import Skipped
from p2pchat.core.invites import INVITE_SCHEME, Invite, InvitePlace
from p2pchat.core.limits import FRAME_LIMIT_BYTES, OPENING_FRAME_LIMIT_BYTES
from p2pchat.core.presence import Here
from p2pchat.core.reach import ReachQuery
from p2pchat.core.records import (
    RecordHeader,
    Scope,
    is_offerable,
    netgroup,
    normal_ip,
    offerable,
    read_addresses,
    scope_of,
)
from p2pchat.core.topology import StatementHeader
from p2pchat.core.values import Address, EnvelopeId, PeerId
from p2pchat.core.who import WhoQuery
from p2pchat.errors import (
    BadAddress,
    BadInvite,
    FrameMalformed,
    FrameTooLarge,
    GuestRefused,
)
from p2pchat.wire import invite as invites
from p2pchat.wire.codec import Codec, decode, encode
from p2pchat.wire.framing import HEADER_BYTES, FrameSplitter, frame_bytes
from p2pchat.wire.plain_line import LineSplitter, guest_line
from tests.fuzz.target import Reader, Target, piece
from tests.wire.samples import FRAMES, least_fields, raw

if TYPE_CHECKING:
    from collections.abc import Callable

# --- The frame splitter -----------------------------------------------------------------------


def framing(data: bytes) -> None:
    """Pieces of a stream; the first byte says whether the opening is over."""
    reader = Reader(data)
    limit = FRAME_LIMIT_BYTES if reader.byte() & 1 else OPENING_FRAME_LIMIT_BYTES
    splitter = FrameSplitter(limit)
    fed = b""
    with suppress(FrameTooLarge, FrameMalformed):
        for fresh in reader.pieces():
            fed += fresh
            splitter.feed(fresh)
            while (payload := splitter.next_frame()) is not None:
                assert 1 <= len(payload) <= limit
                assert fed.startswith(frame_bytes(payload))
                fed = fed[HEADER_BYTES + len(payload) :]
            assert splitter.waiting_bytes == len(fed) < HEADER_BYTES + limit


def _framing_seeds() -> list[bytes]:
    stream = frame_bytes(b"\x91\x07") + frame_bytes(b"\x92\x05\x07") + frame_bytes(b"x" * 300)
    return [
        b"\x00" + piece(stream),
        b"\x01" + b"".join(piece(stream[at : at + 7]) for at in range(0, len(stream), 7)),
        b"\x01" + piece(frame_bytes(b"y" * 2_000)) + piece(b"\x00\x00"),
    ]


# --- Frames and what is in them ---------------------------------------------------------------


def frames(data: bytes) -> None:
    """One payload; what is taken is written as it was read."""
    try:
        frame = decode(data)
    except FrameMalformed:
        return
    if not isinstance(frame, Skipped):
        assert decode(encode(frame)) == frame


def _frame_seeds() -> list[bytes]:
    return [raw(frame, least_fields(frame)) for frame in FRAMES]


SIGNED_PARTS: Final[tuple[tuple[type[msgspec.Struct], str], ...]] = (
    (Header, "header"),
    (Texts, "texts"),
    (Here, "presence"),
    (RecordHeader, "record"),
    (StatementHeader, "statement"),
    (Outside, "outside"),
    (Inside, "inside"),
    (SignedInside, "signed_inside"),
    (SealingKeyRecord, "sealing_key"),
    (SealingRequest, "sealing_request"),
    (ReachQuery, "query"),
    (WhoQuery, "who"),
)


def signed_parts(data: bytes) -> None:
    """The first byte chooses what is to be read, the rest is read."""
    codec: Any = Codec()
    kind, name = SIGNED_PARTS[Reader(data).choice(len(SIGNED_PARTS))]
    read: Callable[[bytes], Any] = getattr(codec, f"decode_{name}")
    write: Callable[[Any], bytes] = getattr(codec, f"encode_{name}")
    try:
        part = read(data[1:])
    except FrameMalformed:
        return
    assert isinstance(part, kind) or part == EnvelopeId(bytes(part))
    assert read(write(part)) == part
    repr(part)


def _part_seeds() -> list[bytes]:
    return [
        bytes([number]) + msgspec.msgpack.encode(least_fields(kind))
        for number, (kind, _) in enumerate(SIGNED_PARTS)
    ]


# --- Plain lines ------------------------------------------------------------------------------


def plain_lines(data: bytes) -> None:
    """Pieces of what a guest sends; what he says can be written to other guests."""
    reader, splitter = Reader(data), LineSplitter()
    with suppress(GuestRefused):
        texts: list[str] = []
        for fresh in reader.pieces():
            texts += splitter.feed(fresh)
        texts += splitter.finish()
        for text in texts:
            assert text.strip()
            assert "\n" not in text
            line = guest_line("guest", text)
            assert line.count(b"\n") == 1
            assert line.decode().endswith("\n")


def _line_seeds() -> list[bytes]:
    lines = (
        b"hello\r\nthere\n",
        b"\xff\xfb\x01\xff\xf1telnet\n",
        "caf\u00e9\n\u202e".encode(),
        b"GET / HTTP/1.1\n",
        b"SSH-2.0-x\n",
        b"EHLO me\n",
        b"\x16\x03\x01",
        b"x" * 300 + b"\n",
    )
    return [b"".join(map(piece, lines[:3])), *map(piece, lines)]


# --- Invites and addresses --------------------------------------------------------------------


def invite(data: bytes) -> None:
    """A text that may be an invite; with a zero in front, what is in one, with a true checksum."""
    if data[:1] == b"\0":
        packed = data[1:]
        text = INVITE_SCHEME + urlsafe_b64encode(
            packed + invites._checksum(packed)
        ).decode().rstrip("=")
    else:
        text = data.decode("utf-8", "replace")
    invites.holds_secret(text)
    with suppress(BadInvite, BadAddress):
        invites.read_target(text)
    try:
        found = invites.decode_invite(text)
    except BadInvite:
        return
    repr(found)
    assert invites.is_like_invite(text)
    assert invites.holds_secret(f"see {text.strip()} now") or not found.has_secret
    assert invites.decode_invite(invites.encode_invite(found)) == found


def _invite_seeds() -> list[bytes]:
    place = InvitePlace(PeerId(bytes(range(32))), (Address("10.0.0.1", 55555),))
    texts = [
        invites.encode_invite(Invite("lobby", None)),
        invites.encode_invite(Invite("tea", bytes(16), (place, place))),
    ]
    packed = msgspec.msgpack.encode([1, "tea", bytes(16), [[bytes(32), ["[::1]:5", "h:1"]]]])
    return [*(t.encode() for t in texts), f"<{texts[1]}>.".encode(), b"\0" + packed]


def address(data: bytes) -> None:
    """One text as an address, a port, and all that is asked about addresses of others."""
    text = data.decode("utf-8", "replace")
    with suppress(BadAddress):
        found = Address.parse(text)
        assert 1 <= found.port <= 65_535
        assert Address.parse(str(found)) == found
        if is_offerable(found):
            assert found.port >= 1_024
    for ask in (scope_of, normal_ip, netgroup):
        ask(text)
    for scope in Scope:
        offerable(read_addresses(text.split()), scope)
    _arguments(text)


_READERS: Final[tuple[tuple[Callable[[str], float], float], ...]] = (
    (argument.port, 65_535),
    (argument.minutes, 60 * 24 * 365),
    (argument.count, 1_000_000),
    (argument.seconds, argument.LONGEST_TIMEOUT_S),
)


def _arguments(text: str) -> None:
    for read, most in _READERS:
        with suppress(argparse.ArgumentTypeError):
            assert 0 <= read(text) <= most
    for take in (argument.nick, argument.target, argument.room, argument.text):
        with suppress(argparse.ArgumentTypeError):
            take(text)


def _address_seeds() -> list[bytes]:
    texts = (
        "localhost:55555", "10.0.0.1:5000", "[::1]:1", ":80", "plain://h:1", "[fe80::1%eth0]:9",
        "[::ffff:127.0.0.1]:55555", "224.0.0.1:5555", "55555", "1e3", "0.5", "a:000001",
    )  # fmt: skip
    return [text.encode() for text in texts]


WIRE: Final = {
    "framing": Target(framing, _framing_seeds),
    "frames": Target(frames, _frame_seeds),
    "signed": Target(signed_parts, _part_seeds),
    "lines": Target(plain_lines, _line_seeds, (b"HTTP/", b"SIP/2", b"GET ", b"\xff\xfd", b"\r\n")),
    "invite": Target(invite, _invite_seeds, (b"p2pchat://", b"P2PCHAT://")),
    "address": Target(address, _address_seeds, (b"plain://", b"::", b"%", b"]:", b"127.0.0.1")),
}

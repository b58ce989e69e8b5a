"""What attackers do to one node: each weapon prepares, then strikes for so many seconds."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.frames import Goodbye, Hello, Ping, Proof, Refusal, Welcome
from p2pchat.core.session import RefusalReason
from p2pchat.crypto.identity import Identity
from p2pchat.wire.codec import encode
from p2pchat.wire.framing import frame_bytes
from tests.attack.target import CUT_OFF, Filling, Flood, at_once, half_hello
from tests.e2e.hostile_peer import HostilePeer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attack.target import Strike, Target, Told, Weapon

CROWD: Final = 1_000
DIALS: Final = 500
PAUSE_S: Final = 0.5
"""Before somebody who was thrown out comes again."""

FORGERS: Final = 3
FORGERIES_PER_S: Final = 5_000
FORGERIES: Final = 20_000
SPAM: Final = 10_000
SPAM_S: Final = 10.0
FRESH_PER_S: Final = 1_000
GARBAGE_AT_ONCE: Final = 4
OPENERS: Final = 8
IDLE_LONGEST_S: Final = 90.0
"""Until all who want to open a connection have tried, however long a strike should be."""

DEAF_BUFFER_BYTES: Final = 4_096
TALKERS: Final = 20
TALK_PER_S: Final = 15
TALK: Final = "\U00010348" * limits.TEXT_LIMIT_CHARACTERS
"""The longest text there is, 16,000 bytes."""


# --- Before the opening -----------------------------------------------------------------------


def _crowd(size: int, first: bytes = b"", then: bytes = b"") -> Weapon:
    """Return a weapon: so many sockets that say that first, then that each second."""

    def prepare(target: Target) -> Strike:
        return lambda length_s: asyncio.run(_stand_around(target, size, first, then, length_s))

    return prepare


async def _stand_around(
    target: Target, size: int, first: bytes, then: bytes, length_s: float
) -> Told:
    dials = 0
    until = time.monotonic() + length_s

    async def come_again() -> None:
        nonlocal dials
        while time.monotonic() < until:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
                dials += 1
                writer.write(first)
                while (left_s := until - time.monotonic()) > 0:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(min(1.0, left_s)):
                            if not await reader.read(65_536):
                                break
                    writer.write(then)
                writer.transport.abort()
            await asyncio.sleep(PAUSE_S)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(size):
            tasks.create_task(come_again())
    return {"dials": dials}


# --- Envelopes --------------------------------------------------------------------------------


def _carry(peer: HostilePeer, text: str, author: bytes | None = None) -> bytes:
    changes = {} if author is None else {"author": author}
    return frame_bytes(encode(peer.envelope(text, **changes).carry))


def bad_signatures(target: Target) -> Strike:
    """Envelopes in alice's name that she has not signed, by three who come again and again."""
    with target.peer() as peer:
        frames = [_carry(peer, f"I am alice {n}", target.alice) for n in range(FORGERIES)]

    def strike(length_s: float) -> Told:
        until = time.monotonic() + length_s
        floods: list[Flood] = []

        def forge() -> None:
            while time.monotonic() < until:
                with suppress(*CUT_OFF):
                    floods.append(flood := Flood(target.peer().open("forger")))
                    flood.run(frames, FORGERIES_PER_S / FORGERS, until)

        at_once([forge] * FORGERS)
        ends = [flood.ended_after_s for flood in floods if flood.sent]
        # One that was not cut off by the victim stayed for ever, as far as we know.
        longest_s = max((math.inf if end is None else end for end in ends), default=math.inf)
        return {
            "sent": sum(flood.sent for flood in floods),
            "connections": len(floods),
            "closed_s": longest_s,
        }

    return strike


def spam(target: Target) -> Strike:
    """One author who ignores all pacing."""
    peer = target.peer().open("spammer")
    frames = [_carry(peer, f"spam {n}") for n in range(SPAM)]
    return lambda length_s: _flood(peer, frames, SPAM / SPAM_S, length_s)


def fresh_ids(target: Target) -> Strike:
    """Authors nobody has heard of, one envelope each: keys are free."""
    peer = target.peer().open("many")
    own, frames = peer.identity, []
    for number in range(SPAM):
        peer.identity, peer.epoch = Identity.generate(), os.urandom(8)
        frames.append(_carry(peer, f"fresh {number}"))
    peer.identity = own
    return lambda length_s: _flood(peer, frames, FRESH_PER_S, length_s)


def _flood(peer: HostilePeer, frames: list[bytes], per_s: float, length_s: float) -> Told:
    began = time.monotonic()
    flood = Flood(peer)
    flood.run(frames, per_s, began + length_s)
    took_s = time.monotonic() - began
    time.sleep(max(0.0, length_s - took_s))
    return {"sent": flood.sent, "connections": 1}


# --- A peer that stops reading ----------------------------------------------------------------


def stops_reading(target: Target) -> Strike:
    """One who opens a connection and takes nothing in, while many others talk at length.

    It tells when its system took the last byte for it, on the clock that all processes share: from
    then on nothing that waits for it can get less.
    """
    talker = target.peer().open("talker")
    frames = []
    authors = [(Identity.generate(), os.urandom(8)) for _ in range(TALKERS)]
    own = talker.identity
    for number in range(TALKERS * TALK_PER_S):
        talker.identity, talker.epoch = authors[number % TALKERS]
        talker._next_number = number // TALKERS
        frames.append(_carry(talker, TALK))
    talker.identity = own

    def strike(length_s: float) -> Told:
        with target.peer() as deaf:
            deaf._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER_BYTES)
            deaf.open("deaf")
            filling = Filling(deaf._socket)
            told = _flood(talker, frames, TALK_PER_S, length_s)
            return told | {"full_at": filling.last_at}

    return strike


# --- Garbage ----------------------------------------------------------------------------------

MILLION: Final = 10**6


def _http(peer: HostilePeer) -> None:
    peer.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


GARBAGE: Final[dict[str, Callable[[HostilePeer], object]]] = {
    "random bytes": lambda p: p.send_raw(os.urandom(4_000)),
    "random bytes as TLS": lambda p: p.send_raw(b"\x16" + os.urandom(4_000)),
    "endless handshake": lambda p: p.send_raw(b"\x16\x03\x01\x40\x00" + bytes(64_000)),
    "a web page's request": _http,
    "a line without end": lambda p: p.send_raw(b"a" * 64_000),
    "large frame in the opening": lambda p: p.secure().send_payload(bytes(60_000)),
    "random frame in the opening": lambda p: p.secure().send_payload(os.urandom(500)),
    "too early": lambda p: p.secure().send(Ping(1)),
    "two hellos": lambda p: p.greet().send(Hello(1, 1, (), p.epoch)),
    "a proof of nothing": lambda p: p.greet().send(Proof(bytes(32))),
    "two welcomes": lambda p: p.open().send(Welcome("mallory", 0, ())),
    "talk after goodbye": lambda p: p.open().send(Goodbye(), Ping(1)),
    "length of 4 GiB": lambda p: p.open().send_plaintext(b"\xff" * 4),
    "random frame": lambda p: p.open().send_payload(os.urandom(60_000)),
    "a list said to have a million": lambda p: p.open().send_payload(
        b"\xdd" + MILLION.to_bytes(4, "big") + bytes(60_000)
    ),
    "a million elements": lambda p: p.open().send_payload(
        b"\x92\x11\xdd" + MILLION.to_bytes(4, "big") + b"\xc0" * MILLION
    ),
    "as many as fit": lambda p: p.open().send_payload(
        b"\x92\x11\xdd" + (60_000).to_bytes(4, "big") + b"\xc0" * 60_000
    ),
    "deep nesting": lambda p: p.open().send_payload(b"\x91" * 60_000),
    "broken record": lambda p: p.open().send_raw(b"\x17\x03\x03\x00\x20" + bytes(32)),
    "half a frame, then nothing": lambda p: p.open().send_plaintext(b"\x00\x00\x10\x00half"),
}
"""Each on a connection of its own."""


def garbage(target: Target) -> Strike:
    """Everything that is no protocol, as fast as the victim hangs up."""

    def strike(length_s: float) -> Told:
        until = time.monotonic() + length_s
        thrown = 0

        def throw() -> None:
            nonlocal thrown
            while time.monotonic() < until:
                for what in GARBAGE.values():
                    with suppress(*CUT_OFF), target.peer() as peer:
                        thrown += 1
                        what(peer)

        at_once([throw] * GARBAGE_AT_ONCE)
        return {"connections": thrown}

    return strike


# --- Whole connections ------------------------------------------------------------------------


def idle_connections(target: Target) -> Strike:
    """A thousand who open a connection as they should and then say nothing."""

    def strike(length_s: float) -> Told:
        began = time.monotonic()
        held: list[HostilePeer] = []
        polite = rude = 0
        left = CROWD

        def come() -> None:
            nonlocal polite, rude, left
            while left > 0 and time.monotonic() < began + IDLE_LONGEST_S:
                left -= 1
                peer = target.peer()
                match _ask_in(peer):
                    case True:
                        held.append(peer)
                    case RefusalReason.BUSY:
                        polite += 1
                    case _:
                        rude += 1

        at_once([come] * OPENERS)
        time.sleep(max(0.0, began + length_s - time.monotonic()))
        for peer in held:
            peer.close()
        return {"held": len(held), "polite": polite, "rude": rude, "tried": CROWD - max(left, 0)}

    return strike


def _ask_in(peer: HostilePeer) -> bool | RefusalReason:
    """Open a connection; return True, or why it was refused, or False when nothing was said."""
    try:
        peer.greet().send(peer.proof())
        while frame := peer.frame():
            match frame:
                case Welcome():
                    peer.send(Welcome("idler", int(time.time() * 1000), ()))
                    return True
                case Refusal(reason):
                    peer.close()
                    return RefusalReason(reason)
    except CUT_OFF:
        pass
    peer.close()
    return False


WEAPONS: Final[dict[str, Weapon]] = {
    "silence": _crowd(CROWD),
    "trickle": _crowd(CROWD, b"\x16", b"\x01"),
    "half-hello": _crowd(CROWD, half_hello()),
    "bad-signatures": bad_signatures,
    "spam": spam,
    "fresh-ids": fresh_ids,
    "garbage": garbage,
    "stops-reading": stops_reading,
    "few-files": _crowd(DIALS),
    "idle": idle_connections,
}

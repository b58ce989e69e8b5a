"""What an attack is told, and what it tells."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from p2pchat.errors import P2PChatError
from tests.e2e.hostile_peer import HostilePeer
from tests.unread import unread_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Told = dict[str, float]
    Strike = Callable[[float], Told]
    """Attacks for so many seconds."""
    Weapon = Callable[["Target"], Strike]
    """Prepares what takes long, before anything is measured."""

CUT_OFF: Final = (OSError, AssertionError, P2PChatError)
"""How a connection ends that the victim ends: by the system, in the middle of an opening, or
inside TLS."""

TURN_S: Final = 0.01
"""Between two writes of a flood, or two looks at what has come."""

ENDED_S: Final = 3.0
"""How long the end of a connection is waited for after its last frame."""


@dataclass(frozen=True)
class Target:
    """The victim, and whose name an attack may want to use."""

    port: int
    room: str
    alice: bytes
    """The key of somebody honest."""

    def peer(self) -> HostilePeer:
        """Dial the victim as somebody new."""
        return HostilePeer(self.port, self.room)

    def socket(self) -> socket.socket:
        """Dial it and say nothing."""
        return socket.create_connection(("127.0.0.1", self.port), 10.0)


def half_hello() -> bytes:
    """Return the first half of what begins a handshake."""
    channel = SecureChannel(Identity.generate(), dialling=True)
    channel.start()
    hello = channel.take_outgoing()
    return hello[: len(hello) // 2]


def at_once(doing: Sequence[Callable[[], None]]) -> None:
    """Do all of them at the same time, and wait for their ends."""
    threads = [threading.Thread(target=one, daemon=True) for one in doing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Filling:
    """Watches what the system takes for a socket that nobody reads."""

    def __init__(self, watched: socket.socket) -> None:
        self.last_at = time.monotonic()
        """When it took something last."""
        self._watched = watched
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        taken = -1
        with suppress(OSError, ValueError):  # closed
            while True:
                if (now_taken := unread_bytes(self._watched)) != taken:
                    taken, self.last_at = now_taken, time.monotonic()
                time.sleep(TURN_S)


class Flood:
    """Sends what was prepared over one open connection, so many frames a second.

    What comes back is taken in and thrown away, so that nobody can call it a slow peer.
    """

    def __init__(self, peer: HostilePeer) -> None:
        self.sent = 0
        self.ended_after_s: float | None = None
        """Since the first frame, when the victim ended it."""
        self._peer = peer
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._is_ended = threading.Event()

    def run(self, frames: Sequence[bytes], per_s: float, until: float) -> None:
        """Send them in their order until all are out, it is time, or the connection has ended.

        Args:
            frames: With their lengths in front.
            per_s: How many a second.
            until: A moment of `time.monotonic()`.
        """
        self._reading.start()
        began = time.monotonic()
        with suppress(*CUT_OFF):
            while (now := time.monotonic()) < until and self.sent < len(frames):
                if self._is_ended.is_set():
                    break
                due = min(len(frames), int((now - began) * per_s) + 1)
                if due > self.sent:
                    self._peer.send_plaintext(b"".join(frames[self.sent : due]))
                    self.sent = due
                time.sleep(TURN_S)
        # What was sent last may be what ends it.
        if self._is_ended.wait(ENDED_S if self.sent else 0.0):
            self.ended_after_s = time.monotonic() - began
        self._peer.close()

    def _read(self) -> None:
        with suppress(*CUT_OFF):
            while self._peer.take_raw():
                pass
        self._is_ended.set()

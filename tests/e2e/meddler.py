"""Somebody between two nodes who ends the connection of each: TLS with one, TLS with the other."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from p2pchat.crypto.identity import Identity
from tests.deadline import DEADLINE_S
from tests.e2e.hostile_peer import HostilePeer

if TYPE_CHECKING:
    from p2pchat.core.values import PeerId


class Meddler:
    """Waits for one dialler, dials whom he meant, and hands every frame on in both directions."""

    def __init__(self, target: int, room: str, *, proves_itself: bool) -> None:
        """Prepare one.

        Args:
            target: Port of whom the dialler means.
            room: Name of the room.
            proves_itself: Whether it opens both connections as a member of the room, with a proof
                of its own for each; otherwise it hands on the proofs of the two ends.
        """
        self._target = target
        self._room = room
        self._proves_itself = proves_itself
        self._identity = Identity.generate()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._meddle, daemon=True)

    @property
    def address(self) -> str:
        """Where to dial it."""
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def peer(self) -> PeerId:
        """Whom both ends talk to."""
        return self._identity.peer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def _meddle(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except OSError:
            return  # nobody came
        accepted.settimeout(DEADLINE_S)
        with (
            HostilePeer(0, self._room, identity=self._identity, accepted=accepted) as dialler,
            HostilePeer(self._target, self._room, identity=self._identity) as target,
            suppress(OSError, AssertionError),  # one of them has had enough
        ):
            for end, nick in ((target, "dialler"), (dialler, "target")):
                end.open(nick) if self._proves_itself else end.secure()
            self._hand_on(dialler, target)

    def _hand_on(self, dialler: HostilePeer, target: HostilePeer) -> None:
        others = {dialler._socket: (dialler, target), target._socket: (target, dialler)}
        while not self._is_over.is_set():
            for readable in select.select(list(others), [], [], 0.1)[0]:
                one, other = others[readable]
                if not one.pass_on_to(other):
                    return

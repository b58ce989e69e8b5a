"""A peer with a real identity that may do what no honest node does."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import Carry, Hello, Proof, Welcome
from p2pchat.core.values import ENVELOPE_CONTEXT, Kind, envelope_id
from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.room import Room
from p2pchat.wire.codec import Codec, decode, encode
from p2pchat.wire.framing import FrameSplitter, frame_bytes
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from p2pchat.core.frames import Frame, Incoming

CODEC: Final = Codec()
LARGE: Final = 1024 * 1024


@dataclass
class Forgery:
    """An envelope whose every part may be replaced before it is sent."""

    header: Header
    signed: bytes
    signature: bytes
    id: bytes
    hops: int = 0

    @property
    def carry(self) -> Carry:
        return Carry(self.hops, self.id, self.signature, self.signed)


class HostilePeer:
    """Dials a node, opens the connection as it should be, and then sends whatever it is told."""

    def __init__(
        self,
        port: int,
        room: str = "lobby",
        *,
        identity: Identity | None = None,
        accepted: socket.socket | None = None,
    ) -> None:
        """Dial that port, or take a connection that was accepted there."""
        self.identity = identity or Identity.generate()
        self.epoch = os.urandom(8)
        self._room = Room(room, None)
        self._is_dialler = accepted is None
        self._channel = SecureChannel(self.identity, dialling=self._is_dialler)
        self._splitter = FrameSplitter(LARGE)
        self._socket = accepted or socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self._next_number = 0
        self._is_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word, also while somebody waits for what comes."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    # --- Opening -------------------------------------------------------------------------------

    def secure(self) -> Self:
        """Shake hands."""
        self._channel.start()
        while not self._channel.is_secured:
            self._flush()
            assert self._receive() or self._channel.is_secured, "it hung up in the handshake"
        self._flush()
        return self

    def greet(self) -> Self:
        """Shake hands and exchange the hellos."""
        self.secure().send(Hello(1, 1, (), self.epoch))
        self.expect(Hello)
        return self

    def prove(self) -> Self:
        """Go on until the other side's welcome is here; ours is still to be sent."""
        self.greet().send(self.proof())
        self.expect(Proof)
        self.expect(Welcome)
        return self

    def proof(self) -> Proof:
        """Return what shows that it knows the room, on this connection."""
        ends = [self.identity.peer, self._channel.peer]
        dialler, acceptor = ends if self._is_dialler else reversed(ends)
        credentials = NodeCredentials(self.identity, self._room)
        digest = credentials.prove(
            as_dialler=self._is_dialler, exported=self._channel.exported,
            dialler=dialler, acceptor=acceptor,
        )  # fmt: skip
        return Proof(digest)

    def open(self, nick: str = "mallory") -> Self:
        """Open the connection as an honest node does."""
        welcome = Welcome(nick, int(time.time() * 1000), ())
        if self._is_dialler:
            self.prove().send(welcome)
            return self
        self.greet().expect(Proof)
        self.send(self.proof(), welcome)
        self.expect(Welcome)
        return self

    # --- Sending -------------------------------------------------------------------------------

    def send(self, *frames: Frame) -> None:
        self.send_plaintext(b"".join(frame_bytes(encode(frame)) for frame in frames))

    def send_payload(self, payload: bytes) -> None:
        """Send what may be no frame, behind its length."""
        self.send_plaintext(len(payload).to_bytes(4, "big") + payload)

    def send_plaintext(self, plaintext: bytes) -> None:
        """Send what may have no honest length either."""
        self._channel.send(plaintext)
        self._flush()

    def send_raw(self, content: bytes) -> None:
        """Send bytes past TLS."""
        self._socket.sendall(content)

    def envelope(self, *texts: str, **changes: object) -> Forgery:
        """Make a valid envelope, but for the fields of the header that are given."""
        fields: dict[str, object] = {
            "network": self._room.network_id,
            "author": self.identity.peer,
            "epoch": self.epoch,
            "time_ms": int(time.time() * 1000),
            "kind": Kind.TEXT.value,
            "first": self._next_number,
            "count": len(texts),
            "nonce": b"",
            "body": CODEC.encode_texts(Texts("mallory", texts)),
        }
        self._next_number += len(texts)
        header = Header(**(fields | changes))  # type: ignore[arg-type]  # whatever a test wants
        signed = CODEC.encode_header(header)
        signature = self.identity.sign(ENVELOPE_CONTEXT, signed)
        return Forgery(header, signed, signature, envelope_id(signed))

    # --- Receiving -----------------------------------------------------------------------------

    def expect(self, kind: type[Incoming]) -> Incoming:
        """Wait for a frame of that kind; others before it are passed over."""
        while True:
            frame = self.frame()
            assert frame is not None, f"the connection ended before a {kind.__name__} came"
            if isinstance(frame, kind):
                return frame

    def frame(self) -> Incoming | None:
        """Wait for the next frame; None at the end."""
        while (payload := self._splitter.next_frame()) is None:
            if self._is_ended:
                return None
            self._is_ended = not self._receive()  # the last frames may have come with the end
        return decode(payload)

    def pass_on_to(self, other: HostilePeer) -> bool:
        """Hand what came to the other one, unread; tell whether more may come."""
        goes_on = self._receive()
        while (payload := self._splitter.next_frame()) is not None:
            other.send_payload(payload)
        return goes_on

    def wait_for_end(self) -> None:
        """Wait until the other side has ended the connection."""
        while self._receive():
            pass

    def take_raw(self) -> bytes:
        """Take what has come past TLS, which is of no use afterwards; nothing at the end."""
        return self._socket.recv(65_536)

    def _receive(self) -> bool:
        try:
            received = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        if received:
            self._splitter.feed(self._channel.receive(received))
        return bool(received) and not self._channel.is_ended

    def _flush(self) -> None:
        self._socket.sendall(self._channel.take_outgoing())

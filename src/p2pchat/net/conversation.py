"""What the bytes of one connection mean: TLS with frames inside, or plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from p2pchat.core import limits
from p2pchat.core.events import (
    BytesReceived,
    ConnectionSecured,
    Event,
    FrameReceived,
    LinesReceived,
)
from p2pchat.core.frames import Welcome
from p2pchat.core.values import ConnectionId
from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from p2pchat.errors import PlainTextMet
from p2pchat.wire.codec import decode
from p2pchat.wire.framing import FrameSplitter
from p2pchat.wire.plain_line import LineSplitter, looks_like_tls

_TLS_RECORDS = frozenset({0x14, 0x15, 0x16, 0x17})
"""First bytes that a TLS record can have (RFC 8446, section 5.1)."""


class Conversation(Protocol):
    """Bytes to events and payloads to bytes; pure, the connection does the waiting."""

    @property
    def is_opening(self) -> bool:
        """Whether receiving may leave bytes to be written by themselves."""
        ...

    def receive(self, received: bytes) -> Iterator[Event]:
        """Yield what the bytes complete, one by one.

        Raises:
            RemoteFault: After the events before it were yielded.
        """
        ...

    def finish(self) -> Iterator[Event]:
        """Yield what the end of the stream completes."""
        ...

    def wrap(self, payloads: list[bytes]) -> bytes:
        """Return the bytes to write: those payloads, behind whatever was due before."""
        ...

    def end(self) -> bytes:
        """Return the bytes that say that nothing more comes."""
        ...


class SecureConversation:
    """TLS 1.3 with frames inside."""

    def __init__(self, connection: ConnectionId, identity: Identity, *, dialling: bool) -> None:
        self._connection = connection
        self._channel = SecureChannel(identity, dialling=dialling)
        self._splitter = FrameSplitter(limits.OPENING_FRAME_LIMIT_BYTES)
        self._is_first = dialling
        self._channel.start()

    @property
    def is_opening(self) -> bool:
        """Whether the TLS handshake still goes on."""
        return not self._channel.is_secured

    def receive(self, received: bytes) -> Iterator[Event]:
        """Yield what the bytes complete."""
        if self._is_first:
            if received[0] not in _TLS_RECORDS:
                raise PlainTextMet
            self._is_first = False
        was_secured = self._channel.is_secured
        plaintext = self._channel.receive(received)
        if self._channel.is_secured and not was_secured:
            yield ConnectionSecured(self._connection, self._channel.peer, self._channel.exported)
        if not plaintext:
            yield BytesReceived(self._connection)
            return
        yield from self._frames(plaintext)

    def _frames(self, plaintext: bytes) -> Iterator[Event]:
        self._splitter.feed(plaintext)
        completed = 0
        while (payload := self._splitter.next_frame()) is not None:
            completed += 1
            frame = decode(payload)
            if isinstance(frame, Welcome):
                # From here on it is a member's connection.
                self._splitter.limit_bytes = limits.FRAME_LIMIT_BYTES
            yield FrameReceived(self._connection, frame)
        if not completed:
            yield BytesReceived(self._connection)

    def finish(self) -> Iterator[Event]:
        """Yield nothing: half a frame is none."""
        return iter(())

    def wrap(self, payloads: list[bytes]) -> bytes:
        """Encrypt frames; several share one record where they fit."""
        if payloads:
            self._channel.send(b"".join(payloads))
        return self._channel.take_outgoing()

    def end(self) -> bytes:
        """Return the close_notify."""
        self._channel.close()
        return self._channel.take_outgoing()


class PlainConversation:
    """The article's lines."""

    def __init__(self, connection: ConnectionId) -> None:
        self._connection = connection
        self._splitter = LineSplitter()

    @property
    def is_opening(self) -> bool:
        """Lines need no handshake."""
        return False

    def receive(self, received: bytes) -> Iterator[Event]:
        """Yield the lines that the bytes complete; also when there is none yet."""
        yield LinesReceived(self._connection, tuple(self._splitter.feed(received)))

    def finish(self) -> Iterator[Event]:
        """Yield a last line without its newline."""
        lines = tuple(self._splitter.finish())
        if lines:
            yield LinesReceived(self._connection, lines)

    def wrap(self, payloads: list[bytes]) -> bytes:
        """Join lines."""
        return b"".join(payloads)

    def end(self) -> bytes:
        """Return nothing: lines have no last word."""
        return b""


class UndecidedConversation:
    """An accepted connection until its first byte: TLS begins with 0x16, no text does."""

    def __init__(self, connection: ConnectionId, identity: Identity) -> None:
        self._connection = connection
        self._identity = identity
        self._decided: Conversation | None = None

    @property
    def is_opening(self) -> bool:
        """Whether it is undecided, or the TLS handshake still goes on."""
        return self._decided is None or self._decided.is_opening

    def treat_as_guest(self) -> None:
        """Decide for plain lines, though nothing has come yet."""
        if self._decided is None:
            self._decided = PlainConversation(self._connection)

    def receive(self, received: bytes) -> Iterator[Event]:
        """Decide by the first byte, then return what the bytes complete."""
        if self._decided is None:
            self._decided = (
                SecureConversation(self._connection, self._identity, dialling=False)
                if looks_like_tls(received)
                else PlainConversation(self._connection)
            )
        return self._decided.receive(received)

    def finish(self) -> Iterator[Event]:
        """Yield what the end of the stream completes."""
        return self._decided.finish() if self._decided is not None else iter(())

    def wrap(self, payloads: list[bytes]) -> bytes:
        """Return the bytes to write."""
        return self._decided.wrap(payloads) if self._decided is not None else b""

    def end(self) -> bytes:
        """Return the bytes that say that nothing more comes."""
        return self._decided.end() if self._decided is not None else b""

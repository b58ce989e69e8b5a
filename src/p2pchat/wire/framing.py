"""Frames on a byte stream: a length of four bytes, big endian, before each payload."""

from __future__ import annotations

import struct
from typing import Final

from p2pchat.core.limits import OPENING_FRAME_LIMIT_BYTES
from p2pchat.errors import FrameMalformed, FrameTooLarge

_HEADER: Final = struct.Struct(">I")

HEADER_BYTES: Final = _HEADER.size
"""Length of the header that stands before each payload."""


def frame_bytes(payload: bytes) -> bytes:
    """Return the payload as it goes over a connection, behind its length.

    The caller keeps to the limit of the connection; nobody checks it here.
    """
    assert payload, "a frame is never empty"
    return _HEADER.pack(len(payload)) + payload


class FrameSplitter:
    """Cuts a byte stream into frames, however the network sliced it.

    `feed` only takes bytes in, `next_frame` takes one frame out: so `limit_bytes` can be raised
    between two frames that came in one piece, as the last of the opening does.  Call `next_frame`
    until it returns None before feeding more; then no more is held than one frame that is not
    complete yet.
    """

    def __init__(self, limit_bytes: int = OPENING_FRAME_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        """Largest payload; a new value holds for all frames not taken out yet."""
        self._buffer = bytearray()
        self._start = 0

    @property
    def waiting_bytes(self) -> int:
        """How many bytes are held; once `next_frame` gave None, those of a frame under way."""
        return len(self._buffer) - self._start

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        # One cut for each piece instead of one for each frame: a piece may hold thousands.
        del self._buffer[: self._start]
        self._start = 0
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """Take out the payload of the next complete frame, or return None.

        Raises:
            FrameTooLarge: The announced size is above the limit.  Raised as soon as the header
                is in, before the payload is held.
            FrameMalformed: The announced size is zero.
        """
        begin = self._start + HEADER_BYTES
        if len(self._buffer) < begin:
            return None
        (size_bytes,) = _HEADER.unpack_from(self._buffer, self._start)
        if size_bytes > self.limit_bytes:
            raise FrameTooLarge(size_bytes, self.limit_bytes)
        if not size_bytes:
            raise FrameMalformed("it is empty")
        end = begin + size_bytes
        if len(self._buffer) < end:
            return None
        self._start = end
        return bytes(self._buffer[begin:end])

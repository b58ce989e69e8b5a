"""What waits to be written to one connection, bounded in bytes."""

from __future__ import annotations

from collections import deque

from p2pchat.core import limits


class SendQueue:
    """Frames, or lines of a guest, in the order in which they go out.

    `offer()` never waits, so one slow peer cannot hold up the others.
    """

    def __init__(self, limit_bytes: int = limits.SEND_QUEUE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._waiting: deque[bytes] = deque()  # bounded in bytes by offer()
        self._is_ended = False
        self.queued_bytes = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will be queued."""
        return self._is_ended

    def offer(self, payload: bytes) -> bool:
        """Queue something, or return False and change nothing if it does not fit."""
        if self._is_ended or self.queued_bytes + len(payload) > self._limit_bytes:
            return False
        self.queued_bytes += len(payload)
        self._waiting.append(payload)
        return True

    def end(self) -> None:
        """Take nothing more; what is queued still goes out."""
        self._is_ended = True

    def take(self, most_bytes: int = limits.WRITE_BATCH_BYTES) -> list[bytes]:
        """Remove and return the oldest payloads: at least one, and no more than fit."""
        taken: list[bytes] = []
        size_bytes = 0
        while self._waiting and (not taken or size_bytes + len(self._waiting[0]) <= most_bytes):
            payload = self._waiting.popleft()
            size_bytes += len(payload)
            taken.append(payload)
        self.queued_bytes -= size_bytes
        return taken

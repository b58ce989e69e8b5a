"""Own texts on their way into envelopes: numbered at once, gathered as they wait."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import Kind
from p2pchat.errors import AnnounceOverflow, TextTooLong


class Batch(Struct, frozen=True):
    """What goes into one envelope."""

    kind: Kind
    nick: str
    first: int
    texts: tuple[str, ...]


class _Waiting(Struct, frozen=True):
    kind: Kind
    nick: str
    text: str
    size_bytes: int


class Announcements:
    """Numbers own messages and gathers those that wait into batches.

    Natural batching: whatever was added before the node gets round to sending goes into one
    envelope; a single message is never held back for company.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()  # bounded by add()
        self._waiting_bytes = 0
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, kind: Kind, nick: str, text: str) -> int:
        """Queue a text and return its number.

        Raises:
            TextTooLong: Above TEXT_LIMIT_CHARACTERS or TEXT_LIMIT_BYTES.
            AnnounceOverflow: When too much waits already; nothing was queued.
        """
        text = _encodable(text)
        size_bytes = _checked_size(text)
        if (
            len(self._waiting) >= limits.ANNOUNCEMENTS_LIMIT_TEXTS
            or self._waiting_bytes + size_bytes > limits.ANNOUNCEMENTS_LIMIT_BYTES
        ):
            raise AnnounceOverflow
        self._waiting.append(_Waiting(kind, nick, text, size_bytes))
        self._waiting_bytes += size_bytes
        number = self._next_number
        self._next_number += 1
        return number

    def take(self) -> Batch | None:
        """Remove and return the next batch: one kind, one nick, within an envelope's limits."""
        if not self._waiting:
            return None
        first = self._next_number - len(self._waiting)
        head = self._waiting[0]
        texts: list[str] = []
        size_bytes = 0
        while self._waiting and len(texts) < limits.ENVELOPE_TEXTS_LIMIT:
            following = self._waiting[0]
            if following.kind is not head.kind or following.nick != head.nick:
                break
            if texts and size_bytes + following.size_bytes > limits.ENVELOPE_BATCH_BYTES:
                break
            size_bytes += following.size_bytes
            texts.append(following.text)
            self._waiting.popleft()
        self._waiting_bytes -= size_bytes
        return Batch(head.kind, head.nick, first, tuple(texts))


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 can hold; they come from broken input."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _checked_size(text: str) -> int:
    if len(text) > limits.TEXT_LIMIT_CHARACTERS:
        size_bytes = len(text.encode("utf-8", "replace"))
        if size_bytes > limits.TEXT_LIMIT_BYTES:
            raise TextTooLong(size_bytes, limits.TEXT_LIMIT_BYTES, "bytes")
        raise TextTooLong(len(text), limits.TEXT_LIMIT_CHARACTERS, "characters")
    # ASCII needs no copy to be measured; 4,000 code points never exceed 16,000 bytes.
    return len(text) if text.isascii() else len(text.encode())

"""Own texts on their way into envelopes: numbered at once, gathered as they wait."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import Final

from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.values import Kind
from p2pchat.errors import AnnounceOverflow, TextTooLong

_COMPACT_TEXTS: Final = 4_096
"""Texts already taken that a run keeps before it lets go of them; a cut for each costs more."""


class Batch(Struct, frozen=True):
    """What goes into one envelope."""

    kind: Kind
    nick: str
    first: int
    texts: tuple[str, ...]
    wants_acks: bool = False


class _Run:
    """Texts that may share envelopes; those before `start` are taken."""

    __slots__ = (
        "end_bytes", "ends_bytes", "kind", "nick", "start", "start_bytes", "texts", "wants_acks",
    )  # fmt: skip

    def __init__(self, kind: Kind, nick: str, *, wants_acks: bool) -> None:
        self.kind = kind
        self.nick = nick
        self.wants_acks = wants_acks
        self.texts: list[str] = []
        self.ends_bytes: list[int] = []
        """For each text, the bytes of all from the first of the run to this one."""
        self.end_bytes = 0
        self.start = 0
        self.start_bytes = 0
        """Bytes of the texts before `start`."""

    def take(self) -> tuple[tuple[str, ...], int]:
        """Take the texts of the next batch, and return them with their bytes."""
        most_bytes = self.start_bytes + limits.ENVELOPE_BATCH_BYTES
        end = max(self.start + 1, bisect_right(self.ends_bytes, most_bytes, self.start))
        end = min(end, self.start + limits.ENVELOPE_TEXTS_LIMIT)
        texts = tuple(self.texts[self.start : end])
        size_bytes = self.ends_bytes[end - 1] - self.start_bytes
        self.start = end
        self.start_bytes += size_bytes
        if end >= _COMPACT_TEXTS and not self.is_taken:
            del self.texts[:end], self.ends_bytes[:end]
            self.start = 0
        return texts, size_bytes

    @property
    def is_taken(self) -> bool:
        return self.start == len(self.texts)


class Announcements:
    """Numbers own messages and gathers those that wait into batches.

    Natural batching: whatever was added before the node gets round to sending goes into one
    envelope; a single message is never held back for company.
    """

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()  # bounded by add()
        self._last_run: _Run | None = None
        self._waiting_bytes = 0
        self._first_waiting = 0
        self._next_number = 0

    def __len__(self) -> int:
        return self._next_number - self._first_waiting

    def add(self, kind: Kind, nick: str, text: str, *, wants_acks: bool = False) -> int:
        """Queue a text and return its number.

        Args:
            kind: Texts of one kind share envelopes.
            nick: What this node calls itself.
            text: As it is to arrive.
            wants_acks: Whether everybody shall acknowledge its envelope.

        Raises:
            TextTooLong: Above TEXT_LIMIT_CHARACTERS or TEXT_LIMIT_BYTES.
            AnnounceOverflow: When too much waits already; nothing was queued.
        """
        # On the path of every message. ASCII needs no copy to be measured, and as many bytes
        # as characters; 4,000 code points never exceed 16,000 bytes.
        size_bytes = len(text)
        if not text.isascii():
            text = _encodable(text)
            size_bytes = len(text.encode())
        if len(text) > limits.TEXT_LIMIT_CHARACTERS:
            raise _too_long(text, size_bytes)
        number = self._next_number
        if (
            number - self._first_waiting >= limits.ANNOUNCEMENTS_LIMIT_TEXTS
            or self._waiting_bytes + size_bytes > limits.ANNOUNCEMENTS_LIMIT_BYTES
        ):
            raise AnnounceOverflow
        run = self._last_run
        if (
            run is None
            or run.kind is not kind
            or run.nick != nick
            or run.wants_acks is not wants_acks
        ):
            run = self._last_run = _Run(kind, nick, wants_acks=wants_acks)
            self._runs.append(run)
        run.texts.append(text)
        run.end_bytes += size_bytes
        run.ends_bytes.append(run.end_bytes)
        self._waiting_bytes += size_bytes
        self._next_number = number + 1
        return number

    def take(self) -> Batch | None:
        """Remove and return the next batch: one kind, one nick, within an envelope's limits."""
        if not self._runs:
            return None
        run = self._runs[0]
        first = self._first_waiting
        texts, size_bytes = run.take()
        self._first_waiting += len(texts)
        self._waiting_bytes -= size_bytes
        if run.is_taken:
            self._runs.popleft()
            self._last_run = self._runs[-1] if self._runs else None
        return Batch(run.kind, run.nick, first, texts, run.wants_acks)


def sendable(text: str) -> str:
    """Return a text as it can be sent to somebody: what no UTF-8 can hold is replaced.

    Raises:
        TextTooLong: Above TEXT_LIMIT_CHARACTERS or TEXT_LIMIT_BYTES.
    """
    text = _encodable(text)
    size_bytes = len(text.encode())
    if len(text) > limits.TEXT_LIMIT_CHARACTERS or size_bytes > limits.TEXT_LIMIT_BYTES:
        raise _too_long(text, size_bytes)
    return text


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 can hold; they come from broken input."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _too_long(text: str, size_bytes: int) -> TextTooLong:
    if size_bytes > limits.TEXT_LIMIT_BYTES:
        return TextTooLong(size_bytes, limits.TEXT_LIMIT_BYTES, "bytes")
    return TextTooLong(len(text), limits.TEXT_LIMIT_CHARACTERS, "characters")

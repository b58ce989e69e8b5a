"""One connection: a reader task, a writer task, and the queue between node and writer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from p2pchat.core import limits
from p2pchat.core.events import BytesTaken, ConnectionEnded, Event, QueueFell, QueueRose
from p2pchat.core.values import Address, ConnectionId
from p2pchat.errors import (
    ConnectionFault,
    DialFailed,
    HungUp,
    PlainTextMet,
    SlowPeer,
    SpeaksPlainText,
)
from p2pchat.net.conversation import Conversation, UndecidedConversation
from p2pchat.net.send_queue import SendQueue
from p2pchat.net.stream import ByteStream

log = logging.getLogger(__name__)

_LOST: Final = "connection lost"
"""Why a connection ended, as long as nobody knows better."""


class Connection:
    """Owns a stream of bytes from open to close and turns what comes into events.

    The reader hands its events to the node itself and goes on when they were handled: the node
    cannot fall behind its readers, so there is no inbox to bound. Sending never waits: what is
    queued goes out when `flush` is called, and the writer has what then did not fit.
    """

    def __init__(
        self,
        connection: ConnectionId,
        address: Address,
        stream: ByteStream,
        conversation: Conversation,
        handle: Callable[[Iterable[Event]], None],
    ) -> None:
        self.id = connection
        self.address = address
        self._met_plain_text = False
        """Whether plain text came where TLS was due."""
        self._has_heard = False
        self._stream = stream
        self._conversation = conversation
        self._handle = handle
        self._queue = SendQueue()
        self._has_rest = asyncio.Event()
        self._has_risen = False
        self._reason = _LOST
        self._is_ending = False
        self._is_read_out = False
        self._has_said_end = False
        self._has_failed = False

    @property
    def queued_bytes(self) -> int:
        """What waits to be written."""
        return self._queue.queued_bytes

    def offer(self, payload: bytes) -> bool:
        """Queue a frame or a line for the next `flush`; False when it did not fit."""
        if self._queue.is_ended:
            return True  # nobody will read it, but that is no fault of a slow peer
        fitted = self._queue.offer(payload)
        if not self._has_risen and self._queue.queued_bytes > limits.SEND_QUEUE_HIGH_BYTES:
            self._has_risen = True
            self._handle((QueueRose(self.id),))
        return fitted

    def flush(self) -> None:
        """Write what is queued, up to what the system takes; the rest is left to the writer.

        All that was queued before it shares records and writes.
        """
        try:
            self._write_queued()
        except ConnectionFault as fault:
            self.abort(str(fault))
        if self._queue.queued_bytes or self._stream.is_backed_up:
            self._has_rest.set()

    def _write_queued(self) -> None:
        while not self._stream.is_backed_up:
            content = self._conversation.wrap(self._queue.take())
            if content:
                self._stream.write(content)
            if not self._queue.queued_bytes:
                break
        self._note_fall()

    def treat_as_guest(self) -> None:
        """Speak plain lines from now on, though the other side has said nothing yet."""
        if isinstance(self._conversation, UndecidedConversation):
            self._conversation.treat_as_guest()

    def end_after_last_frame(self, reason: str) -> None:
        """Write what is queued, say that the stream ends, then close."""
        self._note_reason(reason)
        self._is_ending = True
        self._end_queue()

    def abort(self, reason: str) -> None:
        """Close at once and throw away what was not sent."""
        self._note_reason(reason)
        self._end_queue()
        self._stream.abort()

    def _end_queue(self) -> None:
        self._queue.end()
        self._has_rest.set()

    async def run(self) -> None:
        """Serve the connection until it ends, whoever ends it; returns, never raises for that."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(
                    self._until_fault(self._write), name=f"writer {self.address}"
                )
                self.flush()  # a dialler's handshake has its first bytes ready
                await self._until_fault(self._read)
                self._is_read_out = True
                if self._has_said_end or not self._is_ending or self._has_failed:
                    writing.cancel()  # they hung up: nobody left to write to
        finally:
            self._stream.abort()
            self._handle((ConnectionEnded(self.id, self._reason, self._fault_of_theirs()),))

    async def _until_fault(self, part: Callable[[], Awaitable[None]]) -> None:
        """Read or write; a fault ends the stream, and with it the other part.

        No fault goes through the group: that would leave it in a cycle with the frames that it
        came through, and with all that hangs on them, until the garbage collector comes round.
        """
        try:
            await part()
        except (ConnectionFault, OSError) as fault:
            self._on_fault(fault)
            self._has_failed = True
            self._stream.abort()

    async def _read(self) -> None:
        while received := await self._stream.read():
            self._has_heard = True
            is_opening = self._conversation.is_opening
            self._handle(self._conversation.receive(received))
            if is_opening:
                self.flush()  # TLS answers by itself
        self._handle(self._conversation.finish())

    async def _write(self) -> None:
        """Go on with what could not be written at once, then say the end."""
        while self._queue.queued_bytes or not self._queue.is_ended:
            await self._has_rest.wait()
            self._has_rest.clear()
            while self._queue.queued_bytes or self._stream.is_backed_up:
                await self._drain()
                self._write_queued()
        if self._is_ending:
            await self._say_end()

    async def _say_end(self) -> None:
        """Tell the other side that nothing more comes, and give it a moment to do the same."""
        self._stream.write(self._conversation.end())
        await self._drain()
        self._stream.write_end()
        self._has_said_end = True
        if not self._is_read_out:
            await asyncio.sleep(limits.END_OF_STREAM_S)
            self._stream.abort()

    async def _drain(self) -> None:
        """Wait until all is taken that was written; give up who takes nothing for STALLED_S."""
        left_bytes = self._stream.waiting_bytes
        if not left_bytes:
            # Backed up all the same: it was aborted in this turn, and ends in the next one. Who
            # did not wait for that would take its turn for ever, and the whole node with it.
            await self._stream.drain()
            return
        now = asyncio.get_running_loop().time
        stalled_at = now() + limits.STALLED_S
        while left_bytes:
            try:
                look_at = min(now() + limits.STALL_LOOK_S, stalled_at)
                async with asyncio.timeout_at(look_at):
                    await self._stream.drain()
            except TimeoutError:
                if self._stream.waiting_bytes < left_bytes:
                    stalled_at = now() + limits.STALLED_S
                elif now() >= stalled_at:
                    waiting_bytes = left_bytes + self._queue.queued_bytes
                    raise SlowPeer(waiting_bytes) from None
                else:
                    continue
            left_bytes = self._stream.waiting_bytes
            # That it took something in is a sign of life as good as a byte from it.
            self._handle((BytesTaken(self.id),))

    def _note_fall(self) -> None:
        if self._has_risen and self._queue.queued_bytes < limits.SEND_QUEUE_LOW_BYTES:
            self._has_risen = False
            self._handle((QueueFell(self.id),))

    def _fault_of_theirs(self) -> DialFailed | None:
        """Return what a dialler should know of the end besides its reason."""
        if self._met_plain_text:
            return SpeaksPlainText(self.address)
        if not self._has_heard and self._reason == _LOST:
            return HungUp(self.address)
        return None

    def _note_reason(self, reason: str) -> None:
        if self._reason == _LOST:
            self._reason = reason

    def _on_fault(self, fault: BaseException) -> None:
        self._met_plain_text = isinstance(fault, PlainTextMet)
        if isinstance(fault, OSError):
            log.debug("connection %d to %s: %s", self.id, self.address, fault)
            return
        self._note_reason(str(fault))
        # As text: whoever keeps the record would keep all that the fault has come through.
        log.info("connection %d to %s ends: %s", self.id, self.address, str(fault))

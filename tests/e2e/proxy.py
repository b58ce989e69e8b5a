"""A TCP proxy between two programs: what networks do to connections, on demand."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES: Final = 65_536


class Flow:
    """One connection through the proxy; what stops it is set from the outside."""

    def __init__(self) -> None:
        self.is_deaf_to_dialler = False
        self.is_deaf_to_target = False
        """What comes from there is thrown away, while TCP still says that it arrived."""
        self.last_at = 0.0
        self.writers: list[asyncio.StreamWriter] = []

    def swallow(self) -> None:
        """Throw away all that comes, from both sides."""
        self.is_deaf_to_dialler = self.is_deaf_to_target = True


class Proxy:
    """Listens on a port of its own and passes everything on to another one of this machine."""

    def __init__(self, target: int, *, delay_s: float = 0.0, idle_s: float | None = None) -> None:
        """Prepare one.

        Args:
            target: Port to pass everything on to.
            delay_s: How much later everything arrives.
            idle_s: After so long without a byte a flow is forgotten: what comes then is swallowed.
        """
        self.flows: list[Flow] = []
        self._target = target
        self._delay_s = delay_s
        self._idle_s = idle_s
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    # --- What is done to flows -----------------------------------------------------------------

    def each(self, change: Callable[[Flow], object]) -> None:
        """Do something to every flow of now; later ones are not touched."""
        for flow in self.flows:
            change(flow)

    def cut(self) -> None:
        """Break every flow of now, as a router does that was switched off and on."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def end_one_side(self) -> None:
        """Tell the target that the dialler says no more, and go on passing what the target says."""
        for flow in self.flows:
            self._loop.call_soon_threadsafe(flow.writers[1].write_eof)

    def _abort_all(self) -> None:
        for flow in self.flows:
            for writer in flow.writers:
                writer.transport.abort()

    # --- Passing on ----------------------------------------------------------------------------

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._pass_both_ways, "127.0.0.1", 0) as server:
            self.port = int(server.sockets[0].getsockname()[1])
            self.address = f"127.0.0.1:{self.port}"
            self._is_ready.set()
            await self._stop.wait()
            self._abort_all()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def _pass_both_ways(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        flow = Flow()
        flow.last_at = self._loop.time()
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        flow.writers = [writer, target_writer]
        self.flows.append(flow)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(
                self._pass(flow, reader, target_writer, lambda: flow.is_deaf_to_dialler)
            )
            ways.create_task(
                self._pass(flow, target_reader, writer, lambda: flow.is_deaf_to_target)
            )

    async def _pass(
        self,
        flow: Flow,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_deaf: Callable[[], bool],
    ) -> None:
        with suppress(OSError):
            while content := await reader.read(READ_BYTES):
                self._forget_if_idle(flow)
                if not is_deaf():
                    await asyncio.sleep(self._delay_s)
                    writer.write(content)
                    await writer.drain()
            if not is_deaf():
                writer.write_eof()

    def _forget_if_idle(self, flow: Flow) -> None:
        now = self._loop.time()
        if self._idle_s is not None and now > flow.last_at + self._idle_s:
            flow.swallow()
        flow.last_at = now

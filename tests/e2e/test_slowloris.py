"""Strangers that take places and give nothing: each in its way of being slow."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core import limits
from p2pchat.crypto.channel import SecureChannel
from p2pchat.crypto.identity import Identity
from tests.e2e.files import allow_files, files_of
from tests.e2e.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.e2e.processes import Program, Programs

    Way = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]

KNOCKED_OFF_S: Final = 30.0
"""The 10 s that an opening may take, and what a busy machine adds."""

ELSEWHERE: Final = ("127.0.0.2", 0)
"""Where the crowd comes from: who comes from its own address is pushed out with it."""

GAINED_LIMIT_KIB: Final = 10 * 1024

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits"),
]


@cache
def stranger() -> Identity:
    """One is enough: nobody gets so far that it would matter, and making many takes long."""
    return Identity.generate()


def channel() -> SecureChannel:
    made = SecureChannel(stranger(), dialling=True)
    made.start()
    return made


@cache
def hello() -> bytes:
    return channel().take_outgoing()


async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing at all."""


async def a_byte_a_second(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in hello():
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1.0)  # its slowness is what is tested


async def half_a_hello(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(hello()[:100])


async def half_a_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    own = channel()
    while not own.is_secured:
        writer.write(own.take_outgoing())
        if not (received := await reader.read(65_536)):
            return
        own.receive(received)
    own.send((1_000).to_bytes(4, "big") + b"half of it")
    writer.write(own.take_outgoing())


WAYS: Final[tuple[Way, ...]] = (silent, a_byte_a_second, half_a_hello, half_a_frame)


async def stall(port: int, way: Way) -> float:
    """Connect, be slow in that way, and return after how many seconds it was over."""
    began_at = time.monotonic()
    with suppress(OSError):  # it may be cut off at any moment
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=ELSEWHERE)
        try:
            await way(reader, writer)
            while await reader.read(65_536):
                pass  # an alert of TLS, or what somebody else says to a guest
        finally:
            writer.transport.abort()
    return time.monotonic() - began_at


class Crowd:
    """So many of each way at once; those who stay longest are let go at the end."""

    def __init__(self, port: int, of_each: int) -> None:
        self._port = port
        self._of_each = of_each
        self.stayed_s: list[float] = []

    async def come(self) -> None:
        """Connect all, and note how long each was kept."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._of_each):
                for way in WAYS:
                    tasks.create_task(self._one(way))

    async def _one(self, way: Way) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOCKED_OFF_S):
                self.stayed_s.append(await stall(self._port, way))


def memory_kib(program: Program) -> int:
    """Return the most that it ever had in memory."""
    status = Path(f"/proc/{program.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def besiege(programs: Programs, of_each: int) -> str:
    """Let a crowd stall while two honest ones talk; return what was reached."""
    allow_files(3 * of_each * len(WAYS))
    ann, bob = programs.people("ann", "bob")
    files, memory = files_of(ann), memory_kib(ann)
    crowd = Crowd(ann.port, of_each)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crowd.come())
        took_s = await asyncio.to_thread(_dial_in_the_crowd, ann, bob)
    gained = memory_kib(ann) - memory
    wait_until(lambda: files_of(ann) <= files + 1, "files closed", lambda: str(files_of(ann)))

    count = of_each * len(WAYS)
    longest_s = max(crowd.stayed_s)
    assert len(crowd.stayed_s) >= count - limits.GUESTS_LIMIT, "only guests may stay"
    assert longest_s < KNOCKED_OFF_S
    assert took_s < 2.0
    assert gained < GAINED_LIMIT_KIB
    return (
        f"{count} sockets: ended after {longest_s:.1f} s at most, honest dial {took_s:.2f} s, "
        f"memory + {gained / 1024:.1f} MiB"
    )


def _dial_in_the_crowd(ann: Program, bob: Program) -> float:
    wait_until(lambda: files_of(ann) > limits.OPENING_PER_PRIVATE_ADDRESS, "a crowd")
    began_at = time.monotonic()
    bob.connect(ann)
    took_s = time.monotonic() - began_at
    bob.say("through the crowd")
    ann.wait_for("bob -> through the crowd")
    return took_s


@pytest.mark.threat(1)
@pytest.mark.long
async def test_a_thousand_who_stall_are_ended_in_time_and_keep_nobody_out(
    programs: Programs, record_property: Callable[[str, object], None]
) -> None:
    record_property("reached", await besiege(programs, 250))

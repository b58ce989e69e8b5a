"""What a measure needs from whatever it measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST: Final = "127.0.0.1"
"""Benchmarks never leave the machine."""


class Received(Protocol):
    """One message as a program gets it."""

    @property
    def text(self) -> str: ...


class System(Protocol):
    """One node of something that floods texts to everybody connected."""

    @property
    def port(self) -> int:
        """Where it listens on HOST; known once started."""

    async def start(self) -> None:
        """Listen on a free port."""

    async def connect(self, port: int) -> None:
        """Connect to a node of the same system; returns when texts can be sent to it."""

    def announce(self, text: str) -> bool:
        """Send to everybody; False when the system takes no more before a drain()."""

    async def drain(self) -> None:
        """Wait until the system would take more."""

    def messages(self) -> AsyncIterator[Received]:
        """Yield what the others announced, for as long as the node runs."""

    async def stop(self) -> None:
        """Close every connection and the listening port."""

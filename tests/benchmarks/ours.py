"""The node of p2pchat behind the interface that the controls have."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Final, Protocol, cast

from p2pchat.errors import AnnounceOverflow
from tests.benchmarks.system import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.benchmarks.system import Received

SECRET: Final = b"not secret: every node of a benchmark runs on one machine"
"""A private room: open ones are metered on purpose, which is measure A-open."""


class _Node(Protocol):
    @property
    def port(self) -> int: ...

    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *_: object) -> object: ...

    async def connect(self, address: str, /) -> object: ...

    def announce(self, text: str, /) -> object: ...

    async def drain(self) -> object: ...

    def messages(self) -> AsyncIterator[Received]: ...


class Ours:
    """One p2pchat node that keeps nothing on disk and connects only where it is told."""

    def __init__(self) -> None:
        make = cast("Callable[..., _Node]", importlib.import_module("p2pchat").Node)
        options: dict[str, object] = {"nick": "bench", "room": "bench"}
        # A release that knows only open rooms can be measured too: without the secret.
        if "secret" in inspect.signature(make).parameters:
            options["secret"] = SECRET
        self._node = make(host=HOST, port=0, manual=True, ephemeral=True, **options)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._node.port

    async def start(self) -> None:
        """Start the node."""
        await self._node.__aenter__()

    async def connect(self, port: int) -> None:
        """Connect; returns when the opening is done."""
        await self._node.connect(f"{HOST}:{port}")

    def announce(self, text: str) -> bool:
        """Send a text, or say that too many wait."""
        try:
            self._node.announce(text)
        except AnnounceOverflow:
            return False
        return True

    async def drain(self) -> None:
        """Wait for room."""
        await self._node.drain()

    def messages(self) -> AsyncIterator[Received]:
        """Hand out the node's own iterator, so that no layer of ours is measured."""
        return self._node.messages()

    async def stop(self) -> None:
        """Leave the way a program does."""
        await self._node.__aexit__(None, None, None)

"""Nodes in this process, on its loopback only."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import Node
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from p2pchat import Message
    from p2pchat.core.notices import Notice
    from p2pchat.net.connection import Connection


def node(nick: str = "ann", **settings: Any) -> Node:
    """Make a node that lives on this machine's loopback only."""
    settings = {"host": "127.0.0.1", "port": 0, "manual": True, "ephemeral": True, **settings}
    return Node(nick, **settings)


def address_of(other: Node) -> str:
    return f"127.0.0.1:{other.port}"


@asynccontextmanager
async def line_of(*nicks: str, secret: bytes | None = None) -> AsyncIterator[list[Node]]:
    """Start nodes of which each has dialled the one before it; in a private room with a secret."""
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE_S):
        nodes = [await stack.enter_async_context(node(nick, secret=secret)) for nick in nicks]
        for acceptor, dialler in pairwise(nodes):
            await dialler.connect(address_of(acceptor))
        for one in nodes:
            expected = sum(near in nicks for near in _near(nicks, one.nick))
            await until(lambda one=one, n=expected: one.neighbour_count == n)  # type: ignore[misc]
        yield nodes


def _near(nicks: tuple[str, ...], nick: str) -> list[str]:
    place = nicks.index(nick)
    return [*nicks[max(0, place - 1) : place], *nicks[place + 1 : place + 2]]


async def take(count: int, listener: Node) -> list[Message]:
    """Wait for that many messages."""
    taken: list[Message] = []
    messages = listener.messages()
    async with asyncio.timeout(DEADLINE_S):
        while len(taken) < count:
            taken.append(await anext(messages))
    return taken


async def notice_of(kind: type[Notice], listener: Node) -> Any:
    """Wait for the next notice of that kind."""
    async with asyncio.timeout(DEADLINE_S):
        async for notice in listener.notices():
            if isinstance(notice, kind):
                return notice
    raise AssertionError(f"the node stopped without a {kind.__name__}")


@asynccontextmanager
async def reading(*readers: Node) -> AsyncIterator[None]:
    """Somebody who takes all that these nodes have to tell."""

    async def read(reader: Node) -> None:
        async for _ in reader.notices():
            pass

    async with asyncio.TaskGroup() as tasks:
        all_reading = [tasks.create_task(read(reader)) for reader in readers]
        yield
        for one in all_reading:
            one.cancel()


def connections_of(one: Node) -> list[Connection]:
    """Return those that have not ended, whatever their state."""
    return list(one._shell.registry)


async def until(claim: Callable[[], bool]) -> None:
    """Let everything run until a claim holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not claim():  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0.001)


@pytest.fixture
def nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which asyncio had something to report."""
    reported: list[dict[str, Any]] = []

    def note(_loop: asyncio.BaseEventLoop, context: dict[str, Any]) -> None:
        reported.append(context)

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_exception_handler", note)
    yield
    gc.collect()  # a task that nobody owned reports when it is collected
    assert reported == []

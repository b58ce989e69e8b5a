"""Listening and dialling over real sockets of this machine."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import ListenFailed, NobodyListening, Unreachable
from p2pchat.net import tcp
from p2pchat.net.interfaces import reachable_addresses
from p2pchat.net.stream import TcpStream
from p2pchat.net.tcp import Listener, dial, probe
from tests.deadline import DEADLINE_S
from tests.lost_sockets import no_socket_is_lost
from tests.ports import held_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCAL = "127.0.0.1"


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Listener, list[TcpStream]]]:
    listener = Listener(LOCAL, 0)
    accepted: list[TcpStream] = []
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(accepted.append))
        try:
            yield listener, accepted
        finally:
            serving.cancel()
            for stream in accepted:
                stream.abort()


async def connected(listener: Listener, accepted: list[TcpStream]) -> tuple[TcpStream, TcpStream]:
    dialled = await dial(Address(LOCAL, listener.port))
    while not accepted:  # noqa: ASYNC110 - the other half of the same loop
        await asyncio.sleep(0)
    return dialled, accepted[0]


async def test_a_closed_port_and_an_unknown_name_are_told_apart() -> None:
    with held_port() as port:
        for host in (LOCAL, "localhost", "", "::", "0.0.0.0"):
            with pytest.raises(NobodyListening) as caught:
                await dial(Address(host, port))
            assert str(caught.value.address) == str(Address(host, port))
        with pytest.raises(Unreachable):
            await dial(Address("no-such-machine.invalid", port))


async def test_a_name_that_is_too_long_or_strange_is_no_crash() -> None:
    for host in ("x" * 200, "a..b", "ü" * 70):
        with pytest.raises(Unreachable):
            await dial(Address(host, 1))


async def test_a_probe_tells_whether_somebody_listens_and_says_nothing() -> None:
    async with listening() as (listener, accepted):
        assert await probe(Address(LOCAL, listener.port))
        while not accepted:  # noqa: ASYNC110 - the other half of the same loop
            await asyncio.sleep(0)
        assert await accepted[0].read() == b""
        port = listener.port

    assert not await probe(Address(LOCAL, port))
    assert not await probe(Address("no-such-machine.invalid", port))


# --- When files run out -----------------------------------------------------------------------


@pytest.mark.threat(22)
async def test_while_files_are_scarce_who_knocks_waits_and_gets_in_afterwards(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = 0
    asked = asyncio.Event()

    def files_left() -> int:
        asked.set()
        return left

    monkeypatch.setattr(tcp, "files_left", files_left)
    monkeypatch.setattr(tcp, "_CROWDED_PAUSE_S", 0.001)
    async with listening() as (listener, accepted):
        first, second = [await dial(Address(LOCAL, listener.port)) for _ in range(2)]
        for _ in range(3):
            asked.clear()
            await asked.wait()
        assert accepted == []

        left = 100
        while len(accepted) < 2:  # noqa: ASYNC110 - the other half of the same loop
            await asyncio.sleep(0)
        first.abort()
        second.abort()

    ours = [record.message for record in caplog.records if record.name == tcp.__name__]
    assert ours == ["accepts nobody for a while: too many files are open"]


@pytest.mark.threat(22)
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_a_system_that_can_accept_nobody_is_asked_again_after_a_pause(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [OSError(number, "no more")] * 3
    accept = tcp._accept

    async def refuse_at_first(sock: socket.socket) -> socket.socket | None:
        if refusals:
            raise refusals.pop()
        return await accept(sock)

    monkeypatch.setattr(tcp, "_accept", refuse_at_first)
    monkeypatch.setattr(tcp, "_REFUSED_PAUSE_S", 0.001)
    async with listening() as (listener, accepted):
        here, _ = await connected(listener, accepted)
        here.abort()

    assert refusals == []
    assert sum(record.name == tcp.__name__ for record in caplog.records) == 1


# --- Ports ------------------------------------------------------------------------------------


def test_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        monkeypatch.setattr(limits, "DEFAULT_PORT", taken.getsockname()[1])

        listener = Listener(LOCAL, None)

        assert listener.port > taken.getsockname()[1]
        listener.close()


def test_when_every_port_is_taken_the_first_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(limits, "DEFAULT_PORT", port)
        monkeypatch.setattr(limits, "PORT_TRIES", 1)

        with pytest.raises(ListenFailed, match=f"port {port}: it is in use"):
            Listener(LOCAL, None)


def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    with socket.create_server((LOCAL, 0)) as taken, pytest.raises(ListenFailed, match="in use"):
        Listener(LOCAL, taken.getsockname()[1])


@pytest.mark.threat(28)
def test_a_second_listener_never_shares_a_port() -> None:
    first = Listener(LOCAL, 0)

    with pytest.raises(ListenFailed):
        Listener(LOCAL, first.port)
    first.close()


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-machine.invalid", "not a name"])
def test_an_address_that_is_not_ours_is_an_error(host: str) -> None:
    with pytest.raises(ListenFailed):
        Listener(host, 0)


async def test_where_it_listened_is_known_after_it_was_closed() -> None:
    listener = Listener(LOCAL, 0)
    address = listener.address

    listener.close()

    assert listener.address == address
    assert listener.port == address.port > 0


def test_a_port_is_free_again_after_closing() -> None:
    first = Listener(LOCAL, 0)
    port = first.port
    first.close()

    second = Listener(LOCAL, port)

    assert second.port == port
    second.close()


async def _stop_after(turns: int) -> int:
    """Stop listening so many turns of the loop after somebody knocked; count who got in."""
    listener = Listener(LOCAL, 0)
    accepted: list[TcpStream] = []
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(accepted.append))
        for _ in range(5):
            await asyncio.sleep(0)
        with socket.create_connection((LOCAL, listener.port)):
            for _ in range(turns):
                await asyncio.sleep(0)
            listener.stop()
            before = len(accepted)
            serving.cancel()
    assert len(accepted) == before, "handed over after the end"
    for stream in accepted:
        stream.abort()
    return len(accepted)


def test_who_knocks_while_the_listener_stops_is_handed_over_before_it_or_closed() -> None:
    handed_over = []

    for turns in range(12):
        with no_socket_is_lost():
            handed_over.append(asyncio.run(_stop_after(turns)))

    assert set(handed_over) == {0, 1}


async def test_a_listener_that_ends_while_it_starts_leaves_nothing_in_the_loop() -> None:
    for turns in range(6):
        ending = Listener(LOCAL, 0)
        serving = asyncio.TaskGroup()
        async with serving:
            task = serving.create_task(ending.serve(lambda _: None))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
        ending.close()

        # It gets the same file numbers; a reader that was left there would make it deaf.
        async with listening() as (listener, accepted):
            here, _ = await connected(listener, accepted)
            here.abort()


# --- Addresses to type ------------------------------------------------------------------------


def test_a_bound_address_is_what_others_type() -> None:
    assert reachable_addresses(Address("127.0.0.1", 5)) == (Address("127.0.0.1", 5),)


def test_an_any_address_is_never_what_others_type() -> None:
    both = reachable_addresses(Address("::", 5))
    four = reachable_addresses(Address("0.0.0.0", 5))

    for addresses in (both, four):
        assert all(not address.is_any and address.port == 5 for address in addresses)
        assert len(set(addresses)) == len(addresses)
    assert Address("127.0.0.1", 5) in both
    assert Address("::1", 5) in both
    assert ":" not in both[0].host, "IPv4 comes first"
    assert not any(":" in address.host for address in four)

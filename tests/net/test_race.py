"""The first address of a host name that answers is taken, and nothing else stays open."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import DialFailed, NoAnswer, NobodyListening, Unreachable
from p2pchat.net import race
from p2pchat.net.race import Place, connect_first, dial_failed
from p2pchat.net.stream import TcpStream
from p2pchat.net.tcp import dial, dial_first
from tests.deadline import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCAL = "127.0.0.1"
NAMED = Address("name", 1)
SILENT = ("192.0.2.1", 1)
"""Of a network that exists in documents only; nothing is ever sent there."""
TURNS = 25
"""Turns of the loop above which a dial to this machine is done."""


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, int]]:
    """Accept whoever comes, and close when he does."""
    answered: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: answered.append(writer), LOCAL, 0)
    alone = len(asyncio.all_tasks())
    try:
        yield server.sockets[0].getsockname()
        async with asyncio.timeout(DEADLINE_S):
            while len(asyncio.all_tasks()) > alone:  # noqa: ASYNC110 - asyncio's own, accepting
                await asyncio.sleep(0)
    finally:
        server.close()
        for writer in answered:
            writer.transport.abort()
        await asyncio.sleep(0)


@pytest.fixture
def closed() -> tuple[str, int]:
    with socket.create_server((LOCAL, 0)) as server:
        name: tuple[str, int] = server.getsockname()
    return name


class Network:
    """Stands in for the lookup of names, and for addresses that this machine does not have."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places: list[tuple[str, int]] = []
        self.refusing: dict[tuple[str, int], OSError] = {}
        self.tried: list[socket.socket] = []
        self.gate = asyncio.Event()
        self.gate.set()
        loop = asyncio.get_running_loop()
        self._connect = loop.sock_connect
        monkeypatch.setattr(loop, "getaddrinfo", self.look_up)
        monkeypatch.setattr(loop, "sock_connect", self.connect)

    async def look_up(self, _host: str, _port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in self.places]

    def still_open(self) -> list[int]:
        """Return the files of the sockets that tried to connect and were not closed."""
        return [sock.fileno() for sock in self.tried if sock.fileno() != -1]

    async def connect(self, sock: socket.socket, place: tuple[str, int]) -> None:
        self.tried.append(sock)
        if place in self.refusing:
            raise self.refusing[place]
        if place == SILENT:
            await asyncio.Event().wait()
        await self.gate.wait()
        await self._connect(sock, place)


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


def file_of(stream: TcpStream) -> int:
    return int(stream.transport.get_extra_info("socket").fileno())


async def close(stream: TcpStream) -> None:
    stream.abort()
    await asyncio.sleep(0)


def test_families_take_turns_and_the_first_one_stays_first() -> None:
    four, six = socket.AF_INET, socket.AF_INET6
    places = [Place(NAMED, six, (f"::{n}", 1)) for n in range(3)]
    places += [Place(NAMED, four, (f"10.0.0.{n}", 1)) for n in range(2)]

    order = race._alternating(places)

    assert [place.family for place in order] == [six, four, six, four, six]
    assert sorted(order) == sorted(places)


@pytest.mark.threat(27)
async def test_an_address_that_refuses_makes_way_at_once(
    network: Network, closed: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 1000.0)

    async with listening() as there, asyncio.timeout(DEADLINE_S):
        network.places = [closed, there]
        stream = await connect_first([NAMED], 10.0)

        assert stream.remote == Address(*there)
        assert network.still_open() == [file_of(stream)]
        await close(stream)


@pytest.mark.threat(27)
async def test_an_address_that_is_silent_is_overtaken_and_closed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 0.001)

    async with listening() as there, asyncio.timeout(DEADLINE_S):
        network.places = [SILENT, there]
        stream = await connect_first([NAMED], 10.0)

        assert stream.remote == Address(*there)
        assert network.still_open() == [file_of(stream)]
        await close(stream)


async def test_an_address_that_is_late_may_still_win(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 0.001)
    network.gate.clear()

    async with listening() as there, asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        network.places = [there, SILENT, SILENT]
        connecting = tasks.create_task(connect_first([NAMED], 10.0))
        while len(network.tried) < 3:  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0)
        network.gate.set()
        stream = await connecting

        assert stream.remote == Address(*there)
        assert network.still_open() == [file_of(stream)]
        await close(stream)


@pytest.mark.threat(27)
async def test_of_two_that_answer_at_once_one_is_closed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 0.001)
    network.gate.clear()

    async with listening() as there, asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        network.places = [there, there]
        connecting = tasks.create_task(connect_first([NAMED], 10.0))
        while len(network.tried) < 2:  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0)
        network.gate.set()
        stream = await connecting
        await asyncio.sleep(0)

        assert len(network.tried) == 2
        assert network.still_open() == [file_of(stream)]
        await close(stream)


async def test_a_refusal_is_told_rather_than_a_network_out_of_reach(
    network: Network, closed: tuple[str, int]
) -> None:
    away = ("192.0.2.2", 1)
    network.refusing[away] = OSError(errno.ENETUNREACH, "network is unreachable")

    for network.places in ([away, closed], [closed, away]):
        with pytest.raises(NobodyListening):
            await dial(NAMED)

    assert len(network.tried) == 4
    assert network.still_open() == []


async def test_several_addresses_of_one_host_are_raced_like_those_of_a_name(
    network: Network, closed: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 0.001)

    async with listening() as there, asyncio.timeout(DEADLINE_S):
        candidates = [Address(*SILENT), Address("a..b", 1), Address(*closed), Address(*there)]
        stream = await dial_first([*candidates, Address(*there)], 10.0)

        assert stream.remote == Address(*there)
        assert len(network.tried) == 3, "an address that was given twice is tried once"
        assert len(network.still_open()) == 1
        stream.abort()
        await asyncio.sleep(0)


async def test_of_several_addresses_the_one_that_refuses_is_named(
    network: Network, closed: tuple[str, int]
) -> None:
    unknown = Address("a..b", 1)

    with pytest.raises(NobodyListening) as refused:
        await dial_first([unknown, Address(*SILENT), Address(*closed)], 2.0)
    with pytest.raises(NoAnswer) as silent:
        await dial_first([unknown, Address(*SILENT)], 0.05)
    with pytest.raises(Unreachable):
        await dial_first([unknown], 1.0)

    assert refused.value.address == Address(*closed)
    assert "after 0.05 s" in str(silent.value)
    assert network.still_open() == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), NobodyListening),
        (OSError(errno.ETIMEDOUT, "timed out"), NoAnswer),
        (OSError(errno.ENETUNREACH, "network is unreachable"), Unreachable),
        (socket.gaierror(-2, "unknown"), Unreachable),
        (OSError("without a number"), Unreachable),
    ],
)
def test_what_the_system_says_becomes_one_of_our_errors(
    error: OSError, kind: type[DialFailed]
) -> None:
    assert type(dial_failed(NAMED, error)) is kind


async def test_a_name_of_which_every_address_is_silent_gives_no_answer(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HAPPY_EYEBALLS_DELAY_S", 0.001)
    monkeypatch.setattr(limits, "DIAL_TIMEOUT_S", 0.5)
    network.places = [SILENT, SILENT]

    with pytest.raises(NoAnswer):
        await dial(NAMED)

    assert len(network.tried) == 2
    assert network.still_open() == []


@pytest.mark.threat(31)
@pytest.mark.parametrize("host", [LOCAL, "name"])
async def test_a_dial_that_is_given_up_at_any_moment_leaves_no_socket_behind(
    network: Network, host: str
) -> None:
    given_up = 0
    async with listening() as there:
        network.places = [there]
        for turns in range(TURNS):
            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
                dialling = tasks.create_task(dial(Address(host, there[1])))
                for _ in range(turns):
                    await asyncio.sleep(0)
                given_up += dialling.cancel()
            if not dialling.cancelled():
                dialling.result().abort()
            await asyncio.sleep(0)

            assert network.still_open() == []

    assert 3 < given_up < TURNS, "it was never cancelled in its midst, or never done"

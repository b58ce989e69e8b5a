"""The node that programs embed: how it starts, and what is left when it ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from p2pchat.core import limits
from p2pchat.errors import BadNick, BadRoom, DialFailed, ListenFailed, ProfileInUse
from tests.deadline import DEADLINE_S
from tests.lost_sockets import no_socket_is_lost
from tests.nodes import (
    address_of,
    connections_of,
    line_of,
    node,
    nothing_is_reported,
    until,
)

if TYPE_CHECKING:
    from p2pchat import Node

__all__ = ["nothing_is_reported"]

pytestmark = pytest.mark.usefixtures("nothing_is_reported")

CYCLES: Final = 50
MANY_TURNS: Final = 15
"""Turns of the loop; more than asyncio needs to accept a connection or to open one."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


async def test_the_tasks_of_a_node_have_the_names_that_the_documents_use() -> None:
    own = asyncio.current_task()
    async with node("ann") as ann, node("bob") as bob:
        await bob.connect(address_of(ann))
        dialled = address_of(ann)
        (accepted,) = [str(connection.address) for connection in connections_of(ann)]

        names = sorted(task.get_name() for task in asyncio.all_tasks() if task is not own)

        assert names == sorted(
            ["listener", "node"] * 2
            + [f"reader {dialled}", f"writer {dialled}", f"reader {accepted}", f"writer {accepted}"]
        )


@pytest.mark.threat(31)
async def test_after_shutdown_no_task_is_left() -> None:
    async with line_of("ann", "bob", "cid") as (_, bob, _cid):
        bob.announce("hello")

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failure_inside_comes_out_as_it_is_and_leaves_no_task() -> None:
    async def fail() -> None:
        async with node("ann") as ann, node("bob") as bob:
            await bob.connect(address_of(ann))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.threat(31)
@needs_proc
async def test_many_connections_leave_no_open_file_behind() -> None:
    async with node("ann") as ann:
        before = None
        for _ in range(CYCLES):
            async with node("bob") as bob:
                await bob.connect(address_of(ann))
            await until(lambda: not connections_of(ann))
            before = before or await _files_at_rest()

        await until(lambda: _files() == before)


@needs_proc
async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    async with node("ann") as ann:
        before = _files()
        with pytest.raises(ListenFailed):
            async with node("bob", port=ann.port):
                pytest.fail("it started on a port that is taken")

        assert _files() == before


async def test_a_profile_in_use_is_an_error_until_it_is_free(tmp_path: Path) -> None:
    async with node("ann", ephemeral=False, profile="work", folder=tmp_path) as ann:
        first_id = ann.id
        with pytest.raises(ProfileInUse):
            async with node("bob", ephemeral=False, profile="work", folder=tmp_path):
                pytest.fail("two nodes had one profile")

    async with node("ann", ephemeral=False, profile="work", folder=tmp_path) as ann:
        assert ann.id == first_id


def test_bad_names_are_refused_before_anything_happens() -> None:
    with pytest.raises(BadNick):
        node("two words")
    with pytest.raises(BadRoom):
        node(room="")
    with pytest.raises(BadRoom):
        node(room="x" * 65)


async def test_an_idle_node_with_a_neighbour_wakes_for_nothing() -> None:
    async with line_of("ann", "bob") as (ann, _):
        deadline = ann._core.next_deadline()

        assert deadline is not None
        assert deadline - asyncio.get_running_loop().time() > limits.PING_AFTER_S / 2


# --- Ending in the midst of something ---------------------------------------------------------


async def _end_after_a_knock(turns: int) -> None:
    """End a node so many turns of the loop after somebody dialled it who then says nothing."""
    async with AsyncExitStack() as silent, asyncio.timeout(DEADLINE_S), node("ann") as ann:
        await turn(MANY_TURNS)
        silent.enter_context(socket.create_connection(("127.0.0.1", ann.port)))
        await turn(turns)


@pytest.mark.threat(31)
def test_a_node_that_ends_while_somebody_comes_in_ends_and_loses_no_socket() -> None:
    for turns in range(MANY_TURNS):
        with no_socket_is_lost():
            asyncio.run(_end_after_a_knock(turns))


async def _end_after_a_dial(turns: int) -> str:
    """End a node so many turns of the loop after it began to dial; return what became of it."""
    ann, bob = node("ann"), node("bob")
    async with asyncio.timeout(DEADLINE_S), ann, asyncio.TaskGroup() as tasks:
        async with bob:
            dialling = tasks.create_task(_outcome_of_dial(bob, address_of(ann)))
            await turn(turns)
        return await dialling


async def _outcome_of_dial(dialler: Node, address: str) -> str:
    try:
        await dialler.connect(address)
    except DialFailed as error:
        return str(error)
    return "open"


def test_a_node_that_ends_while_it_dials_ends_and_says_so() -> None:
    outcomes = []

    for turns in range(MANY_TURNS):
        with no_socket_is_lost():
            outcomes.append(asyncio.run(_end_after_a_dial(turns)))

    assert all("this node leaves" in outcome for outcome in outcomes)


async def turn(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def _files_at_rest() -> int:
    """Count them when what was closed a moment ago is closed indeed."""
    await turn(MANY_TURNS)
    return _files()


def _files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))

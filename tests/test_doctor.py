"""The doctor looks at nodes that run, and starts one of his own."""

from __future__ import annotations

import asyncio
import errno
import json
import tempfile
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from p2pchat import Node
from p2pchat import doctor as examination
from p2pchat.core.notices import (
    Direction,
    Finding,
    Health,
    NeighbourStatus,
    Peers,
    Standing,
)
from p2pchat.core.values import Address, PeerId, Person
from p2pchat.doctor import disk_problem, doctor, examine, files_limit
from p2pchat.errors import BadUsage
from p2pchat.inviting import invite_of
from p2pchat.settings import Settings
from tests.deadline import DEADLINE_S
from tests.nodes import address_of, line_of, node, until
from tests.ports import held_port

Capture = pytest.CaptureFixture[str]


def by_name(found: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.what: finding for finding in found}


def quiet_settings(**changes: Any) -> Settings:
    """What keeps a node on loopback, away from disk and from everybody."""
    fixed = {"host": "127.0.0.1", "port": 0, "manual": True, "ephemeral": True}
    return Settings(**{**fixed, **changes})


# --- A running node ---------------------------------------------------------------------------


async def test_a_running_node_is_told_where_it_listens_and_who_is_there() -> None:
    async with line_of("ann", "ben") as (ann, _):
        found, address = by_name(examine(ann)), address_of(ann)

    assert address in found["port"].text
    assert found["people"].text == "1 person is connected to this node"
    assert found["LAN"].text == "not looked at (--manual)"
    assert "lobby is open" in found["room"].text
    assert "ephemeral" in found["profile"].text


async def test_a_node_alone_is_told_that_it_looks_for_nobody() -> None:
    async with node() as ann:
        found = by_name(examine(ann))

    assert found["people"].health is Health.UNSURE
    assert "--manual" in found["people"].text


async def test_a_node_whose_neighbour_is_in_another_room_is_alone_in_its_own(
    tmp_path: Path,
) -> None:
    place = {"manual": False, "folder": tmp_path, "run_folder": tmp_path / "run"}
    async with node("ben", room="tea", **place), node("ann", **place) as ann:
        await until(lambda: ann.standing().others_rooms > 0)
        found = by_name(examine(ann))

    assert "alone in lobby" in found["people"].text


async def test_a_profile_on_disk_is_named_with_its_folder(tmp_path: Path) -> None:
    async with node(ephemeral=False, folder=tmp_path, profile="work") as ann:
        found = by_name(examine(ann))

    assert found["profile"].text == f"work, kept in {tmp_path / 'work'}"
    assert list((tmp_path / "work").glob("tmp*")) == []


def test_a_folder_that_can_not_be_written_to_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def write(self, _content: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full_disk(**_: object) -> Full:
        return Full()

    assert disk_problem(tmp_path) == ""
    assert "No such file" in disk_problem(tmp_path / "gone")
    monkeypatch.setattr(tempfile, "TemporaryFile", full_disk)
    assert disk_problem(tmp_path) == "No space left on device"


def test_the_limit_of_files_is_a_number_or_none() -> None:
    limit = files_limit()

    assert limit is None or limit > 0


# --- The subcommand ---------------------------------------------------------------------------


async def test_who_can_be_dialled_is_reported_and_all_is_well(capfd: Capture) -> None:
    async with asyncio.timeout(DEADLINE_S), node("ben") as ben:
        code = await doctor(quiet_settings(connect=(address_of(ben),)))

    lines = capfd.readouterr().out.splitlines()
    assert code == 0
    assert any("1 person is connected" in line for line in lines)
    assert not any(line.startswith("[!]") for line in lines)


async def test_who_can_not_be_dialled_is_bad(capfd: Capture) -> None:
    with held_port() as port:
        gone = f"127.0.0.1:{port}"
        async with asyncio.timeout(DEADLINE_S):
            code = await doctor(quiet_settings(connect=(gone,)))

    assert code == 1
    assert f"[!]  connect     could not connect to {gone}" in capfd.readouterr().out


async def test_an_invite_to_another_room_than_the_one_asked_for_is_refused() -> None:
    async with asyncio.timeout(DEADLINE_S), node("ben", room="tea") as ben:
        with pytest.raises(BadUsage, match="invite is for the room tea"):
            await doctor(quiet_settings(connect=(invite_of(ben)[0],), room="lobby"))


async def test_as_json_it_is_one_object(capfd: Capture) -> None:
    async with asyncio.timeout(DEADLINE_S), node("ben") as ben:
        await doctor(quiet_settings(connect=(address_of(ben),), json=True))

    (line,) = capfd.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["command"] == "doctor"
    assert {"what": "people", "health": "ok"}.items() <= told["data"][4].items()


async def test_under_manual_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PATIENCE_S", float("inf"))

    async with asyncio.timeout(DEADLINE_S):
        await doctor(quiet_settings())


# --- What is waited for -----------------------------------------------------------------------

NOTHING = Standing(
    is_reachable=None,
    outside=(),
    clock_ahead_s=None,
    neighbours=0,
    known_before=0,
    found=0,
    others_rooms=0,
    joins=True,
    has_lan_consent=True,
)


class FakeLan:
    problem: str | None = None
    services: tuple[object, ...] = ()


class FakeNode:
    """A node that stands however a test wants it to."""

    def __init__(self, *near: NeighbourStatus, lan: FakeLan | None = None, **standing: Any) -> None:
        fields = structs.asdict(NOTHING)
        self._standing = Standing(**{**fields, "neighbours": len(near), **standing})
        self._near = near
        self.lan = lan

    def standing(self) -> Standing:
        return self._standing

    def peers(self) -> Peers:
        return Peers(self._near, ())


def near(host: str, direction: Direction = Direction.OUT) -> NeighbourStatus:
    ben = Person(PeerId(bytes(32)), "ben")
    return NeighbourStatus(ben, Address(host, 5000), direction, None, 0.0, 0.0)


def is_known(fake: FakeNode, waited_s: float = 3.0) -> bool:
    return examination._is_known(cast("Node", fake), waited_s)


def test_whoever_is_alone_is_waited_for_until_patience_ends() -> None:
    assert not is_known(FakeNode())
    assert not is_known(FakeNode(others_rooms=1))
    assert is_known(FakeNode(), examination.PATIENCE_S)


def test_a_neighbour_who_is_asked_to_dial_us_is_waited_for() -> None:
    assert not is_known(FakeNode(near("192.168.1.7")))
    assert is_known(FakeNode(near("192.168.1.7"), is_reachable=False))


@pytest.mark.parametrize(
    "neighbour",
    [near("127.0.0.1"), near("192.168.1.7", Direction.IN)],
    ids=["on this machine", "came to us"],
)
def test_a_neighbour_who_is_not_asked_is_not_waited_for(neighbour: NeighbourStatus) -> None:
    assert is_known(FakeNode(neighbour))
    assert is_known(FakeNode(near("192.168.1.7"), joins=False))


def test_strangers_who_wait_for_consent_are_enough_unless_somebody_is_known() -> None:
    assert is_known(FakeNode(found=1, has_lan_consent=False))
    assert not is_known(FakeNode(found=1, has_lan_consent=False, known_before=1))
    assert not is_known(FakeNode(found=1))


def test_the_lan_has_some_time_to_answer() -> None:
    silent, broken, lively = FakeLan(), FakeLan(), FakeLan()
    broken.problem, lively.services = "no multicast", (object(),)

    assert not is_known(FakeNode(near("127.0.0.1"), lan=silent), 0.5)
    assert is_known(FakeNode(near("127.0.0.1"), lan=silent), examination.LAN_ANSWER_S)
    assert is_known(FakeNode(near("127.0.0.1"), lan=broken), 0.0)
    assert is_known(FakeNode(near("127.0.0.1"), lan=lively), 0.0)

"""`p2pchat send`: what it says and how it ends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from p2pchat import Node, sending
from p2pchat.core.notices import DirectArrived
from p2pchat.launch import node_for
from p2pchat.settings import Settings
from tests.deadline import DEADLINE_S
from tests.nodes import address_of, node, notice_of, reading

if TYPE_CHECKING:
    from pathlib import Path

    from p2pchat.core.invites import Invite
    from p2pchat.core.values import Address

Started = tuple["Node", "tuple[Address | Invite, ...]"]


async def send_to(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *others: Node,
    to: str,
    timeout_s: float = DEADLINE_S,
    **given: Any,
) -> int:
    """Run it as `ann`, on this machine's loopback only."""

    async def start(settings: Settings) -> Started:
        _, targets = await node_for(settings)
        return node("ann", folder=folder, ephemeral=settings.ephemeral), targets

    monkeypatch.setattr(sending, "node_for", start)
    connect = tuple(map(address_of, others))
    settings = Settings(host="127.0.0.1", port=0, manual=True, connect=connect, **given)
    async with asyncio.timeout(DEADLINE_S):
        return await sending.send(settings, "psst", 0, timeout_s, to)


async def test_with_a_receipt_it_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with node("bob") as bob, asyncio.TaskGroup() as tasks:
        arriving = tasks.create_task(notice_of(DirectArrived, bob))

        assert await send_to(monkeypatch, tmp_path, bob, to="bob") == 0
        assert (await arriving).message.text == "psst"
    assert capsys.readouterr() == ("", "")


async def test_with_json_it_tells_of_each_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with node("bob") as bob, reading(bob):
        assert await send_to(monkeypatch, tmp_path, bob, to="bob", json=True) == 0

        sent, receipt = map(json.loads, capsys.readouterr().out.splitlines())
        assert (sent["type"], receipt["type"]) == ("sent", "receipt")
        assert sent["id"] == receipt["id"]
        assert sent["to"] == receipt["to"] == {"id": bob.id.hex(), "nick": "bob"}


@pytest.mark.parametrize(
    ("is_ephemeral", "fate"), [(True, "it is lost"), (False, "it waits in the outbox")]
)
async def test_without_a_receipt_in_time_it_ends_with_1_and_says_what_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_ephemeral: bool,
    fate: str,
) -> None:
    monkeypatch.setattr(Node, "write", lambda *_: "0" * 32)
    given = {"timeout_s": 0.1, "ephemeral": is_ephemeral}
    async with node("bob") as bob:
        assert await send_to(monkeypatch, tmp_path, bob, to="bob", **given) == 1
    assert fate in capsys.readouterr().err


async def test_a_name_that_means_nobody_ends_it_with_1_at_the_timeout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with node("bob") as bob:
        found = await send_to(monkeypatch, tmp_path, bob, to="bib", timeout_s=0.1)

    assert found == 1
    assert 'no one called "bib". Did you mean bob?' in capsys.readouterr().err


async def test_a_name_that_means_several_ends_it_with_1_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with node("bob") as one, node("bob") as other:
        assert await send_to(monkeypatch, tmp_path, one, other, to="bob") == 1

    assert "two people are called bob. Use bob#" in capsys.readouterr().err

"""A node's side towards the system: who runs here, and what is kept of whom it knows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from p2pchat import finding
from p2pchat.core.address_book import AddressBook
from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.finding import BookKeeper
from p2pchat.sim.credentials import sim_peer_id
from tests.nodes import node, until

if TYPE_CHECKING:
    from p2pchat.core.book_entries import BookState

LOBBY = Room("lobby")
NOW_MS = 1_700_000_000_000


def book() -> AddressBook:
    return AddressBook(random.Random(1))


def meet(known: AddressBook, name: str, now_ms: int) -> None:
    known.note_success(sim_peer_id(name), (Address("10.1.0.2", 55555),), None, now_ms)


async def test_what_a_node_knew_is_there_at_its_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: NOW_MS * 1_000_000)
    before = book()
    keeper = BookKeeper(before, tmp_path, LOBBY)
    meet(before, "bob", NOW_MS)
    await keeper.save()

    after, elsewhere = book(), book()
    BookKeeper(after, tmp_path, LOBBY)
    BookKeeper(elsewhere, tmp_path, Room("tea"))

    assert sim_peer_id("bob") in after
    assert not after.take_changed(), "there is nothing to write yet"
    assert sim_peer_id("bob") not in elsewhere, "another room has a book of its own"


@pytest.mark.threat(21)
async def test_only_what_has_changed_is_written_and_what_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[BookState] = []

    def save(_folder: Path, _network: bytes, state: BookState) -> str | None:
        tried.append(state)
        return "the disk is full" if len(tried) == 1 else None

    monkeypatch.setattr(finding, "save_book", save)
    known = book()
    keeper = BookKeeper(known, tmp_path, LOBBY)

    await keeper.save()
    meet(known, "bob", NOW_MS)
    for _ in range(4):
        await keeper.save()

    assert len(tried) == 2


async def test_without_a_folder_nothing_is_kept() -> None:
    known = book()
    keeper = BookKeeper(known, None, LOBBY)
    meet(known, "bob", NOW_MS)

    await keeper.save()

    assert keeper.messages == []
    assert known.take_changed(), "nobody has written it"


async def test_nodes_of_one_user_on_one_machine_find_each_other_within_a_room(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    async with (
        node("ann", manual=False, run_folder=folder) as ann,
        node("tom", manual=False, run_folder=folder, room="tea") as tom,
        node("bob", manual=False, run_folder=folder) as bob,
    ):
        await until(lambda: ann.neighbour_count == bob.neighbour_count == 1)
        await until(lambda: bob.standing().others_rooms == 1)

        assert bob.standing().found >= 1
        assert tom.neighbour_count == 0


async def test_who_connects_only_where_it_is_told_to_is_found_by_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    async with (
        node("ann", run_folder=folder) as ann,
        node("bob", manual=False, run_folder=folder) as bob,
        node("cid", manual=False, run_folder=folder) as cid,
    ):
        await until(lambda: bob.neighbour_count == cid.neighbour_count == 1)

        assert ann.neighbour_count == 0

"""Invites of nodes that run, and of those that don't run yet."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat import inviting
from p2pchat.core.address_book import AddressBook
from p2pchat.core.invites import INVITE_ADDRESSES, Invite, InvitePlace
from p2pchat.core.records import Scope, scope_of
from p2pchat.core.values import Address, PeerId
from p2pchat.crypto.room import Room
from p2pchat.inviting import (
    OTHERS,
    invite,
    invite_of,
    known_places,
    make_invite,
    note_on,
    own_places,
)
from p2pchat.settings import Settings
from p2pchat.store.address_book import save_book
from p2pchat.store.profile import open_profile
from p2pchat.store.running import Running, RunningNode, run_folder
from p2pchat.wire.invite import decode_invite
from tests.core.book_support import peer_id, public_ip
from tests.deadline import DEADLINE_S
from tests.effort import EFFORT
from tests.nodes import line_of, node

Capture = pytest.CaptureFixture[str]

ANN, BEN = peer_id("ann"), peer_id("ben")
LOBBY, TEA = Room("lobby"), Room("tea")


def running(peer: PeerId = ANN, host: str = "127.0.0.1", port: int = 5000) -> Running:
    return Running(1, host, port, peer)


def write_book(profile: Path, *met: tuple[str, tuple[Address, ...]], room: Room = LOBBY) -> None:
    """Have a profile remember people who were dialled just now."""
    book = AddressBook(random.Random(1))
    for name, addresses in met:
        book.note_success(peer_id(name), addresses, None, time.time_ns() // 1_000_000)
    profile.mkdir(parents=True, exist_ok=True)
    profile.chmod(0o700)
    assert save_book(profile, room.network_id, book.snapshot()) is None


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be somebody who has no node and no profile."""
    folder = tmp_path / "profiles"
    monkeypatch.setattr(inviting, "default_folder", lambda: folder)
    monkeypatch.setattr(inviting, "run_folder", lambda _: run_folder(folder, tmp_path / "run"))
    return folder


@pytest.fixture
def ann(profiles: Path, tmp_path: Path) -> Iterator[Running]:
    """Let a node be announced in the lobby."""
    folder = run_folder(profiles, tmp_path / "run")
    assert folder is not None
    with RunningNode(folder) as announced:
        announced.announce("127.0.0.1", 5000, ANN, LOBBY)
        yield running()


# --- Of a node --------------------------------------------------------------------------------


async def test_a_node_names_itself_and_its_room() -> None:
    async with node(room="tea") as one:
        url, note = invite_of(one)
        place = InvitePlace(one.id, (Address("127.0.0.1", one.port),))

    made = decode_invite(url)
    assert (made.room, made.secret, made.places[0]) == ("tea", None, place)
    assert "tea is an open room" in note
    assert "this machine only" in note


async def test_whoever_follows_the_invite_of_a_node_gets_there() -> None:
    async with asyncio.timeout(DEADLINE_S), line_of("ann", "ben") as (one, _), node("cid") as cid:
        await cid.connect(invite_of(one)[0])

        assert cid.neighbour_count == 1


# --- Of nodes that run ------------------------------------------------------------------------


async def test_a_node_that_runs_is_named_without_starting_another(
    ann: Running, capfd: Capture
) -> None:
    code = await invite(Settings(), as_qr=False)

    said = capfd.readouterr()
    assert code == 0
    assert decode_invite(said.out) == Invite(
        "lobby", None, (InvitePlace(ANN, (Address(ann.host, ann.port),)),)
    )
    assert "lobby is an open room" in said.err


async def test_what_runs_is_real_nodes(profiles: Path, tmp_path: Path, capfd: Capture) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        node(manual=False, folder=profiles, run_folder=tmp_path / "run") as one,
    ):
        code = await invite(Settings(), as_qr=False)

    assert code == 0
    assert decode_invite(capfd.readouterr().out).places[0].peer == one.id


@pytest.mark.usefixtures("ann")
async def test_a_node_of_another_room_is_nobody_to_invite_to(capfd: Capture) -> None:
    code = await invite(Settings(room="tea time", host="127.0.0.1"), as_qr=False)

    said = capfd.readouterr()
    assert (code, said.out) == (1, "")
    assert "no p2pchat of yours runs in tea time" in said.err
    assert said.err.endswith("p2pchat --room 'tea time' --host 127.0.0.1\n")


@pytest.mark.usefixtures("profiles")
async def test_without_a_node_it_is_said_how_to_start_one(capfd: Capture) -> None:
    code = await invite(Settings(), as_qr=False)

    assert code == 1
    assert capfd.readouterr().err.endswith("Start one in another terminal: p2pchat\n")


async def test_people_of_the_address_book_are_named_as_well(
    ann: Running, profiles: Path, capfd: Capture
) -> None:
    far = Address(public_ip(1, 1), 5000)
    write_book(profiles / "default", ("ben", (far,)), ("ann", (far,)))

    await invite(Settings(), as_qr=False)

    said = capfd.readouterr()
    assert decode_invite(said.out).places[1:] == (InvitePlace(BEN, (far,)),)
    assert "as long as one of those is here" in said.err


async def test_an_ephemeral_profile_looks_into_no_book(
    ann: Running, profiles: Path, capfd: Capture
) -> None:
    write_book(profiles / "default", ("ben", (Address(public_ip(1, 1), 5000),)))

    await invite(Settings(ephemeral=True), as_qr=False)

    assert len(decode_invite(capfd.readouterr().out).places) == 1


@pytest.mark.usefixtures("ann")
async def test_as_json_invite_and_note_are_one_object(capfd: Capture) -> None:
    await invite(Settings(json=True), as_qr=True)

    said = capfd.readouterr()
    told = json.loads(said.out)
    assert told["command"] == "invite"
    assert decode_invite(told["data"]["url"]).room == "lobby"
    assert "open room" in told["data"]["note"]
    assert said.err == ""


@pytest.mark.usefixtures("ann")
async def test_the_picture_stands_above_the_invite(capfd: Capture) -> None:
    await invite(Settings(quiet=True), as_qr=True)

    said = capfd.readouterr()
    *picture, url = said.out.splitlines()
    assert decode_invite(url).room == "lobby"
    assert len({len(line) for line in picture}) == 1
    assert len(picture) > 10
    assert said.err == ""


# --- Of a profile -----------------------------------------------------------------------------


async def test_a_named_profile_is_invited_to_before_it_runs(profiles: Path, capfd: Capture) -> None:
    profile = open_profile("work", profiles)
    profile.close()

    chosen = Settings(profile="work", host="127.0.0.1", room="tea")
    code = await invite(chosen, as_qr=False)

    said = capfd.readouterr()
    place = InvitePlace(profile.identity.peer, (Address("127.0.0.1", 55555),))
    assert code == 0
    assert decode_invite(said.out) == Invite("tea", None, (place,))
    assert "p2pchat --profile work --port 55555 --room tea --host 127.0.0.1" in said.err


async def test_a_profile_that_is_not_there_is_not_made(profiles: Path, capfd: Capture) -> None:
    code = await invite(Settings(profile="work"), as_qr=False)

    assert code == 1
    assert "p2pchat --profile work" in capfd.readouterr().err
    assert not (profiles / "work").exists()


@pytest.mark.usefixtures("ann")
async def test_a_profile_that_is_busy_in_another_room_is_not_promised(
    profiles: Path, capfd: Capture
) -> None:
    profile = open_profile("work", profiles)
    try:
        code = await invite(Settings(profile="work", room="tea"), as_qr=False)
    finally:
        profile.close()

    assert code == 1
    assert "no p2pchat of yours runs in tea" in capfd.readouterr().err


# --- Places -----------------------------------------------------------------------------------


def test_loopback_is_named_only_when_there_is_nothing_else() -> None:
    confined, open_one = running(ANN), running(BEN, "192.168.1.5")

    assert own_places([confined]) == (InvitePlace(ANN, (Address("127.0.0.1", 5000),)),)
    assert own_places([confined, open_one]) == (InvitePlace(BEN, (Address("192.168.1.5", 5000),)),)


def test_addresses_of_the_book_that_lead_nowhere_from_elsewhere_are_left_out(
    tmp_path: Path,
) -> None:
    near, far = Address("192.168.1.7", 5000), Address(public_ip(1, 1), 5000)
    write_book(
        tmp_path / "work",
        ("ben", (Address("127.0.0.1", 5000),)),
        ("cid", (Address("127.0.0.1", 5001), near, far)),
    )

    assert known_places(LOBBY, tmp_path / "work") == (InvitePlace(peer_id("cid"), (far,)),)
    assert known_places(TEA, tmp_path / "work") == ()
    assert known_places(LOBBY, tmp_path / "nobody") == ()


def test_few_of_many_are_named(tmp_path: Path) -> None:
    met = [(f"peer {n}", (Address(public_ip(n, 1), 5000),)) for n in range(30)]
    write_book(tmp_path / "work", *met)

    made = make_invite(LOBBY, [running()], tmp_path / "work")

    assert len(made.places) == 1 + OTHERS


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.builds(
            Running,
            st.just(1),
            st.sampled_from(["", "::", "0.0.0.0", "127.0.0.1", "::1", "192.168.1.5", "20.1.1.1"]),
            st.integers(1024, 65_535),
            st.binary(min_size=32, max_size=32).map(PeerId),
            st.just(b""),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_however_many_run_the_others_keep_their_places(nodes: list[Running]) -> None:
    places = own_places(nodes)
    addresses = [address for place in places for address in place.addresses]

    assert places
    assert all(place.addresses for place in places)
    assert len(addresses) <= INVITE_ADDRESSES - OTHERS
    is_near = {scope_of(address.host) is Scope.MACHINE for address in addresses}
    assert len(is_near) == 1


# --- Notes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "this machine only"),
        ("192.168.1.5", "from this network, not from the internet"),
        ("20.1.1.1", ""),
    ],
)
def test_from_where_an_invite_leads_here_is_said(host: str, text: str) -> None:
    note = note_on(Invite("lobby", None, (InvitePlace(ANN, (Address(host, 5000),)),)))

    assert text in note
    assert ("It leads" in note) is bool(text)


def test_an_invite_with_a_secret_makes_members() -> None:
    assert "member of attic for good" in note_on(Invite("attic", b"secret"))

"""`p2pchat invite --new-room`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2pchat import founding, inviting, rooms
from p2pchat.core.values import Address
from p2pchat.crypto.room import Room
from p2pchat.errors import BadRoom, BadUsage
from p2pchat.founding import found
from p2pchat.inviting import invite
from p2pchat.settings import Settings
from p2pchat.store.profile import open_profile
from p2pchat.store.rooms import KnownRooms
from p2pchat.store.running import run_folder
from p2pchat.wire.invite import decode_invite
from tests.ports import held_port

Capture = pytest.CaptureFixture[str]

HERE = Settings(host="127.0.0.1")


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    for module in (founding, inviting, rooms):
        monkeypatch.setattr(module, "default_folder", lambda: folder)
    monkeypatch.setattr(inviting, "run_folder", lambda _: run_folder(folder, tmp_path / "run"))
    return folder


def is_missing(folder: Path) -> bool:
    return not folder.exists()


async def test_a_new_room_is_remembered_and_its_invite_holds_the_secret(
    profiles: Path, capfd: Capture
) -> None:
    assert await found(HERE, "tea", as_qr=False) == 0

    said = capfd.readouterr()
    made = decode_invite(said.out)
    (known,) = KnownRooms(profiles).named("tea")
    assert made.secret is not None
    assert len(made.secret) == 16
    assert known.room == Room("tea", made.secret)
    assert "member of tea for good" in said.err
    assert "p2pchat -r tea" in said.err
    assert made.secret.hex() not in said.err


async def test_the_invite_names_the_profile_and_the_port_that_are_going_to_be_used(
    profiles: Path, capfd: Capture
) -> None:
    await found(HERE, "tea", as_qr=False)

    (place,) = decode_invite(capfd.readouterr().out).places
    (known,) = KnownRooms(profiles).named("tea")
    assert known.profile == "default"
    profile = open_profile("default", profiles)
    profile.close()
    assert place.peer == profile.identity.peer
    assert place.addresses == (Address("127.0.0.1", known.port or 0),)


async def test_a_profile_that_is_in_use_is_not_promised(profiles: Path, capfd: Capture) -> None:
    busy = open_profile("default", profiles)
    try:
        await found(HERE, "tea", as_qr=False)
    finally:
        busy.close()

    assert KnownRooms(profiles).named("tea")[0].profile == "default-2"


async def test_the_port_asked_for_is_the_one_promised(profiles: Path) -> None:
    with held_port() as port:
        await found(Settings(host="127.0.0.1", port=port), "tea", as_qr=False)

    assert KnownRooms(profiles).named("tea")[0].port == port


async def test_two_rooms_have_nothing_in_common(profiles: Path) -> None:
    await found(HERE, "tea", as_qr=False)
    await found(HERE, "coffee", as_qr=False)

    (tea,), (coffee,) = (KnownRooms(profiles).named(name) for name in ("tea", "coffee"))
    assert tea.room.secret != coffee.room.secret


async def test_a_further_invite_needs_nobody_to_run(capfd: Capture) -> None:
    await found(HERE, "tea", as_qr=False)
    first = decode_invite(capfd.readouterr().out)

    code = await invite(Settings(room="tea", host="127.0.0.1"), as_qr=False)

    said = capfd.readouterr()
    assert code == 0
    assert decode_invite(said.out) == first
    assert "start it: p2pchat --room tea --host 127.0.0.1" in said.err


@pytest.mark.parametrize(
    ("settings", "name", "error"),
    [
        (HERE, "", BadRoom),
        (HERE, "a\nb", BadRoom),
        (HERE, "lobby", BadUsage),
        (Settings(host="127.0.0.1", ephemeral=True), "tea", BadUsage),
    ],
)
async def test_what_can_not_be_founded_leaves_nothing(
    profiles: Path, settings: Settings, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await found(settings, name, as_qr=False)

    assert is_missing(profiles)


async def test_a_room_is_founded_once(capfd: Capture) -> None:
    await found(HERE, "tea", as_qr=False)
    capfd.readouterr()

    with pytest.raises(BadUsage, match="you are in a private room called tea already"):
        await found(HERE, "tea", as_qr=False)

    assert capfd.readouterr().out == ""


async def test_an_invite_to_a_room_that_could_not_be_kept_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setattr(KnownRooms, "keep", lambda *_: "it could not be saved (disk full).")

    assert await found(HERE, "tea", as_qr=False) == 1

    said = capfd.readouterr()
    assert said.out == ""
    assert "could not be saved" in said.err


async def test_as_json_it_is_one_object(capfd: Capture) -> None:
    await found(Settings(host="127.0.0.1", json=True), "tea", as_qr=False)

    told = json.loads(capfd.readouterr().out)
    assert decode_invite(told["data"]["url"]).room == "tea"
    assert "for good" in told["data"]["note"]

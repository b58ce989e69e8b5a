"""Which room a run is in."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from p2pchat import rooms
from p2pchat.core.invites import Invite, InvitePlace
from p2pchat.core.values import Address
from p2pchat.crypto.passphrase import stretch
from p2pchat.crypto.room import Room
from p2pchat.errors import BadInvite, BadRoom, BadUsage, RoomUnreadable
from p2pchat.rooms import choose, directions
from p2pchat.settings import Settings
from p2pchat.sim.credentials import sim_peer_id
from p2pchat.store.rooms import FOLDER_NAME, KnownRoom, KnownRooms
from p2pchat.wire.invite import encode_invite

SECRET = bytes(range(16))
PLACE = InvitePlace(sim_peer_id("bob"), (Address("10.1.0.2", 55555),))
TEA = Room("tea", SECRET)
TO_TEA = Invite("tea", SECRET, (PLACE,))
TO_LOBBY = Invite("lobby", None, (PLACE,))


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be somebody who is in no room yet."""
    monkeypatch.setattr(rooms, "default_folder", lambda: tmp_path)
    return tmp_path


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


def by(*invites: Invite, **given: Any) -> Settings:
    return Settings(connect=tuple(map(encode_invite, invites)), **given)


async def test_without_anything_it_is_the_open_lobby() -> None:
    assert await choose(Settings()) == rooms.Choice(Room("lobby"))


async def test_an_unknown_name_is_an_open_room() -> None:
    assert (await choose(Settings(room="tea"))).room == Room("tea")


async def test_an_invite_opens_its_room_which_is_remembered_by_name() -> None:
    first = await choose(by(TO_TEA))
    again = await choose(by(TO_TEA))
    by_name = await choose(Settings(room="tea"))

    assert {first.room, again.room, by_name.room} == {TEA}
    assert first.targets == (TO_TEA,)
    assert (by_name.targets, by_name.places) == ((), (PLACE,))
    assert any("p2pchat -r tea" in note for note in first.notes)
    assert again.notes == ()


async def test_a_name_that_is_nearly_that_of_a_private_room_is_told_of() -> None:
    await choose(by(TO_TEA))

    choice = await choose(Settings(room="Tea"))

    assert choice.room == Room("Tea")
    assert choice.notes == ("Tea is an open room; your private one is tea",)
    assert (await choose(Settings(room="team"))).notes == ()


async def test_an_invite_to_an_open_room_is_not_remembered(profiles: Path) -> None:
    choice = await choose(by(TO_LOBBY))

    assert choice.room == Room("lobby")
    assert is_empty(profiles)


async def test_ephemeral_remembers_nothing(profiles: Path) -> None:
    choice = await choose(by(TO_TEA, ephemeral=True))

    assert choice.room == TEA
    assert is_empty(profiles)


async def test_a_room_that_can_not_be_remembered_is_opened_all_the_same(profiles: Path) -> None:
    (profiles / FOLDER_NAME).write_text("in the way")

    choice = await choose(by(TO_TEA))

    assert choice.room == TEA
    assert "could not be saved" in choice.notes[0]


async def test_a_new_invite_brings_new_places_and_keeps_what_the_founder_promised(
    profiles: Path,
) -> None:
    KnownRooms(profiles).keep(KnownRoom(TEA, (), "default", 55555))

    await choose(by(TO_TEA))

    assert KnownRooms(profiles).named("tea") == (KnownRoom(TEA, (PLACE,), "default", 55555),)


async def test_a_damaged_memory_is_no_open_room_until_an_invite_mends_it(profiles: Path) -> None:
    await choose(by(TO_TEA))
    (file,) = (profiles / FOLDER_NAME).glob("*-*")
    file.write_text("garbage")

    with pytest.raises(RoomUnreadable):
        await choose(Settings(room="tea"))

    await choose(by(TO_TEA))
    assert (await choose(Settings(room="tea"))).room == TEA


async def test_a_name_that_means_two_private_rooms_is_refused() -> None:
    await choose(by(TO_TEA))
    other = Invite("tea", b"another secret!!", (PLACE,))
    await choose(by(other))

    with pytest.raises(BadUsage, match="2 private rooms called tea"):
        await choose(Settings(room="tea"))
    assert (await choose(by(other))).room == Room("tea", b"another secret!!")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (by(TO_TEA, room="lobby"), "leave that out"),
        (by(TO_TEA, TO_LOBBY), "different rooms"),
        (by(TO_TEA, Invite("tea", b"another secret!!")), "different rooms"),
        (by(TO_TEA, secret=b"another secret!!"), "does not open the room"),
        (by(TO_LOBBY, secret=SECRET), "does not open the room"),
        (Settings(secret=SECRET), "needs --room NAME"),
    ],
)
async def test_what_does_not_fit_together_is_refused(given: Settings, text: str) -> None:
    with pytest.raises(BadUsage, match=text):
        await choose(given)


async def test_what_fits_together_is_taken() -> None:
    assert (await choose(by(TO_TEA, room="tea", secret=SECRET))).room == TEA
    assert (await choose(by(TO_TEA, TO_TEA))).room == TEA


@pytest.mark.parametrize("name", ["", "a\nb", " tea"])
async def test_a_bad_name_is_told_before_anybody_waits(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(rooms, "stretch", None)

    with pytest.raises(BadRoom):
        await choose(Settings(room=name, secret="open sesame"))


async def test_an_invite_that_is_none_is_refused() -> None:
    with pytest.raises(BadInvite):
        await choose(Settings(connect=("p2pchat://x",)))


async def test_a_passphrase_is_stretched_in_a_thread_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch, profiles: Path
) -> None:
    threads = []

    def noting(passphrase: str, room: str) -> bytes:
        threads.append(threading.current_thread())
        return stretch(passphrase, room)

    monkeypatch.setattr(rooms, "stretch", noting)
    choosing = asyncio.create_task(choose(Settings(room="tea", secret="open sesame")))
    turns = 0
    while not choosing.done():
        turns += 1
        await asyncio.sleep(0)
    choice = await choosing

    assert choice.room == Room("tea", stretch("open sesame", "tea"))
    assert threads != [threading.main_thread()]
    assert turns > 10
    assert "sesame" not in choice.notes[0]
    assert "2 words" in choice.notes[0]
    assert is_empty(profiles)


async def test_a_long_passphrase_is_not_warned_about() -> None:
    choice = await choose(Settings(room="tea", secret="one two three four five sixx"))

    assert choice.notes == ()


# --- Directions -------------------------------------------------------------------------------


async def test_who_is_in_another_room_is_told_the_command_that_leads_there() -> None:
    told = await directions(TO_TEA, is_kept=True)

    assert told.endswith("  p2pchat -r tea")
    assert (await choose(Settings(room="tea"))).room == TEA


async def test_where_nothing_is_remembered_the_invite_is_to_be_pasted(profiles: Path) -> None:
    told = await directions(TO_TEA, is_kept=False)

    assert "--invite-file -" in told
    assert encode_invite(TO_TEA) not in told
    assert is_empty(profiles)


async def test_where_the_name_is_taken_the_invite_is_to_be_pasted() -> None:
    await choose(by(TO_TEA))

    told = await directions(Invite("tea", b"another secret!!"), is_kept=True)

    assert "--invite-file -" in told


async def test_an_invite_to_an_open_room_goes_with_the_command() -> None:
    told = await directions(TO_LOBBY, is_kept=True)

    assert told.endswith(f"p2pchat -c {encode_invite(TO_LOBBY)}")

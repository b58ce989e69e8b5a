"""Private rooms are remembered by name; a file that can't be used opens nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.invites import InvitePlace
from p2pchat.core.values import Address, PeerId
from p2pchat.crypto.room import Room
from p2pchat.errors import RoomUnreadable
from p2pchat.store import rooms
from p2pchat.store.lock import FileLock
from p2pchat.store.rooms import FOLDER_NAME, KnownRoom, KnownRooms
from tests.effort import EFFORT

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and signals of POSIX")

TEA = Room("tea", bytes(range(16)))
PLACE = InvitePlace(PeerId(bytes(32)), (Address("192.168.1.5", 55555), Address("2001:db8::5", 7)))
KNOWN = KnownRoom(TEA, (PLACE,), "default-2", 55556)

WRITER = """
import sys
from pathlib import Path
from p2pchat.crypto.room import Room
from p2pchat.store.rooms import KnownRoom, KnownRooms
known, port = KnownRooms(Path(sys.argv[1])), 1
while True:
    port = port % 60_000 + 1
    known.keep(KnownRoom(Room("tea", bytes(range(16))), (), "default", port))
    sys.stdout.write(".")
    sys.stdout.flush()
"""


@pytest.fixture
def known(tmp_path: Path) -> KnownRooms:
    return KnownRooms(tmp_path)


def the_file(tmp_path: Path) -> Path:
    (file,) = (tmp_path / FOLDER_NAME).glob("*-*")
    return file


def test_nothing_is_known_at_first_and_no_folder_is_made(known: KnownRooms, tmp_path: Path) -> None:
    assert known.named("tea") == ()
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_found_by_name(known: KnownRooms) -> None:
    assert known.keep(KNOWN) is None
    assert known.keep(KnownRoom(Room("coffee", b"x" * 32))) is None

    assert known.named("tea") == (KNOWN,)
    assert known.named("coffee") == (KnownRoom(Room("coffee", b"x" * 32)),)
    assert known.named("Tea") == ()


def test_what_has_changed_takes_the_place_of_the_old(known: KnownRooms) -> None:
    known.keep(KNOWN)
    known.keep(KnownRoom(TEA))

    assert known.named("tea") == (KnownRoom(TEA),)


def test_two_rooms_of_one_name_are_both_kept(known: KnownRooms) -> None:
    known.keep(KNOWN)
    known.keep(KnownRoom(Room("tea", b"another secret!!")))

    assert {one.room for one in known.named("tea")} == {TEA, Room("tea", b"another secret!!")}


@POSIX_ONLY
def test_only_the_user_may_read_them(known: KnownRooms, tmp_path: Path) -> None:
    known.keep(KNOWN)

    assert (tmp_path / FOLDER_NAME).stat().st_mode & 0o777 == 0o700
    assert the_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_neither_name_nor_secret_is_in_the_name_of_the_file(
    known: KnownRooms, tmp_path: Path
) -> None:
    known.keep(KNOWN)

    assert "tea" not in the_file(tmp_path).name
    assert bytes(range(8)).hex() not in the_file(tmp_path).name


def test_a_damaged_file_is_kept_aside_and_its_room_never_taken_for_an_open_one(
    known: KnownRooms, tmp_path: Path
) -> None:
    known.keep(KNOWN)
    file = the_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-5])

    for _ in range(2):  # when it is found, and ever after
        with pytest.raises(RoomUnreadable, match="the secret of tea can't be had") as caught:
            known.named("tea")
    assert str(the_file(tmp_path)) in str(caught.value)
    assert known.named("coffee") == ()

    known.keep(KNOWN)  # he joined it again
    assert known.named("tea") == (KNOWN,)


@POSIX_ONLY
def test_a_file_that_others_can_read_is_not_used_and_said_so(
    known: KnownRooms, tmp_path: Path
) -> None:
    known.keep(KNOWN)
    the_file(tmp_path).chmod(0o644)

    with pytest.raises(RoomUnreadable, match="open to other users"):
        known.named("tea")


def test_a_disk_that_can_not_be_written_to_is_told(known: KnownRooms, tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME).write_text("in the way")

    assert "could not be saved" in (known.keep(KNOWN) or "")


def test_a_folder_that_can_not_be_read_is_no_empty_one(known: KnownRooms, tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME).write_text("in the way")

    with pytest.raises(RoomUnreadable, match="Not a directory"):
        known.named("tea")
    assert known.names() == frozenset()


def test_all_names_are_known(known: KnownRooms) -> None:
    known.keep(KNOWN)
    known.keep(KnownRoom(Room("coffee", b"x" * 32)))

    assert known.names() == {"tea", "coffee"}


@pytest.mark.parametrize(
    "changes",
    [
        {"room": ""}, {"room": 5}, {"room": "a\nb"}, {"secret": ""}, {"secret": "xy"},
        {"secret": None}, {"places": 5}, {"places": [["00", []]]}, {"places": [[PLACE.peer.hex()]]},
        {"places": [[PLACE.peer.hex(), ["a"]]]}, {"places": [[PLACE.peer.hex(), ["a:1"] * 9]]},
        {"places": [[PLACE.peer.hex(), []]] * 9}, {"profile": 5}, {"profile": "x" * 65},
        {"port": 0}, {"port": 65_536}, {"port": "5"}, {"port": True},
    ],
)  # fmt: skip
def test_a_file_with_anything_wrong_in_it_is_no_room(changes: dict[str, object]) -> None:
    fields = json.loads(rooms._write(KNOWN))

    assert rooms._read(json.dumps(fields).encode()) == KNOWN
    assert rooms._read(json.dumps(fields | changes).encode()) is None
    for name in changes:
        del fields[name]
    assert rooms._read(json.dumps(fields).encode()) is None


@settings(max_examples=EFFORT.property_examples)
@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["room", "secret", "places", "profile", "port"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_the_content_it_is_a_room_or_nothing(content: bytes) -> None:
    read = rooms._read(content)

    assert read is None or not read.room.is_open
    assert rooms._read(b"[" * 2000 + content) is None


@POSIX_ONLY
def test_a_kill_while_it_is_written_leaves_the_room(known: KnownRooms, tmp_path: Path) -> None:
    known.keep(KNOWN)
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.read(20)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()

        (found,) = known.named("tea")
        assert found.room == TEA


def test_many_terminals_with_one_invite_all_remember_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as terminals:
        known = [KnownRoom(TEA, (), "default", 1 + number) for number in range(16)]
        problems = list(terminals.map(KnownRooms(tmp_path).keep, known))

    assert problems == [None] * 16
    assert KnownRooms(tmp_path).named("tea")[0] in known


def test_a_lock_that_is_never_given_back_is_told(
    monkeypatch: pytest.MonkeyPatch, known: KnownRooms, tmp_path: Path
) -> None:
    known.keep(KNOWN)
    monkeypatch.setattr(rooms, "LOCK_TIMEOUT_S", 0.0)
    lock = FileLock(tmp_path / FOLDER_NAME / "lock")

    assert "could not be saved" in (known.keep(KnownRoom(TEA)) or "")
    lock.release()
    assert known.named("tea") == (KNOWN,)


def test_every_beginning_of_a_file_is_no_room_and_never_an_error(
    known: KnownRooms, tmp_path: Path
) -> None:
    known.keep(KNOWN)
    file = the_file(tmp_path)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        for old in (tmp_path / FOLDER_NAME).glob("*-*"):
            old.unlink()
        file.write_bytes(whole[:length])
        file.chmod(0o600)
        with suppress(RoomUnreadable):
            raise AssertionError(known.named("tea"))

"""The address book's file: whole or not believed, never larger than its bound, never in the way."""

from __future__ import annotations

import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from p2pchat.core import limits
from p2pchat.core.address_book import AddressBook
from p2pchat.core.book_entries import BookEntry, BookState
from p2pchat.core.values import Address, NetworkId, PeerId
from p2pchat.store.address_book import _KIND, FILE_LIMIT_BYTES, ROOMS_LIMIT, load_book, save_book
from p2pchat.store.book_text import read_state, write_state
from p2pchat.store.checked_file import with_check
from tests.core.book_support import WALL_MS, peer_id, public_ip, record_of
from tests.effort import EFFORT
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

NETWORK = NetworkId(bytes(range(16)))
NAME = "0001020304050607"


def a_state(peers: int = 4) -> BookState:
    book = AddressBook(random.Random(1))
    for number in range(peers):
        book.add(record_of(number, public_ip(number, 1), "fd00::1"), peer_id("source"), WALL_MS)
    book.note_success(peer_id(0), (Address("chat.example.org", 55555),), None, WALL_MS)
    book.note_success(peer_id(1), (Address("fe80::1%eth0", 55555),), None, WALL_MS)
    book.note_failure(peer_id(2), WALL_MS)
    book.set_anchors([peer_id(1), peer_id(0)])
    book.set_insistent({"20.7.0.0/16", "2a00:1::/32"})
    return book.snapshot()


STATE = a_state()
WRITTEN = with_check(_KIND, write_state(NETWORK, STATE))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the book of the room is; its folder is there."""
    (tmp_path / "addresses").mkdir(mode=0o700)
    return tmp_path / "addresses" / NAME


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def load(path: Path) -> tuple[BookState | None, list[str]]:
    return load_book(path.parent.parent, NETWORK)


def save(path: Path, state: BookState = STATE) -> str | None:
    return save_book(path.parent.parent, NETWORK, state)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert load_book(tmp_path, NETWORK) == (None, [])
    assert save_book(tmp_path, NETWORK, STATE) is None

    assert load_book(tmp_path, NETWORK) == (STATE, [])
    assert names_in(tmp_path / "addresses") == [NAME]


def test_a_book_that_says_nothing_of_insistent_networks_is_read_all_the_same() -> None:
    book = json.loads(write_state(NETWORK, STATE))
    del book["insistent"]

    assert read_state(NETWORK, json.dumps(book).encode()) == replace(STATE, insistent=())


@POSIX_ONLY
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    save_book(tmp_path, NETWORK, STATE)

    assert (tmp_path / "addresses").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "addresses" / NAME).stat().st_mode & 0o777 == 0o600


def test_an_ephemeral_profile_keeps_nothing() -> None:
    assert save_book(None, NETWORK, STATE) is None
    assert load_book(None, NETWORK) == (None, [])


def test_each_room_has_its_own_and_the_eight_latest_are_kept(tmp_path: Path) -> None:
    rooms = [NetworkId(bytes((number,)) * 16) for number in range(ROOMS_LIMIT + 3)]
    folder = tmp_path / "addresses"
    for number, room in enumerate(rooms):
        save_book(tmp_path, room, a_state(number + 2))
        os.utime(folder / room.hex()[:16], (number, number))
    (folder / "mine.txt").touch()
    save_book(tmp_path, NETWORK, STATE)

    kept = [room for room in rooms if load_book(tmp_path, room)[0] is not None]

    assert kept == rooms[-(ROOMS_LIMIT - 1) :]
    assert load_book(tmp_path, kept[0])[0] == a_state(rooms.index(kept[0]) + 2)
    assert load_book(tmp_path, NETWORK)[0] == STATE
    assert (folder / "mine.txt").exists()


@pytest.mark.threat(20)
def test_a_file_cut_at_any_byte_is_set_aside_whole(path: Path) -> None:
    lengths = set(range(0, len(WRITTEN), max(1, len(WRITTEN) // EFFORT.crash_points)))
    lengths |= {*range(len(WRITTEN) - 45, len(WRITTEN)), *range(25)}
    aside = path.with_name(f"{NAME}.damaged")

    for length in sorted(lengths):
        write(path, WRITTEN[:length])
        state, messages = load(path)

        assert state is None
        assert messages == [f"the address book was damaged; it was set aside as {aside}."]
        assert aside.read_bytes() == WRITTEN[:length]
        assert names_in(path.parent) == [aside.name]


@settings(max_examples=EFFORT.property_examples)
@given(place=st.integers(0, len(WRITTEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("profile") / "addresses" / NAME
    path.parent.mkdir()
    changed = bytearray(WRITTEN)
    changed[place] = byte
    write(path, bytes(changed))

    state, messages = load(path)

    assert (state == STATE) == (changed == WRITTEN)
    assert (state is None) == (len(messages) == 1)


def test_a_file_of_another_room_is_not_believed(path: Path) -> None:
    write(path, with_check(_KIND, write_state(NetworkId(NETWORK[:8] + bytes(8)), STATE)))

    state, messages = load(path)

    assert state is None
    assert "damaged" in messages[0]


@pytest.mark.parametrize("version", [2, 10, 9999])
def test_a_file_of_a_newer_version_is_left_alone(path: Path, version: int) -> None:
    content = b"p2pchat addresses %d\nsomething else\n" % version
    write(path, content)

    state, messages = load(path)
    problem = save(path)

    assert state is None
    assert "newer p2pchat" in messages[0]
    assert problem is not None
    assert "newer p2pchat" in problem
    assert path.read_bytes() == content
    assert names_in(path.parent) == [NAME]


def test_a_huge_file_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)  # with a hole in it: takes no room
    path.chmod(0o600)

    state, messages = load(path)

    assert state is None
    assert "damaged" in messages[0]


@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_a_file_open_to_others_is_not_believed_and_gets_replaced(path: Path, mode: int) -> None:
    write(path, WRITTEN, mode)

    state, messages = load(path)
    problem = save(path)

    assert state is None
    assert messages == [f"the address book {path} was open to other users; a new one is begun."]
    assert problem is None
    assert load(path) == (STATE, [])


@POSIX_ONLY
def test_a_file_of_another_user_is_not_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, WRITTEN)
    somebody_else = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)

    assert load(path)[0] is None


@POSIX_ONLY
def test_a_link_is_not_followed_and_a_pipe_not_waited_for(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    write(elsewhere, WRITTEN)
    path.symlink_to(elsewhere)
    linked = load(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    piped = load(path)
    path.unlink()
    path.mkdir()
    folder = load(path)
    problem = save(path)

    assert [state for state, _ in (linked, piped, folder)] == [None] * 3
    assert "symbolic link" in linked[1][0]
    assert "not a file" in piped[1][0]
    assert "not a file" in folder[1][0]
    assert problem is not None
    assert elsewhere.read_bytes() == WRITTEN


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("step", ["fsync", "open", "fdopen"])
def test_a_disk_that_is_full_or_read_only_keeps_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    save(path)
    with monkeypatch.context() as broken:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code))

        broken.setattr(os, step, refuse)
        problem = save(path, a_state(9))

    assert problem == (
        f"the address book could not be saved ({os.strerror(code)}); the last one is kept."
    )
    assert load(path) == (STATE, [])
    assert save(path, a_state(9)) is None
    assert load(path) == (a_state(9), [])


@POSIX_ONLY
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_told_in_words(path: Path) -> None:
    save(path)
    path.parent.chmod(0o500)

    problem = save(path, a_state(9))

    path.parent.chmod(0o700)
    assert problem is not None
    assert load(path) == (STATE, [])


def test_a_damaged_file_that_cannot_be_set_aside_is_told_and_not_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, b"damaged")

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "replace", refuse)
    state, messages = load(path)

    assert state is None
    assert "can't be set aside" in messages[0]
    assert path.read_bytes() == b"damaged"


def test_the_fullest_book_fits_into_the_bound() -> None:
    size = limits.BOOK_BUCKETS * limits.BOOK_BUCKET_ENTRIES
    names = tuple(Address("x" * 253, 50000 + n) for n in range(limits.RECORD_ADDRESSES))
    ips = [f"2001:db8:ffff:ffff:ffff:ffff:ffff:fff{n}" for n in range(limits.RECORD_ADDRESSES)]
    record = replace(record_of("ann", *ips), signed=bytes(limits.RECORD_LIMIT_BYTES))
    entry = BookEntry(
        peer_id("ann"), names, record, peer_id("ben"), is_tried=True,
        heard_ms=WALL_MS, last_success_ms=WALL_MS, last_try_ms=WALL_MS, failures=1000,
    )  # fmt: skip
    heard = replace(entry, addresses=())

    content = with_check(
        _KIND,
        write_state(NETWORK, BookState(bytes(32), (entry,) * size + (heard,) * size, ())),
    )

    assert len(content) <= FILE_LIMIT_BYTES


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=EFFORT.property_examples)
@given(st.data())
def test_whatever_stands_in_the_place_of_a_value_is_a_book_or_nothing(data: st.DataObject) -> None:
    book: dict[str, Any] = json.loads(write_state(NETWORK, STATE))
    entry = data.draw(st.sampled_from(book["entries"]))
    places = [place for place in (book, entry, entry["record"]) if place is not None]
    place = data.draw(st.sampled_from(places))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(anything)

    state = read_state(NETWORK, json.dumps(book).encode())

    fresh = AddressBook(random.Random(1))
    if state is not None:
        fresh.restore(state, WALL_MS)
    assert all(holding.count <= holding.limit for holding in fresh.holdings())


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_book(content: bytes) -> None:
    assert read_state(NETWORK, content) is None
    assert read_state(NETWORK, b"[" * 100_000 + content) is None


def test_one_address_that_cannot_be_read_costs_nobody_else() -> None:
    text = write_state(NETWORK, STATE).replace("chat.example.org:", "two words:")

    state = read_state(NETWORK, text.encode())

    assert state is not None
    assert [PeerId(entry.peer) for entry in state.entries] == [e.peer for e in STATE.entries]

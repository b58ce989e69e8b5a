"""The file of contacts: old or new after any crash, never believed in part, never lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.contact_entries import CONTACTS_LIMIT, Contact, ContactsState
from p2pchat.core.contacts import Contacts
from p2pchat.core.values import PeerId
from p2pchat.store.checked_file import with_check
from p2pchat.store.contacts import (
    _KIND,
    FILE_LIMIT_BYTES,
    ContactsFile,
    read_contacts,
    write_contacts,
)
from tests.effort import EFFORT
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes, links and signals of POSIX")
WALL_MS = 1_700_000_000_000
NOT_SAVED = "Until it is put right, who is verified or blocked from now on is not saved."


def a_state(people: int = 4) -> ContactsState:
    return ContactsState(
        tuple(
            Contact(
                PeerId(bytes((number,)) * 32),
                "b\u043eb\U0001f98a",
                WALL_MS - number,
                WALL_MS,
                None if number else WALL_MS,
                WALL_MS if number == 1 else None,
                '"\\' if number == 2 else None,
            )
            for number in range(people)
        )
    )


STATE, OTHER = a_state(), a_state(7)
WRITTEN = with_check(_KIND, write_contacts(STATE))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contacts"


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def opened(path: Path) -> tuple[ContactsFile, ContactsState | None, tuple[str, ...]]:
    file = ContactsFile(path.parent)
    return file, *file.load()


def test_what_was_saved_is_loaded(path: Path) -> None:
    file, state, messages = opened(path)

    assert (state, messages) == (None, ())
    assert file.save(STATE) is None
    assert opened(path)[1:] == (STATE, ())
    assert names_in(path.parent) == ["contacts"]


@POSIX_ONLY
def test_only_the_owner_may_read_it(path: Path) -> None:
    opened(path)[0].save(STATE)

    assert path.stat().st_mode & 0o777 == 0o600


def test_an_ephemeral_profile_keeps_nothing() -> None:
    file = ContactsFile(None)

    assert file.load() == (None, ())
    assert file.save(STATE) is None


@pytest.mark.threat(20)
def test_a_file_cut_at_any_byte_is_set_aside_whole(path: Path) -> None:
    aside = path.with_name("contacts.damaged")
    lengths = set(range(0, len(WRITTEN), max(1, len(WRITTEN) // EFFORT.crash_points)))
    lengths |= {*range(len(WRITTEN) - 45, len(WRITTEN)), *range(25)}

    for length in sorted(lengths):
        write(path, WRITTEN[:length])

        _, state, messages = opened(path)

        assert state is None
        assert messages == (f"the list of contacts was damaged; it was set aside as {aside}.",)
        assert aside.read_bytes() == WRITTEN[:length]
        assert names_in(path.parent) == [aside.name]
        aside.unlink()


def test_after_a_damaged_file_a_new_one_is_begun(path: Path) -> None:
    write(path, WRITTEN[:-1])

    file, _, _ = opened(path)

    assert file.save(OTHER) is None
    assert opened(path)[1:] == (OTHER, ())


@settings(max_examples=EFFORT.property_examples)
@given(place=st.integers(0, len(WRITTEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("profile") / "contacts"
    changed = bytearray(WRITTEN)
    changed[place] = byte
    write(path, bytes(changed))

    _, state, messages = opened(path)

    assert (state == STATE) == (changed == WRITTEN)
    assert (state is None) == bool(messages)


def test_a_second_damaged_file_does_not_take_the_place_of_the_first(path: Path) -> None:
    for number in range(11):
        write(path, b"damaged %d" % number)
        opened(path)

    asides = names_in(path.parent)
    assert len(asides) == 9
    assert path.with_name("contacts.damaged").read_bytes() == b"damaged 0"
    assert path.with_name("contacts.damaged-9").read_bytes() == b"damaged 10"


@pytest.mark.parametrize("version", [2, 10, 9999])
def test_a_file_of_a_newer_version_is_left_alone(path: Path, version: int) -> None:
    content = b"p2pchat contacts %d\nsomething else\n" % version
    write(path, content)

    file, state, messages = opened(path)
    problem = file.save(STATE)

    assert state is None
    assert messages == (
        "the list of contacts was written by a newer p2pchat; it is left as it is.",
        NOT_SAVED,
    )
    assert problem is None
    assert path.read_bytes() == content
    assert names_in(path.parent) == ["contacts"]


def test_a_newer_version_that_comes_while_running_is_not_overwritten(path: Path) -> None:
    file, _, _ = opened(path)
    write(path, b"p2pchat contacts 2\nsomething else\n")

    problem = file.save(STATE)

    assert "newer p2pchat" in str(problem)
    assert path.read_bytes().startswith(b"p2pchat contacts 2\n")


def test_a_huge_file_is_not_read_and_not_thrown_away(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)  # with a hole in it: takes no room
    path.chmod(0o600)

    _, state, messages = opened(path)

    assert state is None
    assert "damaged" in messages[0]
    assert names_in(path.parent) == ["contacts.damaged"]


@POSIX_ONLY
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_open_to_others_is_not_believed_and_not_lost(path: Path, mode: int) -> None:
    write(path, WRITTEN, mode)

    file, state, messages = opened(path)
    file.save(OTHER)

    assert state is None
    assert messages == (
        f"the list of contacts {path} is open to other users; it is not used.",
        NOT_SAVED,
    )
    path.chmod(0o600)
    assert opened(path)[1:] == (STATE, ())


@POSIX_ONLY
def test_a_link_a_pipe_and_a_folder_are_left_alone(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    write(elsewhere, WRITTEN)
    path.symlink_to(elsewhere)
    linked = opened(path)
    linked[0].save(OTHER)
    assert path.is_symlink()
    path.unlink()
    os.mkfifo(path, 0o600)
    piped = opened(path)
    path.unlink()
    path.mkdir()
    folder = opened(path)

    assert [state for _, state, _ in (linked, piped, folder)] == [None] * 3
    assert "symbolic link" in linked[2][0]
    assert "not a file" in piped[2][0]
    assert "not a file" in folder[2][0]
    assert elsewhere.read_bytes() == WRITTEN


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("step", ["fsync", "fdopen"])
def test_a_disk_that_is_full_or_read_only_keeps_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, step: str
) -> None:
    file, _, _ = opened(path)
    file.save(STATE)
    with monkeypatch.context() as broken:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code))

        broken.setattr(os, step, refuse)
        problem = file.save(OTHER)

    assert problem == (
        f"the list of contacts could not be saved ({os.strerror(code)}); the last one is kept."
    )
    assert opened(path)[1:] == (STATE, ())
    assert file.save(OTHER) is None
    assert opened(path)[1:] == (OTHER, ())


def test_a_disk_that_does_not_give_the_file_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, WRITTEN)
    with monkeypatch.context() as broken:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        broken.setattr(os, "open", refuse)
        file, state, messages = opened(path)

    assert state is None
    assert "can't be read" in messages[0]
    assert file.save(OTHER) is None
    assert opened(path)[1:] == (STATE, ())


def test_a_damaged_file_that_cannot_be_set_aside_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, b"damaged")
    with monkeypatch.context() as broken:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        broken.setattr(Path, "rename", refuse)
        broken.setattr(Path, "hardlink_to", refuse)
        file, state, messages = opened(path)

    assert state is None
    assert "can't be set aside" in messages[0]
    assert file.save(OTHER) is None
    assert path.read_bytes() == b"damaged"


_WRITER = """
import sys
from pathlib import Path
from p2pchat.store.contacts import ContactsFile
from tests.store.test_contacts import OTHER, STATE
file = ContactsFile(Path(sys.argv[1]))
file.load()
file.save(STATE)
sys.stdout.write("on\\n")
sys.stdout.flush()
while True:
    file.save(OTHER)
    file.save(STATE)
"""


@pytest.mark.threat(20)
@POSIX_ONLY
def test_a_process_killed_while_writing_leaves_the_old_or_the_new(path: Path) -> None:
    for _ in range(max(3, EFFORT.crash_points // 10)):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path.parent)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"on\n"
            process.send_signal(signal.SIGKILL)

        _, state, messages = opened(path)

        assert state in (STATE, OTHER)
        assert messages == ()


def test_the_fullest_list_fits_into_the_bound() -> None:
    nick = "\U0001f98a" * 24
    contact = Contact(PeerId(bytes(32)), nick, WALL_MS, WALL_MS, WALL_MS, WALL_MS, nick)

    content = with_check(_KIND, write_contacts(ContactsState((contact,) * CONTACTS_LIMIT)))

    assert len(content) <= FILE_LIMIT_BYTES / 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=EFFORT.property_examples)
@given(st.data())
def test_whatever_stands_in_the_place_of_a_value_is_contacts_or_nothing(
    data: st.DataObject,
) -> None:
    whole: dict[str, Any] = json.loads(write_contacts(STATE))
    place = data.draw(st.sampled_from([whole, *whole["contacts"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(anything)

    state = read_contacts(json.dumps(whole).encode())

    contacts = Contacts()
    if state is not None:
        contacts.restore(state, WALL_MS)
    assert len(contacts) <= 4


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_contacts(content: bytes) -> None:
    assert read_contacts(content) is None
    assert read_contacts(b"[" * 100_000 + content) is None


def test_a_list_that_is_too_long_is_not_believed() -> None:
    assert read_contacts(write_contacts(a_state(0)).encode()) == ContactsState(())
    assert read_contacts(b'{"contacts":[' + b"0," * 8192 + b"0]}") is None

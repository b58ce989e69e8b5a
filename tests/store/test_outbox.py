"""The outbox on the disk: sealed, whole or set aside, never in the way, never lost unsaid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.limits import TEXT_LIMIT_BYTES
from p2pchat.core.outbox import DirectId, Waiting
from p2pchat.core.values import PeerId
from p2pchat.store import outbox as outbox_module
from p2pchat.store.outbox import FILE_LIMIT_BYTES, OutboxFolder, decode, encode
from tests.core.book_support import WALL_MS, peer_id
from tests.effort import EFFORT
from tests.store.failing_disk import CODES, STEPS, failing_disk
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

KEY, OTHER_KEY = bytes(range(32)), bytes(32)


def a_message(number: int, text: str = "see you at noon") -> Waiting:
    message_id = DirectId(number.to_bytes(16, "big"))
    return Waiting(peer_id("frank"), message_id, WALL_MS, 1, text, WALL_MS + number)


ONE = a_message(1)
NAME = f"{1:032x}.bin"
WRITTEN = encode(KEY, ONE)


def load(folder: Path, key: bytes = KEY) -> tuple[list[Waiting], list[str]]:
    return OutboxFolder(folder, key).load()


def write(folder: Path, content: bytes, name: str = NAME) -> Path:
    path = folder / "outbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_what_was_kept_is_loaded_in_the_order_in_which_it_was_written(tmp_path: Path) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    for number in (3, 1, 2):
        assert folder.keep(a_message(number)) is None

    assert load(tmp_path) == ([a_message(1), a_message(2), a_message(3)], [])
    assert folder.unsaved == 0


def test_what_was_forgotten_is_gone(tmp_path: Path) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    folder.keep(ONE)

    assert folder.forget(ONE.message_id) is None
    assert folder.forget(ONE.message_id) is None

    assert load(tmp_path) == ([], [])
    assert names_in(tmp_path / "outbox") == []


def test_keeping_a_message_again_keeps_one(tmp_path: Path) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    folder.keep(ONE)
    folder.keep(ONE)

    assert load(tmp_path) == ([ONE], [])
    assert names_in(tmp_path / "outbox") == [NAME]


def test_an_ephemeral_profile_keeps_nothing() -> None:
    folder = OutboxFolder(None, KEY)

    assert folder.keep(ONE) is None
    assert folder.forget(ONE.message_id) is None
    assert folder.retry() is None
    assert (folder.load(), folder.unsaved) == (([], []), 0)


@POSIX_ONLY
def test_only_the_owner_may_read_it_and_nobody_without_the_key(tmp_path: Path) -> None:
    OutboxFolder(tmp_path, KEY).keep(ONE)
    path = tmp_path / "outbox" / NAME

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert b"noon" not in path.read_bytes()
    assert bytes(ONE.recipient) not in path.read_bytes()


def test_the_longest_text_fits_into_a_file(tmp_path: Path) -> None:
    longest = a_message(1, "x" * TEXT_LIMIT_BYTES)
    OutboxFolder(tmp_path, KEY).keep(longest)

    assert (tmp_path / "outbox" / NAME).stat().st_size == FILE_LIMIT_BYTES
    assert load(tmp_path) == ([longest], [])


def test_a_file_cut_at_any_byte_is_set_aside_whole_and_costs_no_other(tmp_path: Path) -> None:
    OutboxFolder(tmp_path, KEY).keep(a_message(2))
    for length in range(len(WRITTEN)):
        path = write(tmp_path, WRITTEN[:length])

        messages, told = load(tmp_path)

        aside = path.with_name(f"{NAME}.damaged")
        assert messages == [a_message(2)]
        assert told == [
            f"1 message in the outbox {path.parent} could not be opened and got set aside "
            "as *.damaged."
        ]
        assert aside.read_bytes() == WRITTEN[:length]
        aside.unlink()
    assert load(tmp_path) == ([a_message(2)], [])


@settings(max_examples=EFFORT.property_examples)
@given(place=st.integers(0, len(WRITTEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_noticed(place: int, byte: int) -> None:
    changed = bytearray(WRITTEN)
    changed[place] = byte

    assert decode(KEY, ONE.message_id, bytes(changed)) == (ONE if changed == WRITTEN else None)


@settings(max_examples=EFFORT.property_examples)
@given(
    recipient=st.binary(min_size=32, max_size=32).map(PeerId),
    message_id=st.binary(min_size=16, max_size=16).map(DirectId),
    times=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    kind=st.integers(0, 255),
    text=st.text(max_size=50),
)
def test_any_message_is_read_as_it_was_written(
    recipient: PeerId, message_id: DirectId, times: tuple[int, int], kind: int, text: str
) -> None:
    waiting = Waiting(recipient, message_id, times[0], kind, text, times[1])

    assert decode(KEY, message_id, encode(KEY, waiting)) == waiting


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_message(content: bytes) -> None:
    assert decode(KEY, ONE.message_id, content) is None
    assert decode(KEY, ONE.message_id, WRITTEN[:17] + content) is None


def test_a_file_under_another_name_is_not_believed(tmp_path: Path) -> None:
    write(tmp_path, WRITTEN, f"{2:032x}.bin")

    messages, told = load(tmp_path)

    assert messages == []
    assert len(told) == 1


def test_what_another_key_sealed_is_there_again_when_that_key_is(tmp_path: Path) -> None:
    path = write(tmp_path, WRITTEN)
    messages, _ = load(tmp_path, OTHER_KEY)
    path.with_name(f"{NAME}.damaged").rename(path)

    assert messages == []
    assert load(tmp_path) == ([ONE], [])


@pytest.mark.parametrize("version", [2, 10, 9999])
def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path, version: int) -> None:
    content = b"p2pchat outbox %d\nsomething else" % version
    path = write(tmp_path, content)

    messages, told = load(tmp_path)

    assert messages == []
    assert told == [
        f"1 message in the outbox {path.parent} came from a newer p2pchat; nothing was changed."
    ]
    assert path.read_bytes() == content


def test_files_that_are_none_of_ours_stay_and_unfinished_ones_go(tmp_path: Path) -> None:
    OutboxFolder(tmp_path, KEY).keep(ONE)
    others = ["notes.txt", f"{1:031x}.bin", f"{1:032X}a.bin", f"{7:032x}.bin.damaged"]
    for name in (*others, f"{9:032x}.bin.new"):
        write(tmp_path, b"anything", name)

    assert load(tmp_path) == ([ONE], [])
    assert names_in(tmp_path / "outbox") == sorted([NAME, *others])


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    with path.open("wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)

    messages, told = load(tmp_path)

    assert messages == []
    assert "set aside" in told[0]


@POSIX_ONLY
def test_a_link_is_not_followed_and_a_pipe_not_waited_for(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(WRITTEN)
    link = write(tmp_path, b"")
    link.unlink()
    link.symlink_to(elsewhere)
    os.mkfifo(link.with_name(f"{2:032x}.bin"))

    messages, told = load(tmp_path)

    assert messages == []
    assert ["set aside" in told[0], "could not be read" in told[1]] == [True, True]
    assert len(told) == 2
    assert link.is_symlink()
    assert elsewhere.read_bytes() == WRITTEN


def test_more_files_than_may_wait_are_left_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    for number in range(5):
        folder.keep(a_message(number))
    monkeypatch.setattr(outbox_module, "OUTBOX_LIMIT", 3)
    by_count = load(tmp_path)
    monkeypatch.setattr(outbox_module, "OUTBOX_LIMIT_BYTES", 2 * ONE.size_bytes)
    by_size = load(tmp_path)

    assert [len(messages) for messages, _ in (by_count, by_size)] == [3, 2]
    assert "2 messages" in by_count[1][0]
    assert "3 messages" in by_size[1][0]
    assert len(names_in(tmp_path / "outbox")) == 5


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("step", STEPS)
def test_what_the_disk_refuses_is_said_and_made_up_for(
    tmp_path: Path, step: str, code: int
) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    folder.keep(ONE)
    with failing_disk(step, code, written_bytes=40):
        told = folder.keep(a_message(2))
        retried = folder.retry()
    before = load(tmp_path)

    made_up = folder.retry()

    assert told == (
        f"a message that waits could not be written to the disk ({os.strerror(code)}); "
        "it is in memory only, and lost if p2pchat ends before there is room."
    )
    assert (retried, before) == (None, ([ONE], []))
    assert made_up == "the disk takes the outbox again: nothing of it is in memory only."
    assert load(tmp_path) == ([ONE, a_message(2)], [])
    assert (folder.unsaved, folder.retry()) == (0, None)


def test_what_was_delivered_before_it_could_be_written_is_never_written(tmp_path: Path) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    with failing_disk("write", CODES[0]):
        folder.keep(ONE)
    folder.forget(ONE.message_id)

    assert folder.retry() is None
    assert folder.unsaved == 0
    assert load(tmp_path) == ([], [])


@pytest.mark.parametrize("code", CODES)
def test_what_cannot_be_removed_is_said_once_and_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    folder.keep(ONE)
    folder.keep(a_message(2))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", refuse)
        told = [folder.forget(ONE.message_id), folder.forget(a_message(2).message_id)]

    assert told[0] is not None
    assert os.strerror(code) in told[0]
    assert told[1] is None
    assert folder.unsaved == 2
    assert folder.retry() is not None
    assert load(tmp_path) == ([], [])


@POSIX_ONLY
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_told_in_words(tmp_path: Path) -> None:
    folder = OutboxFolder(tmp_path, KEY)
    folder.keep(ONE)
    (tmp_path / "outbox").chmod(0o500)

    told = folder.keep(a_message(2))

    (tmp_path / "outbox").chmod(0o700)
    assert told is not None
    assert load(tmp_path) == ([ONE], [])


def test_a_damaged_file_that_cannot_be_set_aside_is_told_and_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, b"damaged")

    def refuse(*_: object) -> None:
        raise OSError(CODES[1], os.strerror(CODES[1]))

    monkeypatch.setattr(Path, "replace", refuse)
    messages, told = load(tmp_path)

    assert messages == []
    assert "nor set aside" in told[0]
    assert path.read_bytes() == b"damaged"


def test_a_file_that_the_disk_does_not_give_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, WRITTEN)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(CODES[2], os.strerror(CODES[2]))

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", refuse)
        messages, told = load(tmp_path)

    assert messages == []
    assert "could not be read" in told[0]
    assert path.read_bytes() == WRITTEN

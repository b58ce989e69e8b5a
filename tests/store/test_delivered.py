"""No message is shown twice: what was shown is on the disk before its author hears of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.outbox import OUTBOX_LIFE_S, DirectId
from p2pchat.core.values import PeerId
from p2pchat.store import delivered as delivered_module
from p2pchat.store.delivered import (
    DELIVERED_LIFE_S,
    DELIVERED_LIMIT,
    DELIVERED_PER_AUTHOR,
    FILE_LIMIT_BYTES,
    HEADER,
    RECORD_BYTES,
    SPENT_LIMIT,
    Delivered,
    Delivery,
    Memory,
    decode,
    encode,
)
from tests.core.book_support import WALL_MS, peer_id
from tests.deadline import DEADLINE_S
from tests.effort import EFFORT
from tests.store.failing_disk import CODES, STEPS, failing_disk
from tests.store.folders import names_in

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

ANN, BEN = peer_id("ann"), peer_id("ben")
LIFE_MS = int(DELIVERED_LIFE_S * 1000)


def an_id(number: int) -> DirectId:
    return DirectId(number.to_bytes(16, "big"))


RECORDS: list[tuple[Delivery, int]] = [((ANN, an_id(n)), WALL_MS + n) for n in range(5)]
WRITTEN = encode(RECORDS)


def loaded(folder: Path, wall_ms: int = WALL_MS) -> Delivered:
    delivered = Delivered(folder)
    assert delivered.load(wall_ms) == []
    return delivered


def known(delivered: Delivered) -> list[Delivery]:
    return [delivery for delivery, _ in delivered._memory.records()]


def test_a_message_is_new_once_and_remembered_by_the_next_run(tmp_path: Path) -> None:
    delivered = loaded(tmp_path)
    first = delivered.remember(ANN, an_id(1), WALL_MS)
    second = delivered.remember(ANN, an_id(1), WALL_MS)
    problem = delivered.flush()

    later = loaded(tmp_path)

    assert (first, second, problem) == (True, False, None)
    assert (ANN, an_id(1)) in later
    assert (BEN, an_id(1)) not in later
    assert later.remember(ANN, an_id(1), WALL_MS) is False
    assert names_in(tmp_path) == ["delivered"]


def test_what_is_remembered_is_on_the_disk_only_after_the_flush(tmp_path: Path) -> None:
    delivered = loaded(tmp_path)
    delivered.remember(ANN, an_id(1), WALL_MS)
    is_unsaved, before = delivered.is_unsaved, loaded(tmp_path)
    delivered.flush()

    assert is_unsaved
    assert not delivered.is_unsaved
    assert (ANN, an_id(1)) not in before
    assert (ANN, an_id(1)) in loaded(tmp_path)


def test_one_flush_writes_all_that_came_before_it(tmp_path: Path) -> None:
    delivered = loaded(tmp_path)
    for (author, message_id), at_ms in RECORDS:
        delivered.remember(author, message_id, at_ms)
        delivered.remember(author, message_id, at_ms)
    delivered.flush()
    delivered.add(BEN, an_id(9), WALL_MS)

    content = (tmp_path / "delivered").read_bytes()

    assert content == encode([*RECORDS, ((BEN, an_id(9)), WALL_MS)])
    assert len(content) == len(HEADER) + 6 * RECORD_BYTES


@POSIX_ONLY
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    loaded(tmp_path).add(ANN, an_id(1), WALL_MS)

    assert (tmp_path / "delivered").stat().st_mode & 0o777 == 0o600


def test_an_ephemeral_profile_remembers_until_it_ends() -> None:
    delivered = Delivered(None)

    assert delivered.load(WALL_MS) == []
    assert delivered.add(ANN, an_id(1), WALL_MS) is None
    assert (ANN, an_id(1)) in delivered
    assert not delivered.is_unsaved


@pytest.mark.threat(20)
def test_a_file_cut_at_any_byte_gives_its_whole_records_and_goes_on_after_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "delivered"
    for length in range(len(WRITTEN)):
        path.write_bytes(WRITTEN[:length])
        whole = max(0, length - len(HEADER)) // RECORD_BYTES

        delivered = loaded(tmp_path)
        before = known(delivered)
        problem = delivered.add(BEN, an_id(9), WALL_MS)

        assert before == [delivery for delivery, _ in RECORDS[:whole]]
        assert problem is None
        assert path.read_bytes() == encode([*RECORDS[:whole], ((BEN, an_id(9)), WALL_MS)])
    assert names_in(tmp_path) == ["delivered"]


@settings(max_examples=EFFORT.property_examples)
@given(place=st.integers(len(HEADER), len(WRITTEN) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_costs_one_record(place: int, byte: int) -> None:
    changed = bytearray(WRITTEN)
    is_changed = changed[place] != byte
    changed[place] = byte
    struck = (place - len(HEADER)) // RECORD_BYTES

    found = decode(bytes(changed))

    assert found == [each for n, each in enumerate(RECORDS) if n != struck or not is_changed]


@settings(max_examples=EFFORT.property_examples)
@given(st.binary(max_size=3 * RECORD_BYTES))
def test_any_bytes_are_no_records(content: bytes) -> None:
    assert decode(HEADER + content) == []
    assert decode(content) == []


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.tuples(
            st.tuples(
                st.binary(min_size=32, max_size=32).map(PeerId),
                st.binary(min_size=16, max_size=16).map(DirectId),
            ),
            st.integers(0, 2**64 - 1),
        ),
        max_size=9,
    )
)
def test_any_records_are_read_as_they_were_written(records: list[tuple[Delivery, int]]) -> None:
    assert decode(encode(records)) == records


@pytest.mark.parametrize("content", [b"something else", b"p2pchat delivered 1 \n" + bytes(64)])
def test_a_file_that_is_none_of_ours_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path, delivered = tmp_path / "delivered", Delivered(tmp_path)
    path.write_bytes(content)

    told = delivered.load(WALL_MS)

    assert told == [f"{path} was damaged; it was set aside as {path}.damaged."]
    assert (tmp_path / "delivered.damaged").read_bytes() == content
    assert delivered.add(ANN, an_id(1), WALL_MS) is None
    assert (ANN, an_id(1)) in loaded(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "delivered").open("wb") as file:
        file.write(HEADER)
        file.truncate(FILE_LIMIT_BYTES + 1)

    assert "damaged" in Delivered(tmp_path).load(WALL_MS)[0]


@pytest.mark.parametrize("version", [2, 10, 9999])
def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path, version: int) -> None:
    content = b"p2pchat delivered %d\nsomething else" % version
    path, delivered = tmp_path / "delivered", Delivered(tmp_path)
    path.write_bytes(content)

    told = delivered.load(WALL_MS)

    assert "newer p2pchat" in told[0]
    assert delivered.add(ANN, an_id(1), WALL_MS) is None
    assert path.read_bytes() == content


@POSIX_ONLY
def test_a_link_is_not_followed_and_a_pipe_not_waited_for(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "delivered", tmp_path / "elsewhere"
    elsewhere.write_bytes(WRITTEN)
    path.symlink_to(elsewhere)
    linked = Delivered(tmp_path)
    of_link = linked.load(WALL_MS)
    path.unlink()
    os.mkfifo(path)
    of_pipe = Delivered(tmp_path).load(WALL_MS)

    assert "could not be read" in of_link[0]
    assert len(linked) == 0
    assert "damaged" in of_pipe[0]
    assert elsewhere.read_bytes() == WRITTEN


@pytest.mark.threat(21)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_the_disk_refuses_is_said_not_shown_again_and_made_up_for(
    tmp_path: Path, step: str, code: int, *, is_first: bool
) -> None:
    delivered = loaded(tmp_path)
    if not is_first:
        delivered.add(ANN, an_id(0), WALL_MS)
    with failing_disk(step, code, written_bytes=30):
        told = delivered.add(ANN, an_id(1), WALL_MS)
        told_again = delivered.flush()
    before, is_new = loaded(tmp_path), delivered.remember(ANN, an_id(1), WALL_MS)

    made_up = delivered.flush()

    assert told == told_again
    assert told is not None
    assert f"noted on the disk ({os.strerror(code)})" in told
    assert ((ANN, an_id(0)) in before) == (not is_first)
    assert (is_new, made_up, delivered.is_unsaved) == (False, None, False)
    assert known(loaded(tmp_path)) == known(delivered)
    assert names_in(tmp_path) == ["delivered"]


def test_a_file_that_vanished_is_written_anew(tmp_path: Path) -> None:
    delivered = loaded(tmp_path)
    delivered.add(ANN, an_id(1), WALL_MS)
    (tmp_path / "delivered").unlink()

    refused, made_up = delivered.add(ANN, an_id(2), WALL_MS), delivered.flush()

    assert refused is not None
    assert made_up is None
    assert len(loaded(tmp_path)) == 2


def test_who_finds_nothing_to_write_waits_for_the_write_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered = loaded(tmp_path)
    writing, may_go_on = threading.Event(), threading.Event()
    whole = os.fsync
    order: list[str] = []

    def slow(descriptor: int) -> None:
        writing.set()
        may_go_on.wait(DEADLINE_S)
        whole(descriptor)
        order.append("synced")

    def flush() -> None:
        delivered.flush()
        order.append("second")

    monkeypatch.setattr(os, "fsync", slow)
    first = threading.Thread(target=delivered.add, args=(ANN, an_id(1), WALL_MS))
    second = threading.Thread(target=flush)
    first.start()
    writing.wait(DEADLINE_S)
    second.start()
    is_new = delivered.remember(BEN, an_id(1), WALL_MS)  # never waits for the disk
    may_go_on.set()
    first.join(DEADLINE_S)
    second.join(DEADLINE_S)

    assert is_new
    assert order[0] == "synced"
    assert order[-1] == "second"


def test_the_file_stays_within_its_bound_and_is_written_anew_when_too_much_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivered_module, "SPENT_LIMIT", 7)
    monkeypatch.setattr(delivered_module, "DELIVERED_PER_AUTHOR", 5)
    delivered, sizes = loaded(tmp_path), []
    for number in range(60):
        delivered.add(ANN, an_id(number), WALL_MS)
        sizes.append((tmp_path / "delivered").stat().st_size)

    assert max(sizes) == len(HEADER) + (5 + 7) * RECORD_BYTES
    assert known(loaded(tmp_path)) == [(ANN, an_id(number)) for number in range(55, 60)]


def test_an_author_has_his_own_bound_and_pushes_nobody_else_out() -> None:
    memory = Memory()
    memory.add((BEN, an_id(0)), WALL_MS)
    for number in range(3 * DELIVERED_PER_AUTHOR):
        memory.add((ANN, an_id(number)), WALL_MS)

    assert len(memory) == DELIVERED_PER_AUTHOR + 1
    assert (BEN, an_id(0)) in memory
    assert (ANN, an_id(2 * DELIVERED_PER_AUTHOR - 1)) not in memory
    assert (ANN, an_id(2 * DELIVERED_PER_AUTHOR)) in memory


def test_the_oldest_make_room_when_all_is_full_and_the_fullest_file_is_read(
    tmp_path: Path,
) -> None:
    memory = Memory()
    for number in range(DELIVERED_LIMIT + 3):
        memory.add((peer_id(number % 25), an_id(number)), WALL_MS)
    fullest = encode([*memory.records(), *[memory.records()[0]] * SPENT_LIMIT])
    (tmp_path / "delivered").write_bytes(fullest)

    assert len(memory) == DELIVERED_LIMIT
    assert memory.records()[0][0] == (peer_id(3), an_id(3))
    assert len(fullest) == FILE_LIMIT_BYTES
    assert known(loaded(tmp_path)) == [delivery for delivery, _ in memory.records()]


def test_what_is_two_weeks_old_is_forgotten_and_never_before_its_author_gives_up(
    tmp_path: Path,
) -> None:
    delivered = loaded(tmp_path)
    delivered.add(ANN, an_id(1), WALL_MS)
    delivered.add(ANN, an_id(2), WALL_MS + 1)

    later = loaded(tmp_path, WALL_MS + LIFE_MS)

    assert known(later) == [(ANN, an_id(2))]
    assert DELIVERED_LIFE_S >= 2 * OUTBOX_LIFE_S


@settings(max_examples=EFFORT.property_examples)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(-5, 60_000_000)), max_size=60
    )
)
def test_whatever_is_added_the_memory_keeps_its_bounds_and_its_two_tables_agree(
    steps: list[tuple[int, int, int]],
) -> None:
    memory, wall_ms = Memory(), WALL_MS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivered_module, "DELIVERED_LIMIT", 12)
        patch.setattr(delivered_module, "DELIVERED_PER_AUTHOR", 5)
        for author, number, later_ms in steps:
            wall_ms += later_ms
            delivery = (peer_id(author), an_id(number))
            was_known = delivery in memory

            memory.expire(wall_ms)
            is_new = memory.add(delivery, wall_ms)

            assert delivery in memory
            assert is_new or was_known
            assert len(memory) <= 12
            assert all(0 < len(ids) <= 5 for ids in memory._by_author.values())
            by_author = {(who, each) for who, ids in memory._by_author.items() for each in ids}
            assert by_author == {known for known, _ in memory.records()}

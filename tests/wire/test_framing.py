from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.limits import FRAME_LIMIT_BYTES, OPENING_FRAME_LIMIT_BYTES
from p2pchat.errors import FrameMalformed, FrameTooLarge
from p2pchat.wire.framing import HEADER_BYTES, FrameSplitter, frame_bytes


def take_all(splitter: FrameSplitter) -> list[bytes]:
    frames = []
    while (frame := splitter.next_frame()) is not None:
        frames.append(frame)
    return frames


def sliced(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[begin:end] for begin, end in pairwise(places)]


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.lists(st.integers(0)))
def test_frames_are_the_same_however_the_stream_is_sliced(
    payloads: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(frame_bytes, payloads))
    splitter = FrameSplitter()

    frames = []
    for piece in sliced(stream, cuts):
        splitter.feed(piece)
        frames += take_all(splitter)

    assert frames == payloads
    assert splitter.waiting_bytes == 0


@pytest.mark.threat(3)
@given(st.lists(st.binary(max_size=50)))
def test_garbage_gives_frames_or_a_known_fault_and_bounded_memory(pieces: list[bytes]) -> None:
    splitter = FrameSplitter(limit_bytes=20)

    try:
        for piece in pieces:
            splitter.feed(piece)
            for frame in take_all(splitter):
                assert 1 <= len(frame) <= 20
            assert splitter.waiting_bytes < HEADER_BYTES + 20
    except (FrameTooLarge, FrameMalformed):
        pass


def test_the_length_stands_before_the_payload_in_big_endian() -> None:
    assert frame_bytes(b"x" * 258) == b"\x00\x00\x01\x02" + b"x" * 258


def test_a_frame_of_exactly_the_limit_passes() -> None:
    splitter = FrameSplitter()

    splitter.feed(frame_bytes(b"x" * OPENING_FRAME_LIMIT_BYTES))

    assert splitter.next_frame() == b"x" * OPENING_FRAME_LIMIT_BYTES


@pytest.mark.threat(3)
def test_a_frame_above_the_limit_is_refused_by_its_header_alone() -> None:
    splitter = FrameSplitter()
    splitter.feed(frame_bytes(b"first"))
    splitter.feed((OPENING_FRAME_LIMIT_BYTES + 1).to_bytes(HEADER_BYTES, "big"))

    assert splitter.next_frame() == b"first"
    with pytest.raises(FrameTooLarge) as caught:
        splitter.next_frame()

    assert caught.value.size_bytes == OPENING_FRAME_LIMIT_BYTES + 1
    assert caught.value.limit_bytes == OPENING_FRAME_LIMIT_BYTES


def test_the_limit_can_be_raised_between_two_frames_of_one_piece() -> None:
    large = b"x" * FRAME_LIMIT_BYTES
    splitter = FrameSplitter()
    splitter.feed(frame_bytes(b"welcome") + frame_bytes(large))

    welcome = splitter.next_frame()
    splitter.limit_bytes = FRAME_LIMIT_BYTES

    assert welcome == b"welcome"
    assert splitter.next_frame() == large


def test_an_empty_frame_is_malformed() -> None:
    splitter = FrameSplitter()
    splitter.feed(bytes(HEADER_BYTES))

    with pytest.raises(FrameMalformed):
        splitter.next_frame()


def test_bytes_of_a_frame_under_way_are_counted() -> None:
    splitter = FrameSplitter()
    splitter.feed(frame_bytes(b"whole") + frame_bytes(b"unfinished")[:-3])

    take_all(splitter)

    assert splitter.waiting_bytes == HEADER_BYTES + len(b"unfinished") - 3


def test_fed_pieces_are_not_kept_once_their_frames_were_taken() -> None:
    splitter = FrameSplitter()

    for _ in range(100):
        splitter.feed(frame_bytes(b"x" * 1_000) * 10)
        assert len(take_all(splitter)) == 10

    assert len(splitter._buffer) <= 10 * (HEADER_BYTES + 1_000)

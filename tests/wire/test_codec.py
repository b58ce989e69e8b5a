from __future__ import annotations

import struct
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, inspect

from p2pchat.core.envelopes import Header, Texts
from p2pchat.core.frames import (
    FIRST_SKIPPABLE,
    Carry,
    Frame,
    Goodbye,
    Graft,
    Hello,
    Ping,
    Skipped,
    Welcome,
)
from p2pchat.core.limits import (
    ENVELOPE_TEXTS_LIMIT,
    FRAME_LIMIT_BYTES,
    NICK_LIMIT_CHARACTERS,
    TEXT_LIMIT_CHARACTERS,
)
from p2pchat.core.reach import ReachQuery
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatementHeader
from p2pchat.core.values import EnvelopeId
from p2pchat.errors import FrameMalformed
from p2pchat.wire.codec import Codec, decode, encode
from tests.wire.samples import (
    FRAMES,
    MSGPACK,
    any_frame,
    fields_out_of_bounds,
    least_fields,
    parts,
    raw,
    type_of,
    values,
)

TAGS = frozenset(tag for frame in FRAMES if isinstance(tag := frame.__struct_config__.tag, int))
STRUCTS: tuple[type[Struct], ...] = (
    *FRAMES,
    Header,
    Texts,
    ReachQuery,
    RecordHeader,
    StatementHeader,
)
EPOCH = bytes(8)


def decode_or_fault(payload: bytes) -> object:
    """What decoding gives; anything but a value or the one known error fails the test."""
    try:
        return decode(payload)
    except FrameMalformed as fault:
        if len(str(fault)) > 250:
            raise
        return fault


# --- Round trips ------------------------------------------------------------------------------


@given(any_frame())
def test_a_frame_comes_back_as_it_was(example: tuple[type[Frame], list[object]]) -> None:
    frame, fields = example
    value = decode(raw(frame, fields))

    assert not isinstance(value, Skipped)
    again = decode(encode(value))

    assert type(value) is frame
    assert again == value
    assert msgspec.msgpack.decode(encode(value))[1:] == fields


@given(values(type_of(Header)))
def test_a_header_comes_back_as_it_was(fields: list[object]) -> None:
    codec = Codec()
    header = codec.decode_header(msgspec.msgpack.encode(fields))

    assert codec.decode_header(codec.encode_header(header)) == header
    assert msgspec.msgpack.decode(codec.encode_header(header)) == fields


@given(values(type_of(Texts)))
def test_texts_come_back_as_they_were(fields: list[Any]) -> None:
    codec = Codec()
    texts = codec.decode_texts(msgspec.msgpack.encode(fields))

    assert codec.decode_texts(codec.encode_texts(texts)) == texts
    assert (texts.nick, list(texts.texts)) == tuple(fields)


@given(st.binary(min_size=16, max_size=16))
def test_a_question_who_has_an_envelope_comes_back_as_it_was(name: bytes) -> None:
    codec = Codec()

    assert codec.decode_query(codec.encode_query(EnvelopeId(name))) == name


@given(st.binary().filter(lambda name: len(name) != 16))
def test_a_question_about_no_envelope_is_a_fault(name: bytes) -> None:
    with pytest.raises(FrameMalformed):
        Codec().decode_query(msgspec.msgpack.encode([name]))


def test_the_type_number_is_the_first_element() -> None:
    assert encode(Ping(7)) == b"\x92\x05\x07"
    assert encode(Goodbye()) == b"\x91\x07"


# --- Garbage ----------------------------------------------------------------------------------


@pytest.mark.threat(3)
@settings(max_examples=1_000)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_value_or_the_one_known_error(payload: bytes) -> None:
    decode_or_fault(payload)


@settings(max_examples=150)
@given(st.lists(MSGPACK, max_size=8))
def test_arbitrary_msgpack_gives_a_value_or_the_one_known_error(fields: list[object]) -> None:
    decode_or_fault(msgspec.msgpack.encode(fields))


@settings(max_examples=150)
@given(st.sampled_from(sorted(TAGS)), st.lists(MSGPACK, max_size=8))
def test_a_known_type_with_arbitrary_fields_is_its_frame_or_a_fault(
    tag: int, fields: list[object]
) -> None:
    value = decode_or_fault(msgspec.msgpack.encode([tag, *fields]))

    assert isinstance(value, FrameMalformed) or value.__struct_config__.tag == tag  # type: ignore[attr-defined]


@settings(max_examples=500)
@given(any_frame(), st.integers(0), st.integers(0, 255))
def test_an_altered_byte_gives_a_value_or_the_one_known_error(
    example: tuple[type[Frame], list[object]], place: int, byte: int
) -> None:
    payload = bytearray(raw(*example))
    payload[place % len(payload)] = byte

    decode_or_fault(bytes(payload))


@given(any_frame(), st.integers(0))
def test_a_frame_that_is_cut_off_is_a_fault(
    example: tuple[type[Frame], list[object]], cut: int
) -> None:
    payload = raw(*example)

    with pytest.raises(FrameMalformed):
        decode(payload[: cut % len(payload)])


@given(any_frame(), st.binary(min_size=1, max_size=20))
def test_bytes_behind_a_frame_are_a_fault(
    example: tuple[type[Frame], list[object]], behind: bytes
) -> None:
    with pytest.raises(FrameMalformed):
        decode(raw(*example) + behind)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_arbitrary_signed_bytes_give_a_header_or_the_one_known_error(signed: bytes) -> None:
    for read in (Codec().decode_header, Codec().decode_texts):
        try:
            read(signed)
        except FrameMalformed:
            continue


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xc1", id="a byte that msgpack never uses"),
        pytest.param(b"\x05", id="a bare number"),
        pytest.param(b"\x90", id="an empty array"),
        pytest.param(b"\x91\xa15", id="a type that is text"),
        pytest.param(b"\x91\xc3", id="a type that is true"),
        pytest.param(b"\x92\xcb" + struct.pack(">d", 5.5) + b"\x07", id="a type with a fraction"),
        pytest.param(b"\x81\xa4type\x05", id="a map"),
        pytest.param(b"\x82\x05\x07\x05\x08", id="a map with a key twice"),
        pytest.param(b"\xdd\xff\xff\xff\xff\x05", id="an array of four thousand millions"),
        pytest.param(b"\x92\x05\xc6\xff\xff\xff\xff", id="four gigabytes announced"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="a map of four thousand millions"),
        pytest.param(b"\x91" * 60_000, id="deep nesting"),
        pytest.param(b"\x92\xcc\x80" + b"\x91" * 60_000, id="deep nesting in an unknown type"),
        pytest.param(b"\x92\x05" + b"\x81\x01" * 30_000, id="deep nesting of maps"),
        pytest.param(b"\x94\x03\xa2\xc3\x28\x00\x90", id="a nick that is not UTF-8"),
        pytest.param(b"\x94\x03\xa3\xed\xa0\x80\x00\x90", id="a nick with a lone surrogate"),
        pytest.param(b"\x92\x05\xc7\x01\x05\x00", id="an extension type"),
    ],
)
def test_nonsense_is_refused_at_once(payload: bytes) -> None:
    begin = time.process_time()

    with pytest.raises(FrameMalformed):
        decode(payload)

    assert time.process_time() - begin < 0.5


@pytest.mark.threat(3)
def test_a_million_elements_are_refused_without_being_kept() -> None:
    million = [bytes(16)] * 1_000_000

    with pytest.raises(FrameMalformed, match="length <= 64"):
        decode(msgspec.msgpack.encode([18, million]))


# --- Bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", STRUCTS, ids=lambda frame: frame.__name__)
def test_everything_that_a_stranger_can_make_long_has_a_bound(frame: type[Struct]) -> None:
    for part in parts(type_of(frame)):
        match part:
            case inspect.VarTupleType() | inspect.StrType():
                assert part.max_length is not None
            case inspect.IntType():
                assert part.ge is not None
                assert part.le is not None
            case inspect.StructType() | inspect.BytesType() | inspect.BoolType():
                pass  # bytes without a bound are one piece, which the size of a frame bounds
            case _:
                raise AssertionError(f"{part} has no business in a frame")


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_what_is_outside_of_a_bound_is_refused(frame: type[Frame]) -> None:
    least = least_fields(frame)
    assert type(decode(raw(frame, least))) is frame

    for wrong in fields_out_of_bounds(frame):
        with pytest.raises(FrameMalformed):
            decode(raw(frame, wrong))


@pytest.mark.parametrize("frame", [Header, Texts], ids=lambda frame: frame.__name__)
def test_what_is_outside_of_a_bound_of_an_envelope_is_refused(frame: type[Struct]) -> None:
    codec = Codec()
    read = codec.decode_header if frame is Header else codec.decode_texts
    least = least_fields(frame)
    assert read(msgspec.msgpack.encode(least))

    for wrong in fields_out_of_bounds(frame):
        with pytest.raises(FrameMalformed):
            read(msgspec.msgpack.encode(wrong))


@pytest.mark.parametrize(
    ("nick", "texts", "is_taken"),
    [
        ("x" * NICK_LIMIT_CHARACTERS, ["hi"], True),
        ("x" * (NICK_LIMIT_CHARACTERS + 1), ["hi"], False),
        ("bob", ["x" * TEXT_LIMIT_CHARACTERS], True),
        ("bob", ["x" * (TEXT_LIMIT_CHARACTERS + 1)], False),
        ("bob", ["x"] * ENVELOPE_TEXTS_LIMIT, True),
        ("bob", ["x"] * (ENVELOPE_TEXTS_LIMIT + 1), False),
        ("bob", [], False),
    ],
)
def test_texts_keep_to_their_limits(nick: str, texts: list[str], *, is_taken: bool) -> None:
    body = msgspec.msgpack.encode([nick, texts])

    if is_taken:
        assert Codec().decode_texts(body) == Texts(nick, tuple(texts))
    else:
        with pytest.raises(FrameMalformed):
            Codec().decode_texts(body)


def test_the_largest_envelope_of_ours_fits_into_a_frame() -> None:
    # Texts of the longest kind gather up to half a frame, and the shortest have the most numbers.
    body = Codec().encode_texts(Texts("x" * 24, ("x" * 32,) * ENVELOPE_TEXTS_LIMIT))
    header = Header(bytes(16), bytes(32), EPOCH, 2**53, 1, 2**53, 1_024, b"", body)
    signed = Codec().encode_header(header)

    assert len(encode(Carry(255, bytes(16), bytes(64), signed))) <= FRAME_LIMIT_BYTES


# --- Other versions ---------------------------------------------------------------------------


@given(any_frame(), st.lists(MSGPACK, min_size=1, max_size=4))
def test_fields_of_a_newer_version_are_passed_over(
    example: tuple[type[Frame], list[object]], more: list[object]
) -> None:
    frame, fields = example

    assert decode(raw(frame, [*fields, *more])) == decode(raw(frame, fields))


@given(values(type_of(Header)), st.lists(MSGPACK, min_size=1, max_size=4))
def test_fields_of_a_newer_header_are_passed_over(fields: list[object], more: list[object]) -> None:
    codec = Codec()

    newer = codec.decode_header(msgspec.msgpack.encode([*fields, *more]))

    assert newer == codec.decode_header(msgspec.msgpack.encode(fields))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_only_optional_fields_may_be_missing(frame: type[Frame]) -> None:
    fields = least_fields(frame)
    required = sum(field.required for field in type_of(frame).fields)

    for count in range(len(fields)):
        payload = raw(frame, fields[:count])
        if count >= required:
            assert type(decode(payload)) is frame
        else:
            with pytest.raises(FrameMalformed):
                decode(payload)


def test_the_flags_of_a_header_may_be_missing() -> None:
    fields = [bytes(16), bytes(32), EPOCH, 1, 1, 0, 1, b"", b""]

    assert Codec().decode_header(msgspec.msgpack.encode(fields)).flags == 0


@given(st.integers(FIRST_SKIPPABLE, 2**64 - 1), st.lists(MSGPACK, max_size=5))
def test_unknown_types_from_128_up_are_skipped(number: int, fields: list[object]) -> None:
    assert decode(msgspec.msgpack.encode([number, *fields])) == Skipped(number)


@given(
    st.integers(-(2**63), FIRST_SKIPPABLE - 1).filter(lambda number: number not in TAGS),
    st.lists(MSGPACK, max_size=5),
)
def test_unknown_types_below_128_are_a_fault(number: int, fields: list[object]) -> None:
    with pytest.raises(FrameMalformed):
        decode(msgspec.msgpack.encode([number, *fields]))


def test_our_own_types_are_never_skipped() -> None:
    assert all(tag < FIRST_SKIPPABLE for tag in TAGS)
    assert len(TAGS) == len(FRAMES)


def test_any_version_of_a_hello_shows_its_versions_first() -> None:
    hello = Hello(3, 5, ("future",), EPOCH)

    assert msgspec.msgpack.decode(encode(hello))[:3] == [1, 3, 5]


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=64))
def test_a_graft_holds_as_many_ids_as_a_list_may(ids: list[bytes]) -> None:
    assert decode(encode(Graft(tuple(ids)))) == Graft(tuple(ids))


def test_texts_of_a_welcome_stay_exact() -> None:
    welcome = Welcome("\u202eevil\x1b", 1, ("[::1]:1",))

    assert decode(encode(welcome)) == welcome

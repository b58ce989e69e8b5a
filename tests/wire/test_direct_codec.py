"""Messages to one person in bytes: frames, and what is signed and sealed inside of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.direct_frames import DirectFrame, KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.direct_values import (
    PACKET_LIMIT_BYTES,
    PADDED_BYTES,
    PADDING_LENGTH_BYTES,
    SEAL_OVERHEAD_BYTES,
    SEALED_LIMIT_BYTES,
    SEALING_KEY_LIMIT_BYTES,
    SEALING_RECORD_LIMIT_BYTES,
    Inside,
    Outside,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
)
from p2pchat.errors import FrameMalformed
from p2pchat.wire.direct_codec import DirectMsgpack
from tests.effort import EFFORT
from tests.wire.samples import MSGPACK, fields_out_of_bounds, least_fields, type_of, values

CODEC = DirectMsgpack()
READ: dict[type[Struct], Callable[[bytes], Struct]] = {
    Outside: CODEC.decode_outside,
    Inside: CODEC.decode_inside,
    SignedInside: CODEC.decode_signed_inside,
    SealingKeyRecord: CODEC.decode_sealing_key,
    SealingRequest: CODEC.decode_sealing_request,
}
PARTS = pytest.mark.parametrize("part", READ, ids=lambda part: part.__name__)
FRAMES = pytest.mark.parametrize("frame", [Packet, NoWay, KeyAnswer, Receipt])


def encoded(value: object) -> bytes:
    match value:
        case Outside():
            return CODEC.encode_outside(value)
        case Inside():
            return CODEC.encode_inside(value)
        case SignedInside():
            return CODEC.encode_signed_inside(value)
        case SealingKeyRecord():
            return CODEC.encode_sealing_key(value)
        case SealingRequest():
            return CODEC.encode_sealing_request(value)
    raise AssertionError(value)


def allowed(part: type[Struct]) -> st.SearchStrategy[list[object]]:
    """Fields of a part; what no bound can say is added here."""
    fields: st.SearchStrategy[list[object]] = values(type_of(part))
    if part is SealingRequest:
        return fields.filter(lambda found: found[1] == b"") | st.tuples(
            st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32)
        ).map(list)
    return fields


def any_part() -> st.SearchStrategy[tuple[type[Struct], list[object]]]:
    return st.sampled_from(list(READ)).flatmap(lambda part: st.tuples(st.just(part), allowed(part)))


@settings(max_examples=EFFORT.property_examples)
@given(any_part())
def test_what_is_signed_comes_back_as_it_was(example: tuple[type[Struct], list[object]]) -> None:
    part, fields = example

    value = READ[part](msgspec.msgpack.encode(fields))

    assert msgspec.msgpack.decode(encoded(value)) == fields
    assert READ[part](encoded(value)) == value


@PARTS
def test_what_is_outside_of_a_bound_is_refused(part: type[Struct]) -> None:
    fields = least_fields(part)
    assert READ[part](msgspec.msgpack.encode(fields))

    for wrong in fields_out_of_bounds(part):
        with pytest.raises(FrameMalformed):
            READ[part](msgspec.msgpack.encode(wrong))


@PARTS
def test_no_field_without_a_default_may_be_missing(part: type[Struct]) -> None:
    fields = least_fields(part)
    needed = sum(field.required for field in type_of(part).fields)

    for count in range(needed):
        with pytest.raises(FrameMalformed):
            READ[part](msgspec.msgpack.encode(fields[:count]))


@settings(max_examples=EFFORT.property_examples)
@given(any_part(), st.lists(MSGPACK, min_size=1, max_size=4))
def test_fields_of_a_newer_version_are_passed_over(
    example: tuple[type[Struct], list[object]], more: list[object]
) -> None:
    part, fields = example

    newer = READ[part](msgspec.msgpack.encode([*fields, *more]))

    assert newer == READ[part](msgspec.msgpack.encode(fields))


@settings(max_examples=EFFORT.property_examples)
@given(
    st.sampled_from(list(READ)),
    st.binary(max_size=200) | st.lists(MSGPACK, max_size=9).map(msgspec.msgpack.encode),
)
def test_arbitrary_bytes_give_a_value_or_the_one_known_error(
    part: type[Struct], signed: bytes
) -> None:
    try:
        assert type(READ[part](signed)) is part
    except FrameMalformed:
        return


@settings(max_examples=EFFORT.property_examples)
@given(any_part(), st.integers(0), st.integers(0, 255))
def test_an_altered_byte_gives_a_value_or_the_one_known_error(
    example: tuple[type[Struct], list[object]], place: int, byte: int
) -> None:
    part, fields = example
    payload = bytearray(msgspec.msgpack.encode(fields))
    payload[place % len(payload)] = byte

    try:
        assert type(READ[part](bytes(payload))) is part
    except FrameMalformed:
        return


@pytest.mark.parametrize("length", [1, 16, 31])
def test_a_request_avoids_a_whole_key_or_nobody(length: int) -> None:
    with pytest.raises(FrameMalformed):
        CODEC.decode_sealing_request(msgspec.msgpack.encode([bytes(32), bytes(length)]))


@FRAMES
def test_a_frame_comes_back_as_it_was_and_refuses_what_is_out_of_bounds(
    frame: type[DirectFrame],
) -> None:
    decode = msgspec.msgpack.Decoder(DirectFrame).decode
    tag, fields = frame.__struct_config__.tag, least_fields(frame)

    value = decode(msgspec.msgpack.encode([tag, *fields]))

    assert type(value) is frame
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(value)) == [tag, *fields]
    for wrong in fields_out_of_bounds(frame):
        with pytest.raises(msgspec.ValidationError):
            decode(msgspec.msgpack.encode([tag, *wrong]))


def test_the_type_numbers_are_frozen() -> None:
    tags = [frame.__struct_config__.tag for frame in (Packet, NoWay, KeyAnswer, Receipt)]

    assert tags == [72, 73, 74, 75]


def test_the_longest_text_fits_at_every_step() -> None:
    text = "\U0001f389" * limits.TEXT_LIMIT_CHARACTERS
    inside = Inside(
        bytes(16), bytes(32), bytes(32), bytes(32), bytes(16), bytes(32), 2**53, 127, text
    )

    plaintext = encoded(SignedInside(bytes(64), encoded(inside)))
    sealed_bytes = PADDED_BYTES[-1] + SEAL_OVERHEAD_BYTES
    largest = Outside(
        bytes(16), bytes(32), bytes(8), bytes(32), bytes(16), 2**53, bytes(SEALED_LIMIT_BYTES)
    )

    assert len(plaintext) + PADDING_LENGTH_BYTES <= PADDED_BYTES[-1]
    assert sealed_bytes <= SEALED_LIMIT_BYTES
    assert len(encoded(largest)) <= PACKET_LIMIT_BYTES < limits.FRAME_LIMIT_BYTES - 200


def test_the_record_of_the_largest_key_fits() -> None:
    key = bytes(SEALING_KEY_LIMIT_BYTES)
    record = SealingKeyRecord(bytes(16), bytes(32), bytes(8), bytes(32), bytes(16), 255, key, 2**53)

    assert len(encoded(record)) <= SEALING_RECORD_LIMIT_BYTES


def test_neither_text_nor_receipt_key_shows() -> None:
    key = b"K" * 32
    inside = Inside(
        bytes(16), bytes(32), bytes(32), bytes(32), bytes(16), key, 1, 1, "off the record"
    )
    sealed = SignedInside(bytes(64), encoded(inside))

    shown = f"{inside} {inside!r} {inside.__rich_repr__()} {sealed!r} {sealed.__rich_repr__()}"

    assert "off the record" not in shown
    assert "KKKK" not in shown
    assert key.hex() not in shown

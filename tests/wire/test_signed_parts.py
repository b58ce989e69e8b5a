"""What is inside of what is signed about who is here and connected to whom."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from p2pchat.core import limits
from p2pchat.core.mesh_frames import MapAnswer, SignedStatement
from p2pchat.core.records import RecordHeader
from p2pchat.core.topology import StatedNeighbour, StatementHeader
from p2pchat.core.who import WhoQuery
from p2pchat.errors import FrameMalformed
from p2pchat.sim.codec import MemoCodec
from p2pchat.wire.codec import Codec, decode, encode
from tests.effort import EFFORT
from tests.wire.samples import MSGPACK, fields_out_of_bounds, least_fields, type_of, values

CODEC = Codec()
READ: dict[type[Struct], Callable[[bytes], Struct]] = {
    RecordHeader: CODEC.decode_record,
    StatementHeader: CODEC.decode_statement,
    WhoQuery: CODEC.decode_who,
}
PARTS = pytest.mark.parametrize("part", READ, ids=lambda part: part.__name__)


def any_part() -> st.SearchStrategy[tuple[type[Struct], list[object]]]:
    return st.sampled_from(list(READ)).flatmap(
        lambda part: st.tuples(st.just(part), values(type_of(part)))
    )


@given(any_part())
def test_what_is_signed_comes_back_as_it_was(example: tuple[type[Struct], list[object]]) -> None:
    part, fields = example

    value = READ[part](msgspec.msgpack.encode(fields))

    match value:
        case RecordHeader():
            encoded = CODEC.encode_record(value)
            assert MemoCodec().encode_record(value) == encoded
            assert MemoCodec().decode_record(encoded) == value
        case StatementHeader():
            encoded = CODEC.encode_statement(value)
            assert MemoCodec().encode_statement(value) == encoded
            assert MemoCodec().decode_statement(encoded) == value
        case WhoQuery():
            encoded = CODEC.encode_who(value)
            assert MemoCodec().encode_who(value) == encoded
            assert MemoCodec().decode_who(encoded) == value
    assert msgspec.msgpack.decode(encoded) == fields


@PARTS
def test_what_is_outside_of_a_bound_is_refused(part: type[Struct]) -> None:
    fields = least_fields(part)
    assert READ[part](msgspec.msgpack.encode(fields))

    for wrong in fields_out_of_bounds(part):
        with pytest.raises(FrameMalformed):
            READ[part](msgspec.msgpack.encode(wrong))


@PARTS
def test_only_optional_fields_may_be_missing(part: type[Struct]) -> None:
    least = least_fields(part)
    required = sum(field.required for field in type_of(part).fields)

    for count in range(len(least)):
        payload = msgspec.msgpack.encode(least[:count])
        if count >= required:
            assert type(READ[part](payload)) is part
        else:
            with pytest.raises(FrameMalformed):
                READ[part](payload)


@given(any_part(), st.lists(MSGPACK, min_size=1, max_size=4))
def test_fields_of_a_newer_version_are_passed_over(
    example: tuple[type[Struct], list[object]], more: list[object]
) -> None:
    part, fields = example

    newer = READ[part](msgspec.msgpack.encode([*fields, *more]))

    assert newer == READ[part](msgspec.msgpack.encode(fields))


@settings(max_examples=EFFORT.property_examples * 3)
@given(
    st.sampled_from(list(READ)),
    st.binary(max_size=200) | st.lists(MSGPACK, max_size=8).map(msgspec.msgpack.encode),
)
def test_arbitrary_bytes_give_a_value_or_the_one_known_error(
    part: type[Struct], signed: bytes
) -> None:
    try:
        assert type(READ[part](signed)) is part
    except FrameMalformed:
        return


@settings(max_examples=EFFORT.property_examples * 3)
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


def test_a_statement_names_so_many_neighbours_and_no_more() -> None:
    others = [StatedNeighbour(number.to_bytes(32, "big"), "") for number in range(65)]
    most = StatementHeader(bytes(16), bytes(32), "ann", 1, False, tuple(others[:64]))

    assert CODEC.decode_statement(CODEC.encode_statement(most)) == most
    assert len(CODEC.encode_statement(most)) < limits.MAP_STATEMENT_BYTES
    too_many = msgspec.structs.replace(most, neighbours=tuple(others))
    with pytest.raises(FrameMalformed):
        CODEC.decode_statement(CODEC.encode_statement(too_many))


def test_signed_bytes_of_a_statement_go_over_the_wire_exactly() -> None:
    longest = SignedStatement(bytes(64), b"\xff" * limits.MAP_STATEMENT_BYTES)
    answer = MapAnswer(bytes(16), (longest,))

    assert decode(encode(answer)) == answer
    too_long = SignedStatement(bytes(64), b"\xff" * (limits.MAP_STATEMENT_BYTES + 1))
    with pytest.raises(FrameMalformed):
        decode(encode(MapAnswer(bytes(16), (too_long,))))

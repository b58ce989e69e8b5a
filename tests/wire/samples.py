"""Values of every wire type, made from what the types themselves say of their bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import Struct, inspect

from p2pchat.core.frames import Frame

FRAMES: tuple[type[Frame], ...] = get_args(Frame)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Raw values that a type allows, as they stand in msgpack."""
    match kind:
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(kind.ge, kind.le)
        case inspect.StrType():
            # Characters that UTF-8 can hold: all but surrogates.
            characters = st.characters(exclude_categories=["Cs"])
            return st.text(characters, min_size=kind.min_length or 0, max_size=kind.max_length)
        case inspect.BytesType():
            least, most = kind.min_length or 0, kind.max_length
            return st.binary(min_size=least, max_size=100 if most is None else most)
        case inspect.VarTupleType():
            least = kind.min_length or 0
            most = min(kind.max_length or 0, least + 3)
            return st.lists(values(kind.item_type), min_size=least, max_size=most)
        case inspect.StructType():
            return st.tuples(*[values(field.type) for field in kind.fields]).map(list)
        case _:
            raise AssertionError(f"no values for {kind}")


def too_much(kind: inspect.Type) -> Iterator[object]:
    """Raw values just outside of what a type allows."""
    match kind:
        case inspect.IntType():
            yield from (kind.le + 1 if kind.le is not None else "x", (kind.ge or 0) - 1)
            yield from (1.5, "1", None)
        case inspect.BoolType():
            yield from (1, None, "true")
        case inspect.StrType():
            yield "x" * ((kind.max_length or 0) + 1)
            yield from (7, b"bytes", None)
            if kind.min_length:
                yield ""
        case inspect.BytesType():
            if kind.max_length is not None:
                yield bytes(kind.max_length + 1)
            if kind.min_length:
                yield bytes(kind.min_length - 1)
            yield from (7, "text" * 8, None)
        case inspect.VarTupleType():
            item = smallest(kind.item_type)
            yield [item] * ((kind.max_length or 0) + 1)
            yield from (7, {"a": 1}, None)
            if kind.min_length:
                yield [item] * (kind.min_length - 1)
            yield from ([wrong] for wrong in too_much(kind.item_type))
        case inspect.StructType():
            yield from _with_one_out_of_bounds(kind)
        case _:
            raise AssertionError(f"no bounds known for {kind}")


def _with_one_out_of_bounds(kind: inspect.StructType) -> Iterator[list[object]]:
    least = smallest(kind)
    assert isinstance(least, list)
    for place, field in enumerate(kind.fields):
        for wrong in too_much(field.type):
            yield [*least[:place], wrong, *least[place + 1 :]]


def smallest(kind: inspect.Type) -> object:
    """The least raw value that a type allows."""
    match kind:
        case inspect.BoolType():
            return False
        case inspect.IntType():
            return kind.ge
        case inspect.StrType():
            return "x" * (kind.min_length or 0)
        case inspect.BytesType():
            return bytes(kind.min_length or 0)
        case inspect.VarTupleType():
            return [smallest(kind.item_type)] * (kind.min_length or 0)
        case inspect.StructType():
            return [smallest(field.type) for field in kind.fields]
        case _:
            raise AssertionError(f"no least value for {kind}")


def type_of(frame: type[Struct]) -> inspect.StructType:
    kind = inspect.type_info(frame)
    assert isinstance(kind, inspect.StructType)
    return kind


def raw(frame: type[Frame], fields: list[object]) -> bytes:
    return msgspec.msgpack.encode([frame.__struct_config__.tag, *fields])


def least_fields(frame: type[Struct]) -> list[object]:
    fields = smallest(type_of(frame))
    assert isinstance(fields, list)
    return fields


def fields_out_of_bounds(frame: type[Struct]) -> Iterator[list[object]]:
    """The least fields, each time with one of them just outside of what its type allows."""
    return _with_one_out_of_bounds(type_of(frame))


def any_frame() -> st.SearchStrategy[tuple[type[Frame], list[object]]]:
    return st.sampled_from(FRAMES).flatmap(
        lambda frame: st.tuples(st.just(frame), values(type_of(frame)))
    )


def parts(kind: inspect.Type) -> Iterator[inspect.Type]:
    yield kind
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from parts(field.type)
    if isinstance(kind, inspect.VarTupleType):
        yield from parts(kind.item_type)


MSGPACK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=70),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner)
    ),
    max_leaves=20,
)

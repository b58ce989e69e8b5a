"""An address book as one line of JSON, and back."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from p2pchat.core.book_entries import BookEntry, BookState
from p2pchat.core.records import AddressRecord, Scope, read_addresses
from p2pchat.core.values import Address, NetworkId, PeerId

Value = TypeVar("Value")

_LIST_LIMIT: Final = 4096
"""Longest list in a file: twice the entries of a full book."""


def write_state(network: NetworkId, state: BookState) -> str:
    """Return the book of a room, without a line break in it."""
    book = {
        "network": network.hex(),
        "key": state.key.hex(),
        "anchors": [peer.hex() for peer in state.anchors],
        "insistent": list(state.insistent),
        "entries": [_write_entry(entry) for entry in state.entries],
    }
    return json.dumps(book, separators=(",", ":"))


def read_state(network: NetworkId, text: bytes) -> BookState | None:
    """Return the book of a room, each value of its type; None for anything else."""
    try:
        book = json.loads(text)
        if _bytes(book["network"]) != network:
            return None
        return BookState(
            _bytes(book["key"]),
            tuple(_read_entry(entry) for entry in _list(book["entries"])),
            tuple(PeerId(_bytes(peer)) for peer in _list(book["anchors"])),
            tuple(_typed(network, str) for network in _list(book.get("insistent", []))),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _write_entry(entry: BookEntry) -> dict[str, Any]:
    return {
        "peer": entry.peer.hex(),
        "addresses": [str(address) for address in entry.addresses],
        "record": _write_record(entry.record) if entry.record else None,
        "source": entry.source.hex() if entry.source else None,
        "tried": entry.is_tried,
        "heard_ms": entry.heard_ms,
        "success_ms": entry.last_success_ms,
        "try_ms": entry.last_try_ms,
        "failures": entry.failures,
    }


def _read_entry(entry: Any) -> BookEntry:
    record, source = entry["record"], entry["source"]
    peer = PeerId(_bytes(entry["peer"]))
    return BookEntry(
        peer,
        _addresses(entry["addresses"]),
        None if record is None else _read_record(record, peer),
        None if source is None else PeerId(_bytes(source)),
        is_tried=_typed(entry["tried"], bool),
        heard_ms=_typed(entry["heard_ms"], int),
        last_success_ms=_typed(entry["success_ms"], int),
        last_try_ms=_typed(entry["try_ms"], int),
        failures=_typed(entry["failures"], int),
    )


def _write_record(record: AddressRecord) -> dict[str, Any]:
    return {
        "time_ms": record.time_ms,
        "addresses": [str(address) for address in record.addresses],
        "scope": int(record.scope),
        "diallable": record.is_diallable,
        "signature": record.signature.hex(),
        "signed": record.signed.hex(),
    }


def _read_record(record: Any, peer: PeerId) -> AddressRecord:
    return AddressRecord(
        peer,
        _typed(record["time_ms"], int),
        _addresses(record["addresses"]),
        Scope(_typed(record["scope"], int)),
        _typed(record["diallable"], bool),
        _bytes(record["signature"]),
        _bytes(record["signed"]),
    )


def _addresses(texts: Any) -> tuple[Address, ...]:
    return read_addresses(_typed(text, str) for text in _list(texts))


def _list(value: Any) -> list[Any]:
    values = _typed(value, list)
    if len(values) > _LIST_LIMIT:
        raise ValueError(len(values))
    return values


def _bytes(value: Any) -> bytes:
    return bytes.fromhex(_typed(value, str))


def _typed(value: Any, kind: type[Value]) -> Value:
    # bool is an int to isinstance, not to us.
    if type(value) is not kind:
        raise TypeError(type(value))
    return value

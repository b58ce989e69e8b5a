"""The connections of a node, by number and by peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from p2pchat.core import limits
from p2pchat.core.values import ConnectionId, PeerId
from p2pchat.net.registry import ConnectionRegistry

if TYPE_CHECKING:
    from p2pchat.net.connection import Connection

BOB = PeerId(b"b" * 32)


class FakeConnection:
    """Takes payloads up to a number of bytes."""

    def __init__(self, number: int, room_bytes: int = 1_000) -> None:
        self.id = ConnectionId(number)
        self.queued_bytes = 0
        self.flushes = 0
        self._room_bytes = room_bytes

    def offer(self, payload: bytes) -> bool:
        if self.queued_bytes + len(payload) > self._room_bytes:
            return False
        self.queued_bytes += len(payload)
        return True

    def flush(self) -> None:
        self.flushes += 1


def registry_of(*connections: FakeConnection) -> ConnectionRegistry:
    registry = ConnectionRegistry()
    for connection in connections:
        registry.add(cast("Connection", connection))
    return registry


def test_a_connection_is_found_by_its_number_until_it_is_removed() -> None:
    one = FakeConnection(1)
    registry = registry_of(one, FakeConnection(2))

    assert registry.get(one.id) is cast("Any", one)
    assert len(registry) == 2
    registry.remove(one.id)
    assert registry.get(one.id) is None
    assert [connection.id for connection in registry] == [2]


def test_the_last_registered_connection_of_a_peer_counts() -> None:
    one, two = FakeConnection(1), FakeConnection(2)
    registry = registry_of(one, two)

    registry.register(BOB, one.id)
    registry.register(BOB, two.id)
    registry.remove(one.id)

    assert registry.of_peer(BOB) is cast("Any", two)
    registry.remove(two.id)
    assert registry.of_peer(BOB) is None


def test_removing_while_going_through_all_is_allowed() -> None:
    registry = registry_of(*(FakeConnection(number) for number in range(5)))

    for connection in registry:
        registry.remove(connection.id)

    assert len(registry) == 0


def test_a_payload_goes_to_those_named_and_to_nobody_else() -> None:
    connections = [FakeConnection(number) for number in range(3)]
    registry = registry_of(*connections)

    overflowing = registry.write((ConnectionId(0), ConnectionId(2), ConnectionId(99)), b"12345")

    assert overflowing == []
    assert [connection.queued_bytes for connection in connections] == [5, 0, 5]


def test_whoever_has_no_room_is_returned_and_the_others_get_it() -> None:
    full, free = FakeConnection(1, room_bytes=3), FakeConnection(2)
    registry = registry_of(full, free)

    overflowing = registry.write((full.id, free.id), b"12345")

    assert overflowing == [cast("Any", full)]
    assert free.queued_bytes == 5


def test_when_all_queues_together_hold_too_much_the_fullest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SEND_QUEUES_TOTAL_BYTES", 1_500)
    light, heavy = FakeConnection(1), FakeConnection(2)
    registry = registry_of(light, heavy)

    registry.write((light.id,), bytes(600))
    assert registry.write((heavy.id,), bytes(800)) == []

    assert registry.write((heavy.id,), bytes(150)) == [cast("Any", heavy)]


def test_a_flush_is_for_those_that_were_written_to_and_once() -> None:
    one, two, three = FakeConnection(1), FakeConnection(2), FakeConnection(3)
    registry = registry_of(one, two, three)

    for payload in (b"a", b"b"):
        registry.write([one.id, three.id], payload)
    registry.flush()
    registry.flush()

    assert [connection.flushes for connection in (one, two, three)] == [1, 0, 1]

"""A process that keeps, forgets and notes messages until it is killed, telling of each step.

Before a step a line says what is begun, after it another one that it is done: `keep ID`, `kept ID`,
`forget ID`, `forgot ID`, `note ID`, `noted ID`.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from p2pchat.core.outbox import DIRECT_ID_BYTES, DirectId, Waiting
from p2pchat.core.values import PeerId
from p2pchat.store.delivered import Delivered
from p2pchat.store.outbox import OutboxFolder

KEY = bytes(range(32))
WALL_MS = 1_700_000_000_000
AUTHOR = PeerId(b"a" * 32)

KEPT_AT_ONCE = 6
"""More are forgotten, the oldest first."""


def the_message(message_id: DirectId) -> Waiting:
    """Return the only message that has that id."""
    number = int.from_bytes(message_id[:8], "big")
    text = message_id.hex() * (1 + number % 300)
    recipient = PeerId(bytes((number % 3,)) * 32)
    return Waiting(recipient, message_id, WALL_MS + number, 1, text, WALL_MS + number)


def tell(what: str, message_id: DirectId) -> None:
    # In one call: a line is there wholly or not at all.
    os.write(1, f"{what} {message_id.hex()}\n".encode())


def write_for_ever(folder: Path, first: int) -> None:
    """Number messages from `first`, whatever else their ids hold."""
    outbox, delivered = OutboxFolder(folder, KEY), Delivered(folder)
    waiting = [each.message_id for each in outbox.load()[0]]
    assert delivered.load(WALL_MS) == []
    for number in range(first, first + 2**32):
        tail = random.randbytes(DIRECT_ID_BYTES - 8)
        message_id = DirectId(number.to_bytes(8, "big") + tail)
        tell("keep", message_id)
        assert outbox.keep(the_message(message_id)) is None
        tell("kept", message_id)
        waiting.append(message_id)
        if len(waiting) > KEPT_AT_ONCE:
            tell("forget", waiting[0])
            assert outbox.forget(waiting[0]) is None
            tell("forgot", waiting.pop(0))
        tell("note", message_id)
        assert delivered.add(AUTHOR, message_id, WALL_MS + number) is None
        tell("noted", message_id)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), int(sys.argv[2]))

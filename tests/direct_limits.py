"""The constants of messages to one person and of presence that the protocol document shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2pchat.core import (
    courier,
    couriers,
    direct,
    direct_values,
    key_requests,
    outbox,
    packet_relay,
    presence,
)

if TYPE_CHECKING:
    from types import ModuleType

MODULES: Final[tuple[ModuleType, ...]] = (
    direct_values, courier, couriers, key_requests, packet_relay, direct, outbox, presence,
)  # fmt: skip

DIRECT_LIMITS_SHOWN: Final = (
    ("SEALING_KEY_BYTES", "a public key of suite 1"),
    ("SEALING_KEY_LIMIT_BYTES", "a public key of any suite"),
    ("SEALING_RECORD_LIMIT_BYTES", "signed bytes of a sealing key record"),
    ("PADDED_BYTES", "what is sealed is padded to the least of these that holds it"),
    ("PADDING_LENGTH_BYTES", "the length in front of it"),
    ("SEAL_OVERHEAD_BYTES", "what sealing adds"),
    ("SEALED_LIMIT_BYTES", "the sealed part of a packet"),
    ("PACKET_LIMIT_BYTES", "signed bytes of a packet"),
    ("SEALING_KEY_FRESH_S", "a recipient makes a new sealing key after this"),
    ("SEALING_KEY_USE_S", "a sender uses one for so long"),
    ("SEALING_KEY_LIFE_S", "a recipient opens with one for so long"),
    ("REQUEST_S", "how long a request may be answered"),
    ("REQUESTS_LIMIT", "requests of others whose way back is known"),
    ("ANSWERS_BURST", "own sealing keys that are signed at once ..."),
    ("ANSWERS_PER_S", "... and each second in the long run ..."),
    ("REQUESTER_BURST", "... of these for one requester at once ..."),
    ("REQUESTER_PER_S", "... and each second in the long run"),
    ("REQUESTERS_LIMIT", "requesters whose rate is remembered"),
    ("ANSWER_WAYS", "neighbours that get the answer to one request"),
    ("PACKET_WAY_S", "how long a relay knows a packet and its way back"),
    ("PACKET_WAYS_LIMIT", "so many packets"),
    ("PACKETS_SEEN_LIMIT", "packets that are known when they come again later"),
    ("AUTHOR_BURST", "packets of one author at once ..."),
    ("AUTHOR_PER_S", "... and each second in the long run ..."),
    ("AUTHOR_BYTES_BURST", "... and signed bytes of them at once ..."),
    ("AUTHOR_BYTES_PER_S", "... and each second in the long run"),
    ("FLOODED_WEIGHT", "a flooded packet counts as so many"),
    ("AUTHORS_LIMIT", "authors whose rate is remembered"),
    ("CONNECTION_BURST", "packets of one neighbour at once ..."),
    ("CONNECTION_PER_S", "... and each second in the long run"),
    ("TRAIL_WAIT_S", "an attempt along a trail"),
    ("REQUEST_WAIT_S", "an attempt to get the sealing key"),
    ("SENT_WAIT_S", "an attempt along the way of the answer"),
    ("FLOOD_WAIT_S", "an attempt by flooding"),
    ("FLOODED_LIMIT_BYTES", "signed bytes of a packet that is flooded"),
    ("PACE_BURST", "own packets at once ..."),
    ("PACE_PER_S", "... and each second in the long run"),
    ("REQUESTS_BURST", "own requests at once ..."),
    ("REQUESTS_PER_S", "... and each second in the long run"),
    ("PACKETS_LIMIT", "own packets whose receipts are recognised ..."),
    ("RECEIPT_S", "... for at least so long, if they are no more"),
    ("KEYS_LIMIT", "sealing keys of others that are kept"),
    ("OPENED_LIMIT", "opened messages whose receipts wait for the disk"),
    ("OUTBOX_PER_RECIPIENT", "messages that wait for one person ..."),
    ("OUTBOX_LIMIT", "... and for all ..."),
    ("OUTBOX_LIMIT_BYTES", "... and the bytes of their texts"),
    ("OUTBOX_LIFE_S", "how long a message waits"),
    ("OUTBOX_WAITS_S", "before each request for somebody absent; the last one repeats ..."),
    ("OUTBOX_SPREAD", "... more or less by this share"),
    ("OUTBOX_SETTLE_S", "nobody is tried again so soon"),
    ("REQUESTS_PER_MINUTE", "requests for absent people in any minute"),
    ("EXPIRE_EVERY_S", "between two looks at what has waited too long"),
    ("PRESENCE_EVERY_S", "between two presences"),
    ("PRESENCE_AFTER_LOSS_S", "from the loss of a neighbour until one is said for it ..."),
    ("PRESENCE_AGAIN_S", "... so long after any other one"),
    ("PRESENCE_RENAMED_S", "from a new nick until one tells it"),
    ("PRESENCE_BELOW", "people known from which on nobody says them"),
)  # fmt: skip


def direct_limit(name: str) -> float | tuple[float, ...]:
    """Return the constant of that name, wherever it lives."""
    value: float | tuple[float, ...] = next(
        getattr(module, name) for module in MODULES if hasattr(module, name)
    )
    return value

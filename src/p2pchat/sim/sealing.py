"""Stand-ins for seals: as large as real ones, as easily refused, and hiding nothing.

Whoever knows a public key could open what is sealed to it, so these are for simulations only.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from p2pchat.core.direct_values import (
    PADDED_BYTES,
    PADDING_LENGTH_BYTES,
    RECEIPT_KEY_BYTES,
    SEAL_OVERHEAD_BYTES,
    SEALING_KEY_BYTES,
    SUITE,
    SealingKey,
)
from p2pchat.core.key_ring import KeyRing
from p2pchat.core.values import PeerId
from p2pchat.errors import SealBroken
from p2pchat.sim.credentials import SimDirectSignatures

__all__ = ["SimDirectSignatures", "SimSealer"]

_HASH_BYTES: Final = 32
_FRONT_BYTES: Final = SEAL_OVERHEAD_BYTES
"""Hash of the key, and a tag as long as what else a real seal adds."""


class SimSealer:
    """The core's `Sealer`, from a hash keyed by the recipient's public key.

    The same peer draws the same keys in every run.
    """

    def __init__(self, me: PeerId) -> None:
        self._me = me
        self._drawn = 0
        self._ring: KeyRing[bytes] = KeyRing(self._make_pair)

    def public(self, now: float) -> SealingKey:
        """Return the current key."""
        return self._ring.current(now)

    def next_deadline(self) -> float | None:
        """When to call `forget_old`."""
        return self._ring.next_deadline()

    def forget_old(self, now: float) -> None:
        """Forget old keys."""
        self._ring.forget_old(now)

    def seal(self, key: SealingKey, plaintext: bytes, bound: bytes) -> bytes:
        """Pad, and put hash and tag in front."""
        if key.suite != SUITE or len(key.key) != SEALING_KEY_BYTES:
            raise SealBroken("no simulated key")
        padded = _pad(plaintext)
        return key.hash + _tag(key.key, bound + padded) + padded

    def open_(self, sealed: bytes, bound: bytes, now: float) -> bytes:
        """Check the tag; SealBroken where the key is not known or the tag another."""
        key = self._ring.secret(sealed[:_HASH_BYTES], now)
        tag, padded = sealed[_HASH_BYTES:_FRONT_BYTES], sealed[_FRONT_BYTES:]
        if key is None or tag != _tag(key, bound + padded):
            raise SealBroken("no such key, or altered")
        end = PADDING_LENGTH_BYTES + int.from_bytes(padded[:PADDING_LENGTH_BYTES], "big")
        return padded[PADDING_LENGTH_BYTES:end]

    def new_receipt_key(self) -> bytes:
        """Return 32 bytes, others each time."""
        return self._draw(b"receipt key", RECEIPT_KEY_BYTES)

    def receipt(self, receipt_key: bytes, message: bytes) -> bytes:
        """Return the proof that a message was opened."""
        return blake2b(message, key=receipt_key, digest_size=32).digest()

    def is_receipt(self, proof: bytes, receipt_key: bytes, message: bytes) -> bool:
        """Compare a proof."""
        return proof == self.receipt(receipt_key, message)

    def _make_pair(self) -> tuple[SealingKey, bytes]:
        key = self._draw(b"sealing key", _HASH_BYTES).ljust(SEALING_KEY_BYTES, b"\0")
        return SealingKey(SUITE, key), key

    def _draw(self, purpose: bytes, size_bytes: int) -> bytes:
        self._drawn += 1
        source = purpose + self._drawn.to_bytes(8, "big")
        return blake2b(source, key=self._me, digest_size=size_bytes).digest()


def _tag(key: bytes, message: bytes) -> bytes:
    tag = blake2b(message, key=key[:_HASH_BYTES]).digest()
    return tag.ljust(_FRONT_BYTES - _HASH_BYTES, b"\0")


def _pad(plaintext: bytes) -> bytes:
    for size_bytes in PADDED_BYTES:
        if PADDING_LENGTH_BYTES + len(plaintext) <= size_bytes:
            front = len(plaintext).to_bytes(PADDING_LENGTH_BYTES, "big")
            return (front + plaintext).ljust(size_bytes, b"\0")
    raise SealBroken("too long to be sealed")

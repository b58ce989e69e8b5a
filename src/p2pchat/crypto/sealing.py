"""Messages to one person: sealed to a key that is soon forgotten, answered by a receipt.

HPKE (RFC 9180) in its base mode, by `cryptography`. Who sealed is not authenticated by it, but
by the signature inside. Importing this module does not load HPKE: few who start a node ever
send or receive a direct message.
"""

from __future__ import annotations

import hmac
import os
from functools import cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

from p2pchat.core.direct_values import (
    DIRECT_CONTEXT,
    INSIDE_CONTEXT,
    PADDED_BYTES,
    PADDING_LENGTH_BYTES,
    RECEIPT_KEY_BYTES,
    SEALED_CONTEXT,
    SEALED_LIMIT_BYTES,
    SEALING_KEY_BYTES,
    SEALING_KEY_CONTEXT,
    SUITE,
    SealingKey,
)
from p2pchat.core.key_ring import KeyRing
from p2pchat.crypto.identity import Identity, is_peer_id, verify
from p2pchat.errors import SealBroken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import (
        MLKEM768X25519PrivateKey,
        MLKEM768X25519PublicKey,
        Suite,
    )

    from p2pchat.core.values import PeerId

_HASH_BYTES: Final = 32
_MLKEM_KEY_BYTES: Final = 1184

_FOREIGN_ERRORS: Final = (InvalidTag, UnsupportedAlgorithm, ValueError, TypeError)
"""What the library raises over bytes of the other side."""


class SealingKeys:
    """The core's `Sealer`: this node's key pairs, in memory only.

    A pair that is forgotten here is erased by OpenSSL, which overwrites private keys when the
    last reference is gone; nothing here ever holds their bytes. Plaintexts are not erased:
    Python can't.
    """

    __slots__ = ("_ring",)

    def __init__(self) -> None:
        self._ring: KeyRing[MLKEM768X25519PrivateKey] = KeyRing(_make_pair)

    def public(self, now: float) -> SealingKey:
        """Return the key to seal to, made anew after an hour; `now` in monotonic seconds."""
        return self._ring.current(now)

    def next_deadline(self) -> float | None:
        """When to call `forget_old`; None for never."""
        return self._ring.next_deadline()

    def forget_old(self, now: float) -> None:
        """Erase the keys of 125 minutes ago."""
        self._ring.forget_old(now)

    def open_(self, sealed: bytes, bound: bytes, now: float) -> bytes:
        """Return the plaintext of what was sealed to one of these keys and bound to that.

        Raises:
            SealBroken: It was not, it was altered, or the key is forgotten.
        """
        if len(sealed) > SEALED_LIMIT_BYTES:
            raise _overlong(len(sealed), SEALED_LIMIT_BYTES)
        private_key = self._ring.secret(sealed[:_HASH_BYTES], now)
        if private_key is None:
            raise SealBroken("the key is not known, or forgotten")
        try:
            padded = _suite().decrypt(sealed[_HASH_BYTES:], private_key, SEALED_CONTEXT + bound)
        except _FOREIGN_ERRORS:
            # The library says nothing, so that nobody learns which part was wrong.
            raise SealBroken("it was altered, or is meant for somebody else") from None
        return unpad(padded)

    def seal(self, key: SealingKey, plaintext: bytes, bound: bytes) -> bytes:
        """Do what the function `seal` does."""
        return seal(key, plaintext, bound)

    def new_receipt_key(self) -> bytes:
        """Draw 32 secret bytes."""
        return os.urandom(RECEIPT_KEY_BYTES)

    def receipt(self, receipt_key: bytes, message: bytes) -> bytes:
        """Do what the function `receipt` does."""
        return receipt(receipt_key, message)

    def is_receipt(self, proof: bytes, receipt_key: bytes, message: bytes) -> bool:
        """Do what the function `is_receipt` does."""
        return is_receipt(proof, receipt_key, message)

    def __repr__(self) -> str:
        return f"SealingKeys({len(self._ring)} pairs)"


class DirectCredentials:
    """The core's `DirectSignatures`: this node's identity, one context for each purpose."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def sign_direct(self, message: bytes) -> bytes:
        """Sign the signed bytes of an own packet."""
        return self._identity.sign(DIRECT_CONTEXT, message)

    def is_valid_direct(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author, and nobody else who could be, signed that packet."""
        return is_peer_id(author) and verify(author, DIRECT_CONTEXT, message, signature)

    def sign_inside(self, message: bytes) -> bytes:
        """Sign what is to be sealed."""
        return self._identity.sign(INSIDE_CONTEXT, message)

    def is_valid_inside(self, author: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that author, and nobody else who could be, signed what was sealed."""
        return is_peer_id(author) and verify(author, INSIDE_CONTEXT, message, signature)

    def sign_sealing_key(self, message: bytes) -> bytes:
        """Sign the record of an own sealing key."""
        return self._identity.sign(SEALING_KEY_CONTEXT, message)

    def is_valid_sealing_key(self, owner: PeerId, message: bytes, signature: bytes) -> bool:
        """Tell whether that owner, and nobody else who could be, signed that record."""
        return is_peer_id(owner) and verify(owner, SEALING_KEY_CONTEXT, message, signature)


def seal(key: SealingKey, plaintext: bytes, bound: bytes) -> bytes:
    """Seal for the owner of a key: hash of the key, encapsulated key, ciphertext with tag.

    Args:
        key: The recipient's, from a record that was verified.
        plaintext: At most 32,766 bytes; only its size class shows.
        bound: What has to be the same when it is opened: see `bound_to`.

    Raises:
        SealBroken: The suite is not known, the key is none, or the plaintext is too long.
    """
    padded = pad(plaintext)
    try:
        sealed = _suite().encrypt(padded, _public_key(key), SEALED_CONTEXT + bound)
    except _FOREIGN_ERRORS:
        raise SealBroken("that is no key to seal to") from None
    return key.hash + sealed


def receipt(receipt_key: bytes, message: bytes) -> bytes:
    """Prove in 32 bytes that a message was opened.

    Args:
        receipt_key: 32 secret bytes from inside of it.
        message: Its id.
    """
    return hmac.digest(receipt_key, message, "sha256")


def is_receipt(proof: bytes, receipt_key: bytes, message: bytes) -> bool:
    """Tell whether `receipt` with the same arguments gives that proof, in constant time."""
    return hmac.compare_digest(proof, receipt(receipt_key, message))


def _overlong(size_bytes: int, limit_bytes: int) -> SealBroken:
    return SealBroken(f"{size_bytes} bytes to be sealed or opened, the limit is {limit_bytes}")


def pad(plaintext: bytes) -> bytes:
    """Put the length in front and zeros behind, up to the least of PADDED_BYTES that fits.

    Raises:
        SealBroken: None of them does.
    """
    needed_bytes = PADDING_LENGTH_BYTES + len(plaintext)
    for size_bytes in PADDED_BYTES:
        if needed_bytes <= size_bytes:
            front = len(plaintext).to_bytes(PADDING_LENGTH_BYTES, "big")
            return (front + plaintext).ljust(size_bytes, b"\0")
    raise _overlong(len(plaintext), PADDED_BYTES[-1] - PADDING_LENGTH_BYTES)


def unpad(padded: bytes) -> bytes:
    """Return what was padded.

    Raises:
        SealBroken: `pad` makes no such bytes: each plaintext has one padding only, so that
            nothing can be hidden there.
    """
    end = PADDING_LENGTH_BYTES + int.from_bytes(padded[:PADDING_LENGTH_BYTES], "big")
    plaintext = padded[PADDING_LENGTH_BYTES:end]
    if end > PADDED_BYTES[-1] or pad(plaintext) != padded:
        raise SealBroken("its padding is wrong")
    return plaintext


# The imports inside load HPKE, which a node without direct messages does not need.


@cache
def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite  # noqa: PLC0415

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _make_pair() -> tuple[SealingKey, MLKEM768X25519PrivateKey]:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey  # noqa: PLC0415

    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    return SealingKey(SUITE, public), MLKEM768X25519PrivateKey(mlkem, x25519)


def _public_key(key: SealingKey) -> MLKEM768X25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey  # noqa: PLC0415

    if key.suite != SUITE or len(key.key) != SEALING_KEY_BYTES:
        raise SealBroken(f"no key of a known suite: number {key.suite}, {len(key.key)} bytes")
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key.key[:_MLKEM_KEY_BYTES]),
        X25519PublicKey.from_public_bytes(key.key[_MLKEM_KEY_BYTES:]),
    )

"""Seals what a profile keeps on its own disk.

XChaCha20-Poly1305 of libsodium: its nonces are long enough to be drawn, so that nothing has to
count them across crashes and copies of a profile.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
TAG_BYTES: Final = crypto_aead_xchacha20poly1305_ietf_ABYTES

SEALING_BYTES: Final = NONCE_BYTES + TAG_BYTES
"""How much longer the sealed content is."""


def seal(
    key: bytes, content: bytes, bound: bytes, random_bytes: Callable[[int], bytes] = os.urandom
) -> bytes:
    """Return the content so that only who has the key can read or make it.

    Args:
        key: 32 secret bytes, such as `Identity.derive_key` gives.
        content: Any bytes.
        bound: What it belongs to, such as its name; it opens with the same only.
        random_bytes: Draws the nonce.
    """
    nonce = random_bytes(NONCE_BYTES)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(content, bound, nonce, key)


def open_(key: bytes, sealed: bytes, bound: bytes) -> bytes | None:
    """Return what was sealed under the key for the same `bound`; None for anything else."""
    if len(sealed) < SEALING_BYTES:
        return None
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, bound, nonce, key)
    except CryptoError:
        return None

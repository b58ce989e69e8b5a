"""A passphrase that people remember, made into the secret of a room at a price for each guess."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b
from typing import Final

from p2pchat.core import limits
from p2pchat.errors import BadSecret

STRETCHED_BYTES: Final = 32
SALT_BYTES: Final = 16

_SALT_CONTEXT: Final = b"p2pchat/1 passphrase\0"


def check_passphrase(text: str) -> str:
    """Return a passphrase in the one spelling that counts, which is Unicode NFC.

    Raises:
        BadSecret: It is blank, longer than PASSPHRASE_LIMIT_BYTES, or has something in it that
            can't be seen; it is not repeated.
    """
    spelt = unicodedata.normalize("NFC", text)
    if not spelt.strip():
        raise BadSecret("it is empty")
    if not spelt.isprintable():
        raise BadSecret("a passphrase has printable characters and ordinary blanks only")
    if len(spelt.encode("utf-8", "replace")) > limits.PASSPHRASE_LIMIT_BYTES:
        raise BadSecret(f"a passphrase has at most {limits.PASSPHRASE_LIMIT_BYTES} bytes")
    return spelt


def stretch(passphrase: str, room: str) -> bytes:
    """Make the secret of a room out of a passphrase: 32 bytes, by Argon2id (RFC 9106).

    Takes about a sixth of a second of one core and 64 MiB, so call it in a thread. Other rooms get
    other secrets out of the same passphrase.

    Raises:
        BadSecret: What `check_passphrase` refuses.
    """
    # Imported here because it loads OpenSSL, which few runs need so early.
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415

    spelt = check_passphrase(passphrase)
    derivation = Argon2id(
        salt=salt_of(room),
        length=STRETCHED_BYTES,
        iterations=limits.PASSPHRASE_PASSES,
        lanes=limits.PASSPHRASE_LANES,
        memory_cost=limits.PASSPHRASE_MEMORY_KIB,
    )
    return derivation.derive(spelt.encode())


def salt_of(room: str) -> bytes:
    """Return the salt of a room: whoever tries passphrases has to begin anew for each name."""
    return blake2b(_SALT_CONTEXT + room.encode(), digest_size=SALT_BYTES).digest()

"""A passphrase that people remember, made into a secret at a price for each guess."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from p2pchat.core import limits
from p2pchat.errors import BadSecret, TooLittleMemory

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


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess costs: the parameters of Argon2id."""

    memory_kib: int
    passes: int
    lanes: int


ROOM_COST: Final = Cost(
    limits.PASSPHRASE_MEMORY_KIB, limits.PASSPHRASE_PASSES, limits.PASSPHRASE_LANES
)
"""The same for all, because members have nothing in common to read it from."""


def derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Make 32 secret bytes out of a passphrase, by Argon2id (RFC 9106).

    Raises:
        BadSecret: What `check_passphrase` refuses.
        TooLittleMemory: The memory that it costs can't be had.
    """
    # Imported here because it loads OpenSSL, which few runs need so early.
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415

    spelt = check_passphrase(passphrase)
    derivation = Argon2id(
        salt=salt,
        length=STRETCHED_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    try:
        return derivation.derive(spelt.encode())
    except MemoryError:
        raise TooLittleMemory(cost.memory_kib) from None


def stretch(passphrase: str, room: str) -> bytes:
    """Make the secret of a room out of a passphrase: 32 bytes.

    Takes about a sixth of a second of one core and 64 MiB, so call it in a thread. Other rooms get
    other secrets out of the same passphrase.

    Raises:
        BadSecret: What `check_passphrase` refuses.
        TooLittleMemory: The memory that it costs can't be had.
    """
    return derive(passphrase, salt_of(room), ROOM_COST)


def salt_of(room: str) -> bytes:
    """Return the salt of a room: whoever tries passphrases has to begin anew for each name."""
    return blake2b(_SALT_CONTEXT + room.encode(), digest_size=SALT_BYTES).digest()

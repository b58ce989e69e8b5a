"""A key under a passphrase: who has the file has to guess, at a price for each guess.

Argon2id (RFC 9106) makes 32 bytes of the passphrase and a salt that is drawn each time;
ChaCha20-Poly1305 (RFC 8439) seals the seed under them, together with the public key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from p2pchat.core import limits
from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import SEED_BYTES, Identity
from p2pchat.crypto.passphrase import SALT_BYTES, Cost, derive

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE_BYTES: Final = 12
SEALED_BYTES: Final = NONCE_BYTES + SEED_BYTES + 16
"""A nonce, and the seed with the tag behind it."""

USUAL_COST: Final = Cost(
    limits.PASSPHRASE_MEMORY_KIB, limits.PASSPHRASE_PASSES, limits.PASSPHRASE_LANES
)
"""What a guess costs of a key that is sealed now; a file says what its own does."""

MEMORY_LIMIT_KIB: Final = 4 * limits.PASSPHRASE_MEMORY_KIB
PASSES_LIMIT: Final = 4 * limits.PASSPHRASE_PASSES
LANES_LIMIT: Final = 4 * limits.PASSPHRASE_LANES
"""What a file may ask for: 256 MiB, and 16 times the usual work, which is 3 s of one core. Room to
make guesses dearer later; whatever asks for more was not written by this program."""

_CONTEXT: Final = b"p2pchat/1 key\0"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key pair of which only the public half can be seen."""

    peer: PeerId
    """The public half; believed only once the other half was opened."""
    cost: Cost
    salt: bytes
    sealed: bytes

    @property
    def is_bearable(self) -> bool:
        """Whether opening it takes no more memory and time than a key of ours may."""
        return (
            8 * self.cost.lanes <= self.cost.memory_kib <= MEMORY_LIMIT_KIB
            and 1 <= self.cost.passes <= PASSES_LIMIT
            and 1 <= self.cost.lanes <= LANES_LIMIT
        )

    def open_(self, passphrase: str) -> Identity | None:
        """Return the key pair; None when that is not the passphrase.

        Takes as long as its cost says, usually a sixth of a second, so call it in a thread.

        Raises:
            BadSecret: That is no passphrase at all.
            ValueError: It asks for more than is bearable.
        """
        # Imported here because they load OpenSSL.
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

        if not self.is_bearable:
            raise ValueError("that costs more than is bearable")
        cipher = ChaCha20Poly1305(derive(passphrase, self.salt, self.cost))
        nonce, ciphertext = self.sealed[:NONCE_BYTES], self.sealed[NONCE_BYTES:]
        try:
            identity = Identity(cipher.decrypt(nonce, ciphertext, _CONTEXT + self.peer))
        except InvalidTag:
            return None
        return identity if identity.peer == self.peer else None

    def __repr__(self) -> str:
        return f"SealedKey({self.peer.hex()})"


def seal_key(
    identity: Identity,
    passphrase: str,
    cost: Cost = USUAL_COST,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> SealedKey:
    """Seal a key pair under a passphrase; takes as long as opening it.

    Raises:
        BadSecret: What `check_passphrase` refuses.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    cipher = ChaCha20Poly1305(derive(passphrase, salt, cost))
    ciphertext = cipher.encrypt(nonce, identity.seed, _CONTEXT + identity.peer)
    return SealedKey(identity.peer, cost, salt, nonce + ciphertext)

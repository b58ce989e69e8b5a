"""The Ed25519 key that a peer is.

Importing this module loads libsodium only: OpenSSL is for whoever opens a connection.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from p2pchat.core.values import PEER_ID_BYTES, PeerId

if TYPE_CHECKING:
    from collections.abc import Callable

SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEY_BYTES: Final = 32

_KEYS_SALT: Final = b"p2pchat/1 profile"

_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 2**255

# Everybody can sign for these: 0 has order 4, 1 is the neutral point, the others have order 8.
# The remaining one, of order 2, is the prime minus 1; from there on nothing is canonical.
_SMALL_ORDER: Final = frozenset(
    int.from_bytes(bytes.fromhex(y), "little")
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)


class Identity:
    """A peer's own key pair; what it signs is the same for the same seed."""

    __slots__ = ("__weakref__", "_secret_key", "peer")

    peer: PeerId
    """The public half, by which everybody knows this peer."""

    def __init__(self, seed: bytes) -> None:
        """Derive the key pair.

        Args:
            seed: 32 secret bytes.

        Raises:
            ValueError: The seed has another length.
        """
        if len(seed) != SEED_BYTES:
            # Without the seed in the text: it would end up in a log.
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        public_key, self._secret_key = crypto_sign_seed_keypair(seed)
        self.peer = PeerId(public_key)

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes] = os.urandom) -> Identity:
        """Draw a new identity from a source of secret random bytes."""
        return cls(random_bytes(SEED_BYTES))

    @property
    def seed(self) -> bytes:
        """The secret; only the key file and TLS may ask for it."""
        return self._secret_key[:SEED_BYTES]

    def sign(self, context: bytes, message: bytes) -> bytes:
        """Return the 64-byte signature of the message for one purpose.

        Args:
            context: Names the purpose, such as `ENVELOPE_CONTEXT`, so that a signature made
                for one can't be shown as another's. It ends with its only zero, so that none
                is the beginning of a further one.
            message: Any bytes.
        """
        return crypto_sign(context + message, self._secret_key)[:SIGNATURE_BYTES]

    def derive_key(self, purpose: bytes) -> bytes:
        """Return 32 secret bytes for one purpose, the same for the same seed.

        Neither the seed nor the key of another purpose follows from them (HKDF, RFC 5869).

        Args:
            purpose: Names it, such as `b"outbox"`.
        """
        # Imported here because it loads OpenSSL.
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        return HKDF(SHA256(), KEY_BYTES, _KEYS_SALT, purpose).derive(self.seed)

    def __repr__(self) -> str:
        return f"Identity({self.peer.hex()})"


def verify(peer: PeerId, context: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the peer signed the message for that purpose; never raises for bad input."""
    # Lengths first: the signature is glued to the message, and a shorter one would
    # borrow its last bytes from there.
    if len(signature) != SIGNATURE_BYTES or len(peer) != PEER_ID_BYTES:
        return False
    try:
        crypto_sign_open(signature + context + message, peer)
    except BadSignatureError:
        return False
    return True


def is_peer_id(raw: bytes) -> bool:
    """Tell whether the bytes can be the key of somebody.

    False for other lengths, for the points of small order, under which one fixed
    signature verifies for every text, and for second spellings of a point.
    """
    if len(raw) != PEER_ID_BYTES:
        return False
    y = int.from_bytes(raw, "little") % _SIGN_BIT
    return y < _FIELD_PRIME - 1 and y not in _SMALL_ORDER

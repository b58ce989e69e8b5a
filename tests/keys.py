"""Keys under a passphrase that cost tests next to nothing to open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from p2pchat.crypto.identity import Identity
from p2pchat.crypto.passphrase import Cost
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.store.key_text import write_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHEAP: Final = Cost(8, 1, 1)
"""The least that Argon2id takes: a file says what its own key costs."""

PASSPHRASE: Final = "seven green roofs under one slow moon"
OTHER: Final = "eight red doors above two quick suns"

SEED: Final = bytes(range(32))
ANN: Final = Identity(SEED)


def sealed_key(
    identity: Identity = ANN,
    passphrase: str = PASSPHRASE,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> SealedKey:
    return seal_key(identity, passphrase, CHEAP, random_bytes)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)


def write_sealed(path: Path, identity: Identity = ANN, passphrase: str = PASSPHRASE) -> None:
    """Write a key file that has a passphrase."""
    write_private(path, write_key(sealed_key(identity, passphrase)))

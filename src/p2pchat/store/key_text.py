"""The text of a key file: one of two formats, told apart by the version in the first line.

Version 1 holds the seed as it is, version 2 holds it sealed under a passphrase. Programs that know
only version 1 leave files of version 2 alone. Both end with the beginning of a hash over the rest:
what is damaged is noticed before anybody is asked for a passphrase, so that a wrong one is told
from a damaged file.
"""

from __future__ import annotations

import hmac
import re
from hashlib import blake2b
from typing import Final

from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity, is_peer_id
from p2pchat.crypto.passphrase import SALT_BYTES, Cost
from p2pchat.crypto.sealed_key import SEALED_BYTES, SealedKey

_CHECK_BYTES: Final = 8

_CHECKED: Final = re.compile(rb"(?P<begun>(?:[^\n]*\n)+)check (?P<check>[0-9a-f]{16})\n")
_OPEN: Final = re.compile(rb"p2pchat key 1\nseed (?P<seed>[0-9a-f]{64})\n")
_NUMBER: Final = "[1-9][0-9]{0,9}"
"""Without zeros in front, so that each key has one spelling."""

_SEALED: Final = (
    "p2pchat key 2\nid (?P<id>[0-9a-f]{64})\n"
    f"argon2id (?P<memory>{_NUMBER}) (?P<passes>{_NUMBER}) (?P<lanes>{_NUMBER})\n"
    f"salt (?P<salt>[0-9a-f]{{{2 * SALT_BYTES}}})\n"
    f"sealed (?P<sealed>[0-9a-f]{{{2 * SEALED_BYTES}}})\n"
).encode()
"""A pattern, compiled only where there is such a key."""

_NEWER: Final = re.compile(rb"p2pchat key ([3-9]|[1-9][0-9]{1,3})\n")


def write_key(key: Identity | SealedKey) -> bytes:
    """Return the whole content of the file for a key."""
    begun = _open_text(key) if isinstance(key, Identity) else _sealed_text(key)
    return with_check(begun.encode())


def _open_text(key: Identity) -> str:
    return f"p2pchat key 1\nseed {key.seed.hex()}\n"


def _sealed_text(key: SealedKey) -> str:
    cost = key.cost
    return (
        f"p2pchat key 2\nid {key.peer.hex()}\n"
        f"argon2id {cost.memory_kib} {cost.passes} {cost.lanes}\n"
        f"salt {key.salt.hex()}\nsealed {key.sealed.hex()}\n"
    )


def with_check(begun: bytes) -> bytes:
    """Return lines with the hash over them behind."""
    return begun + b"check " + _check(begun) + b"\n"


def _check(begun: bytes) -> bytes:
    return blake2b(begun, digest_size=_CHECK_BYTES).hexdigest().encode()


def read_key(content: bytes) -> Identity | SealedKey | None:
    """Return the key in the content of a file; None when it is not exactly that.

    What a sealed one asks for may be more than is bearable.
    """
    found = _CHECKED.fullmatch(content)
    if found is None or not hmac.compare_digest(_check(found["begun"]), found["check"]):
        return None
    if is_open := _OPEN.fullmatch(found["begun"]):
        return Identity(_bytes(is_open["seed"]))
    if is_sealed := re.fullmatch(_SEALED, found["begun"]):
        return _sealed(is_sealed)
    return None


def _sealed(found: re.Match[bytes]) -> SealedKey | None:
    peer = _bytes(found["id"])
    if not is_peer_id(peer):
        return None
    cost = Cost(int(found["memory"]), int(found["passes"]), int(found["lanes"]))
    return SealedKey(PeerId(peer), cost, _bytes(found["salt"]), _bytes(found["sealed"]))


def _bytes(digits: bytes) -> bytes:
    return bytes.fromhex(digits.decode())


def is_of_newer_version(content: bytes) -> bool:
    """Tell whether the first line names a version that is not known yet."""
    return _NEWER.match(content) is not None

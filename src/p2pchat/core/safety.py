"""Safety numbers: what two people compare, by voice say, to know that nobody is between them.

Made as Signal's numeric fingerprints are (libsignal, `fingerprint.rs`): each key is hashed 5,200
times, which makes it as slow to look for a key with a like number as if the number were 12 bits
longer; 30 digits, nearly 100 bits, stand for each key.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from p2pchat.core.values import PeerId

SAFETY_CONTEXT: Final = b"p2pchat/1 safety number\0"
"""What stands before the key in the first hash: the version of the number."""

HASHINGS: Final = 5_200
"""Signal's count; 3 to 5 ms for a key that was not asked for lately."""

GROUPS: Final = 12
GROUP_DIGITS: Final = 5
"""A number has so many groups, half of them for each key."""

_GROUP_BYTES: Final = 5
_CACHED_KEYS: Final = 64


def safety_number(one: PeerId, other: PeerId) -> str:
    """Return the number of two people, 12 groups of 5 digits with blanks between.

    The same on both sides, and another one as soon as one of the keys is another. Takes up to
    10 ms.
    """
    return " ".join(sorted((_half(one), _half(other))))


@lru_cache(maxsize=_CACHED_KEYS)
def _half(peer: PeerId) -> str:
    digest = SAFETY_CONTEXT + peer
    for _ in range(HASHINGS):
        digest = sha512(digest + peer).digest()
    used = digest[: GROUPS // 2 * _GROUP_BYTES]
    return " ".join(_group(used[i : i + _GROUP_BYTES]) for i in range(0, len(used), _GROUP_BYTES))


def _group(part: bytes) -> str:
    return f"{int.from_bytes(part, 'big') % 10**GROUP_DIGITS:0{GROUP_DIGITS}}"

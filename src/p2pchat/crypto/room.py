"""A room's name with its secret, turned into keys."""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import ROOM_LIMIT_BYTES, ROOM_SECRET_BYTES
from p2pchat.core.values import NetworkId
from p2pchat.errors import BadRoom

if TYPE_CHECKING:
    from p2pchat.core.values import PeerId

PROOF_BYTES: Final = 32
NETWORK_ID_BYTES: Final = 16
KEY_BYTES: Final = 32

_SALT: Final = b"p2pchat/1 room"
_NETWORK_ID_LABEL: Final = b"network id"
_PROOF_KEY_LABEL: Final = b"proof key"
_DISCOVERY_KEY_LABEL: Final = b"discovery key"


class Role(Enum):
    """Whose proof it is; each role has its own, so that a proof can't be echoed."""

    DIALLER = b"\x01"
    ACCEPTOR = b"\x02"


@dataclass(frozen=True)
class Room:
    """A network of its own: nodes of different rooms refuse each other.

    Raises:
        BadRoom: The name has no or more than 64 bytes, unprintable characters, a blank at
            an end or two spellings; or the secret is empty.
    """

    name: str
    secret: bytes | None = field(default=None, repr=False)
    """What makes the room private; None for an open one, which anybody may join.

    Either ROOM_SECRET_BYTES that were drawn at random, or what `stretch` made of a passphrase."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.secret is not None and not self.secret:
            # It would have the keys of the open room of that name.
            raise BadRoom("the secret of a private room can't be empty.")

    @property
    def is_open(self) -> bool:
        """Whether anybody who knows the name may join."""
        return self.secret is None

    @property
    def is_guessable(self) -> bool:
        """Whether its secret may come from a passphrase, which somebody could think of too."""
        return self.secret is not None and len(self.secret) != ROOM_SECRET_BYTES

    @cached_property
    def network_id(self) -> NetworkId:
        """16 bytes that envelopes of this room carry; not secret."""
        return NetworkId(self._derive(_NETWORK_ID_LABEL, NETWORK_ID_BYTES))

    @cached_property
    def proof_key(self) -> bytes:
        """32 bytes that members prove to each other that they have."""
        return self._derive(_PROOF_KEY_LABEL, KEY_BYTES)

    @cached_property
    def discovery_key(self) -> bytes:
        """32 bytes by which members recognise each other's advertisements."""
        return self._derive(_DISCOVERY_KEY_LABEL, KEY_BYTES)

    def _derive(self, label: bytes, length_bytes: int) -> bytes:
        # Imported here because it loads OpenSSL, which a program that never starts a
        # node does not need.
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        # No label has a zero in it, so label and name can't be cut in two ways.
        what_for = label + b"\0" + self.name.encode()
        return HKDF(SHA256(), length_bytes, _SALT, what_for).derive(self.secret or b"")


def make_proof(key: bytes, role: Role, exported: bytes, dialler: PeerId, acceptor: PeerId) -> bytes:
    """Prove membership of a room on one connection, in 32 bytes.

    Args:
        key: The room's proof key.
        role: Whose proof it is.
        exported: 32 bytes of keying material of this very connection.
        dialler: Who dialled; both ids are inside, so that a proof can't be relayed.
        acceptor: Who was dialled.
    """
    return hmac.digest(key, role.value + exported + dialler + acceptor, "sha256")


def check_proof(
    proof: bytes, key: bytes, role: Role, exported: bytes, dialler: PeerId, acceptor: PeerId
) -> bool:
    """Tell whether `make_proof` with the same arguments gives that proof, in constant time."""
    return hmac.compare_digest(proof, make_proof(key, role, exported, dialler, acceptor))


def _check_name(name: str) -> None:
    if not name:
        raise BadRoom("a room needs a name.")
    if not name.isprintable():
        raise BadRoom("a room name has printable characters only.")
    if name != name.strip():
        raise BadRoom("a room name has no blank at its ends.")
    if not unicodedata.is_normalized("NFC", name):
        raise BadRoom("a room name is written in composed characters (Unicode NFC).")
    size_bytes = len(name.encode())
    if size_bytes > ROOM_LIMIT_BYTES:
        raise BadRoom(f"room name of {size_bytes} bytes, the limit is {ROOM_LIMIT_BYTES}.")

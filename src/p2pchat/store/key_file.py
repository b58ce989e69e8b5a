"""The file that keeps an identity.

Three lines of text: the version, the seed in hex, the beginning of a hash over both. A file
that is not exactly that is set aside under another name, never overwritten: somebody may
still be able to save the key in it. Who calls holds the lock of the folder.
"""

from __future__ import annotations

import errno
import hmac
import os
import re
import stat
import sys
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Final

from p2pchat.crypto.identity import Identity
from p2pchat.errors import IdentityUnreadable, ProfileError
from p2pchat.store.durable import create_durably, move_without_replacing, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_VERSION: Final = 1
_CHECK_BYTES: Final = 8
_FILE_LIMIT_BYTES: Final = 4096
"""Far more than the 110 bytes of a key file; whatever is larger is none."""

_FORMAT: Final = re.compile(
    rb"(?P<checked>p2pchat key 1\nseed (?P<seed>[0-9a-f]{64})\n)check (?P<check>[0-9a-f]{16})\n"
)
_NEWER: Final = re.compile(rb"p2pchat key ([2-9]|[1-9][0-9]{1,3})\n")

_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_or_create(
    path: Path, random_bytes: Callable[[int], bytes] = os.urandom
) -> tuple[Identity, tuple[str, ...]]:
    """Return the identity in the file, or a new one that is in the file from now on.

    Returns:
        The identity, with what the user should be told: nothing, or that a damaged
        file was set aside.

    Raises:
        IdentityUnreadable: Others may read the file, or it can't be read or understood.
        ProfileError: A new key can't be written.
    """
    content = _read(path)
    if content is None:
        return _create(path, random_bytes), ()
    identity = _parse(content)
    if identity is not None:
        return identity, ()
    if _NEWER.match(content):
        raise IdentityUnreadable(
            f"{path} was written by a newer p2pchat. Update p2pchat, or choose another "
            "profile with --profile NAME."
        )
    aside = _set_aside(path)
    message = f"the key file was damaged; it was set aside as {aside}, and you have a new key."
    return _create(path, random_bytes), (message,)


def _create(path: Path, random_bytes: Callable[[int], bytes]) -> Identity:
    identity = Identity.generate(random_bytes)
    try:
        create_durably(path, _format(identity))
    except OSError as error:
        raise ProfileError(
            f"the new key can't be written to {path}: {error.strerror}. "
            "Make room there, or start with --ephemeral to keep nothing."
        ) from error
    return identity


def _format(identity: Identity) -> bytes:
    checked = f"p2pchat key {_VERSION}\nseed {identity.seed.hex()}\n".encode()
    return checked + b"check " + _check(checked) + b"\n"


def _check(checked: bytes) -> bytes:
    return blake2b(checked, digest_size=_CHECK_BYTES).hexdigest().encode()


def _parse(content: bytes) -> Identity | None:
    found = _FORMAT.fullmatch(content)
    if found is None or not hmac.compare_digest(_check(found["checked"]), found["check"]):
        return None
    return Identity(bytes.fromhex(found["seed"].decode()))


def _read(path: Path) -> bytes | None:
    """Return the content up to a length that no key file has; None without a file."""
    # Non-blocking, because to open a named pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        _check_access(path, os.fstat(descriptor))
        return os.read(descriptor, _FILE_LIMIT_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> IdentityUnreadable:
    # A file that the disk does not give us may still be whole: it is not set aside.
    if error.errno == errno.ELOOP:
        return IdentityUnreadable(f"{path} is a symbolic link. Put the key file itself there.")
    return IdentityUnreadable(f"{path} can't be read: {error.strerror}.")


def _check_access(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise IdentityUnreadable(f"{path} is not a file. Move it away.")
    if sys.platform == "win32":
        return  # there the folder of the user is closed to others by default
    if status.st_uid != os.geteuid():
        raise IdentityUnreadable(
            f"{path} belongs to another user. Whoever wrote it knows the key: move it away."
        )
    if status.st_mode & _OPEN_TO_OTHERS:
        raise IdentityUnreadable(
            f"{path} is open to other users, who may have read your key. "
            f"If you trust them: chmod 600 {path}"
        )


def _set_aside(path: Path) -> Path:
    for number in count(1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        try:
            move_without_replacing(path, aside)
            sync_folder(path.parent)
        except FileExistsError:
            continue
        except OSError as error:
            raise IdentityUnreadable(
                f"{path} is damaged and can't be set aside: {error.strerror}. Move it away."
            ) from error
        return aside
    raise AssertionError("count() never ends")

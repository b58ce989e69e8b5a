"""The file that keeps an identity, with or without a passphrase.

A file that is not exactly what `key_text` writes is set aside under another name, never
overwritten: somebody may still be able to save the key in it. Who writes holds the lock of the
folder.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from itertools import count
from typing import TYPE_CHECKING, Final

from p2pchat.crypto.identity import Identity
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.errors import IdentityUnreadable, ProfileError
from p2pchat.store.durable import (
    create_durably,
    move_without_replacing,
    remove_left_over,
    replace_durably,
    sync_folder,
)
from p2pchat.store.key_text import is_of_newer_version, read_key, write_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FILE_LIMIT_BYTES: Final = 4096
"""Far more than the 300 bytes of a key file; whatever is larger is none."""

_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_or_create(
    path: Path,
    random_bytes: Callable[[int], bytes] = os.urandom,
    passphrase: str | None = None,
) -> tuple[Identity | SealedKey, tuple[str, ...]]:
    """Return the key in the file, or a new one that is in the file from now on.

    Args:
        path: Where it is, or is to be.
        random_bytes: Draws a new one.
        passphrase: Under which a new one is sealed, so that it is never on the disk as it is;
            that takes a sixth of a second.

    Returns:
        The key, with what the user should be told: nothing, or that a damaged file was set aside.

    Raises:
        IdentityUnreadable: Others may read the file, or it can't be read or understood.
        ProfileError: A new key can't be written.
        BadSecret: The passphrase for a new key is none.
    """
    # A run that was killed may have left a key there that has no passphrase.
    remove_left_over(path)
    content = _read(path)
    if content is None:
        return _create(path, random_bytes, passphrase), ()
    key = _understood(path, content)
    if key is not None:
        return key, ()
    aside = _set_aside(path)
    message = f"the key file was damaged; it was set aside as {aside}, and you have a new key."
    return _create(path, random_bytes, passphrase), (message,)


def look_at(path: Path) -> Identity | SealedKey | None:
    """Return the key in the file, changing nothing; None without a file.

    Needs no lock: a file is replaced whole, so one state or the other is read.

    Raises:
        IdentityUnreadable: Others may read the file, or it can't be read or understood.
    """
    content = _read(path)
    if content is None:
        return None
    key = _understood(path, content)
    if key is None:
        raise IdentityUnreadable(f"{path} is damaged. The next start sets it aside.")
    return key


def replace(path: Path, key: Identity | SealedKey) -> None:
    """Put a key into the place of the one in the file; a crash leaves either.

    Raises:
        ProfileError: It can't be written; the old file is still there.
    """
    try:
        replace_durably(path, write_key(key))
    except OSError as error:
        raise ProfileError(
            f"the key can't be written to {path}: {error.strerror}. The old file is still there."
        ) from error


def _create(
    path: Path, random_bytes: Callable[[int], bytes], passphrase: str | None
) -> Identity | SealedKey:
    identity = Identity.generate(random_bytes)
    key = identity if passphrase is None else seal_key(identity, passphrase)
    try:
        create_durably(path, write_key(key))
    except OSError as error:
        raise ProfileError(
            f"the new key can't be written to {path}: {error.strerror}. "
            "Make room there, or start with --ephemeral to keep nothing."
        ) from error
    return key


def _understood(path: Path, content: bytes) -> Identity | SealedKey | None:
    """Return the key; None when the content is damaged."""
    key = read_key(content)
    if key is None and is_of_newer_version(content):
        raise IdentityUnreadable(
            f"{path} was written by a newer p2pchat. Update p2pchat, or choose another "
            "profile with --profile NAME."
        )
    if isinstance(key, SealedKey) and not key.is_bearable:
        # Whole, so it is not set aside; and whoever wrote it wants our memory and our time.
        raise IdentityUnreadable(
            f"{path} asks for more memory or time than any p2pchat takes to open a key. Put your "
            "own key file there."
        )
    return key


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

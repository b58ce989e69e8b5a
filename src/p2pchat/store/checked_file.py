"""Small files of text that are whole or not believed.

Three parts: what it is with the version, the content in JSON on one line, the beginning of a hash
over both. The program goes on without a file, whatever is wrong with it, and says so. A damaged
file is set aside; one that others could have written is not believed. Who calls holds the lock of
the folder.
"""

from __future__ import annotations

import errno
import hmac
import os
import re
import stat
import sys
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from p2pchat.store.durable import move_without_replacing, replace_durably, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Value = TypeVar("Value")

_VERSION: Final = 1
_CHECK_BYTES: Final = 16
_HEADER_LIMIT_BYTES: Final = 64
_ASIDES_LIMIT: Final = 9
"""Damaged files that are kept of what is precious; the last of them gives way."""

_REPLACED: Final = "was open to other users; a new one is begun"
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class _Unusable(Exception):
    """Why a file is not used, in words."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of such files."""

    word: str
    """What stands in the first line, one word of lower-case letters."""
    title: str
    """What it is called to the user, in the singular."""
    limit_bytes: int
    """Larger files are not read."""
    is_precious: bool = False
    """Whether there may be something in it that can't be learnt again.

    Then no file is replaced that can't be used, and damaged ones are kept beside each other."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Value]):
    """What came of reading a file."""

    value: Value | None
    """None without a file that can be used."""
    messages: tuple[str, ...] = ()
    """What the user should be told, a line each."""
    may_replace: bool = True
    """Whether nothing is lost when the file is written anew; otherwise it should be left alone."""


def load(path: Path, kind: FileKind, parse: Callable[[bytes], Value | None]) -> Loaded[Value]:
    """Read a file.

    Args:
        path: Where it is; it may not be there.
        kind: What it is.
        parse: Reads the content, which is what was written; returns None where it is not valid.
    """
    try:
        content = _read(path, kind)
        if content is None:
            return Loaded(None)
        value = _parse(content, kind, parse)
    except _Unusable as problem:
        return Loaded(None, (str(problem),), may_replace=not kind.is_precious)
    return Loaded(value) if value is not None else _set_aside(path, kind)


def save(path: Path, kind: FileKind, content: str) -> str | None:
    """Write a file in the place of the old one; waits for the disk.

    Args:
        path: Where it is, in a folder that is there.
        kind: What it is.
        content: One line.

    Returns:
        What to tell the user when it could not be written, else None. Then the old file is still
        there, and the next attempt may succeed.
    """
    try:
        if _is_newer(path, kind):
            return f"{path} was written by a newer p2pchat; what is learnt now is not saved."
        replace_durably(path, with_check(kind, content))
    except OSError as error:
        return unsaved(kind, error)
    return None


def unsaved(kind: FileKind, error: OSError) -> str:
    """Return what to tell the user about a file that could not be written."""
    return f"{kind.title} could not be saved ({error.strerror}); the last one is kept."


def with_check(kind: FileKind, content: str) -> bytes:
    """Return the whole file around a content of one line."""
    begun = f"p2pchat {kind.word} {_VERSION}\n{content}\n".encode()
    return begun + b"check " + _check(begun) + b"\n"


def _check(begun: bytes) -> bytes:
    return blake2b(begun, digest_size=_CHECK_BYTES).hexdigest().encode()


def _parse(content: bytes, kind: FileKind, parse: Callable[[bytes], Value | None]) -> Value | None:
    if _names_newer(content, kind):
        raise _Unusable(f"{kind.title} was written by a newer p2pchat; it is left as it is.")
    start = re.escape(f"p2pchat {kind.word} {_VERSION}\n").encode()
    found = re.fullmatch(b"(" + start + b"([^\n]*)\n)check ([0-9a-f]{32})\n", content)
    if found is None or not hmac.compare_digest(_check(found[1]), found[3]):
        return None
    return parse(found[2])


def _names_newer(content: bytes, kind: FileKind) -> bool:
    newer = rf"p2pchat {kind.word} ([2-9]|[1-9][0-9]{{1,3}})\n".encode()
    return re.match(newer, content) is not None


def _is_newer(path: Path, kind: FileKind) -> bool:
    try:
        descriptor = _open(path)
    except OSError:
        return False  # what can't be read is replaced, or is in the way of that
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        return _names_newer(os.read(descriptor, _HEADER_LIMIT_BYTES), kind)
    finally:
        os.close(descriptor)


def _read(path: Path, kind: FileKind) -> bytes | None:
    """Return the content; None without a file, and nothing of one that is too large to be one."""
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, kind, error) from error
    try:
        status = os.fstat(descriptor)
        _check_access(path, kind, status)
        if status.st_size > kind.limit_bytes:
            return b""
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(kind.limit_bytes + 1)
    except OSError as error:
        raise _unusable(path, kind, error) from error
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    # Non-blocking, because to open a named pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0))


def _unusable(path: Path, kind: FileKind, error: OSError) -> _Unusable:
    # A file that the disk does not give us may still be whole: it is not set aside.
    if error.errno == errno.ELOOP:
        return _Unusable(f"{kind.title} {path} is a symbolic link; it is not used.")
    return _Unusable(f"{kind.title} {path} can't be read ({error.strerror}); it is not used.")


def _check_access(path: Path, kind: FileKind, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable(f"{kind.title} {path} is not a file; it is not used.")
    if sys.platform == "win32":
        return  # there the folder of the user is closed to others by default
    if status.st_uid != os.geteuid() or status.st_mode & _OPEN_TO_OTHERS:
        rest = "is open to other users; it is not used" if kind.is_precious else _REPLACED
        raise _Unusable(f"{kind.title} {path} {rest}.")


def _set_aside(path: Path, kind: FileKind) -> Loaded[Value]:
    try:
        aside = _move_aside(path, _ASIDES_LIMIT if kind.is_precious else 1)
        sync_folder(path.parent)
    except OSError as error:
        problem = f"{kind.title} {path} is damaged and can't be set aside: {error.strerror}."
        return Loaded(None, (problem,), may_replace=not kind.is_precious)
    return Loaded(None, (f"{kind.title} was damaged; it was set aside as {aside}.",))


def _move_aside(path: Path, limit: int) -> Path:
    first = path.with_name(f"{path.name}.damaged")
    names = [first, *(path.with_name(f"{first.name}-{number}") for number in range(2, limit + 1))]
    for aside in names[:-1]:
        try:
            move_without_replacing(path, aside)
        except FileExistsError:
            continue
        return aside
    return path.replace(names[-1])

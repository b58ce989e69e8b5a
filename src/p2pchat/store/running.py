"""How the nodes of one user on one machine find each other: a small file for each that runs.

`PID-PORT-TOKEN.json` tells where a node listens; beside it `PID-PORT-TOKEN.lock` is locked for as
long as that is true, whatever becomes of the process. Which room it is in is told by a mark that
only members can read, made with the room's discovery key. The token makes each name one that
nobody uses again: so whoever gets the lock of a node that is told of may remove both files, and
can't hit another node that has started meanwhile. The lock has a file of its own, because on
Windows what is locked can't be read.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import stat
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from p2pchat.core.values import PEER_ID_BYTES, Address, PeerId
from p2pchat.errors import BadAddress
from p2pchat.store.durable import replace_durably
from p2pchat.store.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from p2pchat.crypto.room import Room

MARK_BYTES: Final = 8
"""Enough to tell rooms apart."""

FILE_LIMIT_BYTES: Final = 1024
"""Larger files are none of ours; the longest host name and the rest have less than 500 bytes."""

NODES_LIMIT: Final = 256
"""Files that are looked at in one go, by name."""

UNFINISHED_S: Final = 60.0
"""A file that tells of no node is removed when it is so old: younger ones may be in the making."""

_SPARE_FOLDER: Final = ".run"
"""Among the profiles; no profile can have that name."""

_NAME: Final = re.compile(
    r"(?P<stem>[1-9][0-9]{0,9}-[1-9][0-9]{0,4}-[0-9a-f]{16})\.(?P<kind>json|json\.new|lock)"
)
_PEER: Final = re.compile(rf"[0-9a-f]{{{2 * PEER_ID_BYTES}}}")
_MARK: Final = re.compile(rf"[0-9a-f]{{{2 * MARK_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Running:
    """A node that runs on this machine as this user, by its own account."""

    pid: int
    host: str
    """As it is bound; `""`, `::` and `0.0.0.0` mean all of the machine's addresses."""
    port: int
    peer: PeerId
    stem: str = ""
    """The name of its files, which is in no other mark."""
    mark: bytes = b""

    def is_in(self, room: Room) -> bool:
        """Tell whether it is in that room; who does not know the room's secret can't tell."""
        return hmac.compare_digest(self.mark, mark_of(room, self.stem))


class RunningNode:
    """The announcement that a node runs; it ends with `release` or with the process."""

    def __init__(self, folder: Path) -> None:
        """Announce nothing yet.

        Args:
            folder: What `run_folder` returned.
        """
        self._folder = folder
        self._stem = ""
        self._lock: FileLock | None = None

    def __enter__(self) -> RunningNode:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def announce(self, host: str, port: int, peer: PeerId, room: Room) -> str | None:
        """Tell the other nodes of this user where this one listens, in the place of what was told.

        Returns:
            What to tell the user when it could not be done, else None.
        """
        self.release()
        pid = os.getpid()
        self._stem = f"{pid}-{port}-{secrets.token_hex(8)}"
        node = Running(pid, host, port, peer, self._stem, mark_of(room, self._stem))
        try:
            # Locked before there is anything to read, or it could be taken for a dead one.
            self._lock = FileLock(self._path("lock"))
            replace_durably(self._path("json"), _format(node))
        except OSError as error:
            self.release()
            return f"other nodes on this machine will not find this one ({error.strerror})."
        return None

    def release(self) -> None:
        """Take the announcement back; a second call does nothing."""
        if self._lock is None:
            return
        _unlink(self._path("json"))
        self._lock.release()
        self._lock = None
        _unlink(self._path("lock"))

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self._stem}.{kind}"


def mark_of(room: Room, stem: str) -> bytes:
    """Return what tells the other nodes of a room that this one is in it, and nobody else."""
    return hmac.digest(room.discovery_key, stem.encode(), "sha256")[:MARK_BYTES]


def others(folder: Path | None, pid: int, port: int) -> list[Running]:
    """Return the other nodes that run, of whatever room; what dead ones left is removed.

    Rarely a dead one is among them, while somebody else is removing it.

    Args:
        folder: What `run_folder` returned; None for nowhere.
        pid: Our process.
        port: Where we listen: with the process, who is not another one.
    """
    if folder is None:
        return []
    own = f"{pid}-{port}-"
    found = []
    for stem, kinds in _stems(folder):
        if stem.startswith(own) or not _is_held(folder, stem, kinds):
            continue
        node = _read(folder, stem)
        if node is not None and stem.startswith(f"{node.pid}-{node.port}-"):
            found.append(node)
    return found


def run_folder(profiles: Path, override: Path | None = None) -> Path | None:
    """Return the folder of the running nodes of this user, which is made when it is not there.

    The runtime folder of the system's customs, else one among the profiles; None when no folder
    is safe, that is of this user and closed to all others.

    Args:
        profiles: The folder that holds the profiles.
        override: The only one to be considered.
    """
    for folder in run_folders(profiles) if override is None else (override,):
        with suppress(OSError):
            if _is_made_safe(folder):
                return folder
    return None


def run_folders(profiles: Path) -> tuple[Path, ...]:
    """Return where the files of running nodes may be, the best place first."""
    # Imported here, because whoever names a folder does not need it.
    from platformdirs import user_runtime_path  # noqa: PLC0415

    spare = profiles / _SPARE_FOLDER
    with warnings.catch_warnings():
        # It warns when there is no runtime folder and it makes one up in a folder of everybody.
        warnings.simplefilter("error")
        try:
            return user_runtime_path("p2pchat", appauthor=False), spare
        except Warning:
            return (spare,)


def _is_made_safe(folder: Path) -> bool:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(folder.parent, stat.S_IWGRP | stat.S_IWOTH, follow=True):
        return False
    folder.mkdir(mode=0o700, exist_ok=True)
    return _is_ours(folder, stat.S_IRWXG | stat.S_IRWXO, follow=False)


def _is_ours(folder: Path, forbidden: int, *, follow: bool) -> bool:
    status = folder.stat() if follow else folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if sys.platform == "win32":
        return True  # there the folders of the user are closed to others by default
    return status.st_uid == os.geteuid() and not status.st_mode & forbidden


def _stems(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Return the names of nodes, each with the kinds of files that there are of it."""
    stems: dict[str, set[str]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found:
                stems.setdefault(found["stem"], set()).add(found["kind"])
    return islice(sorted(stems.items()), NODES_LIMIT)


def _is_held(folder: Path, stem: str, kinds: set[str]) -> bool:
    """Tell whether a node runs; removes what is left when it does not."""
    if "json" not in kinds and _is_in_the_making(folder, stem, kinds):
        return False
    lock_file = folder / f"{stem}.lock"
    try:
        lock = FileLock(lock_file)
    except BlockingIOError:
        return "json" in kinds
    except OSError:
        return False
    for kind in ("json", "json.new"):
        _unlink(folder / f"{stem}.{kind}")
    lock.release()
    _unlink(lock_file)
    return False


def _is_in_the_making(folder: Path, stem: str, kinds: set[str]) -> bool:
    try:
        made = min((folder / f"{stem}.{kind}").lstat().st_mtime for kind in kinds)
    except OSError:
        return True  # it is gone, or has another name by now
    return time.time() - made < UNFINISHED_S


def _unlink(path: Path) -> None:
    # What can't be removed now is removed by the next who looks.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _format(node: Running) -> bytes:
    fields = {
        "pid": node.pid,
        "port": node.port,
        "host": node.host,
        "id": node.peer.hex(),
        "room": node.mark.hex(),
    }
    return json.dumps(fields).encode() + b"\n"


def _read(folder: Path, stem: str) -> Running | None:
    """Return what a file tells; None when it is not exactly what `announce` writes."""
    # Non-blocking, because to open a named pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(folder / f"{stem}.json", flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        content = _content(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return _parse(content, stem)


def _content(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_LIMIT_BYTES:
        return b""
    return os.read(descriptor, FILE_LIMIT_BYTES)


def _parse(content: bytes, stem: str) -> Running | None:
    try:
        fields = json.loads(content)
        pid, port = _number(fields["pid"], 2**31), _number(fields["port"], 2**16)
        peer, mark = _hex(fields["id"], _PEER), _hex(fields["room"], _MARK)
        return Running(pid, _host(fields["host"]), port, PeerId(peer), stem, mark)
    except (ValueError, TypeError, KeyError, RecursionError, BadAddress):
        return None


def _number(value: Any, limit: int) -> int:
    if type(value) is not int or not 1 <= value < limit:  # bool is an int to isinstance
        raise ValueError
    return value


def _hex(value: Any, pattern: re.Pattern[str]) -> bytes:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return bytes.fromhex(value)


def _host(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    # What a host is, the addresses know.
    return Address.parse(str(Address(value, 1))).host

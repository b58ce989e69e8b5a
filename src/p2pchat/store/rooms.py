"""The private rooms that a user is in: a file for each, so that he finds them again by name.

They belong to him and not to a profile, for whichever profile is free opens them. A file's name
begins with a hash of the room's: so one that can't be read any more is known to be missing, and
nobody ends up in the open room of that name instead.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from p2pchat.core.invites import INVITE_ADDRESSES, InvitePlace
from p2pchat.core.values import PEER_ID_BYTES, Address, PeerId
from p2pchat.crypto.room import Room
from p2pchat.errors import BadAddress, BadRoom, RoomUnreadable
from p2pchat.store.checked_file import FileKind, load, save, unsaved
from p2pchat.store.durable import sync_folder
from p2pchat.store.lock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_NAME: Final = ".rooms"
"""Among the profiles; no profile can have that name."""

FILE_LIMIT_BYTES: Final = 16 * 1024
"""Larger files are not read; the fullest has 4 KiB."""

LOCK_TIMEOUT_S: Final = 5.0
_LOCK_AGAIN_S: Final = 0.02
"""How long to wait for somebody else who writes, which takes milliseconds, and how often to try."""

_LOCK_FILE: Final = "lock"

_KIND: Final = FileKind("room", "the file of a private room", FILE_LIMIT_BYTES, is_precious=True)
"""Without the secret in it nobody gets into the room again."""

_NAME: Final = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}(?P<aside>\.damaged.*)?")
_LONGEST_PROFILE: Final = 64


@dataclass(frozen=True, slots=True)
class KnownRoom:
    """A room with its secret, and what helps to come together there."""

    room: Room
    places: tuple[InvitePlace, ...] = ()
    """Where its people were when the invite was made."""
    profile: str | None = None
    """Who founded it: an invite names that profile's key ..."""
    port: int | None = None
    """... at that port."""


class KnownRooms:
    """Reads and writes them; a call waits for the disk."""

    def __init__(self, profiles: Path) -> None:
        """Open nothing yet.

        Args:
            profiles: The folder that holds the profiles of this user.
        """
        self._folder = profiles / FOLDER_NAME

    def named(self, name: str) -> tuple[KnownRoom, ...]:
        """Return the private rooms of that name; several, when he has been invited to several.

        Raises:
            RoomUnreadable: There was one, and its file can't be used.
        """
        found: list[KnownRoom] = []
        problems: list[str] = []
        try:
            files = self._files(f"{_digits(name)}-")
        except OSError as error:
            raise RoomUnreadable(name, f"{self._folder}: {error.strerror}.") from error
        for path in files:
            known, problem = _read_file(path)
            if known is not None and known.room.name == name:
                found.append(known)
            problems += problem
        if problems and not found:
            raise RoomUnreadable(name, problems[0])
        return tuple(found)

    def names(self) -> frozenset[str]:
        """Return the names of all private rooms that can be read."""
        with suppress(OSError):
            read = (_read_file(path)[0] for path in self._files(""))
            return frozenset(known.room.name for known in read if known is not None)
        return frozenset()

    def keep(self, known: KnownRoom) -> str | None:
        """Remember a room from now on, or what has changed about it.

        Returns:
            What to tell the user when it could not be written, else None.
        """
        path = self._folder / _file_name(known.room)
        try:
            if not self._folder.is_dir():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(self._folder.parent)
            lock = _locked(self._folder / _LOCK_FILE)
        except OSError as error:
            return unsaved(_KIND, error)
        try:
            if load(path, _KIND, _read).value == known:
                return None
            return save(path, _KIND, _write(known))
        finally:
            lock.release()

    def _files(self, beginning: str) -> list[Path]:
        """Return the files whose names begin so; none where nothing was ever kept.

        Raises:
            OSError: The folder can't be read.
        """
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        return [self._folder / name for name in sorted(names) if name.startswith(beginning)]


def _locked(path: Path) -> FileLock:
    """Wait until no other p2pchat writes: many terminals may be started with one invite.

    Raises:
        OSError: The lock can't be had, or not within LOCK_TIMEOUT_S.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return FileLock(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOCK_AGAIN_S)


def _read_file(path: Path) -> tuple[KnownRoom | None, tuple[str, ...]]:
    """Return the room, or what is wrong with its file."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        return None, ()  # what a killed process had begun to write
    if named["aside"]:
        return None, (f"{_KIND.title} was damaged; what is left of it is in {path}.",)
    loaded = load(path, _KIND, _read)
    return loaded.value, loaded.messages


def _file_name(room: Room) -> str:
    return f"{_digits(room.name)}-{room.network_id.hex()[:16]}"


def _digits(name: str) -> str:
    return blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


# --- Content ----------------------------------------------------------------------------------


def _write(known: KnownRoom) -> str:
    assert known.room.secret is not None, "an open room needs no memory"
    fields = {
        "room": known.room.name,
        "secret": known.room.secret.hex(),
        "places": [[p.peer.hex(), [str(a) for a in p.addresses]] for p in known.places],
        "profile": known.profile,
        "port": known.port,
    }
    return json.dumps(fields, separators=(",", ":"))


def _read(content: bytes) -> KnownRoom | None:
    """Return what was written; None for anything else."""
    try:
        fields = json.loads(content)
        room = Room(_text(fields["room"]), bytes.fromhex(_text(fields["secret"])))
        places = tuple(map(_place, fields["places"]))
        profile, port = fields["profile"], fields["port"]
        if len(places) > INVITE_ADDRESSES or not _is_profile(profile) or not _is_port(port):
            return None
        return KnownRoom(room, places, profile, port)
    except (ValueError, TypeError, KeyError, RecursionError, BadRoom, BadAddress):
        return None


def _place(fields: Any) -> InvitePlace:
    peer, addresses = fields
    key = bytes.fromhex(_text(peer))
    if len(key) != PEER_ID_BYTES or len(addresses) > INVITE_ADDRESSES:
        raise ValueError
    return InvitePlace(PeerId(key), tuple(Address.parse(_text(a)) for a in addresses))


def _is_profile(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST_PROFILE)


def _is_port(value: Any) -> bool:
    return value is None or (type(value) is int and 1 <= value <= 65_535)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value

"""Who somebody is on this machine: a folder that one process at a time may use."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from p2pchat.core.limits import NICK_LIMIT_CHARACTERS
from p2pchat.core.values import PeerId
from p2pchat.crypto.identity import Identity
from p2pchat.crypto.sealed_key import SealedKey, seal_key
from p2pchat.errors import IdentityUnreadable, PassphraseNeeded, ProfileError, ProfileInUse
from p2pchat.store import key_file
from p2pchat.store.durable import replace_durably
from p2pchat.store.lock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_NAME: Final = "default"
EPHEMERAL_NAME: Final = "ephemeral"

PROFILES_LIMIT: Final = 1000
"""How many names are tried for the first free one; more terminals than anybody opens."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOLDER_MODE: Final = 0o700
_KEY_FILE: Final = "key"
_LOCK_FILE: Final = "lock"
_NICK_FILE: Final = "nick"
_LAN_FILE: Final = "lan"
_LAN_AUTO: Final = b"auto\n"
_NICK_LIMIT_BYTES: Final = 4 * NICK_LIMIT_CHARACTERS


class Profile:
    """An identity with what is remembered about it; close it to let others have it.

    Where its key has a passphrase, only the public half is there until `open_key`.
    """

    def __init__(
        self,
        name: str,
        key: Identity | SealedKey,
        folder: Path | None = None,
        lock: FileLock | None = None,
        messages: tuple[str, ...] = (),
    ) -> None:
        self.name: Final = name
        self.peer: Final = key.peer
        """The public half of its key."""
        self._key = key
        self._has_passphrase = isinstance(key, SealedKey)
        self.folder: Final = folder
        """Where it is kept; None for an ephemeral one."""
        self.messages = messages
        """What the user should be told about the opening, a line each."""
        self._lock = lock
        self._nick = None if folder is None else _read_nick(folder / _NICK_FILE)

    @property
    def is_sealed(self) -> bool:
        """Whether its key waits for the passphrase."""
        return isinstance(self._key, SealedKey)

    @property
    def has_passphrase(self) -> bool:
        """Whether its key is under a passphrase on the disk."""
        return self._has_passphrase

    @property
    def identity(self) -> Identity:
        """Its key pair.

        Raises:
            PassphraseNeeded: It was not opened yet.
        """
        if isinstance(self._key, SealedKey):
            raise PassphraseNeeded(self.name)
        return self._key

    def open_key(self, passphrase: str) -> bool:
        """Open a key that is sealed; tell whether that is its passphrase.

        Takes a sixth of a second and 64 MiB, so call it in a thread.

        Raises:
            BadSecret: That is no passphrase at all.
        """
        if isinstance(self._key, SealedKey):
            self._key = self._key.open_(passphrase) or self._key
        return not self.is_sealed

    def set_passphrase(self, passphrase: str | None) -> None:
        """Write the key, which is open, anew: under a passphrase, or without one for None.

        Takes as long as opening it. A crash leaves the old file or the new one.

        Raises:
            BadSecret: That is no passphrase at all.
            ProfileError: It can't be written, or nothing of this profile is kept.
        """
        if self.folder is None:
            raise ProfileError("nothing of an ephemeral profile is kept, its key neither.")
        key = self.identity if passphrase is None else seal_key(self.identity, passphrase)
        key_file.replace(self.folder / _KEY_FILE, key)
        self._has_passphrase = passphrase is not None

    @property
    def nick(self) -> str | None:
        """The nick saved last; None when there is none, or none that can be read."""
        return self._nick

    @property
    def joins_lan(self) -> bool:
        """Whether its user wants to join whoever is on the LAN, because he did so before."""
        if self.folder is None:
            return False
        try:
            return (self.folder / _LAN_FILE).read_bytes()[: len(_LAN_AUTO) + 1] == _LAN_AUTO
        except OSError:
            return False

    def save_joins_lan(self) -> str | None:
        """Remember that he wants to; return what to tell him when it could not be kept."""
        if self.folder is None or self.joins_lan:
            return None
        try:
            replace_durably(self.folder / _LAN_FILE, _LAN_AUTO)
        except OSError as error:
            return f"that could not be saved ({error.strerror}); next time say connect again."
        return None

    def save_nick(self, nick: str) -> str | None:
        """Remember a nick for the next start.

        Args:
            nick: One that is allowed; it counts for this run even when it can't be kept.

        Returns:
            What to tell the user when it could not be kept, else None.
        """
        self._nick = nick
        if self.folder is None:
            return None
        try:
            replace_durably(self.folder / _NICK_FILE, f"{nick}\n".encode())
        except OSError as error:
            return f"the nick could not be saved ({error.strerror}); it counts until you leave."
        return None

    def close(self) -> None:
        """Let other processes have the profile; a second call does nothing."""
        if self._lock is not None:
            self._lock.release()


def default_folder() -> Path:
    """Return the folder that holds the profiles of this user, by the system's customs."""
    # Imported here, because whoever names a folder does not need it.
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path("p2pchat", appauthor=False)


def open_profile(name: str | None, folder: Path, passphrase: str | None = None) -> Profile:
    """Lock a profile, which is made when it is not there.

    A key that has a passphrase stays sealed until `open_key`.

    Args:
        name: Which one; None for the first that is free of `default`, `default-2` and so on.
        folder: The one that holds all profiles, each in a folder of its name.
        passphrase: Under which a key is sealed that has to be made.

    Raises:
        ProfileInUse: The one asked for is used by another process.
        IdentityUnreadable: Its key can't be trusted or read.
        ProfileError: The name is none, or the folder can't be used.
    """
    passed_over: list[str] = []
    if name is not None:
        profile = _open(_checked(name), folder, passphrase)
    else:
        profile = _open_first_free(folder, passphrase, passed_over)
    if not profile.has_passphrase:
        profile.messages += _notes_without_passphrase(
            profile, folder, passed_over, was_given=passphrase is not None
        )
    return profile


def _open_first_free(folder: Path, passphrase: str | None, passed_over: list[str]) -> Profile:
    for number in range(1, PROFILES_LIMIT + 1):
        candidate = DEFAULT_NAME if number == 1 else f"{DEFAULT_NAME}-{number}"
        try:
            return _open(candidate, folder, passphrase)
        except ProfileInUse:
            passed_over.append(candidate)
    raise ProfileError(f"all of {PROFILES_LIMIT} profiles in {folder} are in use.")


def _notes_without_passphrase(
    profile: Profile, folder: Path, passed_over: list[str], *, was_given: bool
) -> tuple[str, ...]:
    """Tell whoever counts on a passphrase that the key he gets has none."""
    remedy = f"To give it one: p2pchat id --profile {profile.name} --set-passphrase"
    for name in passed_over:
        with suppress(IdentityUnreadable):  # whoever uses it was told
            if isinstance(key_file.look_at(folder / name / _KEY_FILE), SealedKey):
                return (
                    f"profile {name}, whose key has a passphrase, is in use. This is profile "
                    f"{profile.name}, somebody else, whose key has none. {remedy}",
                )
    if was_given:
        return (f"the key of profile {profile.name} has no passphrase. {remedy}",)
    return ()


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be seen of a profile without its passphrase, while others use it."""

    name: str
    folder: Path
    peer: PeerId
    nick: str | None
    """The one saved last."""
    has_passphrase: bool


def glance_at(name: str, folder: Path) -> Glance | None:
    """Look at a profile, changing nothing; None when there is none of that name, or no key in it.

    Raises:
        IdentityUnreadable: Its key can't be trusted or read.
        ProfileError: The name is none.
    """
    own = folder / _checked(name)
    key = key_file.look_at(own / _KEY_FILE)
    if key is None:
        return None
    return Glance(name, own, key.peer, _read_nick(own / _NICK_FILE), isinstance(key, SealedKey))


def open_ephemeral() -> Profile:
    """Make a profile that leaves nothing on disk."""
    return Profile(EPHEMERAL_NAME, Identity.generate())


def _checked(name: str) -> str:
    # Letters that every file system takes, so that a name is never a path.
    if not _NAME.fullmatch(name):
        raise ProfileError(
            f"{name!r} can't be the name of a profile: 1 to 64 letters, digits, - or _ can."
        )
    return name


def _open(name: str, profiles: Path, passphrase: str | None) -> Profile:
    folder = profiles / name
    lock = _lock(name, folder)
    try:
        key, messages = key_file.load_or_create(folder / _KEY_FILE, passphrase=passphrase)
        return Profile(name, key, folder, lock, messages)
    except BaseException:
        lock.release()
        raise


def _lock(name: str, folder: Path) -> FileLock:
    try:
        _make_private(folder)
        return FileLock(folder / _LOCK_FILE)
    except BlockingIOError:
        raise ProfileInUse(name) from None
    except OSError as error:
        raise ProfileError(
            f"the profile folder {folder} can't be used: {error.strerror}. "
            "Start with --ephemeral to keep nothing."
        ) from error


def _make_private(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    if sys.platform != "win32" and folder.stat().st_mode & 0o077:
        folder.chmod(_FOLDER_MODE)


def _read_nick(path: Path) -> str | None:
    # A nick is a convenience: without a usable one the program makes one up.
    try:
        with path.open("rb") as file:
            text = file.read(_NICK_LIMIT_BYTES + 2).decode()
    except (OSError, UnicodeDecodeError):
        return None
    nick = text.removesuffix("\n")
    return nick if 0 < len(nick) <= NICK_LIMIT_CHARACTERS and nick.isprintable() else None

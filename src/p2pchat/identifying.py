"""`p2pchat id`: who somebody is on this machine, and the passphrase of his key."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from p2pchat.core.values import Person
from p2pchat.errors import (
    BadPassphrase,
    BadUsage,
    ProfileError,
    ProfileInUse,
    WrongPassphrase,
)
from p2pchat.id_flags import KeyChange
from p2pchat.key_input import FLAG, STANDARD_INPUT, ask_for_new, ask_to_open, read_passphrase
from p2pchat.launch import tell
from p2pchat.nicks import check_nick, default_nick
from p2pchat.secret_input import cost_of_guessing
from p2pchat.settings import Settings
from p2pchat.stdio import StandardOutput
from p2pchat.store.profile import (
    DEFAULT_NAME,
    Glance,
    Profile,
    default_folder,
    glance_at,
    open_profile,
)
from p2pchat.ui.ndjson_answers import encode_identity
from p2pchat.ui.plain import lines_of_identity

EXIT_FAILED: Final = 1

NEW_FLAG: Final = "--new-passphrase-file"


async def identify(settings: Settings, change: KeyChange, new_file: str | None = None) -> int:
    """Print who the user of a profile is, after changing its key file; return the exit code.

    Without a change nothing is written, and others may use the profile meanwhile.

    Args:
        settings: Of the run; without a profile the first one is meant.
        change: What to do first.
        new_file: Where the passphrase to set stands, - for standard input; None to ask for it.

    Raises:
        BadNick, BadPassphrase, BadUsage: A setting breaks the rules, or they contradict each other.
        ProfileError: The profile is not there, in use, or its key can't be read or opened.
    """
    if settings.ephemeral:
        raise BadUsage("an ephemeral profile is a new one each time: there is nothing to show")
    if new_file is not None and change is not KeyChange.SET_PASSPHRASE:
        raise BadUsage(f"{NEW_FLAG} goes with --set-passphrase")
    name, folder = settings.profile or DEFAULT_NAME, default_folder()
    notes: list[str] = []
    match change:
        case KeyChange.SET_PASSPHRASE:
            notes = await _set_passphrase(settings, name, folder, new_file)
        case KeyChange.REMOVE_PASSPHRASE:
            notes = await _remove_passphrase(settings, _known(name, folder), folder)
    return await _print(settings, _known(name, folder), notes)


def _known(name: str, folder: Path) -> Glance:
    seen = glance_at(name, folder)
    if seen is None:
        raise ProfileError(
            f"there is no profile {name} yet. It is made when p2pchat starts with it, or with a "
            f"passphrase from the beginning: p2pchat id --profile {name} --set-passphrase"
        )
    return seen


# --- Changes ----------------------------------------------------------------------------------


async def _set_passphrase(
    settings: Settings, name: str, folder: Path, new_file: str | None
) -> list[str]:
    """Seal the key; return what its user should know."""
    seen = glance_at(name, folder)
    has_one = seen is not None and seen.has_passphrase
    given = _given(settings, new_file, has_one=has_one)
    if seen is None:
        # Asked for before the key is made: so it is never on the disk without.
        passphrase = given or ask_for_new(name)
        guess_s = _cpu_s(lambda: _make(name, folder, passphrase))
    else:
        with closing(_locked(name, folder)) as profile:
            await _open(profile, settings)
            passphrase = given or ask_for_new(name)
            guess_s = _cpu_s(lambda: profile.set_passphrase(passphrase))
    notes = [
        f"the key of profile {name} has this passphrase from now on. Every start asks for it, and "
        "nobody can give it back to you."
    ]
    if seen is not None and not has_one:
        notes += _notes_on_remains(folder / name)
    cost = cost_of_guessing(passphrase, guess_s, "whoever gets the file")
    return notes if cost is None else [*notes, f"{cost}."]


def _given(settings: Settings, new_file: str | None, *, has_one: bool) -> str | None:
    """Return the passphrase to set; None to ask for it."""
    if new_file is None:
        # That of the key: the one that it has, or else the one that it gets.
        return None if has_one else settings.passphrase
    if new_file == STANDARD_INPUT == settings.passphrase_file:
        raise BadUsage(f"only one of {FLAG} and {NEW_FLAG} can be standard input")
    try:
        return read_passphrase(new_file, NEW_FLAG)
    except BadPassphrase as error:
        raise BadUsage(f"{NEW_FLAG}: {error}") from None


def _make(name: str, folder: Path, passphrase: str) -> None:
    with closing(_locked(name, folder, passphrase)) as profile:
        if not profile.has_passphrase:  # somebody made it meanwhile
            profile.set_passphrase(passphrase)


def _notes_on_remains(own: Path) -> list[str]:
    notes = ["the disk may hold the old file until something else is written there."]
    asides = sorted(path.name for path in own.glob("key.damaged-*"))
    if asides:
        notes.append(f"{', '.join(asides)} in {own} may hold a key without a passphrase.")
    return notes


async def _remove_passphrase(settings: Settings, seen: Glance, folder: Path) -> list[str]:
    """Keep the key as it is; return what its user should know."""
    with closing(_locked(seen.name, folder)) as profile:
        if not profile.has_passphrase:
            return [f"the key of profile {seen.name} has no passphrase."]
        await _open(profile, settings)
        profile.set_passphrase(None)
    return [f"the key of profile {seen.name} has no passphrase any more."]


def _locked(name: str, folder: Path, passphrase: str | None = None) -> Profile:
    try:
        return open_profile(name, folder, passphrase)
    except ProfileInUse:
        raise ProfileError(
            f"profile {name} is in use: leave that p2pchat first, then change its passphrase."
        ) from None


async def _open(profile: Profile, settings: Settings) -> None:
    if not profile.is_sealed:
        return
    if settings.passphrase is None:
        await ask_to_open(profile)
    elif not profile.open_key(settings.passphrase):
        raise WrongPassphrase(profile.name)


def _cpu_s(doing: Callable[[], object]) -> float:
    """Do it; return the seconds of a core that it took, so that a busy machine does not count."""
    began_s = time.process_time()
    doing()
    return time.process_time() - began_s


# --- Printing ---------------------------------------------------------------------------------


async def _print(settings: Settings, seen: Glance, notes: list[str]) -> int:
    """Print the identity for whoever reads standard output, the notes for people."""
    nick = check_nick(settings.nick) if settings.nick is not None else seen.nick
    me = Person(seen.peer, nick or default_nick(seen.peer))
    has_passphrase = seen.has_passphrase
    if settings.json:
        now = datetime.now(UTC)
        lines = [
            encode_identity(me, seen.name, str(seen.folder), now, has_passphrase=has_passphrase)
        ]
    else:
        lines = lines_of_identity(me, seen.name, str(seen.folder), has_passphrase=has_passphrase)
    output = StandardOutput()
    output.write("".join(f"{line}\n" for line in lines))
    await output.flush()
    tell(notes, settings)
    return EXIT_FAILED if output.broken.is_set() else 0

"""The passphrase of a key as its user gives it: in a file, on standard input, at a prompt.

Never among arguments or variables, which other programs of the machine may read.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from p2pchat.crypto.passphrase import check_passphrase
from p2pchat.errors import (
    BadPassphrase,
    BadSecret,
    BadUsage,
    PassphraseNeeded,
    ProfileError,
    WrongPassphrase,
)
from p2pchat.private_input import private_line
from p2pchat.secret_input import LINE_LIMIT_BYTES, content_of, only_line
from p2pchat.settings import Settings

if TYPE_CHECKING:
    from p2pchat.store.profile import Profile

TRIES: Final = 3
"""How often somebody at a terminal may mistype before the program ends."""

FLAG: Final = "--passphrase-file"
STANDARD_INPUT: Final = "-"


def with_passphrase_file(settings: Settings) -> Settings:
    """Read what `--passphrase-file` names; a terminal is asked only once that is needed.

    Raises:
        BadPassphrase: It can't be read, others can, or there is no passphrase in it.
        BadUsage: Standard input is wanted twice.
    """
    file = settings.passphrase_file
    if file is None:
        return settings
    if file == STANDARD_INPUT and file in (settings.secret_file, settings.invite_file):
        raise BadUsage(f"only one of {FLAG}, --secret-file and --invite-file can be standard input")
    return replace(settings, passphrase=read_passphrase(file, FLAG))


def read_passphrase(file: str, flag: str) -> str | None:
    """Return what stands in a file; None for standard input where that is a terminal.

    Raises:
        BadPassphrase: It can't be read, others can, or there is no passphrase in it.
    """
    if file == STANDARD_INPUT and sys.stdin.isatty():
        return None
    try:
        if file == STANDARD_INPUT:
            return _passphrase(private_line("", LINE_LIMIT_BYTES))
        return _passphrase(content_of(Path(file), flag))
    except BadSecret as error:
        raise BadPassphrase(error.why) from None


async def ask_to_open(profile: Profile) -> None:
    """Ask for the passphrase of a key that is sealed, until it opens.

    Raises:
        PassphraseNeeded: There is no terminal to ask at.
        WrongPassphrase: TRIES were in vain.
    """
    if not sys.stdin.isatty():
        raise PassphraseNeeded(profile.name)
    complaint = ""
    for _ in range(TRIES):
        question = f"{complaint}Passphrase of profile {profile.name} (it does not show): "
        if await _opens(profile, private_line(question, LINE_LIMIT_BYTES)):
            return
        complaint = "That is not it. "
    raise WrongPassphrase(profile.name)


async def _opens(profile: Profile, line: bytes) -> bool:
    try:
        passphrase = _passphrase(line)
    except BadSecret:
        return False  # nobody can have set that
    return await asyncio.to_thread(profile.open_key, passphrase)


def ask_for_new(profile: str) -> str:
    """Ask twice for a passphrase to set.

    Raises:
        BadUsage: There is no terminal to ask at.
        ProfileError: TRIES were in vain.
    """
    if not sys.stdin.isatty():
        raise BadUsage("without a terminal give the passphrase to set with --new-passphrase-file")
    complaint = ""
    for _ in range(TRIES):
        question = f"{complaint}New passphrase of profile {profile} (it does not show): "
        line = private_line(question, LINE_LIMIT_BYTES)
        try:
            passphrase = _passphrase(line)
        except BadSecret as error:
            complaint = f"{error.why.capitalize()}. "
            continue
        if private_line("Once more: ", LINE_LIMIT_BYTES) == line:
            return passphrase
        complaint = "These two differ. "
    raise ProfileError("no passphrase was typed the same twice. Nothing was changed.")


def _passphrase(line: bytes) -> str:
    return check_passphrase(only_line(line))

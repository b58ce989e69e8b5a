"""Invites as the command line gives them: an argument, a file, a line of standard input.

One with a secret makes whoever reads it a member for good, and arguments and variables of a
process may be read by other programs of the machine: there it is refused.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from p2pchat.core.invites import INVITE_LIMIT_CHARACTERS, Invite
from p2pchat.core.values import Address
from p2pchat.errors import BadSettings, InviteExposed
from p2pchat.private_input import is_open_to_others, private_line
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings
from p2pchat.wire.invite import decode_invite, encode_invite, holds_secret, read_target


def check_target(text: str) -> str:
    """Return an address or invite from the command line in its usual spelling.

    Raises:
        BadAddress, BadInvite: It is neither.
        InviteExposed: It has a secret.
    """
    refuse_exposed({"on the command line": text})
    target = read_target(text)
    return str(target) if isinstance(target, Address) else encode_invite(target)


def refuse_exposed(texts: Mapping[str, str]) -> None:
    """Look for secrets in texts that others can read.

    Args:
        texts: By where each of them stands.

    Raises:
        InviteExposed: There is one; it is not repeated.
    """
    for where, text in texts.items():
        if holds_secret(text):
            raise InviteExposed(where)


def with_invite_file(settings: Settings) -> Settings:
    """Add the invite of `--invite-file` to what is connected to.

    Raises:
        BadInvite: What stands there is none.
        BadSettings: The file can't be read.
    """
    if settings.invite_file is None:
        return settings
    if settings.invite_file == "-":
        line = private_line("Invite (it does not show): ", INVITE_LIMIT_CHARACTERS)
        invite = decode_invite(line.decode("utf-8", "replace"))
    else:
        invite, is_open = _read_file(Path(settings.invite_file))
        if is_open and invite.has_secret and not settings.quiet:
            _warn(settings.invite_file)
    return replace(settings, connect=(*settings.connect, encode_invite(invite)))


def _read_file(file: Path) -> tuple[Invite, bool]:
    """Return the invite, and whether other users can read it as well."""
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(2 * INVITE_LIMIT_CHARACTERS)
            return decode_invite(text), is_open_to_others(stream.fileno())
    except OSError as error:
        raise BadSettings(f"{file}: can't be read ({error.strerror}).") from None


def _warn(file: str) -> None:
    name = visible_line(shlex.quote(file))
    sys.stderr.write(
        f"p2pchat: other users of this machine can read {name}, and whoever reads it is a member "
        f"for good: chmod 600 {name}, or remove it\n"
    )

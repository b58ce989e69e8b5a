"""The secret of a private room as its user gives it: in a file, on standard input, at a prompt.

Never among arguments or variables, which other programs of the machine may read.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from p2pchat.core.limits import PASSPHRASE_LIMIT_BYTES, ROOM_SECRET_BYTES
from p2pchat.crypto.passphrase import check_passphrase
from p2pchat.errors import BadSecret, BadUsage, SecretExposed
from p2pchat.private_input import is_open_to_others, private_line
from p2pchat.sanitize import visible_line
from p2pchat.settings import ENVIRONMENT_PREFIX, Settings
from p2pchat.wire.invite import is_like_invite

KEY_PREFIX: Final = "key:"
"""Before a secret of 128 bits, in 32 hex digits; anything else is a passphrase."""

WORDS_ENOUGH: Final = 6
CHARACTERS_ENOUGH: Final = 20
"""A passphrase below either is warned about; one without blanks is measured by its characters."""

_USUAL_PASSPHRASES: Final = 1_000_000
_RENTED_CORES: Final = 1_000
"""What somebody who guesses may try first, and with what."""

LINE_LIMIT_BYTES: Final = PASSPHRASE_LIMIT_BYTES + 8
"""Room for a byte order mark and the end of the line."""

_TAKE_NO_VALUE: Final = ("--set-passphrase", "--remove-passphrase")
"""Behind which somebody would write a passphrase; `id` takes no words, so that it can't be one."""

_WORDS: Final = ("SECRET", "PASSPHRASE", "PASSWORD")
"""What somebody would call the flag or variable that there is not."""


def refuse_exposed_secrets(arguments: Iterable[str], environment: Mapping[str, str]) -> None:
    """Refuse a secret where others can read it, before anything repeats it.

    Raises:
        SecretExposed: There is something that is called so; it is not repeated.
    """
    flags = [f"--{word.lower()}" for word in _WORDS]
    before = ""
    for argument in arguments:
        name, has_value, _ = argument.partition("=")
        if name in flags or (has_value and name in _TAKE_NO_VALUE):
            raise SecretExposed(name)
        if before in _TAKE_NO_VALUE and not argument.startswith("-"):
            raise SecretExposed(f"behind {before}")
        before = argument
    for word in _WORDS:
        if environment.get(ENVIRONMENT_PREFIX + word):
            raise SecretExposed(ENVIRONMENT_PREFIX + word)


def with_secret_file(settings: Settings) -> Settings:
    """Read what `--secret-file` names.

    Raises:
        BadSecret: It can't be read, others can, or there is no secret in it.
        BadUsage: Standard input is wanted twice.
    """
    if settings.secret_file is None:
        return settings
    if settings.secret_file != "-":
        content = content_of(Path(settings.secret_file), "--secret-file")
        return replace(settings, secret=parse_secret(content))
    if settings.invite_file == "-":
        raise BadUsage("only one of --secret-file and --invite-file can be standard input")
    of_room = f" of {settings.room}" if settings.room else ""
    line = private_line(f"Secret{of_room} (it does not show): ", LINE_LIMIT_BYTES)
    return replace(settings, secret=parse_secret(line))


def parse_secret(content: bytes) -> bytes | str:
    """Read a secret: 16 bytes that were drawn, or a passphrase.

    Args:
        content: Of a file; one newline at the end does not count.

    Raises:
        BadSecret: It is neither; nothing of it is repeated.
    """
    text = only_line(content)
    if is_like_invite(text):
        raise BadSecret("that is an invite, which goes to --invite-file")
    if text[: len(KEY_PREFIX)].lower() == KEY_PREFIX:
        return _key(text[len(KEY_PREFIX) :])
    return check_passphrase(text)


def only_line(content: bytes) -> str:
    """Return the one line of a file; one newline at the end does not count.

    Raises:
        BadSecret: It is longer than any passphrase, no text, or more than a line.
    """
    if len(content) > LINE_LIMIT_BYTES:
        raise BadSecret(f"it has more than {PASSPHRASE_LIMIT_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadSecret("it is not text in UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if "\n" in text:
        raise BadSecret("there is more than one line")
    return text


def _key(digits: str) -> bytes:
    wanted = 2 * ROOM_SECRET_BYTES
    if len(digits) == wanted and all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return bytes.fromhex(digits)
    raise BadSecret(f"{KEY_PREFIX} is followed by {wanted} hex digits, and nothing else")


def weakness(passphrase: str, guess_s: float) -> str | None:
    """Say what it costs to guess the short passphrase of a room; None for one that is long enough.

    Args:
        passphrase: One that was checked.
        guess_s: Seconds of one core that a guess took just now.
    """
    cost = cost_of_guessing(passphrase, guess_s, "whoever a member dials")
    if cost is None:
        return None
    return f"{cost}, or a room with a secret of its own: p2pchat invite --new-room NAME"


def cost_of_guessing(passphrase: str, guess_s: float, guesser: str) -> str | None:
    """Say what it costs to guess a short passphrase; None for one that is long enough."""
    words = passphrase.split()
    is_short = len(passphrase) < CHARACTERS_ENOUGH or 1 < len(words) < WORDS_ENOUGH
    if not is_short:
        return None
    count = f"{len(words)} words" if len(words) > 1 else f"{len(passphrase)} characters"
    minutes = _USUAL_PASSPHRASES * guess_s / _RENTED_CORES / 60
    return (
        f"a passphrase of {count} may be guessed by {guesser}. A guess costs one core "
        f"{guess_s:.2f} s: {_RENTED_CORES:,} rented cores try the million most usual ones in "
        f"{minutes:.0f} minutes. Better: {WORDS_ENOUGH} words drawn by dice"
    )


# --- Files ------------------------------------------------------------------------------------


def content_of(file: Path, flag: str) -> bytes:
    """Return the content of a file that a flag names, or a little more of it than a secret has.

    Raises:
        BadSecret: It can't be read, or other users can.
    """
    # The name is not repeated: it may be the secret, given in the wrong place.
    try:
        with file.open("rb") as stream:
            if is_open_to_others(stream.fileno()):
                name = visible_line(shlex.quote(str(file)))
                raise BadSecret(f"other users can read or change its file. chmod 600 {name}")
            return stream.read(LINE_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise BadSecret(f"{flag} names a file, which can't be read ({why})") from None

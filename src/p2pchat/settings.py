"""Settings of one run: flags, environment, file and defaults meet here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from p2pchat.core.invites import INVITE_SCHEME
from p2pchat.core.limits import STORE_MINUTES
from p2pchat.errors import BadSettings

ENVIRONMENT_PREFIX: Final = "P2PCHAT_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run of the program was asked to do; defaults as documented in `--help`."""

    nick: str | None = None
    host: str = ""
    port: int | None = None
    room: str | None = None
    """None for the one of an invite, else the lobby."""
    profile: str | None = None
    ephemeral: bool = False
    manual: bool = False
    lan: bool = False
    no_map: bool = False
    guests: str = "local"
    backlog: int = 10
    connect: tuple[str, ...] = ()
    """Addresses and invites; one with a secret never comes from a flag or a variable."""
    invite_file: str | None = None
    """Where an invite stands, - for standard input."""
    secret_file: str | None = None
    """Where the secret of a private room stands, - for standard input."""
    secret: bytes | str | None = field(default=None, repr=False)
    """What stood there: 16 bytes, or a passphrase. Comes from nowhere else."""
    passphrase_file: str | None = None
    """Where the passphrase of the key stands, - for standard input."""
    passphrase: str | None = field(default=None, repr=False)
    """What stood there. Comes from nowhere else."""
    json: bool = False
    plain: bool = False
    stay: bool = False
    listen: bool = False
    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    log_file: str | None = None


_NEVER_TEXT: Final = frozenset({"secret", "passphrase"})
"""What nobody can set by a flag, a variable or the settings file."""

_CHOICES: Final = {
    "guests": ("local", "any", "off"),
    "color": ("auto", "redgreen", "blue", "off"),
}
_MOST: Final = {"port": 65_535, "backlog": STORE_MINUTES}
_DIGITS: Final = 9
"""Most digits of a number; Python refuses to read thousands of them by an error of its own."""

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def merged(
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    file: Path | None,
    *,
    is_named: bool = False,
) -> Settings:
    """Return the settings: flag before environment before file before default.

    Args:
        flags: Those that were given, by field name.
        environment: Of the process; `P2PCHAT_NICK` sets `nick`, and so on.
        file: A TOML file with the field names as keys; one that is not there is no error,
            unless it was named.
        is_named: Whether the user asked for that very file.

    Raises:
        BadSettings: With the place and what is wrong.
    """
    given: dict[str, object] = {}
    if file is not None:
        given |= _from_file(file, is_named=is_named)
    given |= _from_environment(environment)
    given |= {name: tuple(v) if isinstance(v, list) else v for name, v in flags.items()}
    return replace(Settings(), **given)  # type: ignore[arg-type]  # checked by name and type


def ours(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are meant for this program."""
    return {
        variable: text
        for variable, text in sorted(environment.items())
        if variable.startswith(ENVIRONMENT_PREFIX)
    }


def _from_file(file: Path, *, is_named: bool) -> dict[str, object]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        if is_named:
            raise BadSettings(f"{file}: there is no such file.") from None
        return {}
    except (OSError, UnicodeError) as error:
        raise BadSettings(f"{file}: can't be read ({error}).") from None
    return _from_text(text, str(file))


def _from_text(text: str, place: str) -> dict[str, object]:
    import tomllib  # noqa: PLC0415 - few have such a file

    try:
        read = tomllib.loads(text)
    except RecursionError:
        raise BadSettings(f"{place}: that is nested too deeply.") from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise BadSettings(f"{place}: {error}.") from None
    return {name: _checked(name, value, place) for name, value in read.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    given: dict[str, object] = {}
    for variable, text in ours(environment).items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name in _KINDS:
            given[name] = _checked(name, _KINDS[name](variable, text), variable)
    return given


def _as_text(_place: str, text: str) -> object:
    return text


def _as_number(place: str, text: str) -> object:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise BadSettings(f"{place}: expected a number, got {text!r}.")
    return int(text)


def _as_truth(place: str, text: str) -> object:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise BadSettings(f"{place}: expected true or false, got {text!r}.")


def _as_list(_place: str, text: str) -> object:
    return text.split()


_KINDS: Final[dict[str, Callable[[str, str], object]]] = {
    field.name: {
        "bool": _as_truth,
        "int | None": _as_number,
        "int": _as_number,
        "tuple[str, ...]": _as_list,
    }.get(str(field.type), _as_text)
    for field in fields(Settings)
    if field.name not in _NEVER_TEXT
}


def _checked(name: str, value: Any, place: str) -> object:
    if name not in _KINDS:
        raise BadSettings(f"{place}: there is no setting {name!r}.")
    match _KINDS[name], value:
        case kind, bool() if kind is _as_truth:
            return value
        case kind, bool():
            pass
        case kind, int() if kind is _as_number:
            if not 0 <= value <= _MOST[name]:
                raise BadSettings(f"{place}: {name} must be 0-{_MOST[name]}, got {value}.")
            return value
        case kind, str() if kind is _as_text:
            if name in _CHOICES and value not in _CHOICES[name]:
                choices = ", ".join(_CHOICES[name])
                raise BadSettings(f"{place}: {name} must be one of {choices}; got {_shown(value)}.")
            return value
        case kind, list() if kind is _as_list and all(isinstance(v, str) for v in value):
            return tuple(value)
    raise BadSettings(f"{place}: {_shown(value)} does not fit {name!r}.")


def _shown(value: object) -> str:
    """Repeat a value, unless an invite is in it, which may have a secret."""
    shown = repr(value)
    return "that invite" if INVITE_SCHEME in shown.lower() else shown

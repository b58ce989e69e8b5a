"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from p2pchat import argument, core_dumps
from p2pchat.errors import (
    BadAddress,
    BadInvite,
    BadNick,
    BadPassphrase,
    BadRoom,
    BadSecret,
    BadSettings,
    BadUsage,
    InviteExposed,
    P2PChatError,
    SecretExposed,
)
from p2pchat.id_flags import KeyChange, add_id_flags
from p2pchat.node_flags import add_front_flags, add_node_flags
from p2pchat.sanitize import visible_line
from p2pchat.settings import Settings, merged, ours
from p2pchat.simulation_flags import add_simulation_flags, add_sweep_flags
from p2pchat.version import version

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_CONFIG: Final = 78

COMMANDS: Final = {
    "listen": "show what is said and read no input",
    "send": "say one thing, and end when it has arrived",
    "invite": "print an invite to the room",
    "id": "print who you are, and set a passphrase for your key",
    "doctor": "look for what is wrong",
    "paths": "print where files are",
    "simulate": "let many nodes talk on a virtual clock, and measure it",
}

_SWEEP: Final = "simulate sweep"

_SETTINGS: Final[dict[type[P2PChatError], str]] = {
    BadNick: "nick",
    BadRoom: "room",
    BadAddress: "connect",
    BadInvite: "connect",
    BadSecret: "secret_file",
    BadPassphrase: "passphrase_file",
}
"""Which setting is wrong when one of these is raised."""

_SUSPECT: Final = re.compile(
    r"p2pchat://|^--(?:(?:set-|remove-)?passphrase|secret|password)\b", re.IGNORECASE | re.M
)
"""Where a secret may stand among the arguments."""

_UNKNOWN_COMMAND: Final = re.compile(r"argument COMMAND: invalid choice: (['\"])(.*)\1 \(choose")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program as the command line asks; return the exit code."""
    _stand_in_for_closed_streams()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        _refuse_exposed(words)
    except (InviteExposed, SecretExposed) as error:
        return _fail(error, EXIT_USAGE)
    flags = dict(vars(make_parser().parse_args(_joined(words))))
    if flags.pop("version", False):
        return _print(f"{version()}\n")
    command = flags.pop("command", None)
    if command == "simulate":
        return _simulate(flags)
    if command == _SWEEP:
        return _sweep(flags)
    sending: dict[str, Any] = {
        name: flags.pop(name) for name in ("text", "to", "wait_acks", "timeout") if name in flags
    }
    change = flags.pop("change", KeyChange.NONE), flags.pop("new_passphrase_file", None)
    file = flags.pop("config", None)
    as_qr, new_room = flags.pop("qr", False), flags.pop("new_room", None)
    if command == "listen":
        flags["listen"] = True
    core_dumps.forbid()  # before any secret is in this process
    from p2pchat.invite_input import refuse_exposed  # noqa: PLC0415
    from p2pchat.secret_input import refuse_exposed_secrets  # noqa: PLC0415

    try:
        refuse_exposed(ours(os.environ))
        refuse_exposed_secrets((), os.environ)
        settings = merged(flags, os.environ, _config_file(file), is_named=file is not None)
        if command == "paths":
            from p2pchat.paths import listing  # noqa: PLC0415

            return _print(listing(settings.profile, _config_file(file)))
        settings = _with_files(settings, in_room=command != "id")
    except BadSettings as error:
        return _fail(error, EXIT_CONFIG)
    except BadSecret as error:
        return _fail(error, EXIT_USAGE if _SETTINGS[type(error)] in flags else EXIT_CONFIG)
    except (InviteExposed, SecretExposed, BadInvite, BadUsage) as error:
        return _fail(error, EXIT_USAGE)
    except KeyboardInterrupt:  # at the question for a secret
        return 130
    if command == "id":
        from p2pchat.identifying import identify  # noqa: PLC0415

        return _run(flags, lambda: identify(settings, *change))
    return _run(flags, lambda: _program(command, settings, sending, new_room, as_qr=as_qr))


def _refuse_exposed(words: Sequence[str]) -> None:
    """Refuse secrets among the arguments before anything can repeat them."""
    if not _SUSPECT.search("\n".join(words)):
        return
    from p2pchat.invite_input import refuse_exposed  # noqa: PLC0415
    from p2pchat.secret_input import refuse_exposed_secrets  # noqa: PLC0415

    refuse_exposed({"on the command line": "\n".join(words)})
    refuse_exposed_secrets(words, {})


def _with_files(settings: Settings, *, in_room: bool) -> Settings:
    """Read the files of secrets that are needed, or ask for what is in them."""
    from p2pchat.invite_input import with_invite_file  # noqa: PLC0415
    from p2pchat.key_input import with_passphrase_file  # noqa: PLC0415
    from p2pchat.secret_input import with_secret_file  # noqa: PLC0415

    settings = with_passphrase_file(settings)
    return with_invite_file(with_secret_file(settings)) if in_room else settings


def _program(
    command: str | None,
    settings: Settings,
    sending: Mapping[str, Any],
    new_room: str | None,
    *,
    as_qr: bool,
) -> Coroutine[Any, Any, int]:
    """Return what the command line asks for, not running yet."""
    match command:
        case "invite" if new_room is not None:
            from p2pchat.founding import found  # noqa: PLC0415

            return found(settings, new_room, as_qr=as_qr)
        case "send":
            from p2pchat.sending import send  # noqa: PLC0415

            acks, timeout_s = sending.get("wait_acks", 0), sending.get("timeout", 10.0)
            return send(settings, sending["text"], acks, timeout_s, sending.get("to"))
        case "invite":
            from p2pchat.inviting import invite  # noqa: PLC0415

            return invite(settings, as_qr=as_qr)
        case "doctor":
            from p2pchat.doctor import doctor  # noqa: PLC0415

            return doctor(settings)
        case _:
            from p2pchat.app import run  # noqa: PLC0415

            return run(settings, is_dumb=_is_dumb())


def _is_dumb() -> bool:
    return os.environ.get("TERM", "dumb" if os.name == "posix" else "") in ("dumb", "unknown")


def _run(flags: Mapping[str, object], program: Callable[[], Coroutine[Any, Any, int]]) -> int:
    try:
        # Imported here: `--help`, `--version` and wrong usage need none of it.
        import asyncio  # noqa: PLC0415

        return asyncio.run(program())
    except BadUsage as error:
        return _fail(error, EXIT_USAGE)
    except tuple(_SETTINGS) as error:
        return _fail(error, EXIT_USAGE if _SETTINGS[type(error)] in flags else EXIT_CONFIG)
    except P2PChatError as error:
        return _fail(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as group:
        if (known := group.subgroup(P2PChatError)) is not None:
            return _fail(known.exceptions[0], EXIT_FAILED)
        raise


def _joined(words: Sequence[str]) -> list[str]:
    # One word for argparse: as a command below another it would be looked for behind every flag
    # that does not exist, and complained of in its place.
    is_sweep = " ".join(words[:2]) == _SWEEP
    return [_SWEEP, *words[2:]] if is_sweep else list(words)


def _simulate(flags: dict[str, Any]) -> int:
    from p2pchat.simulate import as_json, as_text, simulate, wanted  # noqa: PLC0415

    write = as_json if flags.pop("json", False) else as_text
    try:
        outcome = simulate(wanted(flags))
    except BadSettings as error:
        return _fail(error, EXIT_USAGE)
    except KeyboardInterrupt:
        return 130
    return _print(write(outcome)) or (EXIT_FAILED if outcome.broken else 0)


def _sweep(flags: dict[str, Any]) -> int:
    from p2pchat.simulate import sweep, sweep_report  # noqa: PLC0415

    write = sweep_report.as_json if flags.pop("json", False) else sweep_report.as_text
    picture = flags.pop("svg", None)
    try:
        if picture is not None:
            Path(picture).touch()  # or somebody would wait half an hour to learn that it can't be
        outcome = sweep(flags)
        if picture is not None:
            Path(picture).write_text(sweep_report.as_svg(outcome), "utf-8")
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _fail(error, EXIT_FAILED)
    return _print(write(outcome)) or (EXIT_FAILED if sweep_report.broken(outcome) else 0)


def _stand_in_for_closed_streams() -> None:
    """Open what was closed before our start, or our first file would be taken for it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, stream)


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        # The stream still holds the text, and would try again when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return EXIT_FAILED
    return 0


def _fail(error: BaseException, code: int) -> int:
    sys.stderr.write(f"p2pchat: {visible_line(str(error))}\n")
    return code


def _config_file(given: str | None) -> Path:
    if given is not None:
        return Path(given)
    from p2pchat.paths import settings_file  # noqa: PLC0415

    return settings_file()


# --- Arguments --------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and with which code."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it does not return
        """End with exit code 2."""
        # argparse says "argument -p/--port: must be …"; people know the flag by its long name.
        brief = re.sub(r"^argument (?:-\w/)?(--[\w-]+): ", r"\1 ", visible_line(message))
        if (unknown := _UNKNOWN_COMMAND.match(brief)) is not None:
            brief = _instead_of(unknown[2])
        if "p2pchat://" in brief.lower():  # it repeats an argument, which may hold a secret
            brief = "an invite goes behind --connect, or into a file for --invite-file"
        end = "" if brief.endswith("?") else "."
        self.exit(EXIT_USAGE, f"p2pchat: {brief.rstrip('.')}{end} See p2pchat --help.\n")

    def print_help(self, file: object = None) -> None:
        """Print the help, as quietly as all else where nobody reads it."""
        _print(self.format_help())


def _instead_of(word: str) -> str:
    """Say what somebody may have meant who began with a word that is no command."""
    if re.search(r":\d+$", word):
        return f"to connect at start: p2pchat --connect {word}"
    import difflib  # noqa: PLC0415

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(COMMANDS)}"
    return f"there is no command {word}. {hint}"


def make_parser() -> argparse.ArgumentParser:
    """Build the parser; a flag that was not given leaves nothing behind."""
    parser = _Parser(
        prog="p2pchat",
        description="Serverless chat for the terminal. Start it in two terminals, then type "
        "in the second one: connect localhost:55555",
        epilog="Settings may also stand in P2PCHAT_* variables (P2PCHAT_NICK=ann) and in a "
        "TOML file; a flag wins over a variable, a variable over the file. "
        "Exit codes: 0 left normally, 1 could not start or nothing could be delivered, "
        "2 usage, 78 bad settings, 129, 130 and 143 ended by a signal.",
        argument_default=argparse.SUPPRESS,
    )
    add_node_flags(parser)
    add_front_flags(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="other commands")
    for name, what in COMMANDS.items():
        command = commands.add_parser(
            name, help=what, description=what, argument_default=argparse.SUPPRESS
        )
        if name == "simulate":
            add_simulation_flags(command)
            command.epilog = "p2pchat simulate sweep lets a share of many nodes die at once: see "
            command.epilog += "p2pchat simulate sweep --help"
            continue
        if name == "send":
            _add_send_flags(command)
        if name == "id":
            add_id_flags(command)
        if name == "invite":
            command.add_argument("--new-room", type=argument.room, metavar="NAME",
                help="make a private room with a secret of its own, and invite to it")  # fmt: skip
            command.add_argument("--qr", action="store_true", help="draw it as well, for a camera")
        add_node_flags(command)
        add_front_flags(command)
    what = "Let a share of many nodes die at once, and see whom broadcasts still reach."
    sweep = commands.add_parser(_SWEEP, description=what, argument_default=argparse.SUPPRESS)
    add_sweep_flags(sweep)
    return parser


def _add_send_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("text", type=argument.text, metavar="TEXT", help="what to say, exactly")
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--to", metavar="NAME",
        help="write to one person only: a nick, nick#digits or a whole key")  # fmt: skip
    whom.add_argument("--wait-acks", type=argument.count, metavar="N",
        help="succeed only when N people have acknowledged it")  # fmt: skip
    add("--timeout", type=argument.seconds, metavar="SECONDS",
        help="how long to wait for them, or for his receipt (default: 10)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

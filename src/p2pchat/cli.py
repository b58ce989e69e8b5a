"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from p2pchat import __version__
from p2pchat.core import limits
from p2pchat.core.values import Address
from p2pchat.errors import BadAddress, BadNick, BadRoom, BadSettings, P2PChatError
from p2pchat.nicks import check_nick
from p2pchat.settings import Settings, merged

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_CONFIG: Final = 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program as the command line asks; return the exit code."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    flags = dict(vars(given))
    if flags.pop("version", False):
        sys.stdout.write(f"{_version()}\n")
        return 0
    command = flags.pop("command", None)
    file = flags.pop("config", None)
    try:
        settings = merged(flags, os.environ, _config_file(file))
    except BadSettings as error:
        return _fail(error, EXIT_CONFIG)
    if command == "paths":
        return _print_paths(settings, _config_file(file))
    return _run(settings)


def _run(settings: Settings) -> int:
    # Imported here: `--help`, `--version` and wrong usage need none of it.
    from p2pchat.app import run  # noqa: PLC0415

    is_dumb = os.environ.get("TERM", "dumb" if os.name == "posix" else "") in ("dumb", "unknown")
    try:
        return asyncio.run(run(settings, is_dumb=is_dumb))
    except (BadNick, BadRoom, BadAddress) as error:
        return _fail(error, EXIT_USAGE)
    except P2PChatError as error:
        return _fail(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as group:
        if (known := group.subgroup(P2PChatError)) is not None:
            return _fail(known.exceptions[0], EXIT_FAILED)
        raise


def _fail(error: BaseException, code: int) -> int:
    sys.stderr.write(f"p2pchat: {error}\n")
    return code


def _version() -> str:
    import platform  # noqa: PLC0415

    python = f"Python {platform.python_version()}"
    return f"p2pchat {__version__} ({python}, {platform.system()}, protocol {_protocols()})"


def _protocols() -> str:
    return str(limits.PROTOCOL_HIGHEST)


def _config_file(given: str | None) -> Path:
    if given is not None:
        return Path(given)
    from platformdirs import user_config_path  # noqa: PLC0415

    return user_config_path("p2pchat", appauthor=False) / "config.toml"


def _print_paths(settings: Settings, config: Path) -> int:
    from p2pchat.store.profile import default_folder  # noqa: PLC0415

    folder = default_folder()
    name = settings.profile or "default"
    sys.stdout.write(
        f"settings   {config}\n"
        f"profiles   {folder}\n"
        f"key        {folder / name / 'key'}\n"
        f"nick       {folder / name / 'nick'}\n"
        f"log        {folder / name / 'log.txt'}\n"
    )
    return 0


# --- Arguments --------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and with which code."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it does not return
        """End with exit code 2."""
        # argparse says "argument -p/--port: must be …"; people know the flag by its long name.
        brief = re.sub(r"^argument (?:-\w/)?(--[\w-]+): ", r"\1 ", message)
        self.exit(EXIT_USAGE, f"p2pchat: {brief.rstrip('.')}. See p2pchat --help.\n")


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
    parser.add_argument(
        "command", nargs="?", default=None, choices=["paths"], help="paths: print where files are"
    )
    _add_node_flags(parser)
    _add_front_flags(parser)
    return parser


def _add_node_flags(parser: argparse.ArgumentParser) -> None:
    node = parser.add_argument_group("the node")
    add = node.add_argument
    add(
        "-c",
        "--connect",
        action="append",
        type=_address,
        metavar="ADDRESS",
        help="connect at start; may be repeated",
    )
    add("-n", "--nick", type=_nick, help="what you are called")
    add(
        "-p",
        "--port",
        type=_port,
        metavar="PORT",
        help=f"port to listen on; 0 for any (default: {limits.DEFAULT_PORT}, or the next free one)",
    )
    add("--host", metavar="ADDRESS", help="address to listen on (default: all, IPv4 and IPv6)")
    add("-r", "--room", type=_room, metavar="NAME", help="room to be in (default: lobby)")
    add("--profile", metavar="NAME", help="which identity (default: the first free one)")
    add("--ephemeral", action="store_true", help="a fresh identity, nothing is kept on disk")
    add("--manual", action="store_true", help="connect only where I say")
    add("--guests", choices=["local", "any", "off"],
        help="who may take part by plain lines, such as netcat (default: local)")  # fmt: skip


def _add_front_flags(parser: argparse.ArgumentParser) -> None:
    front = parser.add_argument_group("input and output")
    add = front.add_argument
    add("--json", action="store_true", help="one JSON object a line on standard output")
    add("--plain", action="store_true", help="linear text: no toolbar, no cursor movement")
    add("--stay", action="store_true", help="go on when standard input has ended")
    add(
        "--color",
        choices=["auto", "redgreen", "blue", "off"],
        help="colours of nicks, corrected for red-green or blue blindness, or none",
    )
    add("-q", "--quiet", action="store_true", help="no narration on standard error")
    add("-v", "--verbose", action="store_true", help="log more")
    add("--log-file", metavar="FILE", help="where to log (default: in the profile)")
    add("--config", metavar="FILE", help="settings file")
    add("-V", "--version", action="store_true", help="print version and protocol")  # fmt: skip


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"must be 0-65535, got {text}")
    return int(text)


def _nick(text: str) -> str:
    try:
        return check_nick(text)
    except BadNick as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def _address(text: str) -> str:
    try:
        return str(Address.parse(text))
    except BadAddress as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def _room(text: str) -> str:
    if not text or len(text.encode("utf-8", "replace")) > limits.ROOM_LIMIT_BYTES:
        raise argparse.ArgumentTypeError(f"a room name has 1 to {limits.ROOM_LIMIT_BYTES} bytes")
    return text


if __name__ == "__main__":
    sys.exit(main())

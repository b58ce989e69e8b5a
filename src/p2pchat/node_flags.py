"""The arguments that the program shares with its subcommands."""

from __future__ import annotations

import argparse

from p2pchat import argument
from p2pchat.core import limits


def add_node_flags(parser: argparse.ArgumentParser) -> None:
    """Add those that say what a node is to be."""
    node = parser.add_argument_group("the node")
    add = node.add_argument
    add(
        "-c",
        "--connect",
        action="append",
        type=argument.target,
        metavar="ADDRESS",
        help="connect at start, to an address or by an invite; may be repeated",
    )
    add("--invite-file", metavar="FILE",
        help="join by the invite in it; - reads it from standard input")  # fmt: skip
    add("-n", "--nick", type=argument.nick, help="what you are called")
    add(
        "-p",
        "--port",
        type=argument.port,
        metavar="PORT",
        help=f"port to listen on; 0 for any (default: {limits.DEFAULT_PORT}, or the next free one)",
    )
    add("--host", metavar="ADDRESS", help="address to listen on (default: all, IPv4 and IPv6)")
    add("-r", "--room", type=argument.room, metavar="NAME",
        help="room to be in, open or one of your private ones (default: lobby)")  # fmt: skip
    add(
        "--secret-file",
        metavar="FILE",
        help="secret of a private room: a passphrase, or key: and 32 hex digits; - asks for it",
    )
    add("--profile", metavar="NAME", help="which identity (default: the first free one)")
    add("--passphrase-file", metavar="FILE",
        help="passphrase of your key, if it has one; - asks for it")  # fmt: skip
    add("--ephemeral", action="store_true", help="a fresh identity, nothing is kept on disk")
    add("--manual", action="store_true", help="connect only where I say")
    add("--lan", action="store_true",
        help="tell this network that I am here, and join who is, without asking")  # fmt: skip
    add("--no-map", action="store_true", help="tell nobody who my neighbours are")
    add("--guests", choices=["local", "any", "off"],
        help="who may take part by plain lines, such as netcat (default: local)")  # fmt: skip
    add("--backlog", type=argument.minutes, metavar="MINUTES",
        help="how much of what was said before is shown; 0 for none (default: 10)")  # fmt: skip


def add_front_flags(parser: argparse.ArgumentParser) -> None:
    """Add those that say how people or programs meet it."""
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

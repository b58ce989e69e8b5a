"""What stands above the first line of the conversation."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from rich.text import Text

from p2pchat.core.values import short_fingerprint
from p2pchat.sanitize import visible_line

if TYPE_CHECKING:
    from p2pchat.core.notices import Listening


def banner(listening: Listening, version: str) -> list[Text]:
    """Build it, a line each."""
    nick = visible_line(listening.person.nick)
    peer = listening.person.id
    key = f" (key {short_fingerprint(peer)}-…)" if peer is not None else ""
    port = listening.address.port
    return [
        Text(f"p2pchat {version}   you are {nick}{key}"),
        Text(f"Listening for connection requests at {listening.address}"),
        Text(_who_can_read(listening)),
        Text(_how_to_connect(listening, port)),
        Text("/help lists the commands, exit leaves."),
    ]


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _who_can_read(listening: Listening) -> str:
    room = visible_line(listening.room)
    if listening.is_private:
        return f"{room}: private room, members only. /invite makes somebody a member."
    return (
        f"{room} is an open room: whoever is on this network can read it and write to it. "
        "For a private one: p2pchat invite --new-room NAME"
    )


def _how_to_connect(listening: Listening, port: int) -> str:
    bound = listening.address
    here = f"127.0.0.1:{port}" if bound.is_any else str(bound)
    elsewhere = [a for a in listening.reachable_at if not is_loopback(a.host)]
    if listening.is_manual:
        hint = f"no one here yet. In another terminal run p2pchat, and there type:  connect {here}"
        return f"{hint} (from another machine: connect {elsewhere[0]})" if elsewhere else hint
    if listening.is_private:
        return "no one here yet. Members find this node by themselves, or by their invite."
    hint = "no one here yet. Other terminals of this machine join by themselves"
    if not elsewhere:
        return f"{hint}."
    return f"{hint}; on another machine type:  connect {elsewhere[0]}"

"""Say one thing to a room and go: for cron, for the end of a build, for an alarm.

    .venv/bin/python examples/alert.py localhost:55555 "backup finished"
    make 2>&1 | tail -n 5 | .venv/bin/python examples/alert.py localhost:55555

Without a text it sends what it reads from standard input, as one message. It ends with 0 only
when a neighbour has confirmed that it handled the message; what is passed on from there, nobody
can promise.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from p2pchat import Node, P2PChatError


async def tell(address: str, text: str, nick: str) -> str | None:
    """Hand a message to one node; return what went wrong, if anything did."""
    async with Node(nick, "127.0.0.1", 0, ephemeral=True, manual=True) as node:
        try:
            await node.connect(address)
            node.announce(text)
        except P2PChatError as error:
            return f"alert: {error}"
        await node.drain()  # all that was announced is on its way
        confirmed = await node.leave()  # until it was handled there, a few seconds at most
    return None if confirmed else "alert: sent, but nobody confirmed it"


def main() -> None:
    parser = argparse.ArgumentParser(description="Say one thing to a room and go.")
    parser.add_argument("address", metavar="ADDRESS", help="a node of the room: host:port")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="default: standard input")
    parser.add_argument("--nick", default="alert")
    arguments = parser.parse_args()
    text = arguments.text if arguments.text is not None else sys.stdin.read().rstrip()
    if not text:
        sys.exit("alert: there is nothing to say")
    try:
        sys.exit(asyncio.run(tell(arguments.address, text, arguments.nick)))
    except P2PChatError as error:
        sys.exit(f"alert: {error}")


if __name__ == "__main__":
    main()
